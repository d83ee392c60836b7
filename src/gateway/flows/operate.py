"""Operate: what an operator sets up by command: billers, partners, API keys, webhook endpoints."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.domain.addresses import vet_url
from gateway.domain.biller import read_rules
from gateway.domain.errors import CallerError
from gateway.domain.partner import Scope, digest_key, key_prefix
from gateway.domain.refusals import BillerUnknown
from gateway.domain.sealing import seal
from gateway.domain.signing import parse_signing_secret
from gateway.runtime import Runtime
from gateway.store import database, upkeep, webhooks
from gateway.store import directory as store

KEY_BYTES = 32
SHOWN_PREFIX = 6
LIVE_KEYS_MAX = 2
EVENT_TYPES = (
    "payment.succeeded",
    "payment.reversed",
    "payment.late_money",
    "payment.conflicted",
    *("mandate.confirmed", "mandate.activated", "mandate.suspended", "mandate.resumed"),
    *("mandate.cancelled", "mandate.rejected", "mandate.expired"),
    *("debit.announced", "debit.skipped", "debit.failed", "debit_run.completed"),
)


class PartnerUnknown(CallerError):
    """No partner of this code."""

    code = "partner_unknown"

    def __init__(self, partner: str) -> None:
        super().__init__(f"there is no partner '{partner}'", f"không có đối tác '{partner}'")


class TooManyKeys(CallerError):
    """The partner has two live keys already: one in use, one to rotate to."""

    code = "too_many_keys"

    def __init__(self, partner: str) -> None:
        super().__init__(
            f"'{partner}' has {LIVE_KEYS_MAX} live keys; revoke one first",
            f"'{partner}' đã có {LIVE_KEYS_MAX} khóa còn hiệu lực; hãy thu hồi một khóa",
        )


@dataclass(frozen=True, slots=True)
class NewKey:
    """A fresh API key; its text is shown this once and stored nowhere."""

    api_key: str
    prefix: str


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """Where a biller wants its events, signed with `signing_secret` (`whsec_…` or `whsk_…`).

    `allow_private` lets loopback and private addresses pass: for demos and tests.
    """

    biller: str
    url: str
    signing_secret: str
    allow_private: bool = False


async def put_biller(
    rt: Runtime, code: str, name: str, metadata: dict[str, object], *, actor: str
) -> int:
    """Make a biller, or give it a new version of its rules; returns its id.

    Raises:
        RulesInvalid: the metadata does not say what it must.
    """
    read_rules(metadata)
    async with database.borrow(rt.pool) as connection, connection.transaction():
        biller_id = await store.put_biller(connection, code, name, metadata)
        await upkeep.audit(
            connection, upkeep.AuditEntry(actor, "biller.put", code, {"metadata": metadata})
        )
    return biller_id


async def put_partner(rt: Runtime, code: str, name: str, *, biller: str | None, actor: str) -> int:
    """Make a partner if there is none of this code; `biller` when it is that biller's system.

    Raises:
        BillerUnknown: there is no such biller.
    """
    async with database.borrow(rt.pool) as connection, connection.transaction():
        biller_id = None
        if biller is not None:
            biller_id = await store.biller_id(connection, biller)
            if biller_id is None:
                raise BillerUnknown(biller)
        partner_id = await store.put_partner(connection, code, name, biller_id)
        await upkeep.audit(connection, upkeep.AuditEntry(actor, "partner.put", code, {}))
    return partner_id


async def create_key(
    rt: Runtime,
    partner: str,
    scopes: Sequence[Scope],
    *,
    expires_at: datetime | None,
    actor: str,
) -> NewKey:
    """Give a partner an API key; two may live at once, so that a partner can rotate.

    Raises:
        PartnerUnknown, TooManyKeys: no key was made.
    """
    api_key = key_prefix(rt.mode) + secrets.token_urlsafe(KEY_BYTES)
    async with database.borrow(rt.pool) as connection, connection.transaction():
        partner_id = await store.partner_id(connection, partner)
        if partner_id is None:
            raise PartnerUnknown(partner)
        if await store.live_keys(connection, partner_id) >= LIVE_KEYS_MAX:
            raise TooManyKeys(partner)
        prefix = await _add_key(
            rt, connection, partner_id, api_key, scopes=scopes, expires_at=expires_at
        )
        detail: dict[str, object] = {"prefix": prefix, "scopes": [str(s) for s in scopes]}
        await upkeep.audit(connection, upkeep.AuditEntry(actor, "api_key.created", partner, detail))
    return NewKey(api_key, prefix)


async def revoke_key(rt: Runtime, prefix: str, *, actor: str) -> bool:
    """Revoke a key by its shown prefix; every process refuses it within seconds."""
    async with database.borrow(rt.pool) as connection, connection.transaction():
        was_live = await store.revoke_key(connection, prefix)
        await upkeep.audit(connection, upkeep.AuditEntry(actor, "api_key.revoked", prefix, {}))
    return was_live


async def add_endpoint(rt: Runtime, wanted: NewEndpoint, *, actor: str) -> UUID:
    """Send a biller's events to a URL from now on; gives the endpoint's id.

    Raises:
        BillerUnknown, UrlRefused, SecretMalformed: nothing was added.
    """
    vet_url(wanted.url, allow_private=wanted.allow_private)
    parse_signing_secret(wanted.signing_secret)
    endpoint_id = rt.new_id()
    async with database.borrow(rt.pool) as connection, connection.transaction():
        biller_id = await store.biller_id(connection, wanted.biller)
        if biller_id is None:
            raise BillerUnknown(wanted.biller)
        await webhooks.add_endpoint(connection, endpoint_id, biller_id, wanted.url, EVENT_TYPES)
        await _add_secret(rt, connection, endpoint_id, wanted.signing_secret)
        await upkeep.audit(
            connection,
            upkeep.AuditEntry(actor, "webhook_endpoint.added", wanted.biller, {"url": wanted.url}),
        )
    return endpoint_id


async def put_endpoint(rt: Runtime, wanted: NewEndpoint, *, actor: str) -> None:
    """Let a biller have an endpoint at this URL: add it, or move its only one and free its queue.

    An endpoint that is moved keeps its secrets.

    Raises:
        BillerUnknown, UrlRefused, SecretMalformed: nothing was changed.
    """
    vet_url(wanted.url, allow_private=wanted.allow_private)
    async with database.borrow(rt.pool) as connection, connection.transaction():
        moved = await webhooks.move_endpoint(connection, wanted.biller, wanted.url)
        if moved:
            detail: dict[str, object] = {"url": wanted.url}
            await upkeep.audit(
                connection,
                upkeep.AuditEntry(actor, "webhook_endpoint.moved", wanted.biller, detail),
            )
    if not moved:
        await add_endpoint(rt, wanted, actor=actor)


async def add_secret(rt: Runtime, endpoint_id: UUID, signing_secret: str, *, actor: str) -> None:
    """Give an endpoint one more secret; every delivery is signed with all that live."""
    parse_signing_secret(signing_secret)
    async with database.borrow(rt.pool) as connection, connection.transaction():
        await _add_secret(rt, connection, endpoint_id, signing_secret)
        await upkeep.audit(
            connection,
            upkeep.AuditEntry(actor, "webhook_secret.added", str(endpoint_id), {}),
        )


async def _add_secret(
    rt: Runtime, connection: database.Raw, endpoint_id: UUID, signing_secret: str
) -> None:
    secret_id = rt.new_id()
    sealed = seal(rt.secrets.sealing, signing_secret.encode(), f"webhook_secrets:{secret_id}")
    await webhooks.add_secret(
        connection, secret_id=secret_id, endpoint_id=endpoint_id, sealed=sealed
    )


async def replay_dead(rt: Runtime, endpoint_id: UUID, *, actor: str) -> int:
    """Send an endpoint's dead letters again, through the whole schedule; gives how many.

    Each turn commits by itself: who is interrupted starts again and goes on.
    """
    replayed = 0
    async with database.borrow(rt.pool) as connection:
        while revived := await webhooks.revive(connection, endpoint_id):
            replayed += revived
            detail: dict[str, object] = {"dead": revived}
            entry = upkeep.AuditEntry(actor, "webhooks.replayed", str(endpoint_id), detail)
            await upkeep.audit(connection, entry)
    return replayed


async def put_key(
    rt: Runtime, partner: str, api_key: str, scopes: Sequence[Scope], *, actor: str
) -> None:
    """Accept a key that was minted elsewhere, for demos and tests; again does nothing.

    Raises:
        PartnerUnknown: no key was added.
    """
    async with database.borrow(rt.pool) as connection, connection.transaction():
        partner_id = await store.partner_id(connection, partner)
        if partner_id is None:
            raise PartnerUnknown(partner)
        if await store.has_key(connection, digest_key(api_key)):
            return
        prefix = await _add_key(rt, connection, partner_id, api_key, scopes=scopes)
        await upkeep.audit(
            connection, upkeep.AuditEntry(actor, "api_key.put", partner, {"prefix": prefix})
        )


async def _add_key(
    rt: Runtime,
    connection: database.Raw,
    partner_id: int,
    api_key: str,
    *,
    scopes: Sequence[Scope],
    expires_at: datetime | None = None,
) -> str:
    prefix = api_key[: len(key_prefix(rt.mode)) + SHOWN_PREFIX]
    await store.add_key(
        connection,
        key_id=rt.new_id(),
        partner=partner_id,
        prefix=prefix,
        digest=digest_key(api_key),
        scopes=[str(scope) for scope in scopes],
        expires_at=expires_at,
    )
    return prefix


@dataclass(frozen=True, slots=True)
class Switch:
    """A circuit breaker moved by hand, for all processes."""

    provider: str
    operation: str
    reason: str
    is_tripped: bool


async def switch(rt: Runtime, wanted: Switch, *, actor: str) -> bool:
    """Trip or reset an operation of a provider everywhere; False if there is no such provider."""
    async with database.borrow(rt.pool) as connection, connection.transaction():
        known = await store.switch(
            connection,
            wanted.provider,
            wanted.operation,
            is_tripped=wanted.is_tripped,
            reason=wanted.reason,
        )
        if known:
            action = "provider.tripped" if wanted.is_tripped else "provider.reset"
            subject = f"{wanted.provider}/{wanted.operation}"
            entry = upkeep.AuditEntry(actor, action, subject, {"reason": wanted.reason})
            await upkeep.audit(connection, entry)
    return known
