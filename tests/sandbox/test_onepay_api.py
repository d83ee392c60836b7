from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.sandbox.onepay import Merchant, fields_of, is_signed, merchant_of


@pytest.fixture
async def shop() -> AsyncIterator[Merchant]:
    async with merchant_of() as merchant:
        yield merchant


# ── queryDR ─────────────────────────────────────────────────────────────────────────────────────


async def test_an_order_that_nobody_pays_is_100_and_one_that_nobody_opened_does_not_exist(
    shop: Merchant,
) -> None:
    said = await shop.query(await shop.open())
    assert (said["vpc_DRExists"], said["vpc_TxnResponseCode"]) == ("Y", "100")
    assert is_signed(said)
    none = await shop.query("att-unheard-of")
    assert none["vpc_DRExists"] == "N"
    assert "vpc_TxnResponseCode" not in none
    assert is_signed(none)


async def test_a_query_tells_the_charge(shop: Merchant) -> None:
    reference = await shop.open()
    await shop.pay(reference)
    said, charge = await shop.query(reference), (await shop.charges())[0]
    expected = {
        "vpc_DRExists": "Y",
        "vpc_Command": "queryDR",
        "vpc_MerchTxnRef": reference,
        "vpc_Merchant": "TESTONEPAY",
        "vpc_Amount": "15000000",
        "vpc_TxnResponseCode": "0",
        "vpc_TransactionNo": charge["provider_id"],
    }
    assert expected.items() <= said.items()
    assert is_signed(said)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"SecureHash": "0" * 64}, "7"),
        ({"SecureHash": ""}, "7"),
        ({"Merchant": "OTHER"}, "3"),
        ({"AccessCode": "00000000"}, "4"),
        ({"User": "other"}, "7"),
        ({"Password": "absent"}, "7"),
        ({"Command": "refund"}, "7"),
        ({"MerchTxnRef": "absent"}, "7"),
        ({"Version": "3"}, "7"),
    ],
    ids=str,
)
async def test_a_refused_call_says_nothing_of_the_order_and_is_not_signed(
    shop: Merchant, changed: dict[str, str], code: str
) -> None:
    reference = await shop.open()
    await shop.pay(reference)
    said = await shop.query(reference, **changed)
    assert said["vpc_TxnResponseCode"] == code
    assert not {"vpc_DRExists", "vpc_SecureHash"} & said.keys()


async def test_a_form_that_cannot_be_read_is_refused(shop: Merchant) -> None:
    for body in (b"", b"\xff", b"vpc_User=a&vpc_User=b", b"{}"):
        answer = await shop.http.post("/msp/api/v1/vpc/invoices/queries", content=body)
        assert fields_of(answer.text)["vpc_TxnResponseCode"] == "7"


@pytest.mark.parametrize(
    ("fault", "signed", "amount"),
    [
        ("wrong_amount", True, "15100000"),
        ("other_order", True, "15000000"),
        ("bad_signature", False, "15000000"),
        ("unsigned", False, "15000000"),
    ],
)
async def test_an_answer_can_lie(shop: Merchant, fault: str, amount: str, *, signed: bool) -> None:
    reference = await shop.open(OrderInfo=f"[query:{fault}]")
    await shop.pay(reference)
    said = await shop.query(reference)
    assert (is_signed(said), said["vpc_Amount"]) == (signed, amount)
    assert (said["vpc_MerchTxnRef"] == reference) is (fault != "other_order")
    assert is_signed(await shop.query(reference))


async def test_too_many_calls_are_429(shop: Merchant) -> None:
    reference = await shop.open(OrderInfo="[query:rate_limited]")
    asked = {"Command": "queryDR", "MerchTxnRef": reference}
    assert (await shop.call("invoices/queries", **asked)).status_code == 429
    assert (await shop.call("invoices/queries", **asked)).status_code == 200


