"""Users of demos: documented, ready with their app, and never in live mode."""

from datetime import UTC, datetime

import pyotp
import pytest

from gateway.domain.partner import Mode
from gateway.domain.user import Role, SignInRefused, Stage
from gateway.flows import demo_users, sign_in, users
from gateway.flows.demo_users import DemoUser, DemoUserRefused
from gateway.house import DEMO_USERS
from gateway.runtime import Runtime
from gateway.testing.clock import FrozenClock

HERE = "192.0.2.7"
NOW = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
USER = DEMO_USERS[0]


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.mark.parametrize("user", DEMO_USERS, ids=[user.name for user in DEMO_USERS])
async def test_what_is_printed_lets_in(rt: Runtime, user: DemoUser) -> None:
    await demo_users.put(rt, user, actor="test")
    await demo_users.put(rt, user, actor="test")
    half = await sign_in.enter(rt, user.name, user.password, address=HERE)
    entered = await sign_in.confirm(rt, half.token, pyotp.TOTP(user.secret).at(NOW), address=HERE)
    assert entered.stage is Stage.IN
    assert (entered.user.role, entered.user.areas) == (user.role, frozenset(user.areas))


async def test_a_gateway_in_live_mode_adds_none(rt: Runtime) -> None:
    rt.mode = Mode.LIVE
    with pytest.raises(DemoUserRefused):
        await demo_users.put(rt, USER, actor="test")
    with pytest.raises(users.UserNameRefused):
        await users.add(rt, USER.name, Role.ADMIN, [], password=USER.password, actor="test")
    assert await users.list_all(rt) == []


async def test_one_that_was_there_before_live_mode_is_let_in_no_more(rt: Runtime) -> None:
    await demo_users.put(rt, USER, actor="test")
    rt.mode = Mode.LIVE
    with pytest.raises(SignInRefused):
        await sign_in.enter(rt, USER.name, USER.password, address=HERE)


async def test_a_name_that_does_not_say_what_it_is_is_refused(rt: Runtime) -> None:
    with pytest.raises(DemoUserRefused):
        await demo_users.put(
            rt, DemoUser("giam-doc", Role.ADMIN, (), USER.password, USER.secret), actor="test"
        )
