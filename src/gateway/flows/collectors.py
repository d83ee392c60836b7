"""Collectors and their tablets: made, capped and revoked by command."""

import secrets
from dataclasses import dataclass
from uuid import UUID

from gateway.domain.cash_refusals import CollectorUnknown, DeviceUnknown
from gateway.domain.refusals import BillerUnknown
from gateway.domain.sealing import seal, unseal
from gateway.flows.operate import PartnerUnknown
from gateway.runtime import Runtime
from gateway.store import collectors as store
from gateway.store import database, upkeep
from gateway.store import directory as directory_store
from gateway.store.database import Raw

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewCollector:
    """A collector of a partner who takes cash for a biller; caps in đồng."""

    code: str
    name: str
    biller: str
    partner: str
    per_day_dong: int
    per_list_dong: int


async def put(rt: Runtime, new: NewCollector, *, actor: str) -> None:
    """Make a collector, or change the name and caps of one.

    Raises:
        BillerUnknown, PartnerUnknown: nothing was written.
        CollectorUnknown: the code is a collector's of another partner or biller.
    """
    async with database.borrow(rt.pool) as connection, connection.transaction():
        biller_id = await directory_store.biller_id(connection, new.biller)
        if biller_id is None:
            raise BillerUnknown(new.biller)
        partner_id = await directory_store.partner_id(connection, new.partner)
        if partner_id is None:
            raise PartnerUnknown(new.partner)
        row = store.NewCollector(
            rt.new_id(),
            biller_id,
            partner_id,
            new.code,
            new.name,
            new.per_day_dong,
            new.per_list_dong,
        )
        if not await store.put(connection, row):
            raise CollectorUnknown(new.code)
        detail: dict[str, object] = {"day": new.per_day_dong, "list": new.per_list_dong}
        entry = upkeep.AuditEntry(actor, "collector.put", new.code, detail)
        await upkeep.audit(connection, entry)


async def add_device(
    rt: Runtime, collector: str, key_id: str, *, actor: str, secret: bytes | None = None
) -> bytes:
    """Give a collector a tablet; its secret is given this once and kept sealed.

    Raises:
        CollectorUnknown: there is none of this code.
        DeviceUnknown: the key id is another device's.
    """
    secret = secret or secrets.token_bytes(SECRET_BYTES)
    async with database.borrow(rt.pool) as connection, connection.transaction():
        found = await store.by_code(connection, collector)
        if found is None:
            raise CollectorUnknown(collector)
        sealed = seal(rt.secrets.sealing, secret, _name(key_id))
        if not await store.add_device(
            connection, store.Device(rt.new_id(), found.id, key_id, sealed)
        ):
            raise DeviceUnknown(key_id)
        entry = upkeep.AuditEntry(actor, "device.add", key_id, {"collector": collector})
        await upkeep.audit(connection, entry)
    return secret


async def revoke_device(rt: Runtime, key_id: str, *, actor: str) -> None:
    """Book nothing more that a tablet sends; its cash waits for a person.

    Raises:
        DeviceUnknown: there is none, or it is revoked already.
    """
    async with database.borrow(rt.pool) as connection, connection.transaction():
        if not await store.revoke_device(connection, key_id):
            raise DeviceUnknown(key_id)
        await upkeep.audit(connection, upkeep.AuditEntry(actor, "device.revoke", key_id, {}))


def secret_of(rt: Runtime, device: store.Device) -> bytes:
    """Open a device's secret."""
    return unseal(rt.secrets.sealing, device.sealed, _name(device.key_id))


def _name(key_id: str) -> str:
    return f"cash-device:{key_id}"


async def find(connection: Raw, code: str, partner_id: int) -> store.Collector:
    """Find a partner's collector.

    Raises:
        CollectorUnknown: the partner has none of this code.
    """
    found = await store.by_code(connection, code)
    if found is None or found.partner_id != partner_id:
        raise CollectorUnknown(code)
    return found


async def of_id(connection: Raw, collector_id: UUID) -> store.Collector:
    """Read a collector that a row names."""
    found = await store.by_id(connection, collector_id)
    if found is None:
        raise CollectorUnknown(str(collector_id))
    return found
