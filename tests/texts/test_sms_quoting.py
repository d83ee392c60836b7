from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.testing.clock import FrozenClock
from tests.texts.stage import Stage, open_stage
from tests.world import CUSTOMER

PAY = f"VBA TT EVN {CUSTOMER}"


@pytest.fixture
def clock() -> FrozenClock:
    # The bank's clock is the machine's, and it refuses what is five minutes away.
    return FrozenClock(datetime.now(UTC))


@pytest.fixture
async def stage(database: str, clock: FrozenClock) -> AsyncIterator[Stage]:
    async with open_stage(database, clock) as stage:
        await stage.world.add_bill()
        await stage.mandate()
        yield stage


async def test_another_telephone_cannot_use_a_code(stage: Stage) -> None:
    otp = await stage.quoted()
    assert "het han" in await stage.confirm(otp, sender="84900000001")
    assert (await stage.confirm(otp)).startswith("Da thanh toan")


async def test_a_new_quote_takes_the_place_of_the_old_one(stage: Stage) -> None:
    first = await stage.quoted()
    second = await stage.quoted()
    if first != second:
        assert "khong dung" in await stage.confirm(first)
    assert (await stage.confirm(second)).startswith("Da thanh toan")


async def test_a_mandate_that_is_not_active_pays_nothing(stage: Stage) -> None:
    otp = await stage.quoted()
    await stage.world.rows("UPDATE mandates SET state = 'suspended', suspended_by = 'payer'")
    assert "chua dang ky" in await stage.confirm(otp)
    assert await stage.payments() == []


async def test_three_wrong_codes_end_the_quote_and_the_right_one_pays_nothing_then(
    stage: Stage,
) -> None:
    otp = await stage.quoted()
    wrong = f"{(int(otp) + 1) % 10**6:06d}"
    assert "Con 2 lan" in await stage.confirm(wrong)
    assert "Con 1 lan" in await stage.confirm(wrong)
    assert "qua so lan" in await stage.confirm(wrong)
    assert "het han" in await stage.confirm(otp)
    assert await stage.payments() == []


async def test_a_code_ends_after_three_minutes(stage: Stage) -> None:
    otp = await stage.quoted()
    stage.clock.move(timedelta(minutes=3))
    assert "het han" in await stage.confirm(otp)
    assert await stage.payments() == []
