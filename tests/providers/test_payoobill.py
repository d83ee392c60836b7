"""What is said to Payoo's bill side, and what it says is owed."""

import json
from base64 import b64decode
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.kit.messages import Call, Owed, OwedBill, Reply, Unreadable
from gateway.providers.payoobill import PayooBill
from gateway.sandbox.payoobill_keys import PARTNER_PUBLIC
from tests.providers.payoobill import (
    BILL,
    CUSTOMER,
    LINE,
    MOMENT,
    POSTING,
    answer,
    owing,
    payoobill,
)

SIDE = payoobill()


def sent(call: Call) -> dict[str, Any]:
    """The Data of a call; its signature is checked on the way."""
    data: str = json.loads(call.body)["Data"]
    key = load_pem_public_key(PARTNER_PUBLIC.encode())
    assert isinstance(key, RSAPublicKey)
    key.verify(b64decode(call.headers["Signature"]), data.encode(), PKCS1v15(), SHA256())
    fields: dict[str, Any] = json.loads(data)
    return fields


def looked_up(reply: Reply) -> Owed | None:
    return SIDE.read_looked_up(CUSTOMER, reply)


def test_a_lookup_names_partner_operation_and_time_in_headers_and_signs_its_data() -> None:
    call = SIDE.look_up(CUSTOMER, MOMENT)
    headers = {name: value for name, value in call.headers.items() if name != "Signature"}
    assert call.url == "https://bill.payoo.example/execute"
    assert headers == {
        "content-type": "application/json",
        "PARTNERCODE": "EVNGW",
        "Operation": "QueryBillBE",
        "RequestTime": "20261125003500",
    }
    assert sent(call) == {
        "UserId": "evngw",
        "SearchValue": CUSTOMER,
        "ProviderId": "EVNSPC",
        "ServiceId": "DIEN",
        "ChannelPerform": "PARTNER",
    }


def test_a_clearing_pays_one_bill_under_our_own_number_and_tells_no_payers_phone() -> None:
    call = SIDE.clear(POSTING, MOMENT)
    assert call.headers["Operation"] == "PayBillBE"
    assert sent(call) == {
        "UserId": "evngw",
        "BillIds": "HD-1",
        "ContactPhone": "19001006",
        "SystemTrace": LINE.reference,
        "TransactionTime": "20261125003000",
        "ChannelPerform": "PARTNER",
        "MoneyTotal": 150_000,
        "PaymentFee": 1100,
    }
    assert PayooBill.lines_max == 1


def test_a_repetition_says_the_same_but_for_the_time_of_the_call() -> None:
    first, again = SIDE.clear(POSTING, MOMENT), SIDE.clear(POSTING, MOMENT)
    assert (first.body, first.headers) == (again.body, again.headers)


@pytest.mark.parametrize("build", [SIDE.check, SIDE.undo], ids=["check", "undo"])
def test_the_status_is_asked_by_our_own_number(build: Callable[..., Call]) -> None:
    call = build(POSTING, LINE, MOMENT)
    assert call.headers["Operation"] == "GetTransactionStatusBE"
    assert sent(call) == {
        "SystemTrace": LINE.reference,
        "RequestTime": "20261125003500",
        "TransactionTime": "20261125003000",
    }


# ── what is owed ────────────────────────────────────────────────────────────────────────────────


def test_bills_are_read_the_oldest_first_in_whole_dong() -> None:
    older = BILL | {"BillId": "HD-0", "Month": "9/2026", "MoneyAmount": 99000, "PaymentFee": 0}
    found = looked_up(owing(BILL, older))
    assert found == Owed(
        "Nguyễn Văn Án",
        "12 Nguyễn Trãi",
        (
            OwedBill("HD-0", date(2026, 9, 1), 99_000, {}),
            OwedBill("HD-1", date(2026, 11, 1), 150_000, {"fee": "1100"}),
        ),
    )


@pytest.mark.parametrize("code", [3, -109, -106, -107, -110])
def test_nothing_to_pay_is_an_answer_and_no_error(code: int) -> None:
    assert looked_up(answer({"ReturnCode": code})) == Owed("", "", ())


def test_a_customer_that_is_not_found_is_none() -> None:
    assert looked_up(answer({"ReturnCode": 4})) is None


@pytest.mark.parametrize("code", [-1, -3, -9, -10, -14, -25, -28, -85, -86, 2001, 2004, 77])
def test_any_other_code_says_nothing_of_what_is_owed(code: int) -> None:
    with pytest.raises(Unreadable):
        looked_up(answer({"ReturnCode": code, "Bills": [BILL]}))


@pytest.mark.parametrize(
    "changed",
    [
        {"CustomerId": "PB14010000002"},
        {"ProviderId": "EVNHCMC"},
        {"ServiceId": "NUOC"},
        {"MoneyAmount": "150000.5"},
        {"MoneyAmount": None},
        {"MoneyAmount": -1},
        {"Month": "13/2026"},
        {"Month": "2026-11"},
        {"BillId": ""},
        {"BillId": "a|b"},
        {"PaymentRule": 9},
        {"PaymentFee": "x"},
    ],
    ids=lambda changed: "-".join(f"{k}={v}" for k, v in changed.items()),
)
def test_a_bill_that_is_not_clearly_ours_and_whole_is_unreadable(changed: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        looked_up(owing(BILL | changed))


def test_two_bills_of_one_number_are_unreadable() -> None:
    with pytest.raises(Unreadable, match="BillId"):
        looked_up(owing(BILL, BILL))


@pytest.mark.parametrize("rule", [0, 1, 3])
def test_rules_that_one_bill_a_call_can_keep_are_kept(rule: int) -> None:
    found = looked_up(owing(BILL | {"PaymentRule": rule}, BILL | {"BillId": "HD-2"}))
    assert found is not None
    assert len(found.bills) == 2


def test_bills_that_are_paid_together_only_cannot_be_sold_but_one_alone_can() -> None:
    together = BILL | {"PaymentRule": 2}
    assert looked_up(owing(together)) is not None
    with pytest.raises(Unreadable, match="PaymentRule"):
        looked_up(owing(together, together | {"BillId": "HD-2"}))


# ── what a payment's answer means ───────────────────────────────────────────────────────────────
