"""What Alembic does not compare: constraints, money columns, and what a bill may look like."""

from datetime import date

import asyncpg
import pytest
from sqlalchemy import BigInteger, DateTime

from gateway.store.tables import METADATA
from tests.world import World

BILL: dict[str, object] = {
    "id": "HD-1",
    "customer_code": "PB14010000001",
    "period": date(2026, 10, 1),
    "net_dong": 140_000,
    "vat_dong": 10_000,
    "amount_dong": 150_000,
    "paid_dong": 0,
    "status": "open",
    "claimed_by": None,
}
INSERT = """
INSERT INTO bills (biller_id, issued_on, due_on, id, customer_code, period, net_dong, vat_dong,
    amount_dong, paid_dong, status, claimed_by)
VALUES (1, '2026-11-02', '2026-11-09', $1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
SOMEBODY = "01936b2e-0000-7000-8000-000000000001"

IMPOSSIBLE = {
    "no-id": ({"id": ""}, "bills_id_check"),
    "id-with-a-quote": ({"id": 'HD"1'}, "bills_id_check"),
    "id-with-a-newline": ({"id": "HD-1\n"}, "bills_id_check"),
    "id-of-41": ({"id": "H" * 41}, "bills_id_check"),
    "period-in-the-middle": ({"period": date(2026, 10, 2)}, "bills_period_check"),
    "nothing-due": ({"amount_dong": 0, "net_dong": 0, "vat_dong": 0}, "bills_amount_check"),
    "negative-tax": ({"net_dong": 160_000, "vat_dong": -10_000}, "bills_amount_check"),
    "sum-that-is-wrong": ({"net_dong": 140_001}, "bills_amount_check"),
    "more-paid-than-due": ({"paid_dong": 150_001}, "bills_amount_check"),
    "less-than-nothing-paid": ({"paid_dong": -1}, "bills_amount_check"),
    "paid-with-a-rest": ({"status": "paid", "claimed_by": SOMEBODY}, "bills_status_check"),
    "open-without-a-rest": ({"paid_dong": 150_000}, "bills_status_check"),
    "paid-by-nobody": ({"paid_dong": 150_000, "status": "paid"}, "bills_status_check"),
    "unknown-status": ({"status": "lost"}, "bills_status_check"),
}


@pytest.mark.parametrize(("changes", "constraint"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
async def test_the_database_itself_refuses_a_bill_that_cannot_be(
    changes: dict[str, object], constraint: str, world: World
) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await world.rows(INSERT, *(BILL | changes).values())
    assert caught.value.constraint_name == constraint


async def test_the_bill_that_those_are_made_from_is_accepted(world: World) -> None:
    await world.rows(INSERT, *BILL.values())
    assert await world.count("bills") == 1


async def test_a_name_that_is_not_composed_is_refused(world: World) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="customers_nfc_check"):
        await world.add_customer("PB14010000009", name="Nguye\u0302\u0303n")


def test_money_is_kept_in_whole_dong_and_64_bits() -> None:
    money = [c for table in METADATA.tables.values() for c in table.c if c.name.endswith("_dong")]
    assert len(money) > 5
    kinds = {str(column): getattr(column.type, "item_type", column.type) for column in money}
    assert [name for name, kind in kinds.items() if not isinstance(kind, BigInteger)] == []


def test_every_time_is_kept_with_its_zone() -> None:
    times = [
        (str(column), column.type.timezone)
        for table in METADATA.tables.values()
        for column in table.c
        if isinstance(column.type, DateTime)
    ]
    assert len(times) > 10
    assert [name for name, has_zone in times if not has_zone] == []


async def test_every_table_of_the_database_is_known_to_the_code(world: World) -> None:
    found = await world.rows(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relkind IN ('r', 'p') AND NOT relispartition"
    )
    assert {row["relname"] for row in found} - {"alembic_version"} == set(METADATA.tables)
