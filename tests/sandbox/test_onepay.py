import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest

from tests.sandbox.onepay import (
    PUBLISHED,
    PUBLISHED_HASH,
    TAKEN,
    Merchant,
    is_signed,
    mac,
    merchant_of,
)

ERROR = "/paygate/error.op?code="


@pytest.fixture
async def shop() -> AsyncIterator[Merchant]:
    async with merchant_of(repeat_after_s=(0.0,) * 3) as merchant:
        yield merchant


# ── the pay page ────────────────────────────────────────────────────────────────────────────────


async def test_the_link_that_onepays_samples_print_opens_an_order(shop: Merchant) -> None:
    query = urlencode({**PUBLISHED, "vpc_SecureHash": PUBLISHED_HASH})
    answer = await shop.http.get(f"/paygate/vpcpay.op?{query}")
    assert answer.headers["location"] == "/payer/TEST_1706240061"
    assert mac(PUBLISHED) == PUBLISHED_HASH


async def test_a_payer_who_pays_is_charged_once_and_both_are_told(shop: Merchant) -> None:
    reference = await shop.open()
    back, notice = await shop.pay(reference), await shop.inbox.next()
    expected = {
        "vpc_Command": "pay",
        "vpc_Locale": "vn",
        "vpc_CurrencyCode": "VND",
        "vpc_MerchTxnRef": reference,
        "vpc_Merchant": "TESTONEPAY",
        "vpc_OrderInfo": "Tiền điện 10/2026",
        "vpc_Amount": "15000000",
        "vpc_TxnResponseCode": "0",
    }
    assert is_signed(notice)
    assert expected.items() <= notice.items()
    assert back == {**notice, "keep": "1"}
    charge = (await shop.charges())[0]
    assert (charge["reference"], charge["amount_dong"]) == (reference, 150_000)
    assert charge["provider_id"] == notice["vpc_TransactionNo"]


async def test_nothing_charges_a_paid_order_again(shop: Merchant) -> None:
    reference = await shop.open()
    for _ in range(3):
        await shop.pay(reference)
        await shop.control("payer", reference=reference, act="approve")
    assert len(await shop.charges()) == 1


@pytest.mark.parametrize("code", ["99", "1", "21", "B", "Z", "253"])
async def test_a_refusal_is_notified_too_and_charges_nothing(shop: Merchant, code: str) -> None:
    await shop.control("onepay", declined=code)
    back = await shop.pay(await shop.open(), "decline")
    notice = await shop.inbox.next()
    assert is_signed(notice)
    assert back["vpc_TxnResponseCode"] == notice["vpc_TxnResponseCode"] == code
    assert "vpc_TransactionNo" not in notice
    assert await shop.charges() == []


async def test_a_bank_that_is_still_at_it_says_300_and_then_0(shop: Merchant) -> None:
    reference = await shop.open()
    await shop.control("payer", reference=reference, act="process")
    first = await shop.inbox.next()
    assert (first["vpc_TxnResponseCode"], is_signed(first)) == ("300", True)
    assert (await shop.query(reference))["vpc_TxnResponseCode"] == "300"
    await shop.control("payer", reference=reference, act="approve")
    assert (await shop.inbox.next())["vpc_TxnResponseCode"] == "0"
    assert len(await shop.charges()) == 1


async def test_after_a_timeout_only_the_query_knows_that_it_was_paid(shop: Merchant) -> None:
    await shop.control("onepay", times_out=True)
    reference = await shop.open()
    back, notice = await shop.pay(reference), await shop.inbox.next()
    assert (back["vpc_TxnResponseCode"], notice["vpc_TxnResponseCode"]) == ("253", "253")
    assert (await shop.query(reference))["vpc_TxnResponseCode"] == "0"
    assert (await shop.control("onepay", declined="1000")).status_code == 400


