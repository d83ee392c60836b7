"""A runtime with the scripted providers attached."""

from collections.abc import AsyncIterator

import pytest
import respx

from gateway.domain.partner import Mode
from gateway.kit.abilities import Config
from gateway.kit.attached import Providers
from gateway.runtime import Clock, Runtime, Secrets
from tests.conftest import client_of
from tests.providing.odd import two_stages
from tests.providing.scripted import Closing, Scripted
from tests.providing.stage import Stage
from tests.world import MASTER_SECRET, World


def with_providers(url: str, clock: Clock) -> Runtime:
    """Open a runtime that the scripted providers are attached to."""
    config = Config(deadline_s=5, visibility_s=60)
    return Runtime(
        database_url=url,
        pool_size=8,
        secrets=Secrets.derived_from(MASTER_SECRET),
        mode=Mode.TEST,
        clock=clock,
        providers=Providers([Scripted(config), Closing(config)], now=clock.now),
        public_url="http://gateway",
    )


@pytest.fixture
async def rt(database: str, clock: Clock) -> AsyncIterator[Runtime]:
    """A started runtime with providers, on the empty database."""
    runtime = with_providers(database, clock)
    await runtime.start()
    yield runtime
    await runtime.stop()


@pytest.fixture
async def stage(rt: Runtime) -> AsyncIterator[Stage]:
    """The stage, its rail listening."""
    world = await World.make(rt)
    with respx.mock(assert_all_called=False) as rail:
        async with client_of(rt) as api:
            stage = Stage(rt, world, api, rail)
            stage.listen()
            yield stage


@pytest.fixture
async def both(database: str) -> AsyncIterator[tuple[Stage, Stage]]:
    """Two processes on one empty database, with one rail; the odd providers are attached too."""
    async with two_stages(database) as stages:
        yield stages
