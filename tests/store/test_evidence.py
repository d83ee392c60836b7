"""Evidence: added to only, known once, within bounds, disputed until a person closes it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg
import pytest

from gateway.store import database, evidence
from gateway.store.attempts import AttemptRow
from gateway.store.database import Raw
from gateway.store.evidence import EvidenceRow, ExceptionRow, ExchangeRow, NotificationRow
from tests.store.begun import RAIL, begun, put_rail
from tests.world import World


@pytest.fixture
async def raw(world: World) -> AsyncIterator[Raw]:
    async with database.borrow(world.rt.pool) as connection:
        await put_rail(connection)
        yield connection


@pytest.fixture
async def attempt(raw: Raw, world: World) -> AttemptRow:
    return await begun(raw, world)


def a_fact(attempt: AttemptRow, **changes: object) -> EvidenceRow:
    row = EvidenceRow(
        biller_id=1,
        attempt_id=attempt.id,
        rank=3,
        source="query",
        outcome="succeeded",
        code="0",
        amount_dong=150_000,
        facts='{"outcome":"succeeded"}',
        disagrees=None,
        rule="proved taken",
        state_before="waiting",
        state_after="succeeded",
        exchange_id=None,
        notification_id=None,
        at=datetime.now(UTC),
    )
    return replace(row, **changes)  # type: ignore[arg-type]


def an_exchange(attempt: AttemptRow, number: int) -> ExchangeRow:
    return ExchangeRow(
        id=UUID(int=number),
        biller_id=1,
        attempt_id=attempt.id,
        operation="query",
        method="POST",
        url="http://rail/query",
        request="{}",
        request_sha256=b"\x01" * 32,
        fate="answered",
        reason="answered",
        status=200,
        reply="{}",
        reply_sha256=b"\x02" * 32,
        started_at=datetime.now(UTC),
        took_ms=7,
    )


def a_notification(attempt: AttemptRow, number: int, **changes: object) -> NotificationRow:
    row = NotificationRow(
        id=UUID(int=number),
        biller_id=1,
        attempt_id=attempt.id,
        provider=RAIL,
        key="4000000001:0",
        method="POST",
        query="",
        body=b'\x00\xff{"not":"text"}',
        received_at=datetime.now(UTC),
    )
    return replace(row, **changes)  # type: ignore[arg-type]


def an_exception(attempt: AttemptRow, number: int, **changes: object) -> ExceptionRow:
    row = ExceptionRow(
        id=UUID(int=number),
        biller_id=1,
        payment_id=attempt.payment_id,
        attempt_id=attempt.id,
        kind="conflicted",
        amount_dong=150_000,
        owner="operations",
        next_action="ask the provider",
        due_on=date(2026, 11, 25),
        opened_at=datetime.now(UTC),
    )
    return replace(row, **changes)  # type: ignore[arg-type]


async def test_all_that_was_said_and_heard_is_read_back_oldest_first(
    raw: Raw, attempt: AttemptRow
) -> None:
    exchanges = [an_exchange(attempt, number) for number in (1, 2)]
    for exchange in exchanges:
        await evidence.add_exchange(raw, exchange)
    told = a_notification(attempt, 3)
    assert await evidence.record(raw, told, "recorded")
    facts = [
        a_fact(attempt, exchange_id=exchanges[0].id, disagrees="amount"),
        a_fact(attempt, rank=2, source="notification", notification_id=told.id),
    ]
    for fact in facts:
        await evidence.add(raw, fact)
    assert await evidence.history(raw, 1, [attempt.id]) == (
        facts,
        exchanges,
        [replace(told, verdict="recorded")],
    )


async def test_nothing_of_another_attempt_or_biller_is_read(raw: Raw, attempt: AttemptRow) -> None:
    await evidence.add(raw, a_fact(attempt))
    assert await evidence.history(raw, 2, [attempt.id]) == ([], [], [])
    assert await evidence.history(raw, 1, [attempt.payment_id]) == ([], [], [])


@pytest.mark.parametrize("table", ["evidence", "exchanges"])
@pytest.mark.parametrize("change", ["UPDATE {} SET biller_id = 2", "DELETE FROM {}", "TRUNCATE {}"])
async def test_nobody_changes_what_a_proof_rests_on(
    raw: Raw, attempt: AttemptRow, database: str, table: str, change: str
) -> None:
    await evidence.add(raw, a_fact(attempt))
    await evidence.add_exchange(raw, an_exchange(attempt, 1))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await raw.execute(change.format(table))
    owner = await asyncpg.connect(database)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="insert-only"):
            await owner.execute(change.format(table))
    finally:
        await owner.close()
    assert await raw.fetchval(f"SELECT count(*) FROM {table}") == 1


async def test_a_notification_is_known_by_its_providers_key(raw: Raw, attempt: AttemptRow) -> None:
    assert await evidence.record(raw, a_notification(attempt, 1), "recorded")
    assert not await evidence.record(raw, a_notification(attempt, 2), "recorded")
    assert await evidence.record(raw, a_notification(attempt, 3, key="4000000001:1"), "recorded")
    assert await evidence.record(raw, a_notification(attempt, 4, provider="another"), "recorded")


async def test_a_notification_recorded_many_times_at_once_is_new_once(
    raw: Raw, attempt: AttemptRow, world: World
) -> None:
    async def one(number: int) -> bool:
        async with database.borrow(world.rt.pool) as connection:
            return await evidence.record(connection, a_notification(attempt, number), "recorded")

    assert sorted(await asyncio.gather(*map(one, range(1, 21)))) == [False] * 19 + [True]


async def test_a_browsers_return_is_remembered(raw: Raw, attempt: AttemptRow) -> None:
    await evidence.add(raw, a_fact(attempt))
    assert not await evidence.came_back(raw, 1, attempt.id)
    await evidence.add(raw, a_fact(attempt, rank=1, source="return", state_after="waiting"))
    assert await evidence.came_back(raw, 1, attempt.id)


async def test_money_that_was_taken_once_is_known_to_be_whatever_was_said_since(
    raw: Raw, attempt: AttemptRow
) -> None:
    await evidence.add(raw, a_fact(attempt, outcome="succeeded", state_after="conflicted"))
    assert not await evidence.was_taken(raw, 1, attempt.id)
    await evidence.add(raw, a_fact(attempt))
    await evidence.add(raw, a_fact(attempt, state_before="succeeded", state_after="conflicted"))
    assert await evidence.was_taken(raw, 1, attempt.id)
    assert not await evidence.was_taken(raw, 2, attempt.id)


async def quarantine(raw: Raw, provider: str, body: bytes = b"x" * 4096) -> None:
    await evidence.quarantine(
        raw, provider, reason="a test", method="POST", query="", body=body, sha256=b"\x01" * 32
    )


async def test_the_quarantine_keeps_the_newest_thousand_of_each_provider(raw: Raw) -> None:
    await raw.execute(
        "INSERT INTO quarantine (provider, reason, method, query, body, sha256)"
        " SELECT 'scripted', n::text, 'POST', '', '', '' FROM generate_series(1, 1500) n"
    )
    for _ in range(3):
        await quarantine(raw, RAIL)
    await quarantine(raw, "another")
    kept = await raw.fetchval("SELECT count(*) FROM quarantine WHERE provider = 'scripted'")
    assert evidence.QUARANTINED_MAX <= kept <= evidence.QUARANTINED_MAX + 1
    assert await raw.fetchval("SELECT min(id) FROM quarantine WHERE provider = 'scripted'") > 500
    newest = await raw.fetch(
        "SELECT reason FROM quarantine WHERE provider = 'scripted' ORDER BY id DESC LIMIT 3"
    )
    assert [row["reason"] for row in newest] == ["a test"] * 3


async def test_the_quarantine_refuses_what_was_not_cut_short(raw: Raw) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="quarantine_size_check"):
        await quarantine(raw, RAIL, b"x" * 4097)


async def test_an_exception_is_opened_once_for_an_attempt_and_kind(
    raw: Raw, attempt: AttemptRow
) -> None:
    first = an_exception(attempt, 1)
    await evidence.open_exception(raw, first)
    await evidence.open_exception(raw, an_exception(attempt, 2, owner="accounting"))
    await evidence.open_exception(raw, an_exception(attempt, 3, kind="late_money"))
    assert [row.id.int for row in await evidence.open_exceptions(raw, 10)] == [1, 3]
    assert (await evidence.open_exceptions(raw, 1)) == [first]


async def test_the_most_urgent_exception_comes_first(raw: Raw, attempt: AttemptRow) -> None:
    later = an_exception(attempt, 1, due_on=date(2026, 11, 27))
    sooner = an_exception(attempt, 2, kind="late_money", due_on=date(2026, 11, 26))
    await evidence.open_exception(raw, later)
    await evidence.open_exception(raw, sooner)
    assert await evidence.open_exceptions(raw, 10) == [sooner, later]


async def test_an_exception_is_closed_once_with_what_was_found(
    raw: Raw, attempt: AttemptRow
) -> None:
    await evidence.open_exception(raw, an_exception(attempt, 1))
    closed = [
        await evidence.close_exception(raw, UUID(int=1), closed_by=who, resolution="refunded")
        for who in ("an", "binh")
    ]
    assert closed == [True, False]
    row = await raw.fetchrow("SELECT closed_by, resolution FROM exceptions")
    assert row is not None
    assert tuple(row) == ("an", "refunded")
    assert await evidence.open_exceptions(raw, 10) == []
    assert not await evidence.close_exception(raw, UUID(int=2), closed_by="an", resolution="x")


@pytest.mark.parametrize(
    ("kind", "is_disputed"),
    [("conflicted", True), ("second_movement", True), ("late_money", False), ("unresolved", False)],
)
async def test_a_dispute_lasts_until_a_person_closes_it(
    raw: Raw,
    attempt: AttemptRow,
    kind: str,
    is_disputed: bool,  # noqa: FBT001 (a column of the table)
) -> None:
    await evidence.open_exception(raw, an_exception(attempt, 1, kind=kind))
    assert await evidence.is_disputed(raw, 1, [attempt.id]) is is_disputed
    assert not await evidence.is_disputed(raw, 1, [])
    await evidence.close_exception(raw, UUID(int=1), closed_by="an", resolution="settled")
    assert not await evidence.is_disputed(raw, 1, [attempt.id])
