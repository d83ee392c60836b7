import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.sandbox.vnpay import (
    QUERY,
    QUERY_ANSWER,
    REFUND,
    REFUND_ANSWER,
    Merchant,
    merchant_of,
    pipe_mac,
)

API = "/merchant_webapi/api/transaction"


@pytest.fixture
async def shop() -> AsyncIterator[Merchant]:
    async with merchant_of() as merchant:
        yield merchant


async def a_paid_order(shop: Merchant, **changed: str) -> str:
    reference = await shop.open(**changed)
    await shop.pay(reference)
    return reference


def is_signed(answer: dict[str, str], names: str = QUERY_ANSWER) -> bool:
    return answer.get("vnp_SecureHash") == pipe_mac(answer, names)


# ── querydr ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_query_tells_of_the_payment(shop: Merchant) -> None:
    reference = await a_paid_order(shop)
    said = await shop.query(reference)
    assert is_signed(said)
    expected = {
        "vnp_ResponseCode": "00",
        "vnp_TransactionStatus": "00",
        "vnp_TransactionType": "01",
        "vnp_Amount": "15000000",
        "vnp_TxnRef": reference,
        "vnp_Command": "querydr",
        "vnp_OrderInfo": "Tien dien 10/2026",
        "vnp_TransactionNo": (await shop.charges())[0]["provider_id"],
    }
    assert expected.items() <= said.items()
    assert len(said["vnp_PayDate"]) == 14


@pytest.mark.parametrize(
    ("act", "status"), [(None, "01"), ("process", "01"), ("decline", "02"), ("approve", "00")]
)
async def test_a_query_tells_the_state(shop: Merchant, act: str | None, status: str) -> None:
    reference = await shop.open()
    if act:
        await shop.control("payer", reference=reference, act=act)
    said = await shop.query(reference)
    assert (said["vnp_ResponseCode"], said["vnp_TransactionStatus"]) == ("00", status)
    assert is_signed(said)


async def test_a_slow_bank_ends_in_one_charge(shop: Merchant) -> None:
    reference = await shop.open()
    for act in ("process", "approve", "approve"):
        await shop.control("payer", reference=reference, act=act)
    assert (await shop.query(reference))["vnp_TransactionStatus"] == "00"
    assert len(await shop.charges()) == 1


async def test_an_order_nobody_visited_is_91_without_a_hash(shop: Merchant) -> None:
    said = await shop.query("att-never")
    assert said["vnp_ResponseCode"] == "91"
    assert "vnp_SecureHash" not in said
    reference = await a_paid_order(shop)
    other_day = await shop.query(reference, vnp_TransactionDate="20260101000000")
    assert other_day["vnp_ResponseCode"] == "91"


async def test_a_wrong_hash_is_97_without_a_hash(shop: Merchant) -> None:
    reference = await a_paid_order(shop)
    for names in (QUERY, REFUND):
        command = "querydr" if names == QUERY else "refund"
        more = {"vnp_TransactionType": "03", "vnp_Amount": "100000", "vnp_TransactionNo": "0"}
        fields = {**shop.asking(reference, command), **more, "vnp_CreateBy": "gateway"}
        answer = await shop.http.post(API, json={**fields, "vnp_SecureHash": "0" * 128})
        assert answer.json()["vnp_ResponseCode"] == "97"
        assert "vnp_SecureHash" not in answer.json()
    assert not shop.rail.books[reference, shop.orders[reference]["vnp_CreateDate"]].refunds


@pytest.mark.parametrize("field", [f"vnp_{name}" for name in QUERY.split()])
async def test_each_field_of_a_query_is_signed(shop: Merchant, field: str) -> None:
    reference = await a_paid_order(shop)
    fields = shop.asking(reference, "querydr")
    signed = {**fields, "vnp_SecureHash": pipe_mac(fields, QUERY)}
    last = fields[field][-1]
    signed[field] = fields[field][:-1] + ("2" if last != "2" else "1")
    said = (await shop.http.post(API, json=signed)).json()
    assert said["vnp_ResponseCode"] in {"97", "03", "02"}


async def test_a_request_id_is_good_once(shop: Merchant) -> None:
    reference = await a_paid_order(shop)
    fields = shop.asking(reference, "querydr")
    assert (await shop.api(QUERY, fields)).json()["vnp_ResponseCode"] == "00"
    again = (await shop.api(QUERY, fields)).json()
    assert again["vnp_ResponseCode"] == "94"
    assert "vnp_SecureHash" not in again


async def test_one_query_silences_the_terminal_for_a_while(shop: Merchant) -> None:
    one, other = await a_paid_order(shop), await a_paid_order(shop)
    await shop.control("vnpay", quiet_s=3600)
    assert (await shop.query(one))["vnp_ResponseCode"] == "00"
    assert (await shop.query(other))["vnp_ResponseCode"] == "94"
    assert (await shop.refund(other, 10_000))["vnp_ResponseCode"] == "00"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'{"vnp_Command": true}', b"\xff", b'{"vnp_Command": "token"}', b"{}"],
)
async def test_what_is_no_request_is_03(shop: Merchant, body: bytes) -> None:
    answer = await shop.http.post(API, content=body)
    assert (answer.status_code, answer.json()["vnp_ResponseCode"]) == (200, "03")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"vnp_TmnCode": "OTHER"}, "02"),
        ({"vnp_Version": "2.0.0"}, "03"),
        ({"vnp_RequestId": "r" * 33}, "03"),
        ({"vnp_OrderInfo": ""}, "03"),
        ({"vnp_TransactionDate": "20260231000000"}, "03"),
    ],
    ids=str,
)
async def test_a_wrong_query_says_what_is_wrong(
    shop: Merchant, changed: dict[str, str], code: str
) -> None:
    assert (await shop.query("att-1", **changed))["vnp_ResponseCode"] == code


