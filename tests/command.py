"""The command line as an operator types it, for the tests of its commands."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Gateway:
    """The command, on a database of its own."""

    url: str
    folder: Path

    def __call__(self, *argv: str, **changes: str | None) -> "subprocess.CompletedProcess[str]":
        """Run the command; a setting that is changed to None is not set."""
        env: dict[str, str | None] = {
            **os.environ,
            "GATEWAY_DATABASE_URL": self.url,
            "GATEWAY_SECRET_KEY": "a documented secret of the tests only, of no deployment",
            **changes,
        }
        return subprocess.run(
            [sys.executable, "-m", "gateway", *argv],
            env={name: value for name, value in env.items() if value is not None},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def must(self, *argv: str) -> str:
        """Run what must succeed and give what it printed."""
        done = self(*argv)
        assert done.returncode == 0, (argv, done.stderr)
        return done.stdout

    def file(self, name: str, text: str) -> str:
        """Write a file beside the command and give its name."""
        (self.folder / name).write_text(text, encoding="utf-8")
        return name


def assert_refused(done: "subprocess.CompletedProcess[str]", says: str) -> None:
    """One sentence on standard error, nothing on standard output, exit 1."""
    assert done.returncode == 1, done.stdout + done.stderr
    lines = done.stderr.strip().split("\n")
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("gateway: ")
    assert says in lines[0]
    assert done.stdout == ""
