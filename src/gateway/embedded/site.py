"""One cluster's place: where it lies, who runs it, with which programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from gateway.embedded.account import Account
from gateway.embedded.binaries import Binaries
from gateway.embedded.errors import EmbeddedPostgresError
from gateway.embedded.places import PORT

SUPERUSER = "postgres"


@dataclass(frozen=True, slots=True)
class Site:
    """The data directory `data` in `home`, run as `account`, heard at `socket_dir`."""

    home: Path
    data: Path
    socket_dir: Path
    account: Account
    binaries: Binaries

    def answers(self) -> bool:
        """Whether the server of exactly this directory takes connections now."""
        asked = self._ask("SHOW data_directory", {})
        return asked.returncode == 0 and asked.stdout.rstrip("\n") == str(self.data)

    def execute(self, script: str, **variables: str) -> None:
        r"""Run SQL as the superuser; psql quotes `:"name"` and `:'name'` from `variables`.

        Raises:
            EmbeddedPostgresError: the server refused it, or is not there.
        """
        done = self._ask(script, variables)
        if done.returncode:
            happened = f"the server of '{self.data}' refused: {done.stdout.strip()}"
            raise EmbeddedPostgresError(happened, "correct what was asked for")

    def _ask(self, script: str, variables: Mapping[str, str]) -> CompletedProcess[str]:
        argv: list[str | Path] = [
            self.binaries.directory / "psql",
            *("--no-psqlrc", "--no-align", "--tuples-only", "--quiet", "--no-password"),
            *("--host", self.socket_dir, "--port", str(PORT)),
            *("--username", SUPERUSER, "--dbname", "postgres", "--set", "ON_ERROR_STOP=1"),
        ]
        for name, value in variables.items():
            argv += ["--set", f"{name}={value}"]
        return self.account.run(argv, stdin=f"{script}\n")