async def test_numbers_may_be_sent_as_numbers(shop: Merchant) -> None:
    reference = await a_paid_order(shop)
    fields = shop.asking(reference, "querydr")
    signed: dict[str, Any] = {**fields, "vnp_SecureHash": pipe_mac(fields, QUERY)}
    signed["vnp_CreateDate"] = int(fields["vnp_CreateDate"])
    assert (await shop.http.post(API, content=json.dumps(signed))).json()[
        "vnp_ResponseCode"
    ] == "00"


@pytest.mark.parametrize("operation", ["query", "refund"])
@pytest.mark.parametrize(
    "fault", ["wrong_amount", "other_order", "bad_signature", "unsigned", "rate_limited"]
)
async def test_an_answer_can_lie(shop: Merchant, operation: str, fault: str) -> None:
    reference = await a_paid_order(shop, vnp_OrderInfo=f"[{operation}:{fault}]")
    ask = shop.query if operation == "query" else lambda ref: shop.refund(ref, 50_000)
    said = await ask(reference)
    names = QUERY_ANSWER if operation == "query" else REFUND_ANSWER
    assert is_signed(said, names) is (fault in {"wrong_amount", "other_order"})
    assert (said["vnp_TxnRef"] != reference) is (fault == "other_order")
    assert (said["vnp_ResponseCode"] == "94") is (fault == "rate_limited")
    expected = "15000000" if operation == "query" else "5000000"
    assert (said.get("vnp_Amount", expected) != expected) is (fault == "wrong_amount")


# ── refunds ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("end", ["00", "09"])
async def test_a_refund_is_accepted_first_and_ends_later(shop: Merchant, end: str) -> None:
    await shop.control("vnpay", refunds_end=end)
    reference = await a_paid_order(shop)
    said = await shop.refund(reference, 50_000)
    assert is_signed(said, REFUND_ANSWER)
    assert (said["vnp_ResponseCode"], said["vnp_TransactionStatus"]) == ("00", "05")
    told = [await shop.query(reference) for _ in range(4)]
    assert [one["vnp_TransactionStatus"] for one in told] == ["05", "06", end, end]
    assert {(one["vnp_TransactionType"], one["vnp_Amount"]) for one in told} == {("03", "5000000")}
    assert {one["vnp_TransactionNo"] for one in told} == {said["vnp_TransactionNo"]}
    assert len(await shop.charges()) == 1


async def settled(shop: Merchant, reference: str) -> None:
    for _ in range(3):
        await shop.query(reference)


async def test_refunds_never_exceed_what_was_paid(shop: Merchant) -> None:
    reference = await a_paid_order(shop)
    for dong, code in ((100_000, "00"), (50_001, "93"), (50_000, "00"), (1, "93")):
        assert (await shop.refund(reference, dong))["vnp_ResponseCode"] == code
        await settled(shop, reference)
    book = shop.rail.books[reference, shop.orders[reference]["vnp_CreateDate"]]
    assert book.refunded_dong() == 150_000


async def test_a_refused_refund_may_be_asked_again(shop: Merchant) -> None:
    await shop.control("vnpay", refunds_end="09")
    reference = await a_paid_order(shop)
    await shop.refund(reference, 150_000, "02")
    await settled(shop, reference)
    await shop.control("vnpay", refunds_end="00")
    assert (await shop.refund(reference, 150_000, "02"))["vnp_ResponseCode"] == "00"


async def test_a_refund_of_another_kind_than_its_amount_is_refused(shop: Merchant) -> None:
    reference = await a_paid_order(shop)
    assert (await shop.refund(reference, 50_000, "02"))["vnp_ResponseCode"] == "93"
    assert (await shop.refund(reference, 50_000, "03"))["vnp_ResponseCode"] == "00"
    assert (await shop.refund(reference, 50_000, "03"))["vnp_ResponseCode"] == "94"
    await settled(shop, reference)
    assert (await shop.refund(reference, 100_000, "02"))["vnp_ResponseCode"] == "04"


async def test_only_a_paid_order_is_refunded(shop: Merchant) -> None:
    said = await shop.refund(await shop.open(), 50_000)
    assert said["vnp_ResponseCode"] == "95"
    assert is_signed(said, REFUND_ANSWER)
    assert (await shop.refund("att-never", 50_000))["vnp_ResponseCode"] == "91"


async def test_a_refund_may_be_made_though_its_answer_is_lost() -> None:
    async with merchant_of(over_http=True) as shop:
        reference = await a_paid_order(shop, vnp_OrderInfo="[refund:drop_after]")
        with pytest.raises(httpx.RemoteProtocolError):
            await shop.refund(reference, 50_000)
        assert (await shop.query(reference))["vnp_TransactionType"] == "03"
        assert (await shop.refund(reference, 50_000))["vnp_ResponseCode"] == "94"


async def test_a_query_may_hang_and_break() -> None:
    async with merchant_of(over_http=True) as shop:
        reference = await a_paid_order(shop, vnp_OrderInfo="[query:error_before]")
        answer = await shop.api(QUERY, shop.asking(reference, "querydr"))
        assert answer.status_code == 500
        await shop.control("faults", operation="query", fault="hang_before", reference=reference)
        shop.http.timeout = httpx.Timeout(0.2)
        with pytest.raises(httpx.ReadTimeout):
            await shop.query(reference)
        shop.http.timeout = httpx.Timeout(10)
        assert (await shop.query(reference))["vnp_ResponseCode"] == "00"
