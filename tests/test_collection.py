"""What pytest-xdist needs: every process that collects the tests finds the same ones."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def test_the_names_of_the_tests_depend_on_no_clock_and_no_hash_seed(
    request: pytest.FixtureRequest,
) -> None:
    """One name that differed between two workers once refused the whole run."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "20261124"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    again = {line for line in done.stdout.splitlines() if "::" in line}
    # xdist writes the group of a test behind its name.
    names = {re.sub(r"@\w+$", "", item.nodeid) for item in request.session.items}
    assert sorted(names - again) == []
