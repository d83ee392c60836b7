"""A runtime with the double of a live biller attached."""

from collections.abc import AsyncIterator

import pytest
import respx

from gateway.domain.partner import Mode
from gateway.kit.abilities import Config, Provider
from gateway.kit.attached import Providers
from gateway.runtime import Clock, Runtime, Secrets
from tests.conftest import client_of
from tests.posting.double import HOST, BillersBooks, LiveBiller
from tests.posting.stage import RULES, LiveStage
from tests.providing.scripted import Closing, Scripted
from tests.world import MASTER_SECRET, World


def with_live_biller(url: str, clock: Clock) -> Runtime:
    """Open a runtime with the double, and the rails at which payers pay."""
    config = Config(deadline_s=5, visibility_s=60)
    adapters: list[Provider[Config]] = [LiveBiller(config), Scripted(config), Closing(config)]
    return Runtime(
        database_url=url,
        pool_size=8,
        secrets=Secrets.derived_from(MASTER_SECRET),
        mode=Mode.TEST,
        clock=clock,
        providers=Providers(adapters, now=clock.now),
        public_url="http://gateway",
    )


@pytest.fixture
async def rt(database: str, clock: Clock) -> AsyncIterator[Runtime]:
    """A started runtime on the empty database."""
    runtime = with_live_biller(database, clock)
    await runtime.start()
    yield runtime
    await runtime.stop()


@pytest.fixture
async def live(rt: Runtime) -> AsyncIterator[LiveStage]:
    """The stage, its biller listening."""
    world = await World.make(rt, **RULES)
    books = BillersBooks()
    with respx.mock(assert_all_called=False) as wire:
        wire.route(host=HOST.removeprefix("http://")).mock(side_effect=books.answer)
        async with client_of(rt) as api:
            yield LiveStage(rt, world, api, books)
