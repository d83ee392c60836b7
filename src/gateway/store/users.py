"""Users, their sessions and the count of tries, as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from gateway.domain.user import Limit, Role, Stage, User
from gateway.store.database import Raw

USER = """
SELECT id, name, role, areas, password, secret, last_step FROM users
WHERE name = $1 AND disabled_at IS NULL
"""
ADD = """
INSERT INTO users (id, name, role, areas, password) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (name) DO NOTHING RETURNING id
"""
LIST = """
SELECT id, name, role, areas, password, secret, last_step, disabled_at FROM users ORDER BY name
"""
DISABLE = (
    "UPDATE users SET disabled_at = now() WHERE name = $1 AND disabled_at IS NULL RETURNING id"
)
SET_HASH = "UPDATE users SET password = $2 WHERE id = $1"
SET_APP = "UPDATE users SET secret = $2, last_step = $3 WHERE id = $1"
# A step is accepted once: of two requests with the same code, one finds no row.
STEP = "UPDATE users SET last_step = $2 WHERE id = $1 AND last_step < $2 RETURNING id"
RECOVERY_CLEAR = "DELETE FROM recovery_codes WHERE user_id = $1"
RECOVERY_ADD = "INSERT INTO recovery_codes (user_id, digest) SELECT $1, unnest($2::bytea[])"
RECOVERY_TAKE = "DELETE FROM recovery_codes WHERE user_id = $1 AND digest = $2 RETURNING user_id"

OPEN = """
INSERT INTO sessions (digest, user_id, stage, seen_at, expires_at) VALUES ($1, $2, $3, $4, $5)
"""
SESSION = """
SELECT s.stage, s.seen_at, s.expires_at, u.id, u.name, u.role, u.areas, u.password, u.secret,
       u.last_step
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.digest = $1 AND u.disabled_at IS NULL
"""
SEEN = "UPDATE sessions SET seen_at = $2 WHERE digest = $1"
CLOSE = "DELETE FROM sessions WHERE digest = $1"
CLOSE_ALL = "DELETE FROM sessions WHERE user_id = $1 AND digest <> $2"
SWEEP_SESSIONS = "DELETE FROM sessions WHERE expires_at < $1"
SWEEP_TRIES = "DELETE FROM sign_in_tries WHERE last_at < $1"

# A try is counted before it is judged, so that twenty at once are twenty tries. No row: too early.
TRY = """
INSERT INTO sign_in_tries AS t (key, count, last_at, next_at) VALUES ($1, 1, $2, $2)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN t.last_at < $2 - interval '1 hour' THEN 1 ELSE t.count + 1 END,
    last_at = $2,
    next_at = $2 + make_interval(secs => CASE
        WHEN t.last_at < $2 - interval '1 hour' OR t.count + 1 < $3 THEN 0
        ELSE least($4, 2 ^ least(t.count + 2 - $3, 30)) END)
WHERE t.next_at <= $2
RETURNING count
"""
WAIT = "SELECT next_at - $2 FROM sign_in_tries WHERE key = $1"
FORGET = "DELETE FROM sign_in_tries WHERE key = $1"


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user with what proves it: the password's hash, the sealed secret, the last step used."""

    user: User
    password: str
    secret: bytes | None
    last_step: int
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """An open session and its user."""

    stage: Stage
    seen_at: datetime
    expires_at: datetime
    owner: UserRow


async def by_name(connection: Raw, name: str) -> UserRow | None:
    """Read a user who may sign in."""
    row = await connection.fetchrow(USER, name)
    return None if row is None else _user(row)


async def add(
    connection: Raw, user_id: UUID, name: str, role: Role, areas: Sequence[str], password: str
) -> bool:
    """Add a user; False if the name is taken."""
    added = await connection.fetchval(ADD, user_id, name, role, list(areas), password)
    return added is not None


async def list_all(connection: Raw) -> list[UserRow]:
    """Read every user."""
    return [_user(row) for row in await connection.fetch(LIST)]


async def disable(connection: Raw, name: str) -> UUID | None:
    """Let a user sign in no more; None if there is no such user."""
    found: UUID | None = await connection.fetchval(DISABLE, name)
    return found


async def set_password(connection: Raw, user_id: UUID, hashed: str) -> None:
    """Change a password."""
    await connection.execute(SET_HASH, user_id, hashed)


async def set_secret(connection: Raw, user_id: UUID, sealed: bytes | None, step: int) -> None:
    """Change, or with None take away, the secret of the authenticator app."""
    await connection.execute(SET_APP, user_id, sealed, step)


async def take_step(connection: Raw, user_id: UUID, step: int) -> bool:
    """Use up a time step; False if it, or a later one, was used."""
    return await connection.fetchval(STEP, user_id, step) is not None


async def set_recovery(connection: Raw, user_id: UUID, digests: Sequence[bytes]) -> None:
    """Replace the recovery codes."""
    await connection.execute(RECOVERY_CLEAR, user_id)
    await connection.execute(RECOVERY_ADD, user_id, list(digests))


async def take_recovery(connection: Raw, user_id: UUID, digest: bytes) -> bool:
    """Use up a recovery code; False if there is none like it."""
    return await connection.fetchval(RECOVERY_TAKE, user_id, digest) is not None


async def open_session(
    connection: Raw, digest: bytes, user_id: UUID, stage: Stage, now: datetime, until: datetime
) -> None:
    """Open a session."""
    await connection.execute(OPEN, digest, user_id, stage, now, until)


async def session(connection: Raw, digest: bytes) -> SessionRow | None:
    """Read a session whose user may still sign in."""
    row = await connection.fetchrow(SESSION, digest)
    if row is None:
        return None
    return SessionRow(Stage(row["stage"]), row["seen_at"], row["expires_at"], _user(row))


async def see_session(connection: Raw, digest: bytes, now: datetime) -> None:
    """Note that a session was used."""
    await connection.execute(SEEN, digest, now)


async def close_session(connection: Raw, digest: bytes) -> None:
    """End a session."""
    await connection.execute(CLOSE, digest)


async def close_sessions(connection: Raw, user_id: UUID, *, but: bytes = b"") -> None:
    """End all sessions of a user but one."""
    await connection.execute(CLOSE_ALL, user_id, but)


async def sweep(connection: Raw, *, ended: datetime, forgotten: datetime) -> None:
    """Delete sessions that ended, and tries of long ago."""
    await connection.execute(SWEEP_SESSIONS, ended)
    await connection.execute(SWEEP_TRIES, forgotten)


async def count_try(connection: Raw, key: str, now: datetime, limit: Limit) -> timedelta | None:
    """Count a try; None if it may be judged, else how long to wait."""
    counted = await connection.fetchval(TRY, key, now, limit.free, limit.longest_s)
    if counted is not None:
        return None
    wait: timedelta | None = await connection.fetchval(WAIT, key, now)
    return wait or timedelta(seconds=1)


async def forget_tries(connection: Raw, key: str) -> None:
    """Begin to count anew, after a try that was right."""
    await connection.execute(FORGET, key)


def _user(row: asyncpg.Record) -> UserRow:
    found = dict(row)
    user = User(
        id=found["id"],
        name=found["name"],
        role=Role(found["role"]),
        areas=frozenset(found["areas"]),
        has_code=found["secret"] is not None,
    )
    return UserRow(
        user, found["password"], found["secret"], found["last_step"], found.get("disabled_at")
    )
