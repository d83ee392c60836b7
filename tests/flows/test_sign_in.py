"""Sign-in: what is refused, and what a stolen thing is worth."""

import asyncio
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from gateway.domain.user import PasswordTooWeak, Role, SignInRefused, Stage, TooManyTries
from gateway.flows import sign_in, users
from gateway.flows.sign_in import Entered
from gateway.runtime import Runtime
from gateway.testing.clock import FrozenClock

NAME, PASSWORD, HERE = "dung.nt", "mùa nước nổi ở Cà Mau", "192.0.2.7"


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 11, 24, 2, 0, tzinfo=UTC))


@pytest.fixture
async def app(rt: Runtime) -> pyotp.TOTP:
    """The app of a user who has enrolled."""
    await users.add(rt, NAME, Role.VIEWER, ["32011"], password=PASSWORD, actor="test")
    entered = await sign_in.enter(rt, NAME, PASSWORD, address=HERE)
    offered = await sign_in.begin_enrolment(rt, entered.token, issuer="T")
    made = pyotp.TOTP(offered.secret)
    await sign_in.enrol(rt, entered.token, made.at(rt.clock.now()), issuer="T")
    return made


def step_on(rt: Runtime, **by: float) -> None:
    assert isinstance(rt.clock, FrozenClock)
    rt.clock.move(timedelta(**by))


async def let_in(rt: Runtime, app: pyotp.TOTP) -> Entered:
    step_on(rt, seconds=30)
    half_in = await sign_in.enter(rt, NAME, PASSWORD, address=HERE)
    return await sign_in.confirm(rt, half_in.token, app.at(rt.clock.now()), address=HERE)


async def test_the_first_sign_in_leads_to_an_app_and_nowhere_else(rt: Runtime) -> None:
    await users.add(rt, NAME, Role.VIEWER, [], password=PASSWORD, actor="test")
    entered = await sign_in.enter(rt, NAME, PASSWORD, address=HERE)
    assert entered.stage is Stage.ENROL
    with pytest.raises(SignInRefused):
        await sign_in.confirm(rt, entered.token, "000000", address=HERE)
    with pytest.raises(SignInRefused):
        await sign_in.change_password(rt, entered.token, PASSWORD, PASSWORD + "!", address=HERE)


async def test_a_password_and_a_code_let_in_and_each_step_makes_a_new_token(
    rt: Runtime, app: pyotp.TOTP
) -> None:
    step_on(rt, seconds=30)
    half_in = await sign_in.enter(rt, NAME, PASSWORD, address=HERE)
    assert half_in.stage is Stage.CODE
    entered = await sign_in.confirm(rt, half_in.token, app.at(rt.clock.now()), address=HERE)
    assert entered.stage is Stage.IN
    assert entered.token != half_in.token
    assert await sign_in.find(rt, half_in.token) is None
    found = await sign_in.find(rt, entered.token)
    assert found is not None
    assert found.user.areas == {"32011"}


@pytest.mark.parametrize(
    ("name", "password"), [(NAME, "another sentence"), ("nobody", PASSWORD), ("", ""), (NAME, "")]
)
async def test_a_wrong_name_and_a_wrong_password_are_refused_alike(
    rt: Runtime, app: pyotp.TOTP, name: str, password: str
) -> None:
    with pytest.raises(SignInRefused) as refused:
        await sign_in.enter(rt, name, password, address=HERE)
    assert refused.value.detail == SignInRefused().detail


async def test_a_code_opens_once_even_for_two_at_the_same_instant(
    rt: Runtime, app: pyotp.TOTP
) -> None:
    step_on(rt, seconds=30)
    doors = [await sign_in.enter(rt, NAME, PASSWORD, address=HERE) for _ in range(2)]
    code = app.at(rt.clock.now())
    tried = await asyncio.gather(
        *(sign_in.confirm(rt, door.token, code, address=HERE) for door in doors),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in tried) == ["Entered", "SignInRefused"]


async def test_a_recovery_code_opens_once(rt: Runtime, app: pyotp.TOTP) -> None:
    entered = await let_in(rt, app)
    offered = await sign_in.begin_enrolment(rt, entered.token, issuer="T")
    step_on(rt, seconds=30)
    code = pyotp.TOTP(offered.secret).at(rt.clock.now())
    _, codes = await sign_in.enrol(rt, entered.token, code, issuer="T")
    first = await sign_in.enter(rt, NAME, PASSWORD, address=HERE)
    assert (await sign_in.confirm(rt, first.token, codes[3], address=HERE)).stage is Stage.IN
    second = await sign_in.enter(rt, NAME, PASSWORD, address=HERE)
    with pytest.raises(SignInRefused):
        await sign_in.confirm(rt, second.token, codes[3], address=HERE)