async def test_a_call_breaks_before_or_after_its_effect() -> None:
    async with merchant_of(over_http=True) as shop:
        reference = await shop.open()
        await shop.pay(reference)
        for number, fault in enumerate(("drop_before", "drop_after")):
            await shop.control("faults", operation="refund", fault=fault)
            with pytest.raises(httpx.RemoteProtocolError):
                await shop.refund(reference, 1_000, f"ref-{number}")
        assert (await shop.query("ref-0"))["vpc_DRExists"] == "N"
        assert (await shop.query("ref-1"))["vpc_TxnResponseCode"] == "0"
        await shop.control("faults", operation="query", fault="html_before")
        assert "bao tri" in str(await shop.query(reference))


# ── refund ──────────────────────────────────────────────────────────────────────────────────────


async def test_parts_are_given_back_and_never_more_than_was_paid(shop: Merchant) -> None:
    reference = await shop.open()
    await shop.pay(reference)
    first = await shop.refund(reference, 100_000, "ref-a")
    assert (first["vpc_TxnResponseCode"], first["vpc_Amount"]) == ("0", "10000000")
    assert (first["vpc_MerchTxnRef"], first["vpc_OrgMerchTxnRef"]) == ("ref-a", reference)
    assert is_signed(first)
    assert (await shop.refund(reference, 50_001, "ref-b"))["vpc_TxnResponseCode"] == "5"
    assert (await shop.query("ref-b"))["vpc_DRExists"] == "N"
    assert (await shop.refund(reference, 50_000, "ref-c"))["vpc_TxnResponseCode"] == "0"
    assert (await shop.refund(reference, 1, "ref-d"))["vpc_TxnResponseCode"] == "5"
    assert (await shop.query("ref-c"))["vpc_Amount"] == "5000000"


async def test_a_refund_again_moves_no_more_money(shop: Merchant) -> None:
    reference = await shop.open()
    await shop.pay(reference)
    first = await shop.refund(reference, 100_000, "ref-a")
    assert await shop.refund(reference, 100_000, "ref-a") == first
    assert (await shop.refund(reference, 1_000, "ref-a"))["vpc_TxnResponseCode"] == "7"
    assert (await shop.refund(reference, 50_000, "ref-b"))["vpc_TxnResponseCode"] == "0"


async def test_only_a_paid_order_is_given_back(shop: Merchant) -> None:
    unpaid = await shop.open()
    declined = await shop.open()
    await shop.pay(declined, "decline")
    for reference in (unpaid, declined, "att-unheard-of"):
        assert (await shop.refund(reference, 1_000, "ref"))["vpc_TxnResponseCode"] == "7"


async def test_ids_of_orders_and_refunds_are_never_shared(shop: Merchant) -> None:
    reference = await shop.open()
    await shop.pay(reference)
    assert (await shop.refund(reference, 1_000, reference))["vpc_TxnResponseCode"] == "7"
    await shop.refund(reference, 1_000, "ref-a")
    assert await shop.visit(shop.order(MerchTxnRef="ref-a")) == "/paygate/error.op?code=7"


@pytest.mark.parametrize(("code", "then"), [("300", "0"), ("1", "1"), ("100", "100")])
async def test_a_refund_may_be_in_work_or_refused(shop: Merchant, code: str, then: str) -> None:
    await shop.control("onepay", refunded=code)
    reference = await shop.open()
    await shop.pay(reference)
    assert (await shop.refund(reference, 150_000, "ref-a"))["vpc_TxnResponseCode"] == code
    said = [(await shop.query("ref-a"))["vpc_TxnResponseCode"] for _ in range(2)]
    assert said == [code, then]
    again = (await shop.refund(reference, 150_000, "ref-b"))["vpc_TxnResponseCode"]
    assert again == ("1" if code == "1" else "5")


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"Amount": "100"}, "0"), ({"Amount": "150"}, "5"), ({"Operator": "absent"}, "7")],
)
async def test_a_refunds_fields_are_checked(
    shop: Merchant, changed: dict[str, Any], code: str
) -> None:
    reference = await shop.open()
    await shop.pay(reference)
    assert (await shop.refund(reference, 1, "ref-a", **changed))["vpc_TxnResponseCode"] == code
