"""`gateway run` as a newcomer starts it: one command, everything real."""

import os
import re
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

from tests.faults.processes import free_port

ROOT = Path(__file__).parents[1]
STARTS_ITSELF = "import subprocess, sys; subprocess.run([sys.executable, '-V'], check=True)"
SCENES = ["1. ", "2. ", "3. ", "4. ", "5. ", "6. "]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A folder with a space in its name that the server's account can reach."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    return tmp_path / "the state"


def command(state: Path, port: int, *more: str) -> list[str]:
    base = [sys.executable, "-m", "gateway", "run", "--data-dir", str(state)]
    return [*base, "--port", str(port), "--customers", "60", *more]


def play(state: Path, port: int) -> str:
    done = subprocess.run(
        command(state, port, "--exit"), capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


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


def test_the_main_job_is_shown_twice_in_a_row(state: Path) -> None:
    for _ in range(2):
        printed = play(state, free_port())
        assert [scene for scene in SCENES if f"\n{scene}" not in printed] == []


def test_a_port_that_is_taken_is_said_and_the_next_free_one_used(state: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        assert f"Port {port} is taken; using " in play(state, port)


def test_the_three_lines_work_as_printed_and_an_interrupt_leaves_nothing_behind(
    state: Path,
) -> None:
    with staying(state, free_port()) as (running, printed):
        lines = re.findall(r"^curl .*$", printed, re.MULTILINE)
        answers = [subprocess.check_output(["/bin/bash", "-c", line], text=True) for line in lines]
        children = psutil.Process(running.pid).children(recursive=True)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert len(answers) == 3
    assert '"lookup_token"' in answers[0]
    assert '"status":"succeeded"' in answers[1]
    assert "idempotent-replayed: true" in answers[2]
    assert children
    assert [child for child in children if child.is_running()] == []


def test_a_killed_parent_takes_its_children_along_and_the_next_run_works(state: Path) -> None:
    with staying(state, free_port()) as (running, _):
        children = psutil.Process(running.pid).children(recursive=True)
        os.kill(running.pid, signal.SIGKILL)
        until = time.monotonic() + 30
        while any(child.is_running() for child in children):
            assert time.monotonic() < until
            time.sleep(0.1)
    play(state, free_port())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_can_run_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    state = tmp_path_factory.mktemp("nobody")
    for folder in (state, *state.parents[:2]):
        folder.chmod(0o755)
    os.chown(state, 65534, 65534)
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*as_nobody, sys.executable, "-c", STARTS_ITSELF], check=False).returncode:
        pytest.skip("the interpreter lies in a folder that others may not enter")
    done = subprocess.run(
        [*as_nobody, *command(state / "state", free_port(), "--exit")],
        env={"PATH": os.environ["PATH"], "HOME": str(state)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
