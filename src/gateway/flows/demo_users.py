"""Users of demos, whose passwords and apps anybody may read; no gateway in live mode has any."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.errors import CallerError
from gateway.domain.partner import Mode
from gateway.domain.password import hash_password
from gateway.domain.sealing import seal
from gateway.domain.user import DEMO_PREFIX, Role, secret_name
from gateway.runtime import Runtime
from gateway.store import database, upkeep, users


class DemoUserRefused(CallerError):
    """A user of demos on a gateway in live mode, or a name that does not say what it is."""

    code = "demo_user_refused"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"'{name}' is a user of demos, named '{DEMO_PREFIX}…', and none is let into live mode",
            f"'{name}' là người dùng thử, tên '{DEMO_PREFIX}…', không được vào chế độ thật",
        )


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A documented user. `secret` is the app's, in base32."""

    name: str
    role: Role
    areas: Sequence[str]
    password: str
    secret: str


async def put(rt: Runtime, user: DemoUser, *, actor: str) -> None:
    """Add a user of demos, app included; again does nothing.

    Raises:
        DemoUserRefused: nobody was added.
    """
    if rt.mode is Mode.LIVE or not user.name.startswith(DEMO_PREFIX):
        raise DemoUserRefused(user.name)
    hashed = await asyncio.to_thread(hash_password, user.password)
    made = rt.new_id()
    async with database.borrow(rt.pool) as connection, connection.transaction():
        if not await users.add(connection, made, user.name, user.role, user.areas, hashed):
            return
        sealed = seal(rt.secrets.sealing, user.secret.encode(), secret_name(made))
        await users.set_secret(connection, made, sealed, 0)
        facts: dict[str, object] = {"role": user.role, "areas": sorted(user.areas)}
        await upkeep.audit(connection, upkeep.AuditEntry(actor, "user.put", user.name, facts))