async def test_the_same_link_shows_the_page_again_while_it_can_be_paid(shop: Merchant) -> None:
    fields = shop.order()
    page = f"/payer/{fields['vpc_MerchTxnRef']}"
    assert [await shop.visit(fields), await shop.visit(fields)] == [page, page]
    shown = (await shop.http.get(page)).text
    assert "Tiền điện 10/2026" in shown
    assert "150.000" in shown
    assert await shop.visit({**fields, "vpc_Amount": "20000000"}) == f"{ERROR}7"
    await shop.pay(fields["vpc_MerchTxnRef"])
    assert await shop.visit(fields) == f"{ERROR}7"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"Merchant": "OTHER"}, "3"),
        ({"AccessCode": "00000000"}, "4"),
        ({"Amount": "15000050"}, "5"),
        ({"Amount": "150000.00"}, "5"),
        ({"Amount": "0"}, "5"),
        ({"Amount": "absent"}, "5"),
        ({"Currency": "USD"}, "6"),
        ({"Currency": "absent"}, "6"),
        ({"Version": "1"}, "7"),
        ({"Command": "queryDR"}, "7"),
        ({"Locale": "vi"}, "7"),
        ({"OrderInfo": "x" * 35}, "7"),
        ({"MerchTxnRef": "a" * 41}, "7"),
        ({"MerchTxnRef": "a b"}, "7"),
        ({"TicketNo": "2001:db8:1111:2222::1"}, "7"),
        ({"TicketNo": "absent"}, "7"),
        ({"ReturnURL": "javascript:1"}, "7"),
        ({"CallbackURL": "ftp://x.example"}, "7"),
        ({"Customer_Id": ""}, "7"),
    ],
    ids=str,
)
async def test_a_wrong_order_is_shown_the_error_page(
    shop: Merchant, changed: dict[str, str], code: str
) -> None:
    assert await shop.visit(shop.order(**changed)) == f"{ERROR}{code}"
    assert f"Mã lỗi {code}" in (await shop.http.get(f"{ERROR}{code}")).text
    assert await shop.orders() == []


async def test_a_link_with_a_wrong_hash_is_refused_before_anything_else(shop: Merchant) -> None:
    fields = shop.order(Merchant="OTHER")
    assert await shop.visit(fields, secret="00" * 16) == f"{ERROR}7"
    order = shop.order()
    small = urlencode({**order, "vpc_SecureHash": mac(order).lower()})
    for query in (small, "vpc_Amount=1&vpc_Amount=2", "vpc_Amount=%FF", ""):
        answer = await shop.http.get(f"/paygate/vpcpay.op?{query}")
        assert answer.headers["location"] == f"{ERROR}7"
    assert "<script>" not in (await shop.http.get(f"{ERROR}<script>")).text


async def test_what_is_not_signed_may_be_sent_and_changed(shop: Merchant) -> None:
    fields = {**shop.order(), "AgainLink": "https://pay.example/again", "Title": "Điện"}
    signed = {**fields, "vpc_SecureHash": mac(fields), "Title": "khác"}
    answer = await shop.http.get(f"/paygate/vpcpay.op?{urlencode(signed)}")
    assert answer.headers["location"] == f"/payer/{fields['vpc_MerchTxnRef']}"


async def test_an_order_cannot_be_paid_after_its_end_but_late_money_comes(shop: Merchant) -> None:
    shop.rail.window = timedelta(seconds=-1)
    reference = await shop.open()
    assert (await shop.pay(reference))["vpc_TxnResponseCode"] == "253"
    assert (await shop.query(reference))["vpc_DRExists"] == "N"
    assert await shop.charges() == []
    await shop.control("payer", reference=reference, act="approve")
    assert (await shop.inbox.next())["vpc_TxnResponseCode"] == "0"
    assert (await shop.query(reference))["vpc_TxnResponseCode"] == "0"


# ── notices ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "refusal",
    [
        (200, b"responsecode=0&desc=confirm-fail"),
        (200, b""),
        (200, b"OK"),
        (200, b"\xff"),
        (500, TAKEN[1]),
        (204, b""),
    ],
    ids=str,
)
async def test_a_notice_is_repeated_until_it_is_taken(
    shop: Merchant, refusal: tuple[int, bytes]
) -> None:
    shop.inbox.answers = [refusal, refusal, TAKEN]
    await shop.pay(await shop.open())
    first = await shop.inbox.next()
    assert [await shop.inbox.next(), await shop.inbox.next()] == [first, first]
    await asyncio.gather(*shop.rail._notices._sending)
    assert shop.inbox.is_empty()


