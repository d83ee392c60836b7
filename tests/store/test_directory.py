"""The directory as it is written, versioned and read whole."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from gateway.domain.partner import Scope, digest_key
from gateway.runtime import Runtime
from gateway.store import database
from gateway.store import directory as store
from gateway.store.database import Raw
from tests.world import PATTERN, World

RULES: dict[str, object] = {"customer_code_pattern": PATTERN}


@pytest.fixture
async def raw(rt: Runtime) -> AsyncIterator[Raw]:
    async with database.borrow(rt.pool) as connection:
        yield connection


async def version(raw: Raw) -> int:
    return (await store.version(raw))[0]


async def add_key(raw: Raw, text: str, partner: int, expires_at: datetime | None = None) -> None:
    await store.add_key(
        raw,
        key_id=uuid4(),
        partner=partner,
        prefix=text[:12],
        digest=digest_key(text),
        scopes=["pay", "read"],
        expires_at=expires_at,
    )


async def accepted(raw: Raw, text: str) -> bool:
    return digest_key(text) in (await store.load(raw)).callers


async def test_an_expired_key_is_not_read(raw: Raw) -> None:
    partner = await store.put_partner(raw, "bank", "Bank", None)
    await add_key(raw, "sk_test_old", partner, datetime.now(UTC) - timedelta(seconds=1))
    await add_key(raw, "sk_test_new", partner, datetime.now(UTC) + timedelta(days=1))
    assert not await accepted(raw, "sk_test_old")
    assert await accepted(raw, "sk_test_new")
    assert await store.live_keys(raw, partner) == 1


async def test_a_revoked_key_is_not_read_and_is_revoked_once(raw: Raw) -> None:
    partner = await store.put_partner(raw, "bank", "Bank", None)
    await add_key(raw, "sk_test_abcdef", partner)
    assert await store.revoke_key(raw, "sk_test_abcd")
    assert not await accepted(raw, "sk_test_abcdef")
    assert not await store.revoke_key(raw, "sk_test_abcd")
    assert not await store.revoke_key(raw, "sk_test_none")
    assert await store.live_keys(raw, partner) == 0
    assert await store.has_key(raw, digest_key("sk_test_abcdef"))


async def test_no_key_of_a_suspended_partner_is_read(raw: Raw) -> None:
    partner = await store.put_partner(raw, "bank", "Bank", None)
    await add_key(raw, "sk_test_abcdef", partner)
    await raw.execute("UPDATE partners SET suspended_at = now()")
    assert not await accepted(raw, "sk_test_abcdef")


async def test_rules_that_say_the_same_are_no_new_version(raw: Raw) -> None:
    one = await store.put_biller(raw, "evn", "Điện lực", {"oldest_first": True} | RULES)
    same = RULES | {"oldest_first": True}
    assert await store.put_biller(raw, "evn", "Điện lực", same) == one
    assert await raw.fetchval("SELECT count(*) FROM biller_versions") == 1


async def test_each_change_of_name_or_rules_is_a_new_version_and_the_old_ones_stay(
    raw: Raw,
) -> None:
    await store.put_biller(raw, "evn", "Điện lực", RULES)
    await store.put_biller(raw, "evn", "Điện lực Cà Mau", RULES)
    await store.put_biller(raw, "evn", "Điện lực Cà Mau", RULES | {"oldest_first": True})
    await store.put_biller(raw, "evn", "Điện lực Cà Mau", RULES)
    biller = (await store.load(raw)).billers["evn"]
    assert (biller.version, biller.name, biller.rules.oldest_first) == (4, "Điện lực Cà Mau", False)
    kept = await raw.fetch("SELECT version FROM biller_versions ORDER BY version")
    assert [row["version"] for row in kept] == [1, 2, 3, 4]


async def test_a_biller_and_a_partner_get_an_account_each(raw: Raw) -> None:
    biller = await store.put_biller(raw, "evn", "Điện lực", RULES)
    await store.put_partner(raw, "evn", "Điện lực", biller)
    accounts = await raw.fetch("SELECT code, kind FROM ledger_accounts ORDER BY code")
    assert [tuple(row) for row in accounts] == [
        ("payable:evn", "payable"),
        ("receivable:evn", "receivable"),
    ]


async def test_a_partner_that_exists_stays_as_it_is(raw: Raw) -> None:
    one = await store.put_partner(raw, "bank", "Bank", None)
    assert await store.put_partner(raw, "bank", "Another", None) == one
    [partner] = (await store.load(raw)).partners_by_id.values()
    assert partner.name == "Bank"


async def test_billers_made_by_many_at_once_are_one(rt: Runtime) -> None:
    async def put() -> int:
        async with database.borrow(rt.pool) as connection, connection.transaction():
            return await store.put_biller(connection, "evn", "Điện lực", RULES)

    told = await asyncio.gather(*(put() for _ in range(6)), return_exceptions=True)
    made = {one for one in told if isinstance(one, int)}
    lost = [one for one in told if isinstance(one, Exception)]
    assert len(made) == 1
    assert all(database.is_contention(one) for one in lost)


WRITES: dict[str, Callable[[Raw], Awaitable[object]]] = {
    "biller": lambda raw: store.put_biller(raw, "evn", "Điện", RULES),
    "partner": lambda raw: store.put_partner(raw, "card", "Card", None),
    "key": lambda raw: add_key(raw, "sk_test_second", 1),
    "revocation": lambda raw: store.revoke_key(raw, "sk_test_firs"),
    "suspension": lambda raw: raw.execute("UPDATE partners SET suspended_at = now()"),
    "endpoint": lambda raw: raw.execute(
        "INSERT INTO webhook_endpoints (id, biller_id, url, event_types) "
        "SELECT gen_random_uuid(), min(id), '', '{}' FROM billers"
    ),
}


@pytest.mark.parametrize("what", WRITES)
async def test_whatever_changes_the_directory_moves_its_version(what: str, raw: Raw) -> None:
    await store.put_biller(raw, "other", "Điện", RULES)
    await add_key(raw, "sk_test_first", await store.put_partner(raw, "bank", "Bank", None))
    before = await version(raw)
    await WRITES[what](raw)
    assert await version(raw) > before


async def test_what_is_not_of_the_directory_does_not_move_its_version(world: World) -> None:
    async with database.borrow(world.rt.pool) as raw:
        before = await version(raw)
        await world.add_bill()
        await world.add_customer("PB14010000009")
        assert await version(raw) == before


async def test_a_caller_is_read_with_partner_scopes_and_expiry(raw: Raw) -> None:
    partner = await store.put_partner(raw, "bank", "Bank", None)
    until = datetime(2099, 1, 1, tzinfo=UTC)
    await add_key(raw, "sk_test_abcdef", partner, until)
    directory = await store.load(raw)
    caller = directory.callers[digest_key("sk_test_abcdef")]
    assert caller.partner is directory.partners_by_id[partner]
    assert (caller.key_prefix, caller.expires_at) == ("sk_test_abcd", until)
    assert caller.scopes == {Scope.PAY, Scope.READ}
    assert directory.version == await version(raw)
