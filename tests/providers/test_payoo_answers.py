from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.evidence import Finding, Outcome
from gateway.kit.messages import Garbled, Incoming, Reply, SignatureWrong, Unreadable
from tests.providers.payoo import KEY, ORDER, PAYOO, REFUND, answer, digest, opened, refused

# 10:00 to 10:15 in Vietnam: within one day.
BY_DAY = replace(
    ORDER,
    created_at=ORDER.created_at - timedelta(hours=14),
    expires_at=ORDER.expires_at - timedelta(hours=14),
)
OVERNIGHT = replace(ORDER, created_at=ORDER.created_at - timedelta(minutes=31))
BOUGHT: dict[str, Any] = {
    "ResponseCode": 0,
    "OrderNo": ORDER.reference,
    "OrderCash": "150000.00000000",
    "PaymentMethod": "1",
    "PurchaseDate": "20261125003500",
}


def queried(order: Any = BY_DAY, **changed: object) -> Finding:
    return PAYOO.read_queried(order, answer(BOUGHT | changed))


# ── create ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({}, Outcome.UNKNOWN),
        ({"message": "Order no existed"}, Outcome.UNKNOWN),
        *(({"errorcode": code}, Outcome.FAILED) for code in (503, 505, 755, "755")),
        *(({"errorcode": code}, Outcome.UNKNOWN) for code in (500, 501, 800, 1, "X", "", None)),
    ],
)
def test_a_refused_order_is_final_only_where_payoo_says_so(
    fields: dict[str, object], outcome: Outcome
) -> None:
    found = PAYOO.read_created(ORDER, refused(**fields))
    assert isinstance(found, Finding)
    assert found == Finding(
        outcome, str(fields.get("errorcode") or "fail"), str(fields.get("message", ""))
    )


@pytest.mark.parametrize(
    "body", [b'{"result":"success"}', b'{"result":"other"}', b'{"result":"success","order":null}']
)
def test_half_an_answer_to_create_is_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        PAYOO.read_created(ORDER, Reply(200, body))


def test_an_order_that_is_no_object_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        PAYOO.read_created(ORDER, opened("null"))


# ── query ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (0, Outcome.WAITING),
        (1, Outcome.SUCCEEDED),
        (2, Outcome.PENDING),
        (3, Outcome.FAILED),
        (4, Outcome.FAILED),
        (5, Outcome.UNKNOWN),
        (-1, Outcome.UNKNOWN),
        ("1", Outcome.SUCCEEDED),
    ],
)
def test_an_orders_status_is_read_by_profile_0_1(status: object, outcome: Outcome) -> None:
    found = queried(OrderStatus=status)
    assert found.outcome is outcome
    assert (found.reference, found.amount_dong) == (ORDER.reference, 150_000)
    assert found.memory == {"purchased_on": "20261125"}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(1, Outcome.SUCCEEDED), (0, Outcome.UNKNOWN), (3, Outcome.UNKNOWN), (None, Outcome.UNKNOWN)],
)
def test_without_it_the_notifications_status_is_read(status: object, outcome: Outcome) -> None:
    assert queried(PaymentStatus=status, ShopId=691).outcome is outcome


def test_a_status_of_the_profile_goes_before_another() -> None:
    assert queried(OrderStatus=2, PaymentStatus=1).outcome is Outcome.PENDING


def test_a_success_says_whose_it_is() -> None:
    found = queried(PaymentStatus=1, ShopId=692, OrderNo="att_other", OrderCash=1000)
    assert (found.merchant, found.reference, found.amount_dong) == ("692", "att_other", 1_000)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (8, Outcome.ABSENT),
        (9, Outcome.WAITING),
        *((code, Outcome.UNKNOWN) for code in (-1, 1, 2, 3, 11, 94, 1000, 1001, 1002, 1003)),
    ],
)
def test_a_code_of_the_call_is_no_state_of_the_order(code: int, outcome: Outcome) -> None:
    assert queried(ResponseCode=code, OrderStatus=1).outcome is outcome


def test_an_order_that_spans_midnight_is_never_absent_by_one_days_answer() -> None:
    assert queried(OVERNIGHT, ResponseCode=8).outcome is Outcome.UNKNOWN
    assert queried(OVERNIGHT, ResponseCode=9).outcome is Outcome.WAITING
    assert queried(OVERNIGHT, OrderStatus=1).outcome is Outcome.SUCCEEDED


