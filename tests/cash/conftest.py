"""A collector at noon."""

import pytest
from httpx import AsyncClient

from gateway.runtime import Clock
from tests.cash.round import Round
from tests.world import World, at_noon


@pytest.fixture
def clock() -> Clock:
    """Give a clock that no test moves by chance."""
    return at_noon()


@pytest.fixture
async def tour(world: World, api: AsyncClient) -> Round:
    """A collector with a tablet."""
    return await Round.begin(world, api)
