from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.errors import ScopeMissing, Unauthenticated
from gateway.domain.partner import Scope
from gateway.domain.refusals import BillerUnknown
from gateway.flows import operate
from gateway.flows.access import authenticate, find_biller, own_biller, require
from gateway.runtime import Runtime
from tests.world import BILLER, World


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer sk_test_unknown", "sk_test_x"]
)
async def test_what_is_no_accepted_key_is_refused(
    rt: Runtime, world: World, header: str | None
) -> None:
    with pytest.raises(Unauthenticated):
        await authenticate(rt, header)


async def test_a_key_of_the_other_mode_is_told_so(rt: Runtime, world: World) -> None:
    with pytest.raises(Unauthenticated, match="test mode"):
        await authenticate(rt, "Bearer sk_live_0123456789")


async def test_a_key_is_accepted_the_moment_it_is_made(rt: Runtime, world: World) -> None:
    await operate.put_partner(rt, "fresh", "Fresh", biller=None, actor="test")
    made = await operate.create_key(rt, "fresh", [Scope.PAY], expires_at=None, actor="test")
    caller = await authenticate(rt, f"Bearer {made.api_key}")
    assert caller.partner.code == "fresh"


async def test_a_key_that_has_expired_is_refused(rt: Runtime, world: World) -> None:
    await operate.put_partner(rt, "late", "Late", biller=None, actor="test")
    soon = datetime.now(UTC) + timedelta(milliseconds=300)
    made = await operate.create_key(rt, "late", [Scope.PAY], expires_at=soon, actor="test")
    caller = await authenticate(rt, f"Bearer {made.api_key}")
    assert not caller.has_expired(soon - timedelta(milliseconds=1))
    assert caller.has_expired(soon)


async def test_a_revoked_key_is_refused_after_the_next_look(rt: Runtime, world: World) -> None:
    await operate.revoke_key(rt, world.keys["wallet"][:14], actor="test")
    await rt.refresh()
    with pytest.raises(Unauthenticated):
        await authenticate(rt, f"Bearer {world.keys['wallet']}")


async def test_a_scope_that_the_key_lacks_is_named(rt: Runtime, world: World) -> None:
    await operate.put_partner(rt, "narrow", "Narrow", biller=None, actor="test")
    made = await operate.create_key(rt, "narrow", [Scope.LOOKUP], expires_at=None, actor="test")
    caller = await authenticate(rt, f"Bearer {made.api_key}")
    require(caller, Scope.LOOKUP)
    with pytest.raises(ScopeMissing, match="'pay'"):
        require(caller, Scope.PAY)


async def test_a_biller_is_managed_by_its_own_system_alone(rt: Runtime, world: World) -> None:
    utility = await authenticate(rt, f"Bearer {world.keys['utility']}")
    bank = await authenticate(rt, f"Bearer {world.keys['bank']}")
    assert own_biller(rt, utility, BILLER) == find_biller(rt, BILLER)
    with pytest.raises(BillerUnknown):
        own_biller(rt, bank, BILLER)
    with pytest.raises(BillerUnknown):
        find_biller(rt, "nobody")
