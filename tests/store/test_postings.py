"""Postings in the database: written with the money, claimed in order, moved under a lease."""

from datetime import timedelta

import asyncpg
import pytest

from gateway.embedded import EmbeddedPostgres
from gateway.store import database as db
from gateway.store import moves, postings, schema
from tests.store.test_plans import plan_of
from tests.world import World

LEASE = timedelta(seconds=20)


async def paid(world: World, connection: db.Raw, customer: str, number: int) -> str:
    """Write a posting whose payment's id follows `number`."""
    payment = f"01936b2e-0000-7000-8000-{number:012}"
    await connection.execute(
        "INSERT INTO postings (biller_id, payment_id, source, customer_code, paid_at)"
        " VALUES (1, $1, 'a', $2, now())",
        payment,
        customer,
    )
    return payment


def test_what_pays_and_posts_is_what_pays_and_one_thing_more() -> None:
    tail = "\nSELECT payment_id, body, outbid FROM done\n"
    assert moves.PAY.endswith(tail)
    assert postings.PAY_AND_POST.endswith(tail.lstrip())
    kept = postings.PAY_AND_POST.replace(", source text)", ")").replace(postings._POSTED, "\n")
    assert kept == moves.PAY


async def test_a_customers_postings_are_claimed_one_after_the_other(world: World) -> None:
    async with db.borrow(world.rt.pool) as connection:
        first = await paid(world, connection, "PB14010000001", 1)
        await paid(world, connection, "PB14010000001", 2)
        other = await paid(world, connection, "PB14010000002", 3)
        rows = await postings.claim_due(connection, "a", lease=LEASE, most=9)
        assert {str(row.payment_id) for row in rows} == {first, other}
        assert await postings.claim_due(connection, "a", lease=LEASE, most=9) == []


async def test_another_sources_postings_are_left_alone(world: World) -> None:
    async with db.borrow(world.rt.pool) as connection:
        await paid(world, connection, "PB14010000001", 1)
        assert await postings.claim_due(connection, "b", lease=LEASE, most=9) == []


async def test_what_is_done_is_not_claimed_again(world: World) -> None:
    async with db.borrow(world.rt.pool) as connection:
        await paid(world, connection, "PB14010000001", 1)
        [row] = await postings.claim_due(connection, "a", lease=LEASE, most=9)
        assert await postings.move(connection, row, [], tried=1, wait=None)
        assert await postings.waiting(connection) == []


@pytest.mark.parametrize(
    ("columns", "values"),
    [("state", "'sent'"), ("state", "'lost'"), ("undo", "'lost'"), ("sent_at", "now()")],
    ids=["sent_without_reference", "no_state", "no_undo", "sent_at_without_reference"],
)
async def test_the_database_refuses_what_cannot_be(world: World, columns: str, values: str) -> None:
    async with db.borrow(world.rt.pool) as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                f"INSERT INTO posting_bills (biller_id, payment_id, bill_id, period, amount_dong,"
                f" memory, {columns}) VALUES (1, gen_random_uuid(), 'HD', now(), 1, '', {values})"
            )


async def test_two_clearings_never_share_a_reference(world: World) -> None:
    async with db.borrow(world.rt.pool) as connection:
        insert = (
            "INSERT INTO posting_bills (biller_id, payment_id, bill_id, period, amount_dong,"
            " memory, reference) VALUES (1, gen_random_uuid(), 'HD', now(), 1, '', 'pst_1')"
        )
        await connection.execute(insert)
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(insert)


# Months of postings beside few bills: what a plan is made for.
FILL = """
INSERT INTO postings (biller_id, payment_id, source, customer_code, paid_at, due_at)
SELECT 1, ('01936b2e-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'a', 'PB' || n,
    now() - n * interval '1 minute', CASE WHEN n % 100 = 0 THEN now() END
FROM generate_series(1, 20000) n;
INSERT INTO posting_bills (biller_id, payment_id, bill_id, period, amount_dong, memory, reference)
SELECT 1, payment_id, 'HD-' || customer_code, '2026-10-01', 1, '{}', 'pst_' || customer_code
FROM postings;
ANALYZE postings, posting_bills
"""
RIDES = {
    "CLAIM_DUE": (postings.CLAIM_DUE, {"postings_due", "postings_customer", "postings_pkey"}),
    "MOVE": (postings.MOVE, {"postings_pkey", "posting_bills_pkey"}),
    "ASK_UNDO": (postings.ASK_UNDO, {"postings_pkey", "posting_bills_pkey"}),
    "BILLS_OF": (postings.BILLS_OF, {"posting_bills_pkey"}),
    "CLEARED_BY_ANOTHER": (postings.CLEARED_BY_ANOTHER, {"posting_bills_bill"}),
    "WAITING": (postings.WAITING, {"postings_due"}),
    "COMPARED": (
        postings.COMPARED,
        {"postings_paid", "posting_bills_pkey", "posting_bills_reference_key"},
    ),
}


async def test_each_statement_rides_its_indexes(database: str) -> None:
    owner = await asyncpg.connect(
        database, server_settings={"plan_cache_mode": "force_generic_plan"}
    )
    try:
        await owner.execute(f"BEGIN; {FILL}")
        for name, (sql, rides) in RIDES.items():
            await owner.execute(f'PREPARE "{name}" AS {sql}')
            assert rides <= (await plan_of(owner, name, sql)).indexes, name
    finally:
        await owner.close()


def test_the_tables_and_their_migration_agree_and_go_down_and_up(
    postgres: EmbeddedPostgres, worker_id: str
) -> None:
    url = postgres.create_database(f"postings_{worker_id}")
    for revision in ("head", "-1", "head"):
        schema.migrate(url, revision)
    schema.check(url)
    postgres.drop_database(f"postings_{worker_id}")
