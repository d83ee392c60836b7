import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from gateway.sandbox.vnpay import REPEAT_AFTER_S
from tests.sandbox.vnpay import RETURN_URL, Merchant, is_signed, merchant_of, stamp

ERROR = "/paymentv2/Payment/Error.html?code="


@pytest.fixture
async def shop() -> AsyncIterator[Merchant]:
    async with merchant_of(repeat_after_s=(0.0,) * 9) as merchant:
        yield merchant


# ── the pay page ────────────────────────────────────────────────────────────────────────────────


async def test_a_payer_who_pays_is_charged_once_and_both_are_told(shop: Merchant) -> None:
    reference = await shop.open()
    back, notice = await shop.pay(reference), await shop.inbox.next()
    expected = {
        "vnp_TmnCode": "CGTTDEMO",
        "vnp_Amount": "15000000",
        "vnp_OrderInfo": "Tien dien 10/2026",
        "vnp_ResponseCode": "00",
        "vnp_TransactionStatus": "00",
        "vnp_TxnRef": reference,
    }
    assert is_signed(notice)
    assert expected.items() <= notice.items()
    assert back == {**notice, "keep": "1"}
    charge = (await shop.charges())[0]
    assert (charge["reference"], charge["amount_dong"]) == (reference, 150_000)
    assert charge["provider_id"] == notice["vnp_TransactionNo"]


async def test_nothing_charges_a_paid_order_again(shop: Merchant) -> None:
    reference = await shop.open()
    for _ in range(3):
        await shop.pay(reference)
        await shop.control("payer", reference=reference, act="approve")
    assert len(await shop.charges()) == 1


async def test_a_refusal_is_notified_too_and_charges_nothing(shop: Merchant) -> None:
    reference = await shop.open()
    back = await shop.pay(reference, "decline")
    notice = await shop.inbox.next()
    assert is_signed(notice)
    assert (notice["vnp_ResponseCode"], notice["vnp_TransactionStatus"]) == ("24", "02")
    assert notice["vnp_TransactionNo"] == "0"
    assert back["vnp_ResponseCode"] == "24"
    assert await shop.charges() == []


async def test_money_may_be_taken_and_held_as_suspected(shop: Merchant) -> None:
    await shop.control("vnpay", approved="07")
    reference = await shop.open()
    await shop.pay(reference)
    notice, said = await shop.inbox.next(), await shop.query(reference)
    assert (notice["vnp_ResponseCode"], notice["vnp_TransactionStatus"]) == ("07", "07")
    assert said["vnp_TransactionStatus"] == "07"
    assert len(await shop.charges()) == 1
    assert (await shop.control("vnpay", approved="06")).status_code == 400


async def test_the_same_link_shows_the_page_again_while_it_can_be_paid(shop: Merchant) -> None:
    fields = shop.order()
    page = f"/payer/{fields['vnp_TxnRef']}"
    assert [await shop.visit(fields), await shop.visit(fields)] == [page, page]
    shown = await shop.http.get(page)
    assert "Tien dien 10/2026" in shown.text
    assert "150.000" in shown.text
    await shop.pay(fields["vnp_TxnRef"])
    assert await shop.visit(fields) == f"{ERROR}01"


