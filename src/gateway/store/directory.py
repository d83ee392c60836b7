"""The directory: billers and their rules, partners, API keys; read whole, written rarely."""

import json
from datetime import datetime
from uuid import UUID

import asyncpg

from gateway.domain.biller import Biller, read_rules
from gateway.domain.directory import Directory
from gateway.domain.errors import InvariantBroken
from gateway.domain.ledger import AccountKind, account_code
from gateway.domain.partner import Caller, Partner, Scope
from gateway.store.database import Raw

VERSION = "SELECT version, clock_timestamp() AS now FROM directory_version"

# All billers at their newest version; a handful of rows.
BILLERS = """
SELECT DISTINCT ON (b.id) b.id, b.code, b.payable_account, v.version, v.name, v.metadata::text
FROM billers b JOIN biller_versions v ON v.biller_id = b.id
ORDER BY b.id, v.version DESC
"""

PARTNERS = "SELECT id, code, name, biller_id, receivable_account FROM partners"

# All keys that may still be accepted; thousands at most.
KEYS = """
SELECT k.partner_id, k.prefix, k.digest, k.scopes, k.expires_at
FROM api_keys k JOIN partners p ON p.id = k.partner_id
WHERE p.suspended_at IS NULL AND k.revoked_at IS NULL
  AND (k.expires_at IS NULL OR k.expires_at > now())
"""

ACCOUNT = """
INSERT INTO ledger_accounts (code, kind) VALUES ($1, $2)
ON CONFLICT (code) DO NOTHING RETURNING id
"""
ACCOUNT_BY_CODE = "SELECT id FROM ledger_accounts WHERE code = $1"

BILLER = """
INSERT INTO billers (code, payable_account) VALUES ($1, $2)
ON CONFLICT (code) DO NOTHING RETURNING id
"""
BILLER_BY_CODE = "SELECT id FROM billers WHERE code = $1"

# Adds a version only when it says something new; metadata is compared as JSON.
BILLER_VERSION = """
INSERT INTO biller_versions (biller_id, version, name, metadata)
SELECT $1, coalesce(max(version), 0) + 1, $2, $3::text::jsonb
FROM biller_versions WHERE biller_id = $1
HAVING NOT EXISTS (
    SELECT FROM biller_versions v WHERE v.biller_id = $1 AND v.name = $2
      AND v.metadata = $3::text::jsonb
      AND v.version = (SELECT max(version) FROM biller_versions WHERE biller_id = $1))
RETURNING version
"""

PARTNER = """
INSERT INTO partners (code, name, biller_id, receivable_account) VALUES ($1, $2, $3, $4)
ON CONFLICT (code) DO NOTHING RETURNING id
"""
PARTNER_BY_CODE = "SELECT id FROM partners WHERE code = $1 FOR UPDATE"

LIVE_KEYS = """
SELECT count(*) FROM api_keys
WHERE partner_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
"""
KEY = """
INSERT INTO api_keys (id, partner_id, prefix, digest, scopes, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""
HAS_KEY = "SELECT true FROM api_keys WHERE digest = $1"
REVOKE = """
UPDATE api_keys SET revoked_at = now() WHERE prefix = $1 AND revoked_at IS NULL RETURNING id
"""

PROVIDER = """
INSERT INTO providers (code, receivable_account) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""
PROVIDERS = "SELECT code, receivable_account FROM providers"
SWITCHES = "SELECT provider, operation, is_tripped FROM provider_switches"
# Trips or resets a provider's operation for all processes; no row if there is no such provider.
SWITCH = """
INSERT INTO provider_switches (provider, operation, is_tripped, reason)
SELECT code, $2, $3, $4 FROM providers WHERE code = $1
ON CONFLICT (provider, operation) DO UPDATE
SET is_tripped = excluded.is_tripped, reason = excluded.reason, changed_at = now()
RETURNING provider
"""
SUSPENSE_OWNER = "payer"


async def version(connection: Raw) -> tuple[int, datetime]:
    """Read the number that moves whenever the directory changes, and the database's clock."""
    row = await connection.fetchrow(VERSION)
    if row is None:
        msg = "the directory has its version row"
        raise InvariantBroken(msg)
    return row["version"], row["now"]


