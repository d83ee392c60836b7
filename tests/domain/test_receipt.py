import json
import string
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import receipt
from gateway.domain.biller import Channel
from gateway.domain.payment import Method, PaidLine, Payment

LINE = PaidLine("HD-1", date(2026, 10, 1), 150_000, 1)
PAYMENT = Payment(
    id=UUID("01936b2e-0000-7000-8000-000000000001"),
    biller="evnspc-camau",
    customer_code="PB14010000001",
    partner="bank",
    partner_reference="REF-1",
    method=Method.COLLECTED,
    channel=Channel.MOBILE_BANKING,
    status="succeeded",
    amount_dong=150_000,
    business_date=date(2026, 11, 24),
    created_at=datetime(2026, 11, 24, 3, 0, tzinfo=UTC),
    reversed_at=None,
    reversal_reason=None,
    lines=(LINE,),
)
NASTY = ['"', "\\", "\x00", "\u2028", "</script>", '","amount_dong":0,"x":"', "hủy 😀", "]}"]


@pytest.mark.parametrize("text", NASTY)
def test_no_text_of_a_caller_breaks_out_of_its_field(text: str) -> None:
    payment = replace(PAYMENT, partner_reference=text, reversal_reason=text)
    read = json.loads(receipt.body(payment))
    assert read["partner_reference"] == read["reversal_reason"] == text
    assert read["amount_dong"] == 150_000


def test_a_payment_is_written_so_and_not_otherwise() -> None:
    assert receipt.body(PAYMENT) == (
        '{"id":"pay_01936b2e000070008000000000000001","status":"succeeded","method":"collected",'
        '"biller":"evnspc-camau","customer_code":"PB14010000001","partner":"bank",'
        '"partner_reference":"REF-1","channel":"mobile_banking","amount_dong":150000,'
        '"business_date":"2026-11-24","created_at":"2026-11-24T03:00:00.000000Z",'
        '"reversed_at":null,"reversal_reason":null,'
        '"bills":[{"id":"HD-1","period":"2026-10","amount_dong":150000,"sequence":1}]}'
    )


def test_a_reversal_is_written_with_its_time_and_reason() -> None:
    at = datetime(2026, 11, 24, 4, 0, 0, 5, UTC)
    read = json.loads(receipt.body(replace(PAYMENT, reversed_at=at, reversal_reason="nhầm")))
    assert read["reversed_at"] == "2026-11-24T04:00:00.000005Z"
    assert read["reversal_reason"] == "nhầm"


def test_an_event_is_its_head_the_payment_and_a_brace() -> None:
    head = receipt.event_head("payment.succeeded", PAYMENT.created_at)
    read = json.loads(head + receipt.body(PAYMENT) + "}")
    assert read == {
        "type": "payment.succeeded",
        "timestamp": "2026-11-24T03:00:00.000000Z",
        "data": json.loads(receipt.body(PAYMENT)),
    }


@pytest.mark.parametrize(
    ("period", "text"), [(date(2026, 1, 1), "2026-01"), (date(999, 12, 1), "0999-12")]
)
def test_a_period_is_written_as_year_and_month(period: date, text: str) -> None:
    assert receipt.period_text(period) == text


LINES = st.builds(
    PaidLine,
    bill_id=st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=40),
    period=st.dates(date(2000, 1, 1), date(2099, 12, 1)).map(lambda day: day.replace(day=1)),
    amount_dong=st.integers(1, 10**15),
    sequence=st.integers(1, 2**31 - 1),
)
PAYMENTS = st.builds(
    Payment,
    id=st.uuids(),
    biller=st.text(max_size=40),
    customer_code=st.text(max_size=20),
    partner=st.text(max_size=40),
    partner_reference=st.text(max_size=64),
    method=st.sampled_from(Method),
    channel=st.sampled_from(Channel),
    status=st.just("succeeded"),
    amount_dong=st.integers(1, 2**53),
    business_date=st.dates(date(2000, 1, 1)),
    created_at=st.datetimes(datetime(2000, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    reversed_at=st.none() | st.datetimes(datetime(2000, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    reversal_reason=st.none() | st.text(max_size=200),
    lines=st.lists(LINES, min_size=1, max_size=5).map(tuple),
)


@given(PAYMENTS)
def test_whatever_a_payment_holds_its_receipt_reads_back(payment: Payment) -> None:
    read = json.loads(receipt.body(payment))
    assert read["id"] == f"pay_{payment.id.hex}"
    assert read["customer_code"] == payment.customer_code
    assert read["partner_reference"] == payment.partner_reference
    assert read["reversal_reason"] == payment.reversal_reason
    assert read["amount_dong"] == payment.amount_dong
    assert datetime.fromisoformat(read["created_at"]) == payment.created_at
    assert [
        PaidLine(
            line["id"],
            date.fromisoformat(line["period"] + "-01"),
            line["amount_dong"],
            line["sequence"],
        )
        for line in read["bills"]
    ] == list(payment.lines)


@given(PAYMENTS)
def test_the_body_is_head_lines_and_tail_so_that_the_database_can_write_it_too(
    payment: Payment,
) -> None:
    body = receipt.body(payment)
    assert body.startswith(receipt.head(payment))
    assert body.endswith(receipt.TAIL)
