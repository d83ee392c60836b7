import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.kit import logs
from gateway.testing.clock import FrozenClock
from tests.texts.stage import PHONE, Stage, open_stage, otp_of
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


# ── asking ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_debt_is_told_to_the_mandates_own_telephone_masked(stage: Stage) -> None:
    said = await stage.write(f"vba no evn {CUSTOMER.lower()}")
    assert "150.000d" in said
    assert "N*** V*** An" in said
    assert len(said) <= 160
    assert said.isascii()


async def test_a_stranger_is_told_nothing_of_a_debt(stage: Stage) -> None:
    for text in (f"VBA NO EVN {CUSTOMER}", PAY):
        said = await stage.write(text, sender="84900000001")
        assert "150.000" not in said
        assert "chua dang ky" in said
    assert "chua dang ky" in await stage.write("VBA NO EVN PB14010009999")


async def test_what_is_no_command_is_answered_with_how_it_is_done(stage: Stage) -> None:
    assert (await stage.write("xin chào")).startswith("Soan: VBA NO EVN")
    assert (await stage.write(PAY, sender="VIETTEL")).startswith("Soan: VBA NO EVN")


# ── paying ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_confirmed_message_debits_the_mandate_and_pays_the_bill(stage: Stage) -> None:
    quote = await stage.write(PAY)
    assert "150.000d" in quote
    said = await stage.confirm(otp_of(quote))
    assert said.startswith("Da thanh toan 150.000d")
    assert await stage.payments() == [("mandate", "sms_banking", "succeeded")]
    assert await stage.taken() == 150_000
    assert "khong con no" in await stage.write(f"VBA NO EVN {CUSTOMER}")
    assert "payment.succeeded" in await stage.events()


async def test_a_repeated_message_is_given_its_first_reply_and_pays_once(stage: Stage) -> None:
    first = await stage.write(PAY, number="MO-1")
    assert await stage.write(PAY, number="MO-1") == first
    said = await stage.confirm(otp_of(first), number="MO-2")
    for _ in range(2):
        assert await stage.confirm(otp_of(first), number="MO-2") == said
    assert await stage.taken() == 150_000
    assert "het han hoac khong co lenh" in await stage.confirm(otp_of(first))


async def test_twenty_at_once_pay_once(stage: Stage) -> None:
    otp = await stage.quoted()
    said = await asyncio.gather(*(stage.post(f"VBA XN {otp}") for _ in range(20)))
    replies = [answer["reply"] for answer in said]
    assert sum(reply.startswith("Da thanh toan") for reply in replies) == 1
    assert await stage.taken() == 150_000


async def test_an_amount_that_changed_is_quoted_again_before_anything_is_taken(
    stage: Stage,
) -> None:
    otp = await stage.quoted()
    await stage.world.rows("UPDATE bills SET amount_dong = 160000, net_dong = net_dong + 10000")
    again = await stage.confirm(otp)
    assert "So tien da doi" in again
    assert "160.000d" in again
    assert await stage.taken() == 0
    assert (await stage.confirm(otp_of(again))).startswith("Da thanh toan 160.000d")


async def test_a_bill_that_was_paid_meanwhile_is_not_debited(stage: Stage) -> None:
    otp = await stage.quoted()
    bill = (await stage.world.rows("SELECT id FROM bills"))[0]["id"]
    assert (await stage.world.pay(stage.api, bill)).status_code == 201
    assert "khong con no" in await stage.confirm(otp)
    assert await stage.taken() == 0


async def test_who_gives_up_pays_nothing(stage: Stage) -> None:
    otp = await stage.quoted()
    assert "Da bo lenh" in await stage.write("VBA HUY")
    assert "Khong co lenh" in await stage.write("VBA HUỶ")
    assert "het han" in await stage.confirm(otp)


async def test_limits_of_one_payment_and_of_a_day_hold(stage: Stage) -> None:
    await stage.world.rows("UPDATE bills SET amount_dong = 2000001, net_dong = 2000001")
    assert "Vuot han muc" in await stage.write(PAY)
    await stage.world.rows("UPDATE bills SET amount_dong = 150000, net_dong = 150000")
    for _ in range(4):
        await stage.world.add_bill()
    for _ in range(5):
        assert (await stage.confirm(await stage.quoted())).startswith("Da thanh toan")
    await stage.world.add_bill()
    assert "Vuot han muc" in await stage.write(PAY)
    assert await stage.taken() == 5 * 150_000


# ── doubt ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_refused_debit_says_that_nothing_was_taken(stage: Stage) -> None:
    row = (await stage.world.rows("SELECT reference FROM mandates"))[0]
    said = {"mandate_id": row["reference"], "codes": ["51"]}
    await stage.control.post("/control/scripts", json=said)
    reply = await stage.confirm(await stage.quoted())
    assert "Khong thanh toan duoc" in reply
    assert "CHUA bi tru" in reply
    assert await stage.payments() == [("mandate", "sms_banking", "failed")]


async def test_doubt_is_answered_as_doubt_and_a_later_message_tells_the_end(stage: Stage) -> None:
    said = {"operation": "debit", "fault": "error_after"}
    await stage.control.post("/control/faults", json=said)
    reply = await stage.confirm(await stage.quoted(), number="MO-9")
    assert "khong tra lai lan nua" in reply
    assert await stage.confirm("000000", number="MO-9") == reply
    assert "dang duoc thanh toan" in await stage.write(PAY)
    await stage.ask_bank()
    stage.clock.move(timedelta(minutes=1))
    await stage.carry()
    await stage.carry()
    told = [text for text in await stage.inbox() if text.startswith("Da thanh toan")]
    assert len(told) == 1
    assert await stage.taken() == 150_000


# ── what is kept ────────────────────────────────────────────────────────────────────────────────


async def test_no_code_and_no_telephone_is_kept_or_logged_readable(stage: Stage) -> None:
    with logs.captured() as lines:
        otp = await stage.quoted()
        await stage.confirm(otp)
    kept = ""
    for table in ("texts_in", "texts_out", "sms_quotes", "exchanges"):
        kept += repr([dict(row) for row in await stage.world.rows(f"SELECT * FROM {table}")])
    assert otp not in repr(lines)
    assert f"XN {otp}" not in kept
    assert PHONE not in kept
    assert otp.encode().hex() not in kept


async def test_a_message_that_is_not_the_centres_is_refused(stage: Stage) -> None:
    stage.centre.secret = "nobody's secret is this one"
    answer = await stage.post(PAY)
    assert (answer["accepted"], answer["status"]) == (False, 400)
    assert await stage.world.count("texts_in") == 0
