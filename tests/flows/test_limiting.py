"""Who is limited, and what is written down of them."""

import pytest

from gateway.domain.limit import LOOKUPS_OF_ADDRESS, TooManyRequests
from gateway.flows import limiting
from gateway.runtime import Runtime
from gateway.store import database


async def test_a_whole_v6_subscriber_is_one_asker(rt: Runtime) -> None:
    for number in range(LOOKUPS_OF_ADDRESS.burst):
        await limiting.check_address(rt, LOOKUPS_OF_ADDRESS, f"2001:db8:1:2::{number:x}")
    with pytest.raises(TooManyRequests):
        await limiting.check_address(rt, LOOKUPS_OF_ADDRESS, "2001:db8:1:2:ffff::1")
    await limiting.check_address(rt, LOOKUPS_OF_ADDRESS, "2001:db8:1:3::1")


async def test_nobody_can_read_from_the_table_who_looked_for_whom(rt: Runtime) -> None:
    await limiting.check(rt, LOOKUPS_OF_ADDRESS, "evnspc-camau/PB14010000001")
    async with database.borrow(rt.pool) as connection:
        keys = await connection.fetch("SELECT key FROM rate_limits")
    assert len(keys) == 1
    assert "PB14" not in keys[0]["key"]
