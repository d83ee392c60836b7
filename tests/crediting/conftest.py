"""A runtime on whose account money arrives, and a bank that tells of it."""

from collections.abc import AsyncIterator

import pytest
import respx

from gateway.domain.partner import Mode
from gateway.flows import crediting
from gateway.kit.abilities import Config
from gateway.kit.attached import Providers
from gateway.runtime import Clock, Runtime, Secrets
from tests.conftest import client_of
from tests.crediting.bank import Bank
from tests.crediting.telling import ACCOUNT, Coded, Second, Telling
from tests.providing.stage import Stage
from tests.world import BILLER, MASTER_SECRET, World


@pytest.fixture
async def rt(database: str, clock: Clock) -> AsyncIterator[Runtime]:
    """A started runtime with a rail of order codes and two sources of notices."""
    config = Config(deadline_s=5, visibility_s=60)
    attached = [Coded(config), Telling(config), Second(config)]
    runtime = Runtime(
        database_url=database,
        pool_size=8,
        secrets=Secrets.derived_from(MASTER_SECRET),
        mode=Mode.TEST,
        clock=clock,
        providers=Providers(attached, now=clock.now),
        public_url="http://gateway",
    )
    await runtime.start()
    yield runtime
    await runtime.stop()


@pytest.fixture
async def bank(rt: Runtime) -> AsyncIterator[Bank]:
    """The bank of the utility's account."""
    world = await World.make(rt)
    await crediting.put_account(rt, ACCOUNT, BILLER, "utility", actor="test")
    with respx.mock(assert_all_called=False) as rail:
        async with client_of(rt) as api:
            stage = Stage(rt, world, api, rail)
            stage.listen()
            yield Bank(stage)