async def test_an_id_is_unique_within_its_day(shop: Merchant) -> None:
    first = shop.order()
    await shop.visit(first)
    assert await shop.visit({**first, "vnp_Amount": "20000000"}) == f"{ERROR}01"
    tomorrow = {**first, "vnp_CreateDate": stamp(timedelta(days=1))}
    assert await shop.visit(tomorrow) == f"/payer/{first['vnp_TxnRef']}"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"vnp_TmnCode": "OTHER"}, "72"),
        ({"vnp_Amount": "499900"}, "03"),
        ({"vnp_Amount": "100000000000"}, "03"),
        ({"vnp_Amount": "15000050"}, "03"),
        ({"vnp_Amount": "150000.00"}, "03"),
        ({"vnp_Version": "2.0.1"}, "03"),
        ({"vnp_Command": "querydr"}, "03"),
        ({"vnp_CurrCode": "USD"}, "03"),
        ({"vnp_Locale": "vi"}, "03"),
        ({"vnp_OrderInfo": "Tiền điện"}, "03"),
        ({"vnp_OrderInfo": "x" * 256}, "03"),
        ({"vnp_TxnRef": "a" * 101}, "03"),
        ({"vnp_CreateDate": "20261324000000"}, "03"),
        ({"vnp_IpAddr": "::1"}, "03"),
        ({"vnp_ReturnUrl": "x" * 300}, "03"),
        ({"vnp_ExpireDate": "absent"}, "03"),
        ({"vnp_BankCode": ""}, "03"),
        ({"vnp_ExpireDate": stamp(-timedelta(seconds=2))}, "15"),
        # The Java demo's Etc/GMT+7 is UTC-7: fourteen hours behind, so the order is born expired.
        ({"vnp_ExpireDate": stamp(timedelta(minutes=15, hours=-14))}, "15"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else value,
)
async def test_a_wrong_order_is_shown_the_error_page(
    shop: Merchant, changed: dict[str, str], code: str
) -> None:
    assert await shop.visit(shop.order(**changed)) == f"{ERROR}{code}"
    assert f"Mã lỗi {code}" in (await shop.http.get(f"{ERROR}{code}")).text
    assert (await shop.http.get("/control/orders")).json()["orders"] == []


async def test_a_link_with_a_wrong_hash_is_refused_before_anything_else(shop: Merchant) -> None:
    fields = shop.order(vnp_Amount="1")
    assert await shop.visit(fields, secret="another") == f"{ERROR}70"
    repeated = await shop.http.get("/paymentv2/vpcpay.html?vnp_TxnRef=a&vnp_TxnRef=b")
    assert repeated.headers["location"] == f"{ERROR}03"
    assert "<script>" not in (await shop.http.get(f"{ERROR}<script>")).text


async def test_a_value_with_reserved_letters_keeps_its_hash(shop: Merchant) -> None:
    reference = await shop.open(vnp_OrderInfo="a & b = c % d + e # f ? g / h @ i : j * k")
    await shop.pay(reference)
    assert is_signed(await shop.inbox.next())


async def test_an_order_cannot_be_paid_after_its_end_but_late_money_comes(shop: Merchant) -> None:
    shop.rail.window = timedelta(seconds=-1)
    reference = await shop.open()
    back = await shop.pay(reference)
    assert (back["vnp_ResponseCode"], back["vnp_TransactionStatus"]) == ("11", "11")
    assert is_signed({k: v for k, v in back.items() if k != "keep"})
    assert (await shop.query(reference))["vnp_TransactionStatus"] == "11"
    assert await shop.charges() == []
    await shop.control("payer", reference=reference, act="approve")
    assert (await shop.inbox.next())["vnp_TransactionStatus"] == "00"
    assert (await shop.query(reference))["vnp_TransactionStatus"] == "00"


# ── notices ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "refusal",
    [
        *((200, f'{{"RspCode":"{code}"}}'.encode()) for code in ("01", "04", "97", "99")),
        *((500, b'{"RspCode":"00"}'), (200, b"OK"), (200, b"[]"), (204, b"")),
    ],
    ids=str,
)
async def test_a_notice_is_repeated_until_it_is_taken(
    shop: Merchant, refusal: tuple[int, bytes]
) -> None:
    shop.inbox.answers = [refusal, refusal, (200, b'{"RspCode":"02","Message":"Already"}')]
    await shop.pay(await shop.open())
    first = await shop.inbox.next()
    assert [await shop.inbox.next(), await shop.inbox.next()] == [first, first]
    await asyncio.gather(*shop.rail._notices._sending)
    assert shop.inbox.is_empty()


async def test_a_notice_is_sent_ten_times_at_most(shop: Merchant) -> None:
    assert len(REPEAT_AFTER_S.split(",")) == 9
    shop.inbox.answers = [(200, b'{"RspCode":"99"}')]
    await shop.pay(await shop.open())
    for _ in range(10):
        await shop.inbox.next()
    await asyncio.gather(*shop.rail._notices._sending)
    assert shop.inbox.is_empty()


