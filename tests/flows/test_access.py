"""Who is calling, and what the caller may do."""

from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import pytest

from gateway.domain.errors import ScopeMissing, Unauthenticated
from gateway.domain.partner import Scope
from gateway.domain.refusals import BillerUnknown
from gateway.flows import operate
from gateway.flows.access import authenticate, find_biller, own_biller, require
from gateway.runtime import Runtime
from gateway.store import database
from gateway.testing.clock import FrozenClock
from tests.orders import another_process, caller_of
from tests.world import BILLER, World, at_noon


@pytest.fixture
def clock() -> FrozenClock:
    return at_noon()


async def make_key(rt: Runtime, expires_at: datetime | None = None) -> operate.NewKey:
    return await operate.create_key(rt, "bank", [Scope.PAY], expires_at=expires_at, actor="test")


HEADERS = [
    None,
    "",
    "Bearer",
    "Bearer ",
    "sk_test_x",
    "Basic c2s6",
    "Bearer sk_test_" + "x" * 43,
    "Bearer  {key}",
    "Bearer {key} ",
    "Bearer {key}x",
    "Basic {key}",
    "Bearer {short}",
    "Bearer\t{key}",
]


@pytest.mark.parametrize("header", HEADERS)
async def test_who_shows_no_key_of_ours_is_nobody(header: str | None, world: World) -> None:
    key = world.keys["bank"]
    sent = header and header.format(key=key, short=key[:-1])
    with pytest.raises(Unauthenticated):
        await authenticate(world.rt, sent)


async def test_a_key_of_the_other_mode_is_told_so(world: World) -> None:
    with pytest.raises(Unauthenticated, match="in test mode"):
        await authenticate(world.rt, "Bearer sk_live_" + "x" * 43)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_good_key_is_its_partner(scheme: str, world: World) -> None:
    caller = await authenticate(world.rt, f"{scheme} {world.keys['wallet']}")
    assert caller.partner.code == "wallet"


async def test_a_key_is_accepted_the_moment_it_is_made_elsewhere(
    world: World, database: str
) -> None:
    async with another_process(database) as other:
        made = await make_key(world.rt)
        caller = await authenticate(other, f"Bearer {made.api_key}")
        assert caller.scopes == {Scope.PAY}


async def test_a_revoked_key_is_refused(world: World) -> None:
    made = await make_key(world.rt)
    await authenticate(world.rt, f"Bearer {made.api_key}")
    await operate.revoke_key(world.rt, made.prefix, actor="test")
    await world.rt.refresh()
    with pytest.raises(Unauthenticated):
        await authenticate(world.rt, f"Bearer {made.api_key}")


async def test_a_key_ends_at_its_time_though_nobody_tells_us(
    world: World, clock: FrozenClock
) -> None:
    far = timedelta(days=400)  # in the database's eyes as well
    made = await make_key(world.rt, expires_at=clock.now() + far)
    clock.move(far - timedelta(microseconds=1))
    await authenticate(world.rt, f"Bearer {made.api_key}")
    clock.move(timedelta(microseconds=1))
    with pytest.raises(Unauthenticated):
        await authenticate(world.rt, f"Bearer {made.api_key}")


async def test_a_known_key_needs_no_database(world: World) -> None:
    async with AsyncExitStack() as held:
        for _ in range(world.rt.pool.get_max_size()):
            await held.enter_async_context(database.borrow(world.rt.pool))
        caller = await authenticate(world.rt, f"Bearer {world.keys['bank']}")
    assert caller.partner.code == "bank"


@pytest.mark.parametrize("scope", list(Scope))
async def test_a_key_does_only_what_it_is_for(scope: Scope, world: World) -> None:
    made = await make_key(world.rt)
    caller = await authenticate(world.rt, f"Bearer {made.api_key}")
    if scope is Scope.PAY:
        require(caller, scope)
    else:
        with pytest.raises(ScopeMissing, match=f"'{scope}'"):
            require(caller, scope)


async def test_an_unknown_biller_is_not_found(world: World) -> None:
    with pytest.raises(BillerUnknown):
        find_biller(world.rt, "evnspc-kiengiang")
    assert find_biller(world.rt, BILLER).code == BILLER


@pytest.mark.parametrize("partner", ["bank", "wallet", "other-power"])
async def test_a_biller_is_its_own_systems_alone(partner: str, world: World) -> None:
    await world.add_biller("other-power")
    with pytest.raises(BillerUnknown):
        own_biller(world.rt, caller_of(world.rt, partner), BILLER)


async def test_a_billers_own_system_finds_its_biller(world: World) -> None:
    assert own_biller(world.rt, caller_of(world.rt, "utility"), BILLER).code == BILLER
