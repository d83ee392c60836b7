"""What the database itself refuses of field cash."""

import asyncpg
import pytest

from gateway.store.cash_tables import CASH_DEPOSITS, CASH_RECEIPTS
from tests.cash.round import Round

COPIES = f"""
INSERT INTO {CASH_RECEIPTS.name} (id, biller_id, list_id, collector_id, device_id, seq, receipt_no,
    bill_id, amount_dong, collected_at, taken_on, canonical, digest, upload_key, result,
    received_at)
SELECT gen_random_uuid(), biller_id, list_id, collector_id, device_id, 99, 'x', bill_id,
    amount_dong, collected_at, taken_on, canonical, '\\x01', upload_key, $1, received_at
FROM cash_receipts
"""


async def test_a_proved_receipt_without_its_money_is_refused_by_the_database(tour: Round) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    await tour.results(given, tour.collect(given))
    for result in ("ACCEPTED", "ALREADY_PAID"):
        with pytest.raises(asyncpg.CheckViolationError):
            await tour.world.rows(COPIES, result)
    await tour.world.rows(COPIES, "SIGNATURE_WRONG")


async def test_receipts_and_deposits_are_never_changed_not_even_by_the_owner(
    tour: Round, database: str
) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    await tour.results(given, tour.collect(given))
    await tour.pay_in(150_000, "SLIP-1")
    owner = await asyncpg.connect(database)
    try:
        for table in (CASH_RECEIPTS.name, CASH_DEPOSITS.name):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="insert-only"):
                await owner.execute(f"UPDATE {table} SET amount_dong = 1")
    finally:
        await owner.close()
