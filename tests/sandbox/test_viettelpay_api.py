"""The simulated ViettelPay's query and refund."""

from collections.abc import AsyncIterator

import pytest

from gateway.sandbox.viettelpay import ViettelPay
from tests.sandbox.viettelpay import Fields, Merchant, mac, merchant_of

NUMBER = "4000000001"


@pytest.fixture
async def shop() -> AsyncIterator[Merchant]:
    async with merchant_of() as merchant:
        yield merchant


def query_mac(said: Fields) -> str:
    names = "error_code merchant_code order_id payment_status version vt_transaction_id"
    return mac(*(said[name] for name in names.split()))


async def test_a_query_knows_what_became_of_an_order(shop: Merchant) -> None:
    reference = await shop.open()
    unpaid = await shop.query(reference)
    assert (unpaid["error_code"], unpaid["payment_status"]) == ("00", "-1")
    assert (await shop.query("nobody"))["payment_status"] == "-1"
    await shop.pay(reference)
    paid = await shop.query(reference, version="WEBVIEW")
    expected = {
        "merchant_code": "EVNSPC",
        "order_id": reference,
        "error_code": "00",
        "vt_transaction_id": NUMBER,
        "payment_status": "1",
        "version": "WEBVIEW",
    }
    assert paid == {**expected, "check_sum": query_mac(paid)}


async def test_a_query_may_be_answered_in_the_newer_clients_way(shop: Merchant) -> None:
    await shop.control("viettelpay", signs_newer=True)
    said = await shop.query(await shop.open())
    assert "check_sum" not in said
    assert said["secure_hash"] == mac("EVNSPC", said["order_id"], "-1", "2.0")


async def test_check_sums_may_be_lower_hex_both_ways(shop: Merchant) -> None:
    await shop.control("viettelpay", is_hex=True)
    signed = mac("TRANS_INQUIRY", "EVNSPC", "x", "2.0", is_hex=True)
    said = await shop.query("x", check_sum=signed)
    due = mac("00", "EVNSPC", "x", "-1", "2.0", "", is_hex=True)
    assert said["check_sum"] == due
    assert (await shop.query("x"))["error_code"] == "V01"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"check_sum": "AAAA"}, "V01"),
        ({"merchant_code": "OTHER"}, "M01"),
        ({"version": "3.0"}, "655"),
        ({"cmd": "CANCEL"}, "655"),
    ],
    ids=str,
)
async def test_a_wrong_query_is_refused_unsigned(
    shop: Merchant, changed: Fields, code: str
) -> None:
    said = await shop.query(await shop.open(), **changed)
    assert (said["error_code"], "check_sum" in said) == (code, False)


@pytest.mark.parametrize("fault", ["other_order", "bad_signature", "unsigned"])
async def test_an_answer_can_lie(shop: Merchant, fault: str) -> None:
    reference = await shop.open(billcode=f"[query:{fault}]")
    said = await shop.query(reference)
    assert (said["order_id"] == reference) is (fault != "other_order")
    assert (said.get("check_sum") == query_mac(said)) is (fault == "other_order")
    limited = await shop.open(billcode="[query:rate_limited]")
    asked = {"cmd": "TRANS_INQUIRY", "order_id": limited}
    answer = await shop.call("cmd merchant_code order_id version", **asked)
    assert answer.status_code == 429


async def test_the_whole_of_a_payment_goes_back_once(shop: Merchant) -> None:
    await shop.pay(await shop.open())
    first = await shop.refund(NUMBER, "refund-1")
    assert (first["error_code"], first["merchant_request_id"]) == ("00", "refund-1")
    assert first["check_sum"] == mac("00", "EVNSPC", "refund-1", "2.0")
    assert await shop.refund(NUMBER, "refund-1") == first
    assert (await shop.refund(NUMBER, "refund-2"))["error_code"] == "176"
    assert (await shop.refund(NUMBER, "refund-1", trans_amount="1"))["error_code"] == "176"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"trans_amount": "149999"}, "KG8"),
        ({"trans_amount": "150001"}, "KG8"),
        ({"refundType": "1"}, "KG8"),
        ({"originalRequestId": "4999999999"}, "KG3"),
        ({"trans_content": "Hoàn tiền"}, "655"),
        ({"trans_content": "x" * 101}, "655"),
        ({"check_sum": "AAAA"}, "V01"),
    ],
    ids=str,
)
async def test_a_refund_that_is_not_the_whole_of_a_payment_is_refused(
    shop: Merchant, changed: Fields, code: str
) -> None:
    await shop.pay(await shop.open())
    own = f"refund-{code}"
    assert (await shop.refund(NUMBER, own, **changed))["error_code"] == code
    assert shop.rail.refunds == {}


async def test_a_refund_may_be_done_and_first_answered_as_unconnected(shop: Merchant) -> None:
    await shop.control("viettelpay", unsure_refunds=True)
    await shop.pay(await shop.open())
    assert (await shop.refund(NUMBER, "refund-1"))["error_code"] == "813"
    assert (await shop.refund(NUMBER, "refund-1"))["error_code"] == "00"
    assert len(shop.rail.refunds) == 1


async def test_a_switch_that_is_not_known_is_refused(shop: Merchant) -> None:
    assert (await shop.control("viettelpay", declined="V99")).status_code == 400
    assert (await shop.control("viettelpay", is_hax=True)).status_code == 400


def test_without_addresses_nobody_is_asked_or_told() -> None:
    rail = ViettelPay()
    assert (rail.verify_url, rail.notify_url) == ("", "")