# ── cancel and refund ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (0, Outcome.FAILED),
        (12, Outcome.FAILED),
        (8, Outcome.ABSENT),
        *((code, Outcome.UNKNOWN) for code in (3, 11, -1, 1000, 1001, 1002, 1003)),
    ],
)
def test_a_cancel_closes_only_what_payoo_says_is_closed(code: int, outcome: Outcome) -> None:
    found = PAYOO.read_cancelled(ORDER, answer({"ResponseCode": code}))
    assert found == Finding(outcome, str(code))


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (0, Outcome.SUCCEEDED),
        *((code, Outcome.FAILED) for code in (3, 8, 9, 83, 91, 92, 96, 97, 98)),
        *((code, Outcome.FAILED) for code in (1001, 1002, 1003)),
        (94, Outcome.PENDING),
        *((code, Outcome.UNKNOWN) for code in (99, 1000, -1, 1, 95)),
    ],
)
def test_a_refunds_answer_is_read(code: int, outcome: Outcome) -> None:
    said = {"ResponseCode": code, "TransferCode": "TC1", "AmountRefunded": "50000.00000000"}
    found = PAYOO.read_refunded(REFUND, answer(said))
    assert found == Finding(outcome, str(code), amount_dong=50_000, provider_id="TC1")


@pytest.mark.parametrize("code", [0, 8, 9, 98])
def test_no_query_proves_anything_of_a_refund(code: int) -> None:
    reply = answer(BOUGHT | {"ResponseCode": code, "OrderStatus": 1})
    assert PAYOO.read_refund_queried(REFUND, reply) == Finding(Outcome.UNKNOWN, str(code))


# ── what proves nothing ─────────────────────────────────────────────────────────────────────────

READERS: dict[str, Any] = {
    "create": lambda reply: PAYOO.read_created(ORDER, reply),
    "query": lambda reply: PAYOO.read_queried(ORDER, reply),
    "cancel": lambda reply: PAYOO.read_cancelled(ORDER, reply),
    "refund": lambda reply: PAYOO.read_refunded(REFUND, reply),
    "query_refund": lambda reply: PAYOO.read_refund_queried(REFUND, reply),
}
BUSINESS = sorted(READERS.keys() - {"create"})


@pytest.mark.parametrize("reader", BUSINESS)
@pytest.mark.parametrize("signature", ["", "0" * 128, digest("{}", "another key")])
def test_an_answer_that_payoo_did_not_sign_is_refused(reader: str, signature: str) -> None:
    with pytest.raises(SignatureWrong):
        READERS[reader](answer({"ResponseCode": 0}, signature))


@pytest.mark.parametrize("reader", BUSINESS)
def test_an_answers_text_is_signed_and_not_its_meaning(reader: str) -> None:
    true = '{"ResponseCode":0,"OrderCash":150000.00000000}'
    READERS[reader](answer(true))
    with pytest.raises(SignatureWrong):
        READERS[reader](answer('{"ResponseCode":0,"OrderCash":150000.0}', digest(true, KEY)))


@pytest.mark.parametrize("reader", BUSINESS)
@pytest.mark.parametrize("said", [{}, {"ResponseCode": None}, {"ResponseCode": True}, "", "[0]"])
def test_an_answer_without_a_code_is_unreadable(reader: str, said: Any) -> None:
    with pytest.raises(Unreadable):
        READERS[reader](answer(said))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("status", [201, 302, 400, 401, 404, 429])
def test_only_status_200_is_an_answer(reader: str, status: int) -> None:
    good = opened() if reader == "create" else answer({"ResponseCode": 0})
    with pytest.raises(Unreadable, match=str(status)):
        READERS[reader](replace(good, status=status))


@pytest.mark.parametrize("reader", READERS)
@given(
    body=st.binary(), fields=st.dictionaries(st.sampled_from([*BOUGHT, "OrderStatus"]), st.text())
)
def test_no_answer_raises_anything_but_garbled(
    reader: str, body: bytes, fields: dict[str, str]
) -> None:
    for reply in (Reply(200, body), answer(fields)):
        with suppress(Garbled):
            READERS[reader](reply)


@given(st.text())
def test_no_return_raises_anything_but_garbled(query: str) -> None:
    with pytest.raises(Garbled):
        PAYOO.read_return(Incoming("GET", query))
