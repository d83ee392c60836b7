"""Other processes that use the embedded server: as ourselves, or as an ordinary user."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

import asyncpg

from gateway.embedded.account import Account

IS_ROOT = os.geteuid() == 0
ORDINARY = "nobody"

# Everything is imported while still root, whose home may hold the interpreter.
PREAMBLE = """
import asyncio, json, os, pwd, signal, sys
from pathlib import Path
import asyncpg
from gateway.embedded import EmbeddedPostgres, EmbeddedPostgresError, Tuning, default_state_dir
import encodings.idna, psutil
if os.environ.get("STAGE_USER") and os.geteuid() == 0:
    user = pwd.getpwnam(os.environ["STAGE_USER"])
    os.setgroups([])
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    os.environ["HOME"] = "/"
home, binaries = Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2] else None
server = EmbeddedPostgres(home, binaries=binaries)
def tell(*facts):
    print(json.dumps(facts), flush=True)
def run(sql):
    async def ask():
        connection = await asyncpg.connect(server.url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()
    return asyncio.run(ask())
"""


def actor(
    script: str,
    home: Path,
    *,
    binaries: Path | None = None,
    user: str = "",
    environment: dict[str, str] | None = None,
) -> subprocess.Popen[str]:
    """Start another Python process that plays `script` with a `server` of `home`."""
    return subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + script, str(home), str(binaries or "")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "STAGE_USER": user, **(environment or {})},
        umask=int((environment or {}).get("STAGE_UMASK", "022"), 8),
    )


def play(
    script: str,
    home: Path,
    *,
    binaries: Path | None = None,
    user: str = "",
    environment: dict[str, str] | None = None,
) -> str:
    """Let another process play `script` to its end, and give what it told."""
    other = actor(script, home, binaries=binaries, user=user, environment=environment)
    told, said = other.communicate(timeout=60)
    assert other.returncode == 0, said
    return told.strip()


def bystander(*argv: str, cwd: Path = Path("/"), uid: int | None = None) -> subprocess.Popen[bytes]:
    """Start a program that is no PostgreSQL, as account `uid` when we are root."""
    return subprocess.Popen(argv, cwd=cwd, user=uid if IS_ROOT else None)


def ordinary_uid() -> int:
    return pwd.getpwnam(ORDINARY).pw_uid if IS_ROOT else os.geteuid()


def owner_of(path: Path) -> int:
    return path.stat().st_uid


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def somebody() -> Account:
    """Give the account that this process would run a server as."""
    if not IS_ROOT:
        return Account(os.geteuid(), os.getegid(), "me", is_dropped=False)
    known = pwd.getpwnam(ORDINARY)
    return Account(known.pw_uid, known.pw_gid, ORDINARY, is_dropped=True)


async def fetch(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()
