"""What VNPAY sends us: notifications, browser returns and answers, true and forged."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.evidence import Outcome
from gateway.kit.messages import Garbled, Incoming, Reply, SignatureWrong, Unreadable
from tests.providers.vnpay import (
    ANSWER,
    NOTICE,
    ORDER,
    REFUND,
    REFUNDED,
    SIGNED_ANSWER,
    TERMINAL,
    VNPAY,
    a_query,
    an_answer,
    mac,
    queried,
    unsigned,
    written,
)


def test_a_notification_gives_its_facts_in_dong_and_utc() -> None:
    notification = VNPAY.read_notification(a_query())
    finding = notification.finding
    assert finding.outcome is Outcome.SUCCEEDED
    assert (finding.amount_dong, finding.merchant) == (150_000, TERMINAL)
    assert (finding.reference, finding.provider_id) == (ORDER.reference, "4000000001")
    assert finding.paid_at == datetime(2026, 11, 24, 17, 35, tzinfo=UTC)
    assert finding.code == "00/00"
    assert notification.key == f"{ORDER.reference}:4000000001:00/00"


def test_the_key_is_that_of_the_status_not_of_the_message() -> None:
    key = VNPAY.read_notification(a_query()).key
    assert VNPAY.read_notification(a_query(BankTranNo="other")).key == key
    assert VNPAY.read_notification(a_query(TransactionStatus="01")).key != key
    assert VNPAY.read_notification(a_query(TxnRef="att_other")).key != key


@pytest.mark.parametrize("name", [*NOTICE, "vnp_New"])
@pytest.mark.parametrize("value", ["1", ""])
def test_a_forged_twin_is_refused(name: str, value: str) -> None:
    signature = mac(written(NOTICE))
    with pytest.raises(SignatureWrong):
        VNPAY.read_notification(a_query(signature, **{name.removeprefix("vnp_"): value or "9"}))
    if name in NOTICE:
        with pytest.raises(SignatureWrong):
            VNPAY.read_notification(a_query(signature, **{name.removeprefix("vnp_"): None}))


@pytest.mark.parametrize(
    "signature", ["", "0" * 128, mac(written(NOTICE)).upper(), mac(written(NOTICE))[:-1], "ổ"]
)
def test_a_missing_or_wrong_signature_is_refused(signature: str) -> None:
    query = written(NOTICE)
    for incoming in (
        Incoming("GET", query),
        Incoming("GET", f"{query}&vnp_SecureHash={signature}"),
    ):
        with pytest.raises(SignatureWrong):
            VNPAY.read_notification(incoming)


def test_foreign_parameters_and_a_hash_type_do_not_disturb() -> None:
    query = f"biller=evn&{a_query().query}&vnp_SecureHashType=HMACSHA512&utm=a&utm=b"
    assert VNPAY.read_notification(Incoming("GET", query)) == VNPAY.read_notification(a_query())


def test_an_empty_field_may_be_in_the_hash_or_not() -> None:
    with_empty = written(NOTICE | {"vnp_BankTranNo": ""})
    without = written({n: v for n, v in NOTICE.items() if n != "vnp_BankTranNo"})
    for signed in (with_empty, without):
        incoming = Incoming("GET", f"{with_empty}&vnp_SecureHash={mac(signed)}")
        assert VNPAY.read_return(incoming).outcome is Outcome.SUCCEEDED


def test_a_parameter_that_stands_twice_is_refused() -> None:
    query = f"{a_query().query}&vnp_TxnRef=att_other"
    with pytest.raises(Unreadable):
        VNPAY.read_notification(Incoming("GET", query))


@pytest.mark.parametrize("name", ["TmnCode", "TxnRef", "ResponseCode", "TransactionStatus"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_signed_notification_without_what_matters_is_unreadable(
    name: str, value: str | None
) -> None:
    with pytest.raises(Unreadable):
        VNPAY.read_notification(a_query(**{name: value}))


@pytest.mark.parametrize("amount", ["15000001", "-15000000", "1e7", "150000.00", "٩00", "9" * 20])
def test_an_amount_that_is_no_whole_dong_is_unreadable(amount: str) -> None:
    with pytest.raises(Unreadable):
        VNPAY.read_notification(a_query(Amount=amount))
    with pytest.raises(Unreadable):
        queried(Amount=amount)


@pytest.mark.parametrize("day", [None, "20261325003500", "00010101000000", "now"])
def test_a_date_that_cannot_be_read_does_not_keep_the_money_out(day: str | None) -> None:
    finding = VNPAY.read_notification(a_query(PayDate=day)).finding
    assert (finding.outcome, finding.paid_at) == (Outcome.SUCCEEDED, None)


def test_a_transaction_number_of_0_is_no_number() -> None:
    incoming = a_query(TransactionNo="0", ResponseCode="24", TransactionStatus="02")
    assert VNPAY.read_notification(incoming).finding.provider_id is None


def test_another_terminal_s_message_is_handed_on_for_the_house_to_refuse() -> None:
    assert VNPAY.read_notification(a_query(TmnCode="OTHER001")).finding.merchant == "OTHER001"
    assert queried(TmnCode="OTHER001").merchant == "OTHER001"


@pytest.mark.parametrize("name", [f"vnp_{name}" for name in SIGNED_ANSWER["querydr"]])
def test_a_changed_answer_is_refused(name: str) -> None:
    fields = json.loads(an_answer(ANSWER, PromotionCode="P", PromotionAmount="1").body)
    fields[name] = "x"
    with pytest.raises(Garbled):
        VNPAY.read_queried(ORDER, Reply(200, json.dumps(fields).encode()))


def test_an_answer_to_another_command_is_refused() -> None:
    with pytest.raises(Unreadable):
        queried(Command="refund")
    with pytest.raises(Garbled):
        VNPAY.read_queried(ORDER, an_answer(REFUNDED))
    with pytest.raises(Garbled):
        VNPAY.read_refunded(REFUND, an_answer(ANSWER))


def test_text_cannot_move_from_one_signed_field_into_the_next() -> None:
    with pytest.raises(Unreadable):
        queried(Message="ok|CGTTDEMO")


@pytest.mark.parametrize("status", [201, 302, 400, 404, 429])
def test_an_answer_that_is_not_200_proves_nothing(status: int) -> None:
    with pytest.raises(Unreadable):
        VNPAY.read_queried(ORDER, replace(an_answer(ANSWER), status=status))
    with pytest.raises(Unreadable):
        VNPAY.read_queried(ORDER, replace(unsigned(ANSWER, ResponseCode="91"), status=status))


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
FIELDS = st.sampled_from([f"vnp_{name}" for name in (*SIGNED_ANSWER["querydr"], "SecureHash")])
OBJECTS = st.dictionaries(FIELDS, VALUES | st.sampled_from(["00", "91", "94"])).map(
    lambda fields: json.dumps(fields | {"vnp_ResponseCode": "91"}).encode()
)
BODIES = st.binary() | OBJECTS | VALUES.map(lambda value: json.dumps(value).encode())


@given(BODIES, st.sampled_from([200, 400]))
def test_no_body_raises_anything_but_garbled_or_proves_a_payment(body: bytes, status: int) -> None:
    reply, harmless = Reply(status, body), {Outcome.ABSENT, Outcome.UNKNOWN}
    with suppress(Garbled):
        assert VNPAY.read_queried(ORDER, reply).outcome in harmless
    for read in (VNPAY.read_refunded, VNPAY.read_refund_queried):
        with suppress(Garbled):
            assert read(REFUND, reply).outcome is Outcome.UNKNOWN


QUERIES = (
    st.text()
    | st.binary().map(lambda raw: raw.decode("latin-1"))
    | st.text().map(lambda text: f"vnp_TxnRef={text}&vnp_SecureHash={text}")
)


@given(QUERIES | st.text(st.characters(categories=["Cs"])).map(lambda t: f"vnp_TxnRef={t}"))
def test_no_query_string_raises_anything_but_garbled(query: str) -> None:
    for read in (VNPAY.read_return, VNPAY.read_notification):
        with pytest.raises(Garbled):
            read(Incoming("GET", query))
