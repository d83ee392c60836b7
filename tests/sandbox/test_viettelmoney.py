"""The simulated Viettel Money: signed both ways, asked before a charge, told until stored."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.sandbox.viettelmoney import Merchant, agreed, back_of, merchant_of


@pytest.fixture
async def shop() -> AsyncIterator[Merchant]:
    async with merchant_of(repeat_after_s=(0.0,) * 3) as merchant:
        yield merchant


# ── orders ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("base", ["", "/uatmm/paybiz/payment-gateway/public/api"])
async def test_an_order_has_its_url_and_a_qr_or_a_deeplink_where_asked(
    shop: Merchant, base: str
) -> None:
    for kind, named in (("WEB", set()), ("QR", {"qrData"}), ("DEEPLINK", {"deeplink"})):
        asked = shop.order(returnType=kind)
        said = await shop.ask(f"{base}/orders/create", asked)
        assert said["code"] == "00"
        data = said["data"]
        about = ("merchantCode", "orderId", "transAmount")
        assert [data[name] for name in about] == [asked[name] for name in about]
        assert data["url"] == f"http://viettelmoney/payer/{asked['orderId']}"
        assert {name for name in ("qrData", "deeplink") if data[name]} == named


async def test_the_same_order_again_is_answered_and_another_under_its_id_is_not(
    shop: Merchant,
) -> None:
    asked = shop.order()
    first = await shop.ask("/orders/create", asked)
    assert await shop.ask("/orders/create", asked) == first
    assert (await shop.ask("/orders/create", {**asked, "transAmount": 1}))["code"] == "04"
    assert len(shop.rail.orders) == 1


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"merchantCode": "OTHER"}, "06"),
        ({"transAmount": 0}, "01"),
        ({"transAmount": "150000"}, "01"),
        ({"orderId": "a b"}, "01"),
        ({"description": "Tiền điện"}, "01"),
        ({"description": "x" * 101}, "01"),
        ({"returnType": "APP"}, "01"),
        ({"expireAfter": 61}, "01"),
        ({"returnUrl": "javascript:1"}, "01"),
        ({"more": 1}, "01"),
    ],
    ids=str,
)
async def test_a_wrong_order_is_refused_and_the_refusal_is_signed(
    shop: Merchant, changed: dict[str, Any], code: str
) -> None:
    assert (await shop.ask("/orders/create", shop.order(**changed)))["code"] == code
    assert shop.rail.orders == {}


async def test_a_wrong_token_is_401_and_a_wrong_signature_02(shop: Merchant) -> None:
    denied = await shop.call("/orders/create", shop.order(), token="x")
    assert (denied.status_code, "signature" in denied.headers) == (401, False)
    for signature in ("AAAA", "not base64!", "MEUCIQ=="):
        answer = await shop.call("/orders/create", shop.order(), signature=signature)
        assert answer.json()["code"] == "02"
    await shop.control("viettelmoney", ends_tokens=True)
    assert (await shop.call("/orders/create", shop.order())).status_code == 401
    assert shop.rail.orders == {}


# ── paying ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_payer_who_pays_is_charged_once_and_all_are_told(shop: Merchant) -> None:
    reference = await shop.open()
    assert (await shop.query(reference))["data"]["transStatus"] == -1
    back, heard = back_of(await shop.pay(reference)), await shop.doors.next()
    about = {"merchantCode": "EVNSPC", "orderId": reference, "transAmount": 150_000}
    assert [(q.said, q.is_signed) for q in shop.doors.questions] == [(about, True)]
    paid = {**about, "transStatus": 1, "errorCode": "00", "transId": "4000000001"}
    assert paid.items() <= heard.said.items()
    assert heard.is_signed
    assert len(heard.said["paymentTime"]) == 14
    assert back == {name: str(value) for name, value in paid.items()}
    assert (await shop.query(reference))["data"] == heard.said
    await shop.control("payer", reference=reference, act="approve")
    assert shop.charges() == 1


@pytest.mark.parametrize("code", ["01", "02", "03"])
async def test_a_merchant_who_does_not_agree_is_not_paid(shop: Merchant, code: str) -> None:
    shop.doors.answer_question = lambda asked: agreed(asked) | {"code": code}
    back = back_of(await shop.pay(await shop.open()))
    assert (back["transStatus"], back["errorCode"]) == ("2", "V05")
    assert (await shop.doors.next()).said["errorCode"] == "V05"
    assert shop.charges() == 0


async def test_an_answer_about_something_else_or_none_is_a_refusal(shop: Merchant) -> None:
    answers = [
        lambda asked: agreed({**asked, "transAmount": 0}),
        lambda asked: agreed({**asked, "orderId": "x"}),
        lambda _: {"code": "00"},
        lambda _: None,
    ]
    for answer in answers:
        shop.doors.answer_question = answer
        assert back_of(await shop.pay(await shop.open()))["errorCode"] == "V05"
    assert shop.charges() == 0


async def test_the_confirmation_can_lie_or_be_missing(shop: Merchant) -> None:
    for fault, said, is_signed in (
        ("wrong_amount", {"transAmount": 151_000}, True),
        ("bad_signature", {"transAmount": 150_000}, False),
        ("unsigned", {"transAmount": 150_000}, False),
    ):
        await shop.pay(await shop.open(description=f"[verify:{fault}]"))
        heard = shop.doors.questions[-1]
        assert said.items() <= heard.said.items()
        assert heard.is_signed is is_signed
    count = len(shop.doors.questions)
    await shop.pay(await shop.open(description="[verify:missing]"))
    assert len(shop.doors.questions) == count


async def test_a_payer_who_leaves_goes_to_cancel_url_and_one_without_funds_does_not(
    shop: Merchant,
) -> None:
    left = await shop.pay(await shop.open(), "decline")
    assert left.startswith("https://pay.example/cancelled?merchantCode=")
    assert back_of(left)["transStatus"] == "5"
    await shop.control("viettelmoney", declined="16")
    back = back_of(await shop.pay(await shop.open(), "decline"))
    assert (back["transStatus"], back["errorCode"]) == ("2", "16")


async def test_an_ipn_is_repeated_until_it_is_stored(shop: Merchant) -> None:
    answers = iter([None, {"code": "01"}, {"code": "00"}])
    shop.doors.answer_ipn = lambda _: next(answers)
    await shop.pay(await shop.open())
    first = await shop.doors.next()
    assert [await shop.doors.next(), await shop.doors.next()] == [first, first]
    await asyncio.gather(*shop.rail._notices._sending)
    assert shop.doors.ipns.empty()


async def test_a_payment_in_doubt_is_three_until_it_was_asked_about(shop: Merchant) -> None:
    await shop.control("viettelmoney", doubt=2)
    reference = await shop.open()
    await shop.pay(reference)
    assert (await shop.doors.next()).said["transStatus"] == 3
    seen = [(await shop.query(reference))["data"]["transStatus"] for _ in range(3)]
    assert seen == [3, 3, 1]
    assert (await shop.doors.next()).said["transStatus"] == 1
    assert shop.charges() == 1


async def test_an_order_cannot_be_paid_after_its_end_but_late_money_comes(shop: Merchant) -> None:
    shop.rail.window = timedelta(seconds=-1)
    reference = await shop.open()
    assert back_of(await shop.pay(reference))["transStatus"] == "-1"
    assert shop.charges() == 0
    await shop.control("payer", reference=reference, act="approve")
    assert (await shop.doors.next()).said["transStatus"] == 1


@pytest.mark.parametrize("fault", ["wrong_amount", "other_order", "bad_signature", "unsigned"])
async def test_an_ipn_and_an_answer_can_lie(shop: Merchant, fault: str) -> None:
    reference = await shop.open(description=f"[notify:{fault}] [query:{fault}]")
    await shop.pay(reference)
    heard = await shop.doors.next()
    lies = (heard.said["transAmount"] != 150_000, heard.said["orderId"] != reference)
    assert lies == (fault == "wrong_amount", fault == "other_order")
    assert heard.is_signed is (fault in {"wrong_amount", "other_order"})
    asked = {"merchantCode": "EVNSPC", "orderId": reference, "requestId": "r"}
    answer = await shop.call("/orders/query", asked)
    assert answer.json()["data"]["transAmount"] == heard.said["transAmount"]
    assert ("signature" in answer.headers) is (fault != "unsigned")


async def test_a_forged_twin_comes_first_and_an_earlier_state_last(shop: Merchant) -> None:
    await shop.pay(await shop.open(description="[notify:forged]"), "decline")
    forged, true = await shop.doors.next(), await shop.doors.next()
    assert (forged.said["transStatus"], forged.is_signed) == (1, False)
    assert (true.said["transStatus"], true.is_signed) == (5, True)
    await shop.pay(await shop.open(description="[notify:reordered]"))
    assert [(await shop.doors.next()).said["transStatus"] for _ in range(2)] == [1, 0]


async def test_an_order_may_be_made_though_its_answer_is_lost() -> None:
    async with merchant_of(over_http=True) as shop:
        asked = shop.order(description="[create:drop_after]")
        with pytest.raises(httpx.RemoteProtocolError):
            await shop.call("/orders/create", asked)
        assert (await shop.query(str(asked["orderId"])))["data"]["transStatus"] == -1
        limited = await shop.call("/orders/create", shop.order(description="[create:rate_limited]"))
        assert limited.status_code == 429


# ── refunds ─────────────────────────────────────────────────────────────────────────────────────


async def test_the_whole_of_a_payment_goes_back_once(shop: Merchant) -> None:
    reference = await shop.open()
    await shop.pay(reference)
    first = await shop.refund(reference, "4000000001", "ref-1")
    assert (first["code"], first["data"]["refundStatus"]) == ("00", 1)
    assert await shop.refund(reference, "4000000001", "ref-1") == first
    assert (await shop.refund(reference, "4000000001", "ref-1", description="x"))["code"] == "04"
    assert (await shop.refund(reference, "4000000001", "ref-2"))["code"] == "176"
    asked = {"merchantCode": "EVNSPC", "refundId": "ref-1", "requestId": "r"}
    assert (await shop.ask("/refunds/query", asked))["data"] == first["data"]
    assert (await shop.ask("/refunds/query", {**asked, "refundId": "x"}))["code"] == "05"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"transAmount": 1}, "KG8"),
        ({"refundType": 1}, "KG8"),
        ({"originalOrderId": "nobody"}, "KG3"),
        ({"originalTransId": "4999999999"}, "KG3"),
    ],
    ids=str,
)
async def test_what_is_not_the_whole_of_a_payment_is_refused(
    shop: Merchant, changed: dict[str, Any], code: str
) -> None:
    reference = await shop.open()
    await shop.pay(reference)
    assert (await shop.refund(reference, "4000000001", "ref-1", **changed))["code"] == code
    assert shop.rail.refunds == {}


async def test_a_refund_may_be_accepted_first_and_done_later(shop: Merchant) -> None:
    await shop.control("viettelmoney", slow_refunds=True)
    reference = await shop.open()
    await shop.pay(reference)
    first = await shop.refund(reference, "4000000001", "ref-1")
    assert first["data"]["refundStatus"] == 0
    asked = {"merchantCode": "EVNSPC", "refundId": "ref-1", "requestId": "r"}
    assert (await shop.ask("/refunds/query", asked))["data"]["refundStatus"] == 1
    assert (await shop.control("viettelmoney", declined="V99")).status_code == 400
