"""Collectors and their devices; a device's secret is sealed for its row."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.domain.ledger import AccountKind, account_code
from gateway.store import directory
from gateway.store.database import Raw

PUT = """
INSERT INTO cash_collectors AS c (id, biller_id, partner_id, code, name, account, per_day_dong,
    per_list_dong)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (code) DO UPDATE SET name = excluded.name, per_day_dong = excluded.per_day_dong,
    per_list_dong = excluded.per_list_dong
WHERE c.biller_id = excluded.biller_id AND c.partner_id = excluded.partner_id
RETURNING id
"""
# A collector with its partner's suspense; rides cash_collectors_code_key.
BY_CODE = """
SELECT c.id, c.biller_id, c.partner_id, c.code, c.name, c.account, c.per_day_dong,
    c.per_list_dong, (SELECT id FROM ledger_accounts WHERE code = 'suspense:payer') AS suspense
FROM cash_collectors c WHERE c.code = $1
"""
BY_ID = BY_CODE.replace("c.code = $1", "c.id = $1")
ALL = BY_CODE.replace("WHERE c.code = $1", "ORDER BY c.code")
ADD_DEVICE = """
INSERT INTO cash_devices (id, collector_id, key_id, sealed) VALUES ($1, $2, $3, $4)
ON CONFLICT (key_id) DO NOTHING RETURNING id
"""
DEVICE = "SELECT id, collector_id, key_id, sealed FROM cash_devices WHERE key_id = $1"
REVOKE = """
UPDATE cash_devices SET revoked_at = now() WHERE key_id = $1 AND revoked_at IS NULL RETURNING id
"""
HOLD_DEVICE = "SELECT last_seq, revoked_at FROM cash_devices WHERE id = $1 FOR UPDATE"
ADVANCE = "UPDATE cash_devices SET last_seq = greatest(last_seq, $2) WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Collector:
    """Who collects cash: for which biller and partner, where it stands in the ledger, the caps."""

    id: UUID
    biller_id: int
    partner_id: int
    code: str
    name: str
    account: int
    per_day_dong: int
    per_list_dong: int
    suspense: int


@dataclass(frozen=True, slots=True)
class NewCollector:
    """A collector to be made, or whose name and caps change."""

    id: UUID
    biller_id: int
    partner_id: int
    code: str
    name: str
    per_day_dong: int
    per_list_dong: int


@dataclass(frozen=True, slots=True)
class Device:
    """A tablet; `sealed` is its HMAC secret for the row named by `key_id`."""

    id: UUID
    collector_id: UUID
    key_id: str
    sealed: bytes


async def put(connection: Raw, new: NewCollector) -> bool:
    """Make a collector or change its caps, with its accounts; False if the code is another's."""
    account = await directory.open_account(connection, AccountKind.CASH, new.code)
    await directory.open_account(connection, AccountKind.SUSPENSE, directory.SUSPENSE_OWNER)
    made = await connection.fetchval(
        PUT,
        new.id,
        new.biller_id,
        new.partner_id,
        new.code,
        new.name,
        account,
        new.per_day_dong,
        new.per_list_dong,
    )
    return made is not None


async def by_code(connection: Raw, code: str) -> Collector | None:
    """Find a collector by its code."""
    row = await connection.fetchrow(BY_CODE, code)
    return None if row is None else Collector(**row)


async def by_id(connection: Raw, collector_id: UUID) -> Collector | None:
    """Find a collector by its id."""
    row = await connection.fetchrow(BY_ID, collector_id)
    return None if row is None else Collector(**row)


async def all_of_them(connection: Raw) -> list[Collector]:
    """Read every collector; hundreds at most."""
    return [Collector(**row) for row in await connection.fetch(ALL)]


async def add_device(connection: Raw, device: Device) -> bool:
    """Give a collector a device; False if the key id is taken."""
    made = await connection.fetchval(
        ADD_DEVICE, device.id, device.collector_id, device.key_id, device.sealed
    )
    return made is not None


async def device(connection: Raw, key_id: str) -> Device | None:
    """Find a device by its key id."""
    row = await connection.fetchrow(DEVICE, key_id)
    return None if row is None else Device(**row)


async def revoke_device(connection: Raw, key_id: str) -> bool:
    """Stop booking what a device sends; False if there is none live."""
    return await connection.fetchval(REVOKE, key_id) is not None


async def hold_device(connection: Raw, device_id: UUID) -> tuple[int, datetime | None]:
    """Lock a device: its receipts are taken one after the other. Gives its last number."""
    row = await connection.fetchrow(HOLD_DEVICE, device_id)
    return (row["last_seq"], row["revoked_at"]) if row else (0, None)


async def advance(connection: Raw, device_id: UUID, seq: int) -> None:
    """Write the highest number that has come from a device."""
    await connection.execute(ADVANCE, device_id, seq)


async def bank_account(connection: Raw) -> int:
    """Give the ledger account of our collections at the bank."""
    return await directory.open_account(connection, AccountKind.BANK, "collections")


def cash_account(code: str) -> str:
    """Name a collector's cash."""
    return account_code(AccountKind.CASH, code)
