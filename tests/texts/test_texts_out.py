from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from httpx import AsyncClient

from gateway.kit import logs
from gateway.testing.clock import FrozenClock
from tests.texts.stage import PHONE, WORD, Stage, open_stage, otp_of
from tests.world import CUSTOMER

PAY = f"VBA TT EVN {CUSTOMER}"


@pytest.fixture
def clock() -> FrozenClock:
    # The bank's clock is the machine's, and it refuses what is five minutes away.
    return FrozenClock(datetime.now(UTC))


@pytest.fixture
async def stage(database: str, clock: FrozenClock) -> AsyncIterator[Stage]:
    async with open_stage(database, clock, "jasmin") as stage:
        await stage.world.add_bill()
        await stage.mandate()
        yield stage


async def states(stage: Stage) -> list[str]:
    rows = await stage.world.rows("SELECT state FROM texts_out ORDER BY id")
    return [row["state"] for row in rows]


async def test_over_jasmin_the_answer_is_a_message_of_its_own_and_its_report_is_written(
    stage: Stage,
) -> None:
    answer = await stage.post(PAY)
    assert (answer["accepted"], answer["reply"]) == (True, "")
    await stage.carry()
    (quote,) = await stage.inbox()
    await stage.post(f"vba xn {otp_of(quote)}")
    await stage.carry()
    assert (await stage.inbox())[-1].startswith("Da thanh toan 150.000d")
    assert await states(stage) == ["sent", "sent"]
    assert (await stage.telephone.post("/control/flush")).json() == {"answered": [200, 200]}
    assert await states(stage) == ["delivered", "delivered"]


async def test_a_message_with_diacritics_arrives_as_ucs2_and_is_understood(stage: Stage) -> None:
    assert (await stage.post(f"VBA NỢ EVN {CUSTOMER}"))["accepted"]
    await stage.carry()
    assert "150.000d" in (await stage.inbox())[0]


async def test_a_repeated_message_is_acknowledged_and_answered_once(stage: Stage) -> None:
    for _ in range(3):
        assert (await stage.post(PAY, number="same"))["accepted"]
    await stage.carry()
    assert len(await stage.inbox()) == 1


async def test_a_report_that_never_comes_is_seen(stage: Stage) -> None:
    await stage.plan("report", "missing")
    await stage.post(PAY)
    await stage.carry()
    assert (await stage.telephone.post("/control/flush")).json() == {"answered": []}
    stage.clock.move(timedelta(minutes=11))
    with logs.captured() as lines:
        await stage.carry()
    assert await states(stage) == ["unreported"]
    assert "text.unreported" in [line["event"] for line in lines]


async def test_what_the_centre_did_not_take_is_sent_again_under_a_new_lease(stage: Stage) -> None:
    await stage.plan("send", "error_before")
    await stage.post(PAY)
    await stage.carry()
    assert await stage.inbox() == []
    assert await states(stage) == ["sending"]
    stage.clock.move(timedelta(seconds=61))
    await stage.carry()
    assert len(await stage.inbox()) == 1
    assert await states(stage) == ["sent"]


async def test_what_is_never_taken_is_given_up_and_said(stage: Stage) -> None:
    await stage.post(PAY)
    for _ in range(5):
        await stage.plan("send", "error_before")
        await stage.carry()
        stage.clock.move(timedelta(seconds=61))
    with logs.captured() as lines:
        await stage.carry()
    assert await states(stage) == ["given_up"]
    assert "text.given_up" in [line["event"] for line in lines]
    assert await stage.inbox() == []


async def test_a_report_without_the_word_or_of_an_unknown_message_changes_nothing(
    stage: Stage,
) -> None:
    await stage.post(PAY)
    await stage.carry()
    form = {"id": "another", "message_status": "DELIVRD", "level": "3"}
    async with AsyncClient(base_url=stage.rt.public_url) as http:
        unknown = await http.post(f"/v1/texts/jasmin/reports?key={WORD}", data=form)
        forged = await http.post("/v1/texts/jasmin/reports?key=guessed", data=form)
    assert (unknown.status_code, unknown.content) == (503, b"")
    assert forged.status_code == 400
    assert await states(stage) == ["sent"]
    assert PHONE not in repr(await stage.world.rows("SELECT * FROM texts_out"))
