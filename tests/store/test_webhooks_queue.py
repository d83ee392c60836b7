"""What a claim reads: as much of a long queue as of a short one, and nothing that is done with."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from gateway.embedded import EmbeddedPostgres
from gateway.store import webhooks
from gateway.store.database import BY_INDEX, Raw
from tests.store.test_plans import connected, migrated

ENDPOINT, OTHER = UUID(int=1), UUID(int=2)
SHARE, LEASE_S = 32, 60.0
LONG, SHORT = 20_000, 500

EMPTY = """
SET session_replication_role = replica;
TRUNCATE webhook_endpoints, deliveries, events RESTART IDENTITY CASCADE;
"""
PUT_ENDPOINT = """
INSERT INTO webhook_endpoints (id, biller_id, url, event_types)
VALUES ($1, 1, 'https://evn.example/', '{payment.succeeded}')
"""
QUEUE = """
WITH made AS (
    INSERT INTO events (biller_id, id, type, subject, body, created_at)
    SELECT 1, (left(uuid7_floor(now())::text, 13) || right(gen_random_uuid()::text, 23))::uuid,
        'payment.succeeded', gen_random_uuid(), '{}', now()
    FROM generate_series(1, $2) RETURNING id
)
INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at)
SELECT 1, id, $1, now() - interval '1 hour' + make_interval(secs => row_number() OVER () / 1000.0)
FROM made
"""
TAKE_ALL_BUT = """
UPDATE deliveries SET state = 'delivered' WHERE id IN (
    SELECT id FROM deliveries WHERE state = 'due' ORDER BY due_at DESC, id DESC OFFSET $1)
"""
OLDEST_DUE = "SELECT min(due_at) FROM deliveries WHERE state = 'due'"


@pytest.fixture(scope="module")
def queue_url(postgres: EmbeddedPostgres, worker_id: str) -> Iterator[str]:
    yield from migrated(postgres, f"queue_{worker_id}")


@pytest.fixture
async def raw(queue_url: str) -> AsyncIterator[Raw]:
    async with connected(queue_url) as raw:
        await raw.execute(EMPTY)
        for endpoint_id in (ENDPOINT, OTHER):
            await raw.execute(PUT_ENDPOINT, endpoint_id)
        yield raw


async def explained(raw: Raw, sql: str, *arguments: str) -> dict[str, Any]:
    """Run a statement as a lane does, with its generic plan; what it changes is undone."""
    given = f"({', '.join(arguments)})" if arguments else ""
    await raw.execute(f"{BY_INDEX}; PREPARE explained AS {sql}")
    try:
        transaction = raw.transaction()
        await transaction.start()
        [row] = await raw.fetch(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE explained {given}"
        )
        await transaction.rollback()
        return dict(json.loads(row[0])[0]["Plan"])
    finally:
        await raw.execute("DEALLOCATE explained; RESET enable_seqscan")


def pages_of(plan: dict[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def found(plan: dict[str, Any]) -> int:
    return int(plan["Actual Rows"])


async def claiming(raw: Raw, floor: datetime | None = None) -> dict[str, Any]:
    floors = f"'{{{floor.isoformat() if floor else 'NULL'}}}'"
    lines = (f"'{{{ENDPOINT}}}'", "'{0}'", floors)
    return await explained(raw, webhooks.CLAIM, str(SHARE), *lines, "256", str(LEASE_S))


async def finishing(raw: Raw) -> dict[str, Any]:
    rows = await raw.fetch("SELECT id FROM deliveries ORDER BY id LIMIT $1", SHARE)
    columns = (
        [str(row["id"]) for row in rows],
        *(["0"] * SHARE, ["delivered"] * SHARE, ["0"] * SHARE, ["204"] * SHARE, ["NULL"] * SHARE),
    )
    given = [f"'{{{','.join(column)}}}'" for column in columns]
    return await explained(raw, webhooks.FINISH, *given)


async def filled(raw: Raw, many: int) -> None:
    await raw.execute(QUEUE, ENDPOINT, many)
    await raw.execute("ANALYZE deliveries, events, webhook_endpoints")


@pytest.mark.parametrize("statement", [claiming, finishing], ids=["CLAIM", "FINISH"])
async def test_a_long_queue_costs_a_turn_no_more_pages_than_a_short_one(
    statement: Any, raw: Raw
) -> None:
    await filled(raw, SHORT)
    short = await statement(raw)
    await filled(raw, LONG - SHORT)
    long = await statement(raw)
    assert found(short) == found(long) == SHARE
    assert pages_of(long) < 1.5 * pages_of(short)


async def test_a_claim_does_not_step_over_what_was_taken_before_it(
    raw: Raw, queue_url: str
) -> None:
    await filled(raw, LONG)
    fresh = pages_of(await claiming(raw))
    async with connected(queue_url) as reader, reader.transaction(isolation="repeatable_read"):
        # Whoever reads for long, a backup say, keeps the dead entries from being cleared away.
        await reader.fetchval("SELECT count(*) FROM deliveries")
        await raw.execute(TAKE_ALL_BUT, SHORT)
        floor = await raw.fetchval(OLDEST_DUE)
        from_floor, from_beginning = await claiming(raw, floor), await claiming(raw)
    assert found(from_floor) == found(from_beginning) == SHARE
    assert pages_of(from_floor) < 1.5 * fresh
    assert pages_of(from_beginning) > 2 * pages_of(from_floor)


async def test_measuring_the_backlog_reads_no_more_of_an_endpoint_than_it_counts(raw: Raw) -> None:
    await filled(raw, LONG)
    await raw.execute(QUEUE, OTHER, SHORT)
    plan = await explained(raw, webhooks.BACKLOG)
    assert found(plan) == 1
    backlog = await webhooks.backlog(raw)
    assert backlog.waiting == 10_000 + SHORT
    assert 3_500 < backlog.age_s < 3_700
