"""What the database itself refuses of mandates and debits."""

import asyncpg
import pytest

from gateway.store.mandate_tables import MANDATE_EVENTS
from tests.world import World

NOTE = """
INSERT INTO mandate_events (biller_id, mandate_id, change, state_before, state_after, origin,
    reason, at)
VALUES (1, gen_random_uuid(), 'cancel', 'active', 'cancelled', 'payer', '', now())
"""


async def test_what_was_written_of_a_mandate_is_never_changed(world: World) -> None:
    await world.rows(NOTE)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.rows(f"UPDATE {MANDATE_EVENTS.name} SET reason = 'x'")