async def test_an_order_without_an_address_is_not_notified(shop: Merchant) -> None:
    reference = await shop.open(CallbackURL="absent")
    await shop.pay(reference)
    assert shop.rail.notices(shop.rail.orders[reference], None) == []


async def test_a_forged_twin_claims_a_success_before_the_truth(shop: Merchant) -> None:
    await shop.control("faults", operation="notify", fault="forged")
    shop.inbox.answers = [(200, b"responsecode=0&desc=confirm-fail"), TAKEN]
    await shop.pay(await shop.open(), "decline")
    forged, true = await shop.inbox.next(), await shop.inbox.next()
    assert (forged["vpc_TxnResponseCode"], is_signed(forged)) == ("0", False)
    assert (true["vpc_TxnResponseCode"], is_signed(true)) == ("99", True)


async def test_an_earlier_state_may_arrive_last(shop: Merchant) -> None:
    await shop.control("faults", operation="notify", fault="reordered")
    await shop.pay(await shop.open())
    last, earlier = await shop.inbox.next(), await shop.inbox.next()
    assert (last["vpc_TxnResponseCode"], earlier["vpc_TxnResponseCode"]) == ("0", "300")
    assert is_signed(earlier)


@pytest.mark.parametrize(
    ("fault", "signed", "amount"),
    [
        ("wrong_amount", True, "15100000"),
        ("other_order", True, "15000000"),
        ("bad_signature", False, "15000000"),
        ("unsigned", False, "15000000"),
    ],
)
async def test_a_notice_can_lie(shop: Merchant, fault: str, amount: str, *, signed: bool) -> None:
    reference = await shop.open(OrderInfo=f"[notify:{fault}]")
    await shop.pay(reference)
    notice = await shop.inbox.next()
    assert (is_signed(notice), notice["vpc_Amount"]) == (signed, amount)
    assert (notice["vpc_MerchTxnRef"] == reference) is (fault != "other_order")
    assert ("vpc_SecureHash" in notice) is (fault != "unsigned")


async def test_a_notice_may_come_thrice_or_late_or_never(shop: Merchant) -> None:
    await shop.pay(await shop.open(OrderInfo="[notify:duplicate]"))
    first = await shop.inbox.next()
    assert [await shop.inbox.next(), await shop.inbox.next()] == [first, first]
    late = await shop.open(OrderInfo="[notify:late]")
    await shop.pay(late)
    await shop.pay(await shop.open(OrderInfo="[notify:missing]"))
    assert shop.inbox.is_empty()
    await shop.control("flush")
    assert (await shop.inbox.next())["vpc_MerchTxnRef"] == late


async def test_a_payment_may_be_taken_and_told_though_the_browser_never_returns(
    shop: Merchant,
) -> None:
    reference = await shop.open(OrderInfo="[pay:error_after]")
    assert (await shop.http.post(f"/payer/{reference}", content="act=approve")).status_code == 500
    assert (await shop.inbox.next())["vpc_TxnResponseCode"] == "0"
    assert len(await shop.charges()) == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_pay_link_breaks_before_or_after_its_effect(when: str) -> None:
    async with merchant_of(over_http=True) as shop:
        with pytest.raises(httpx.RemoteProtocolError):
            await shop.visit(shop.order(OrderInfo=f"[create:drop_{when}]"))
        with pytest.raises(AssertionError, match="Internal Server Error"):
            await shop.visit(shop.order(OrderInfo=f"[create:error_{when}]"))
        with pytest.raises(AssertionError, match="bao tri"):
            await shop.visit(shop.order(OrderInfo=f"[create:html_{when}]"))
        assert len(await shop.orders()) == (3 if when == "after" else 0)
