"""Sign-in: a password, then a code of an authenticator app; then a session that ends by itself.

The token of a session is made anew at each step inwards, so that whoever planted or saw an earlier
one has nothing. What is wrong is never said, and takes as long whatever is wrong.
"""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from gateway.domain import password as passwords
from gateway.domain.errors import present
from gateway.domain.partner import Mode
from gateway.domain.sealing import seal, unseal
from gateway.domain.user import (
    DEMO_PREFIX,
    HALF_IN,
    LIMITS,
    LONGEST,
    SignInRefused,
    Stage,
    TooManyTries,
    User,
    check_password,
    digest_session,
    is_over,
    secret_name,
    subscriber,
)
from gateway.runtime import Runtime
from gateway.store import database, upkeep, users
from gateway.store.database import Raw
from gateway.store.users import SessionRow, UserRow

TOKEN_BYTES = 32
SEEN_EVERY = timedelta(minutes=1)
HASHING = asyncio.Semaphore(2)
"""Argon2 takes 64 MiB and a core for each hash: two at once, the rest wait their turn."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A session's token, for the cookie alone, and how far it lets in."""

    token: str
    stage: Stage
    user: User


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app is shown once, and the codes for a lost phone."""

    secret: str
    app_url: str


async def enter(rt: Runtime, name: str, password: str, *, address: str) -> Entered:
    """Take a name and a password; the session that it opens is only half in.

    Raises:
        SignInRefused: they are not right together.
        TooManyTries: neither was looked at.
    """
    name, now = name.strip().lower()[:64], rt.clock.now()
    pair = f"pair:{name}|{subscriber(address)}"
    async with database.borrow(rt.pool) as connection:
        await _count(connection, pair, now)
        await _count(connection, f"address:{subscriber(address)}", now)
        await _count(connection, f"name:{name}", now)
        found = await users.by_name(connection, name)
    if rt.mode is Mode.LIVE and name.startswith(DEMO_PREFIX):
        found = None
    # No connection is held while the hash is computed.
    is_right = await _is_password(found, password)
    if not is_right or found is None:
        await _audit(rt, name, "sign_in.refused", {"address": subscriber(address)})
        raise SignInRefused
    await _renew_hash(rt, found, password)
    stage = Stage.CODE if found.user.has_code else Stage.ENROL
    async with database.borrow(rt.pool) as connection, connection.transaction():
        await users.forget_tries(connection, pair)
        return await _open(connection, found.user, stage, now)


async def confirm(rt: Runtime, token: str, code: str, *, address: str) -> Entered:
    """Take the code of the app, or a recovery code, and let the session in under a new token.

    Raises:
        SignInRefused: no session waits for a code, or the code is not right or was used before.
        TooManyTries: the code was not looked at.
    """
    now = rt.clock.now()
    async with database.borrow(rt.pool) as connection:
        waiting = await _live(connection, token, now)
        if waiting is None or waiting.stage is not Stage.CODE:
            raise SignInRefused
        owner = waiting.owner
        key = f"pair:code:{owner.user.name}|{subscriber(address)}"
        await _count(connection, key, now)
        if not await _takes_code(rt, connection, owner, code, now):
            await _note(connection, owner.user.name, "sign_in.code_refused", {})
            raise SignInRefused
        async with connection.transaction():
            await users.forget_tries(connection, key)
            await users.close_session(connection, digest_session(token))
            entered = await _open(connection, owner.user, Stage.IN, now)
            await _note(connection, owner.user.name, "sign_in.done", {})
            return entered


async def begin_enrolment(rt: Runtime, token: str, *, issuer: str) -> Enrolment:
    """Show the secret of a new app; nothing changes until a code of it comes back.

    The secret is derived from the session, so it need not be kept meanwhile.

    Raises:
        SignInRefused: this session may not enrol.
    """
    async with database.borrow(rt.pool) as connection:
        found = await _live(connection, token, rt.clock.now())
    if found is None or found.stage is Stage.CODE:
        raise SignInRefused
    secret = passwords.secret_of(rt.secrets.sealing, digest_session(token))
    name = found.owner.user.name
    return Enrolment(secret, passwords.app_url(secret, name=name, issuer=issuer))


async def enrol(rt: Runtime, token: str, code: str, *, issuer: str) -> tuple[Entered, list[str]]:
    """Take the first code of a new app: the session is in, and every other one is closed.

    Returns:
        The session under a new token, and the recovery codes, which are shown this once.

    Raises:
        SignInRefused: this session may not enrol, or the code is not of the secret shown.
    """
    offered = await begin_enrolment(rt, token, issuer=issuer)
    now = rt.clock.now()
    step = passwords.step_of_code(offered.secret, code, now)
    if step is None:
        raise SignInRefused
    codes = passwords.new_recovery_codes()
    async with database.borrow(rt.pool) as connection, connection.transaction():
        found = present(await _live(connection, token, now), "who enrols has a session")
        user = found.owner.user
        sealed = seal(rt.secrets.sealing, offered.secret.encode(), secret_name(user.id))
        await users.set_secret(connection, user.id, sealed, step)
        digests = [passwords.digest_recovery(made) for made in codes]
        await users.set_recovery(connection, user.id, digests)
        await users.close_sessions(connection, user.id)
        entered = await _open(connection, user, Stage.IN, now)
        await _note(connection, user.name, "sign_in.enrolled", {})
    return entered, codes


async def find(rt: Runtime, token: str | None) -> Entered | None:
    """Give the session of a cookie, and note that it is used; None if it is over or not ours."""
    if not token:
        return None
    now = rt.clock.now()
    async with database.borrow(rt.pool) as connection:
        found = await _live(connection, token, now)
        if found is None:
            return None
        if now - found.seen_at >= SEEN_EVERY:
            await users.see_session(connection, digest_session(token), now)
    return Entered(token, found.stage, found.owner.user)


async def leave(rt: Runtime, token: str, *, everywhere: bool = False) -> None:
    """Sign out, here or everywhere."""
    async with database.borrow(rt.pool) as connection:
        found = await users.session(connection, digest_session(token))
        await users.close_session(connection, digest_session(token))
        if found is not None and everywhere:
            await users.close_sessions(connection, found.owner.user.id)
            await _note(connection, found.owner.user.name, "sign_in.left_everywhere", {})


async def change_password(rt: Runtime, token: str, old: str, new: str, *, address: str) -> Entered:
    """Change one's own password: all other sessions end, this one gets a new token.

    Raises:
        SignInRefused: the old password is not right, or the session is over.
        PasswordTooWeak: nothing was changed.
        TooManyTries: nothing was looked at.
    """
    now = rt.clock.now()
    async with database.borrow(rt.pool) as connection:
        found = await _live(connection, token, now)
        if found is None or found.stage is not Stage.IN:
            raise SignInRefused
        name = found.owner.user.name
        await _count(connection, f"pair:change:{name}|{subscriber(address)}", now)
    if not await _is_password(found.owner, old):
        raise SignInRefused
    check_password(new, name)
    hashed = await _hashed(new)
    async with database.borrow(rt.pool) as connection, connection.transaction():
        await users.set_password(connection, found.owner.user.id, hashed)
        await users.close_sessions(connection, found.owner.user.id)
        await _note(connection, name, "password.changed", {})
        return await _open(connection, found.owner.user, Stage.IN, now)


async def sweep(rt: Runtime) -> None:
    """Delete sessions that ended and tries of a day ago."""
    now = rt.clock.now()
    async with database.borrow(rt.pool) as connection:
        await users.sweep(connection, ended=now, forgotten=now - timedelta(days=1))


async def _count(connection: Raw, key: str, now: datetime) -> None:
    limit = LIMITS[key.partition(":")[0]]
    wait = await users.count_try(connection, key, now, limit)
    if wait is not None:
        raise TooManyTries(max(1, ceil(wait.total_seconds())))


async def _live(connection: Raw, token: str, now: datetime) -> SessionRow | None:
    found = await users.session(connection, digest_session(token))
    if found is None or is_over(seen_at=found.seen_at, expires_at=found.expires_at, now=now):
        return None
    return found


async def _open(connection: Raw, user: User, stage: Stage, now: datetime) -> Entered:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    until = now + (LONGEST if stage is Stage.IN else HALF_IN)
    await users.open_session(connection, digest_session(token), user.id, stage, now, until)
    return Entered(token, stage, user)


async def _takes_code(
    rt: Runtime, connection: Raw, owner: UserRow, code: str, now: datetime
) -> bool:
    sealed = present(owner.secret, "a session that waits for a code has an app")
    secret = unseal(rt.secrets.sealing, sealed, secret_name(owner.user.id)).decode()
    step = passwords.step_of_code(secret, code, now)
    if step is not None:
        return await users.take_step(connection, owner.user.id, step)
    digest = passwords.digest_recovery(code)
    return await users.take_recovery(connection, owner.user.id, digest)


async def _is_password(found: UserRow | None, password: str) -> bool:
    hashed = None if found is None else found.password
    async with HASHING:
        return await asyncio.to_thread(passwords.is_password, hashed, password[:1024])


async def _hashed(password: str) -> str:
    async with HASHING:
        return await asyncio.to_thread(passwords.hash_password, password)


async def _renew_hash(rt: Runtime, found: UserRow, password: str) -> None:
    if passwords.is_outdated(found.password):
        hashed = await _hashed(password)
        async with database.borrow(rt.pool) as connection:
            await users.set_password(connection, found.user.id, hashed)


async def _audit(rt: Runtime, subject: str, action: str, detail: dict[str, object]) -> None:
    async with database.borrow(rt.pool) as connection:
        await _note(connection, subject, action, detail)


async def _note(connection: Raw, subject: str, action: str, detail: dict[str, object]) -> None:
    await upkeep.audit(connection, upkeep.AuditEntry("sign-in", action, subject, detail))
