import re

from gateway.runtime import Runtime
from gateway.store import database, revision, upkeep


async def test_a_migrated_database_is_at_the_revision_that_the_code_needs(rt: Runtime) -> None:
    async with database.borrow(rt.pool) as connection:
        assert await upkeep.revision(connection) == revision.HEAD


def test_a_revision_is_a_number_in_four_digits() -> None:
    assert re.fullmatch("[0-9]{4}", revision.HEAD)
