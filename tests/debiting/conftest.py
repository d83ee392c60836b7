"""The stage of mandates and debit runs."""

from collections.abc import AsyncIterator

import pytest

from gateway.runtime import Clock
from tests.debiting.stage import Stage, open_stage


@pytest.fixture
async def stage(database: str) -> AsyncIterator[Stage]:
    async with open_stage(database, Clock()) as stage:
        yield stage