async def test_a_forged_twin_claims_a_success_before_the_truth(shop: Merchant) -> None:
    await shop.control("faults", operation="notify", fault="forged")
    shop.inbox.answers = [(200, b'{"RspCode":"97"}'), (200, b'{"RspCode":"00"}')]
    await shop.pay(await shop.open(), "decline")
    forged, true = await shop.inbox.next(), await shop.inbox.next()
    assert (forged["vnp_ResponseCode"], is_signed(forged)) == ("00", False)
    assert (true["vnp_ResponseCode"], is_signed(true)) == ("24", True)


async def test_an_earlier_state_may_arrive_last(shop: Merchant) -> None:
    await shop.control("faults", operation="notify", fault="reordered")
    await shop.pay(await shop.open())
    last, earlier = await shop.inbox.next(), await shop.inbox.next()
    assert (last["vnp_TransactionStatus"], earlier["vnp_TransactionStatus"]) == ("00", "01")
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
    reference = await shop.open(vnp_OrderInfo=f"[notify:{fault}]")
    await shop.pay(reference)
    notice = await shop.inbox.next()
    assert (is_signed(notice), notice["vnp_Amount"]) == (signed, amount)
    assert (notice["vnp_TxnRef"] == reference) is (fault != "other_order")
    assert ("vnp_SecureHash" in notice) is (fault != "unsigned")


async def test_a_notice_may_come_thrice_or_late_or_never(shop: Merchant) -> None:
    await shop.pay(await shop.open(vnp_OrderInfo="[notify:duplicate]"))
    first = await shop.inbox.next()
    assert [await shop.inbox.next(), await shop.inbox.next()] == [first, first]
    late = await shop.open(vnp_OrderInfo="[notify:late]")
    await shop.pay(late)
    await shop.pay(await shop.open(vnp_OrderInfo="[notify:missing]"))
    assert shop.inbox.is_empty()
    await shop.control("flush")
    assert (await shop.inbox.next())["vnp_TxnRef"] == late


async def test_the_registered_address_may_have_a_query_of_its_own() -> None:
    async with merchant_of() as shop:
        shop.rail.terminal = type(shop.rail.terminal)(notify_url="http://127.0.0.1:9/ipn?door=1")
        order = shop.rail.orders[await shop.open()]
        await shop.control("payer", reference=order.reference, act="process")
        assert shop.rail.notices(order, None) == []
        await shop.pay(order.reference, "decline")
        sent = shop.rail.notices(order, None)[0]
        fields = dict(parse_qsl(urlsplit(sent.url).query))
        assert fields["door"] == "1"
        assert is_signed(fields)
        assert urlsplit(RETURN_URL).hostname == urlsplit(shop.rail.return_to(order)).hostname


# ── calls that break ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_pay_link_breaks_before_or_after_its_effect(when: str) -> None:
    async with merchant_of(over_http=True) as shop:
        with pytest.raises(httpx.RemoteProtocolError):
            await shop.visit(shop.order(vnp_OrderInfo=f"[create:drop_{when}]"))
        with pytest.raises(AssertionError, match="Internal Server Error"):
            await shop.visit(shop.order(vnp_OrderInfo=f"[create:error_{when}]"))
        with pytest.raises(AssertionError, match="bao tri"):
            await shop.visit(shop.order(vnp_OrderInfo=f"[create:html_{when}]"))
        opened = (await shop.http.get("/control/orders")).json()["orders"]
        assert len(opened) == (3 if when == "after" else 0)


async def test_a_payment_may_be_taken_though_the_page_breaks(shop: Merchant) -> None:
    reference = await shop.open(vnp_OrderInfo="[pay:error_after]")
    assert (await shop.http.post(f"/payer/{reference}", content="act=approve")).status_code == 500
    assert len(await shop.charges()) == 1
    assert (await shop.inbox.next())["vnp_ResponseCode"] == "00"


async def test_a_clock_that_is_ahead_ends_the_window_early(shop: Merchant) -> None:
    fields = shop.order(vnp_OrderInfo="[create:skewed_clock]")
    assert await shop.visit(fields) == f"{ERROR}15"
    assert await shop.visit(fields) == f"/payer/{fields['vnp_TxnRef']}"
