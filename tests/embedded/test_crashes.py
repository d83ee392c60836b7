"""Real processes killed at real moments, and files that lie."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from gateway.embedded import EmbeddedPostgres, EmbeddedPostgresError, Tuning, processes
from tests.embedded.stage import actor, bystander, fetch, owner_of, play

HOLD = "tell(server.start(), server.pid); sys.stdin.readline(); tell(server.stop())"


def until(path: Path, pattern: str) -> Path:
    """Wait for a file to appear; the test's own time limit ends the wait."""
    while True:
        for found in path.glob(pattern):
            return found
        time.sleep(0.002)


def kill(pid: int) -> None:
    process = psutil.Process(pid)
    process.kill()
    psutil.wait_procs([process], timeout=20)


@pytest.fixture(params=["stranger", "zombie"])
def claimed(request: pytest.FixtureRequest, place: Path) -> Iterator[int]:
    """A cluster that was stopped, whose lock files name a process that is no PostgreSQL."""
    with EmbeddedPostgres(place / "state") as server:
        data, sockets = server._data, server._socket_dir
    uid = owner_of(data)
    program = ["sleep", "60"] if request.param == "stranger" else ["true"]
    other = bystander(*program, uid=uid)
    while request.param == "zombie" and processes.is_alive(other.pid):
        time.sleep(0.002)
    for lock in (data / "postmaster.pid", sockets / ".s.PGSQL.5432.lock"):
        lock.write_text(f"{other.pid}\n{data}\n1\n5432\n{sockets}\n\n       1         1\nready\n")
        os.chown(lock, uid, -1)
    yield other.pid
    other.kill()
    other.wait()


async def test_a_pid_that_now_is_somebody_else_s_stops_no_start_and_gets_no_signal(
    claimed: int, place: Path
) -> None:
    before = processes.is_alive(claimed)
    server = EmbeddedPostgres(place / "state")
    assert server.pid is None
    with server:
        assert await fetch(server.url, "SELECT 1") == 1
        assert server.pid not in (None, claimed)
    assert processes.is_alive(claimed) is before


def test_stop_signals_no_stranger_that_the_lock_file_names(place: Path) -> None:
    server = EmbeddedPostgres(place / "state")
    server.start()
    kill(server.pid or 0)
    uid = owner_of(server._data)
    with bystander("sleep", "60", uid=uid) as stranger:
        (server._data / "postmaster.pid").write_text(f"{stranger.pid}\n{server._data}\n")
        assert server.stop() is False
        assert stranger.poll() is None
        stranger.kill()


def test_whoever_stands_in_the_directory_counts_as_living_there(place: Path) -> None:
    with bystander("sleep", "60", cwd=place) as occupant:
        (place / "postmaster.pid").write_text(f"{occupant.pid}\n")
        assert processes.inhabitants(place) == [occupant.pid]
        assert processes.postmaster(place) is None
        occupant.kill()
    assert processes.inhabitants(place) == []


def test_every_process_of_a_server_can_be_told_by_its_command_line(place: Path) -> None:
    with EmbeddedPostgres(place / "state") as server:
        living = [psutil.Process(pid) for pid in processes.inhabitants(server._data)]
        told = [processes.title(server._data) in " ".join(p.cmdline()) for p in living]
        assert len(told) > 3
        assert all(told)


async def test_a_killed_parent_leaves_a_server_that_the_next_start_joins(place: Path) -> None:
    script = "server.start(); run('CREATE TABLE paid AS SELECT 7 AS n'); tell(server.pid); "
    parent = actor(script + "sys.stdin.readline()", place / "state")
    assert parent.stdout is not None
    (pid,) = json.loads(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    server = EmbeddedPostgres(place / "state")
    server.start()
    assert server.pid == pid
    assert await fetch(server.url, "SELECT n FROM paid") == 7
    assert server.stop() is True, "the killed parent still counts as a user"


async def test_a_killed_postmaster_loses_nothing_that_was_committed(place: Path) -> None:
    with EmbeddedPostgres(place / "state") as server:
        await fetch(server.url, "CREATE TABLE paid AS SELECT 7 AS n")
        killed = server.pid or 0
        kill(killed)
        server.start()
        assert await fetch(server.url, "SELECT n FROM paid") == 7
        assert server.pid not in (None, killed)


def test_four_starters_at_once_make_one_cluster_and_one_server(place: Path) -> None:
    starters = [actor(HOLD, place / "new" / "state") for _ in range(4)]
    told = [json.loads(s.stdout.readline()) for s in starters if s.stdout is not None]
    ended = [s.communicate("go\n", timeout=60) for s in starters]
    assert len(told) == 4
    assert len({tuple(t) for t in told}) == 1
    assert sum(said.count("postgres.initialised") for _, said in ended) == 1
    assert sorted(out.strip() for out, _ in ended) == ["[false]"] * 3 + ["[true]"]


async def test_an_initdb_killed_half_way_is_made_good(place: Path) -> None:
    first = actor("server.start()", place / "state")
    until(place, "state/cluster.new-*/PG_VERSION")
    children = psutil.Process(first.pid).children(recursive=True)
    first.kill()
    for child in children:
        child.kill()
    first.communicate()
    psutil.wait_procs(children, timeout=20)
    assert not (place / "state" / "cluster").exists(), "initdb was faster than its killer"
    with EmbeddedPostgres(place / "state") as server:
        assert await fetch(server.url, "SELECT 1") == 1
    assert list((place / "state").glob("cluster.new-*")) == []


def test_a_forked_child_stops_nothing(place: Path) -> None:
    script = """
server.start()
child = os.fork()
if child == 0:
    os._exit(10 if server.stop() else 20)
tell(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), run("SELECT 1"), server.stop())
"""
    assert json.loads(play(script, place / "state")) == [20, 1, True]


def test_a_start_that_fails_quotes_the_server_and_leaves_no_user(place: Path) -> None:
    broken = EmbeddedPostgres(place / "state", tuning=Tuning(max_connections=0))
    with pytest.raises(EmbeddedPostgresError, match=r"max_connections.*GATEWAY_DATABASE_URL"):
        broken.start()
    assert broken.stop() is False
    sound = EmbeddedPostgres(place / "state")
    sound.start()
    assert sound.stop() is True


def test_a_cluster_of_another_major_version_is_refused(place: Path) -> None:
    with EmbeddedPostgres(place / "state") as server:
        version = server._data / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 17.* are 18\.\d"):
        server.start()
    version.write_text("18\n")
    assert server.start()
    assert server.stop() is True


def test_a_directory_with_other_files_is_refused_and_kept(place: Path) -> None:
    cluster = place / "state" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "letter.txt").write_text("mine")
    if os.geteuid() == 0:
        os.chown(cluster, 65534, 65534)
    with pytest.raises(EmbeddedPostgresError, match="holds files but no PostgreSQL cluster"):
        EmbeddedPostgres(place / "state").start()
    assert (cluster / "letter.txt").read_text() == "mine"
