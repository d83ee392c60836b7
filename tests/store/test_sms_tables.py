"""What the database itself refuses of SMS banking."""

import asyncpg
import pytest

from gateway.store.sms_tables import SMS_QUOTES
from tests.world import World

QUOTE = f"""
INSERT INTO {SMS_QUOTES.name} (biller_id, id, provider, sender, mandate_id, customer_code, bill_id,
    amount_dong, otp_hash, tries_left, state, created_at, expires_at)
VALUES (1, gen_random_uuid(), 'p', '\\x01', gen_random_uuid(), 'c', 'b', 1, '\\x02', 3, $1, now(),
    now())
"""


async def test_a_sender_has_one_quote_that_waits_for_a_code(world: World) -> None:
    await world.rows(QUOTE, "quoted")
    with pytest.raises(asyncpg.UniqueViolationError):
        await world.rows(QUOTE, "quoted")
    await world.rows(QUOTE, "replaced")


async def test_a_quote_is_confirmed_only_with_its_payment(world: World) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await world.rows(QUOTE, "confirmed")
