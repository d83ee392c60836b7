"""`gateway run` as a newcomer starts it: one command, everything real."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from gateway.embedded import EmbeddedPostgres
from tests.faults.parts import free_port, reachable_folder

SCENES = ["1. ", "2. ", "3. ", "4. ", "5. ", "6. ", "7. ", "8. ", "9. "]
AT_PROVIDERS = [
    *("A payer chooses MoMo: POST", "MoMo's signed notification settles it"),
    *("A payer chooses VNPAY: POST", "VNPAY's signed notification settles it"),
    "A payer chooses ZaloPay, which takes the order and never answers",
    *("202 processing, certainty in_doubt", "may the payer pay again? no"),
    *("a bank tries the same bill: 409 bill_being_paid", "ZaloPay's notification is lost"),
    *("the resolver asks by our reference: succeeded", "evidence: guess says unknown → unknown"),
    "evidence: query says succeeded → succeeded",
]
"""What is shown of payments through providers, in this order."""
PARTS = [
    *("gateway.sandbox.billing_system", "gateway.worker", "gateway.app:create_app"),
    *("gateway.sandbox.momo", "gateway.sandbox.vnpay", "gateway.sandbox.zalopay"),
]
NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
# An ordinary user who may read what root keeps to itself, such as the interpreter in root's home.
READING = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
STARTS_ITSELF = "import subprocess, sys; subprocess.run([sys.executable, '-V'], check=True)"


@pytest.fixture
def state() -> Iterator[Path]:
    """A folder with a space in its name that the server's account can reach."""
    with reachable_folder() as folder:
        yield folder / "the state"


def command(state: Path, port: int, *more: str) -> list[str]:
    base = [sys.executable, "-m", "gateway", "run", "--data-dir", str(state)]
    return [*base, "--port", str(port), "--customers", "60", *more]


def play(state: Path, port: int) -> str:
    done = subprocess.run(
        command(state, port, "--exit"), capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_all_scenes_played(printed: str) -> None:
    assert [scene for scene in SCENES if f"\n{scene}" not in printed] == []
    rest = printed
    for line in AT_PROVIDERS:
        _, found, rest = rest.partition(line)
        assert found, f"not said, or not in its place: {line}\n{printed}"


def assert_no_server_is_left(state: Path) -> None:
    assert EmbeddedPostgres(state / "postgres").pid is None


@contextmanager
def staying(state: Path, port: int) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run until stopped; gives the process and what it printed until it was ready."""
    running = subprocess.Popen(command(state, port), stdout=subprocess.PIPE, text=True)
    try:
        printed = ""
        assert running.stdout is not None
        for line in running.stdout:
            printed += line
            if line.startswith("Running."):
                break
        yield running, printed
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGTERM)
        running.communicate(timeout=60)


def children_of(running: "subprocess.Popen[str]") -> list[psutil.Process]:
    """Give the parts of a run by what they run, so that none is missed."""
    children = psutil.Process(running.pid).children(recursive=True)
    lines = [" ".join(child.cmdline()) for child in children]
    for part in PARTS:
        assert any(part in line for line in lines), lines
    return children


def is_alive(child: psutil.Process) -> bool:
    """A zombie is not; whoever inherits orphans here may leave them so."""
    try:
        return child.is_running() and child.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_main_job_is_shown_twice_in_a_row(state: Path) -> None:
    for _ in range(2):
        assert_all_scenes_played(play(state, free_port()))
        assert_no_server_is_left(state)


def test_a_port_that_is_taken_is_said_and_the_next_free_one_used(state: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        assert f"Port {port} is taken; using " in play(state, port)


@pytest.mark.skipif(
    shutil.which("bash") is None or shutil.which("curl") is None, reason="needs bash and curl"
)
def test_the_three_lines_work_as_printed_and_an_interrupt_leaves_nothing_behind(
    state: Path,
) -> None:
    with staying(state, free_port()) as (running, printed):
        lines = re.findall(r"^curl .*$", printed, re.MULTILINE)
        answers = [subprocess.check_output(["bash", "-c", line], text=True) for line in lines]  # noqa: S607
        children = children_of(running)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert running.returncode == 0
    assert len(answers) == 3
    assert '"lookup_token"' in answers[0]
    assert '"status":"succeeded"' in answers[1]
    head, _, body = answers[2].partition("\n\n")
    assert " 201 " in head.split("\n", 1)[0]
    assert "idempotent-replayed: true" in head
    assert body.strip() == answers[1].strip()
    assert [child for child in children if is_alive(child)] == []
    assert_no_server_is_left(state)


def test_a_killed_parent_takes_its_children_along_and_the_next_run_works(state: Path) -> None:
    with staying(state, free_port()) as (running, _):
        children = children_of(running)
        os.kill(running.pid, signal.SIGKILL)
        until = time.monotonic() + 30
        while any(is_alive(child) for child in children):
            assert time.monotonic() < until
            time.sleep(0.1)
    # The server outlives its parent, so that nothing is recovered needlessly; the next run has it.
    assert_all_scenes_played(play(state, free_port()))
    assert_no_server_is_left(state)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_can_run_it(state: Path) -> None:
    state.mkdir()
    os.chown(state, NOBODY, NOBODY)
    for become in (AS_NOBODY, [*AS_NOBODY, *READING]):
        starts = [*become, sys.executable, "-c", STARTS_ITSELF]
        if subprocess.run(starts, check=False, capture_output=True).returncode == 0:
            break
    else:
        pytest.skip("the interpreter lies where others may not enter, and setpriv cannot help")
    done = subprocess.run(
        [*become, *command(state, free_port(), "--exit")],
        env={"PATH": os.environ["PATH"], "HOME": str(state)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert_all_scenes_played(done.stdout)
    assert {path.stat().st_uid for path in state.iterdir()} == {NOBODY}
