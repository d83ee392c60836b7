"""Users as an administrator makes them, by command."""

import asyncio
import secrets
from collections.abc import Sequence

from gateway.domain.errors import CallerError
from gateway.domain.partner import Mode
from gateway.domain.password import hash_password
from gateway.domain.user import DEMO_PREFIX, NAME, Role, User, check_password
from gateway.runtime import Runtime
from gateway.store import database, upkeep, users

FIRST_PASSWORD_BYTES = 12


class UserNameRefused(CallerError):
    """A name that is taken, or that nobody could type."""

    code = "user_name_refused"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"'{name}' is taken, or is not 3 to 64 of a-z, 0-9 and . _ @ -",
            f"'{name}' đã có, hoặc không gồm 3 đến 64 ký tự a-z, 0-9 và . _ @ -",
        )


class UserUnknown(CallerError):
    """There is no such user."""

    code = "user_unknown"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no user '{name}'", f"không có người dùng '{name}'")


async def add(
    rt: Runtime, name: str, role: Role, areas: Sequence[str], *, password: str | None, actor: str
) -> str:
    """Add a user, who adds an authenticator app at the first sign-in.

    Args:
        rt: the house.
        name: in lower case.
        role: what the user may do.
        areas: area codes that the user sees; none means all.
        password: None makes one.
        actor: who adds, for the audit trail.

    Returns:
        The first password; it is shown this once.

    Raises:
        UserNameRefused, PasswordTooWeak: nobody was added.
    """
    if not NAME.fullmatch(name) or (rt.mode is Mode.LIVE and name.startswith(DEMO_PREFIX)):
        raise UserNameRefused(name)
    chosen = secrets.token_urlsafe(FIRST_PASSWORD_BYTES) if password is None else password
    check_password(chosen, name)
    hashed = await asyncio.to_thread(hash_password, chosen)
    async with database.borrow(rt.pool) as connection, connection.transaction():
        if not await users.add(connection, rt.new_id(), name, role, areas, hashed):
            raise UserNameRefused(name)
        facts: dict[str, object] = {"role": role, "areas": sorted(areas)}
        await upkeep.audit(connection, upkeep.AuditEntry(actor, "user.add", name, facts))
    return chosen


async def disable(rt: Runtime, name: str, *, actor: str) -> None:
    """Let a user in no more; every session ends at once.

    Raises:
        UserUnknown: there is no such user, or not any more.
    """
    async with database.borrow(rt.pool) as connection, connection.transaction():
        found = await users.disable(connection, name)
        if found is None:
            raise UserUnknown(name)
        await users.close_sessions(connection, found)
        await upkeep.audit(connection, upkeep.AuditEntry(actor, "user.disable", name, {}))


async def reset(rt: Runtime, name: str, *, actor: str) -> str:
    """Give a user a new first password and take the app away: phone and codes are lost.

    Raises:
        UserUnknown: there is no such user.
    """
    chosen = secrets.token_urlsafe(FIRST_PASSWORD_BYTES)
    hashed = await asyncio.to_thread(hash_password, chosen)
    async with database.borrow(rt.pool) as connection, connection.transaction():
        found = await users.by_name(connection, name)
        if found is None:
            raise UserUnknown(name)
        await users.set_password(connection, found.user.id, hashed)
        await users.set_secret(connection, found.user.id, None, found.last_step)
        await users.set_recovery(connection, found.user.id, [])
        await users.close_sessions(connection, found.user.id)
        await upkeep.audit(connection, upkeep.AuditEntry(actor, "user.reset", name, {}))
    return chosen


async def list_all(rt: Runtime) -> list[tuple[User, bool]]:
    """Read every user, and whether they may sign in."""
    async with database.borrow(rt.pool) as connection:
        return [(row.user, row.disabled_at is None) for row in await users.list_all(connection)]