async def test_guessing_is_stopped_and_twenty_guesses_at_once_are_twenty(
    rt: Runtime, app: pyotp.TOTP
) -> None:
    tried = await asyncio.gather(
        *(sign_in.enter(rt, NAME, f"guess number {n}", address=HERE) for n in range(20)),
        return_exceptions=True,
    )
    names = [type(one).__name__ for one in tried]
    assert names.count("SignInRefused") <= 5
    assert names.count("TooManyTries") >= 15
    with pytest.raises(TooManyTries) as waiting:
        await sign_in.enter(rt, NAME, PASSWORD, address=HERE)
    assert 1 <= waiting.value.retry_after_s <= 4


async def test_who_guesses_from_elsewhere_does_not_lock_the_owner_out(
    rt: Runtime, app: pyotp.TOTP
) -> None:
    for _ in range(6):
        with pytest.raises((SignInRefused, TooManyTries)):
            await sign_in.enter(rt, NAME, "a wrong password", address="203.0.113.9")
    entered = await sign_in.enter(rt, NAME, PASSWORD, address=HERE)
    assert entered.stage is Stage.CODE


async def test_codes_are_not_guessed_either(rt: Runtime, app: pyotp.TOTP) -> None:
    half_in = await sign_in.enter(rt, NAME, PASSWORD, address=HERE)
    refusals = []
    for _ in range(8):
        with pytest.raises((SignInRefused, TooManyTries)) as refused:
            await sign_in.confirm(rt, half_in.token, "000000", address=HERE)
        refusals.append(refused.type)
    assert refusals[-1] is TooManyTries


async def test_an_unused_session_ends_and_a_used_one_ends_after_half_a_day(
    rt: Runtime, app: pyotp.TOTP
) -> None:
    idle, used = await let_in(rt, app), await let_in(rt, app)
    for _ in range(36):
        step_on(rt, minutes=19)
        await sign_in.find(rt, used.token)
    assert await sign_in.find(rt, idle.token) is None
    assert await sign_in.find(rt, used.token) is not None
    step_on(rt, minutes=37)
    assert await sign_in.find(rt, used.token) is None
    await sign_in.sweep(rt)


async def test_what_was_signed_out_of_is_of_no_use_to_a_thief(rt: Runtime, app: pyotp.TOTP) -> None:
    here, there = await let_in(rt, app), await let_in(rt, app)
    await sign_in.leave(rt, here.token)
    assert await sign_in.find(rt, here.token) is None
    assert await sign_in.find(rt, there.token) is not None
    back = await let_in(rt, app)
    await sign_in.leave(rt, back.token, everywhere=True)
    assert await sign_in.find(rt, there.token) is None


async def test_a_changed_password_ends_every_other_session(rt: Runtime, app: pyotp.TOTP) -> None:
    here, there = await let_in(rt, app), await let_in(rt, app)
    with pytest.raises(PasswordTooWeak):
        await sign_in.change_password(rt, here.token, PASSWORD, "weak", address=HERE)
    with pytest.raises(SignInRefused):
        await sign_in.change_password(rt, here.token, "not it", "đước và mắm", address=HERE)
    new = "rừng đước, rừng mắm"
    changed = await sign_in.change_password(rt, here.token, PASSWORD, new, address=HERE)
    assert await sign_in.find(rt, here.token) is None
    assert await sign_in.find(rt, there.token) is None
    assert await sign_in.find(rt, changed.token) is not None
    with pytest.raises(SignInRefused):
        await sign_in.enter(rt, NAME, PASSWORD, address=HERE)


async def test_a_disabled_user_is_out_at_once(rt: Runtime, app: pyotp.TOTP) -> None:
    entered = await let_in(rt, app)
    await users.disable(rt, NAME, actor="test")
    assert await sign_in.find(rt, entered.token) is None
    with pytest.raises(SignInRefused):
        await sign_in.enter(rt, NAME, PASSWORD, address=HERE)


async def test_no_cookie_and_a_made_up_one_are_nobody(rt: Runtime) -> None:
    for token in (None, "", "made up", "ổ" * 5_000):
        assert await sign_in.find(rt, token) is None
