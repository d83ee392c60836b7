"""What the deliveries' tests share."""

from collections.abc import AsyncIterator

import pytest

from tests.flows.post import Post, courier_of
from tests.world import World


@pytest.fixture
async def post(world: World) -> AsyncIterator[Post]:
    async with courier_of(world.rt) as courier:
        yield Post(world, courier)