async def load(connection: Raw) -> Directory:
    """Read the whole directory in one snapshot."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        at, _ = await version(connection)
        billers = [_biller(row) for row in await connection.fetch(BILLERS)]
        partners = {row["id"]: Partner(**row) for row in await connection.fetch(PARTNERS)}
        keys = await connection.fetch(KEYS)
        providers = await connection.fetch(PROVIDERS)
        suspense = await connection.fetchval(
            ACCOUNT_BY_CODE, account_code(AccountKind.SUSPENSE, SUSPENSE_OWNER)
        )
        switches = await connection.fetch(SWITCHES)
    return Directory(
        version=at,
        billers={biller.code: biller for biller in billers},
        billers_by_id={biller.id: biller for biller in billers},
        partners_by_id=partners,
        callers={row["digest"]: _caller(row, partners[row["partner_id"]]) for row in keys},
        provider_accounts={row["code"]: row["receivable_account"] for row in providers},
        suspense_account=suspense or 0,
        switches={(row["provider"], row["operation"]): row["is_tripped"] for row in switches},
    )


async def put_biller(connection: Raw, code: str, name: str, metadata: dict[str, object]) -> int:
    """Make a biller, or give it a new version of its name and rules; returns its id.

    The caller runs this in a transaction and has read the rules with `read_rules` before.
    """
    made: int | None = await biller_id(connection, code)
    if made is None:
        account = await open_account(connection, AccountKind.PAYABLE, code)
        made = await connection.fetchval(BILLER, code, account)
        made = made or await biller_id(connection, code)
    await connection.fetchval(BILLER_VERSION, made, name, json.dumps(metadata))
    return int(made or 0)


async def biller_id(connection: Raw, code: str) -> int | None:
    """Find a biller by its code."""
    found: int | None = await connection.fetchval(BILLER_BY_CODE, code)
    return found


async def put_partner(connection: Raw, code: str, name: str, biller: int | None) -> int:
    """Make a partner if there is none of this code; returns its id, its row locked."""
    made: int | None = await partner_id(connection, code)
    if made is None:
        account = await open_account(connection, AccountKind.RECEIVABLE, code)
        made = await connection.fetchval(PARTNER, code, name, biller, account)
        made = made or await partner_id(connection, code)
    return int(made or 0)


async def partner_id(connection: Raw, code: str) -> int | None:
    """Find a partner and lock its row."""
    found: int | None = await connection.fetchval(PARTNER_BY_CODE, code)
    return found


async def live_keys(connection: Raw, partner: int) -> int:
    """Count the keys of a partner that are accepted now."""
    found: int = await connection.fetchval(LIVE_KEYS, partner)
    return found


async def has_key(connection: Raw, digest: bytes) -> bool:
    """Say whether a key of this digest was ever stored."""
    return bool(await connection.fetchval(HAS_KEY, digest))


async def add_key(  # noqa: PLR0913 (the columns of one row)
    connection: Raw,
    *,
    key_id: UUID,
    partner: int,
    prefix: str,
    digest: bytes,
    scopes: list[str],
    expires_at: datetime | None,
) -> None:
    """Store a key's digest."""
    await connection.execute(KEY, key_id, partner, prefix, digest, scopes, expires_at)


async def revoke_key(connection: Raw, prefix: str) -> bool:
    """Stop accepting the key that starts with `prefix`; False if there is none live."""
    return await connection.fetchval(REVOKE, prefix) is not None


async def put_provider(connection: Raw, code: str) -> None:
    """Make a provider's row and the accounts that its money needs, if they are missing."""
    account = await open_account(connection, AccountKind.RECEIVABLE, code)
    await open_account(connection, AccountKind.SUSPENSE, SUSPENSE_OWNER)
    await connection.execute(PROVIDER, code, account)


async def switch(
    connection: Raw, provider: str, operation: str, *, is_tripped: bool, reason: str
) -> bool:
    """Trip or reset a provider's operation everywhere; False if there is no such provider."""
    found = await connection.fetchval(SWITCH, provider, operation, is_tripped, reason)
    return found is not None


async def open_account(connection: Raw, kind: AccountKind, owner: str) -> int:
    """Make a ledger account if it is missing; gives its id."""
    code = account_code(kind, owner)
    made: int | None = await connection.fetchval(ACCOUNT, code, kind)
    return int(made or await connection.fetchval(ACCOUNT_BY_CODE, code))


def _biller(row: asyncpg.Record) -> Biller:
    return Biller(
        id=row["id"],
        code=row["code"],
        name=row["name"],
        version=row["version"],
        rules=read_rules(json.loads(row["metadata"])),
        payable_account=row["payable_account"],
    )


def _caller(row: asyncpg.Record, partner: Partner) -> Caller:
    return Caller(
        partner=partner,
        key_prefix=row["prefix"],
        scopes=frozenset(Scope(scope) for scope in row["scopes"]),
        expires_at=row["expires_at"],
    )
