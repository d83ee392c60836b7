"""The simulated ViettelPay: pay page, the question before a charge, results, return."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from tests.sandbox.viettelpay import (
    CANCEL_URL,
    Fields,
    Merchant,
    fields_of,
    mac,
    merchant_of,
    result_mac,
    stored,
    verified,
)

ERROR = "/PaymentGateway/error?code="


@pytest.fixture
async def shop() -> AsyncIterator[Merchant]:
    async with merchant_of(repeat_after_s=(0.0,) * 3) as merchant:
        yield merchant


# ── the pay page ────────────────────────────────────────────────────────────────────────────────


async def test_a_payer_who_pays_is_charged_once_and_all_are_told(shop: Merchant) -> None:
    reference = await shop.open()
    back, told = await shop.pay(reference), await shop.doors.next()
    expected = {
        "billcode": "PB14010000123",
        "merchant_code": "EVNSPC",
        "order_id": reference,
        "error_code": "00",
        "payment_status": "1",
        "trans_amount": "150000",
        "cust_msisdn": "84981234567",
    }
    assert expected.items() <= told.items()
    assert told["check_sum"] == result_mac(told)
    assert back == {**told, "keep": "1"}
    charge = (await shop.charges())[0]
    assert (charge["reference"], charge["amount_dong"]) == (reference, 150_000)
    assert charge["provider_id"] == told["vt_transaction_id"]
    await shop.control("payer", reference=reference, act="approve")
    assert len(await shop.charges()) == 1


async def test_the_same_link_shows_the_page_again_and_another_with_its_id_does_not(
    shop: Merchant,
) -> None:
    fields = shop.order()
    page = f"/payer/{fields['order_id']}"
    assert [await shop.visit(fields), await shop.visit(fields)] == [page, page]
    assert "150.000" in (await shop.http.get(page)).text
    assert await shop.visit({**fields, "trans_amount": "2"}) == f"{ERROR}V04"
    await shop.pay(fields["order_id"])
    assert await shop.visit(fields) == f"{ERROR}V04"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"merchant_code": "OTHER"}, "M01"),
        ({"command": "REFUND"}, "655"),
        ({"trans_amount": "0"}, "655"),
        ({"trans_amount": "1.5"}, "655"),
        ({"version": "1.0"}, "655"),
        ({"billcode": "Hóa đơn"}, "655"),
        ({"return_url": "absent"}, "655"),
    ],
    ids=str,
)
async def test_a_wrong_order_is_shown_the_error_page(
    shop: Merchant, changed: Fields, code: str
) -> None:
    assert await shop.visit(shop.order(**changed)) == f"{ERROR}{code}"
    assert f"Mã lỗi {code}" in (await shop.http.get(f"{ERROR}{code}")).text
    assert shop.rail.orders == {}


async def test_a_plus_that_arrives_as_a_space_is_a_wrong_check_sum(shop: Merchant) -> None:
    for number in range(200):
        fields = shop.order(order_id=f"plus-{number}")
        signed = mac(*(fields[n] for n in sorted(fields) if n != "return_url"))
        if "+" in signed:
            assert await shop.visit(fields, check_sum=signed.replace("+", " ")) == f"{ERROR}V01"
            assert await shop.visit(fields, check_sum="") == f"{ERROR}V01"
            return
    pytest.fail("no check sum had a plus")


async def test_an_idle_page_goes_back_with_w04_and_nothing_is_charged(shop: Merchant) -> None:
    shop.rail.idle = timedelta(0)
    reference = await shop.open()
    answer = await shop.http.get(f"/payer/{reference}")
    assert answer.status_code == 302
    back = fields_of(answer)
    assert (back["error_code"], back["payment_status"]) == ("W04", "-1")
    assert back["check_sum"] == result_mac(back)
    assert (await shop.pay(reference))["error_code"] == "W04"
    assert await shop.charges() == []
    assert shop.doors.questions == []
    assert shop.doors.results.empty()


async def test_a_payer_who_cancels_goes_to_the_address_for_that(shop: Merchant) -> None:
    reference = await shop.open(cancel_url=CANCEL_URL)
    answer = await shop.http.post(f"/payer/{reference}", content="act=decline")
    assert answer.headers["location"].startswith(CANCEL_URL)
    told = await shop.doors.next()
    assert (told["error_code"], told["payment_status"]) == ("V06", "5")
    await shop.control("viettelpay", declined="16")
    back = await shop.pay(await shop.open(cancel_url=CANCEL_URL), "decline")
    assert (back["error_code"], back["payment_status"], back["keep"]) == ("16", "2", "1")


# ── the question before a charge ────────────────────────────────────────────────────────────────


async def test_the_question_signs_the_amount_and_does_not_send_it(shop: Merchant) -> None:
    reference = await shop.open()
    await shop.pay(reference)
    [asked] = shop.doors.questions
    assert "trans_amount" not in asked
    assert asked["check_sum"] == mac("PB14010000123", "EVNSPC", reference, "150000")
    await shop.control("viettelpay", sends_amount=True)
    await shop.pay(await shop.open())
    assert shop.doors.questions[-1]["trans_amount"] == "150000"


@pytest.mark.parametrize("code", ["01", "02", "03"])
async def test_a_merchant_who_refuses_is_not_paid_and_the_payer_sees_v05(
    shop: Merchant, code: str
) -> None:
    shop.doors.answer_question = lambda asked: verified(asked, code)
    back = await shop.pay(await shop.open())
    assert (back["error_code"], back["payment_status"]) == ("V05", "2")
    assert (await shop.doors.next())["error_code"] == "V05"
    assert await shop.charges() == []


async def test_an_answer_that_is_not_right_is_a_refusal(shop: Merchant) -> None:
    answers = {
        "down": lambda _: None,
        "wrong sum": lambda asked: verified(asked) | {"check_sum": mac("00")},
        "another amount": lambda asked: verified(asked, amount="150001"),
        "another order": lambda asked: verified(asked | {"order_id": "x"}),
    }
    for name, answer in answers.items():
        shop.doors.answer_question = answer
        assert (await shop.pay(await shop.open()))["error_code"] == "V05", name
    assert await shop.charges() == []


async def test_a_merchant_who_is_slow_has_refused() -> None:
    async with merchant_of(verify_timeout_s=0.05) as shop:
        shop.doors.is_slow = True
        assert (await shop.pay(await shop.open()))["error_code"] == "V05"
        assert await shop.charges() == []
        shop.doors.is_slow = False
    async with merchant_of(verify_url="http://127.0.0.1:9/verify") as shop:
        assert (await shop.pay(await shop.open()))["error_code"] == "V05"


async def test_the_question_can_be_wrong_repeated_or_never_asked(shop: Merchant) -> None:
    await shop.pay(await shop.open(billcode="[verify:duplicate]"))
    assert [q["billcode"] for q in shop.doors.questions] == ["[verify:duplicate]"] * 2
    await shop.pay(await shop.open(billcode="[verify:missing]"))
    assert (len(shop.doors.questions), len(await shop.charges())) == (2, 2)
    reference = await shop.open(billcode="[verify:wrong_amount]")
    await shop.pay(reference)
    asked = shop.doors.questions[-1]
    assert asked["check_sum"] == mac("[verify:wrong_amount]", "EVNSPC", reference, "151000")
    await shop.pay(await shop.open(billcode="[verify:other_order]"))
    assert shop.doors.questions[-1]["order_id"].endswith("x")
    await shop.pay(await shop.open(billcode="[verify:unsigned]"))
    assert "check_sum" not in shop.doors.questions[-1]


# ── results ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_result_is_repeated_until_the_merchant_has_stored_it(shop: Merchant) -> None:
    answers = iter(
        [
            lambda _: None,
            lambda told: stored(told, "01"),
            lambda told: stored(told) | {"check_sum": "AAAA"},
            stored,
        ]
    )

    def answer(told: Fields) -> object:
        return next(answers)(told)

    shop.doors.answer_result = answer
    await shop.pay(await shop.open())
    first = await shop.doors.next()
    assert [await shop.doors.next() for _ in range(3)] == [first] * 3
    await asyncio.gather(*shop.rail._notices._sending)
    assert shop.doors.results.empty()


async def test_a_result_may_come_without_the_payers_number_in_hex_or_with_spaces(
    shop: Merchant,
) -> None:
    await shop.control("viettelpay", names_payer=False)
    await shop.pay(await shop.open())
    told = await shop.doors.next()
    assert "cust_msisdn" not in told
    assert told["check_sum"] == result_mac(told)
    await shop.control("viettelpay", spaces_for_plus=True)
    spoilt = False
    for _ in range(30):
        await shop.pay(await shop.open(), "decline")
        told = await shop.doors.next()
        assert told["check_sum"] == result_mac(told).replace("+", " ")
        spoilt = spoilt or " " in told["check_sum"]
    assert spoilt


async def test_a_payment_in_doubt_is_status_three_until_it_was_asked_about(shop: Merchant) -> None:
    await shop.control("viettelpay", doubt=2)
    reference = await shop.open()
    back, told = await shop.pay(reference), await shop.doors.next()
    assert (back["payment_status"], told["payment_status"], told["error_code"]) == ("3", "3", "813")
    seen = [(await shop.query(reference))["payment_status"] for _ in range(3)]
    assert seen == ["3", "3", "1"]
    assert (await shop.doors.next())["payment_status"] == "1"
    assert len(await shop.charges()) == 1


async def test_a_bank_at_work_is_status_zero_and_then_one(shop: Merchant) -> None:
    reference = await shop.open()
    await shop.control("payer", reference=reference, act="process")
    assert (await shop.doors.next())["payment_status"] == "0"
    await shop.control("payer", reference=reference, act="approve")
    assert (await shop.doors.next())["payment_status"] == "1"
    assert len(shop.doors.questions) == 1


@pytest.mark.parametrize("fault", ["wrong_amount", "other_order", "bad_signature", "unsigned"])
async def test_a_result_can_lie(shop: Merchant, fault: str) -> None:
    reference = await shop.open(billcode=f"[notify:{fault}]")
    await shop.pay(reference)
    told = await shop.doors.next()
    is_signed = fault not in {"bad_signature", "unsigned"}
    assert (told.get("check_sum") == result_mac(told)) is is_signed
    assert (told["trans_amount"] == "150000") is (fault != "wrong_amount")
    assert (told["order_id"] == reference) is (fault != "other_order")


async def test_a_forged_twin_comes_first_and_an_earlier_state_last(shop: Merchant) -> None:
    await shop.pay(await shop.open(billcode="[notify:forged]"), "decline")
    forged, true = await shop.doors.next(), await shop.doors.next()
    assert (forged["payment_status"], forged["check_sum"] == result_mac(forged)) == ("1", False)
    assert (true["payment_status"], true["check_sum"] == result_mac(true)) == ("5", True)
    await shop.pay(await shop.open(billcode="[notify:reordered]"))
    assert [(await shop.doors.next())["payment_status"] for _ in range(2)] == ["1", "0"]


async def test_the_pay_page_can_break_off_before_or_after_its_effect() -> None:
    async with merchant_of(over_http=True) as shop:
        for when, known in (("before", 0), ("after", 1)):
            with pytest.raises(httpx.RemoteProtocolError):
                await shop.visit(shop.order(billcode=f"[create:drop_{when}]"))
            assert len(shop.rail.orders) == known
