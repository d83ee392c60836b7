"""POS: what is pushed, what each state of a sale proves, and what is never guessed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError

from gateway.domain.evidence import Finding, Outcome
from gateway.kit.messages import (
    Call,
    Garbled,
    Incoming,
    Moment,
    NextAction,
    Opened,
    Reply,
    SignatureWrong,
    Unreadable,
    Verdict,
)
from gateway.providers.pospush import Config
from tests.providers.pospush import (
    ACCOUNT,
    MOMENT,
    NOW,
    ORDER,
    POS,
    REFUND,
    REFUND_ID,
    SALE,
    SALES,
    TWO,
    a_callback,
    answer,
    body_of,
    queried,
    refunded,
    refusal,
    sale,
)

VOID, REFUNDS, ASKED = f"{SALE}/void", f"{SALE}/refunds", f"/refunds/{REFUND_ID}"
TOMORROW = Moment(NOW + timedelta(days=1), "d" * 32)


# ── what is pushed ──────────────────────────────────────────────────────────────────────────────


def test_a_sale_is_pushed_to_the_terminal_that_the_option_names() -> None:
    call = POS.create(ORDER)
    assert (call.method, call.url) == ("POST", f"https://pos.example.vn{SALES}")
    assert body_of(call) == {
        "sale_id": ORDER.reference,
        "amount": 150_000,
        "bill_id": "Thanh toán hóa đơn điện PB14010000123",
        "timeout_s": 900,
        "notify_url": ORDER.notify_url,
    }
    assert call.headers["x-timestamp"] == str(int(NOW.timestamp()))
    other = TWO.create(replace(ORDER, option="PAX-0002"))
    assert other.url.endswith("/terminals/PAX-0002/sales")


def test_a_terminal_must_be_named_where_there_is_more_than_one() -> None:
    assert [POS.allows(option) for option in (None, "PAX-0001", "PAX-0002", "")] == [
        *(True, True),
        *(False, False),
    ]
    assert [TWO.allows(option) for option in (None, "PAX-0002")] == [False, True]
    assert TWO.choices == ("PAX-0001", "PAX-0002")


@pytest.mark.parametrize("terminals", ["", ",", "PAX 1", "a,", "../x", "a" * 33])
def test_a_serial_that_could_bend_a_path_is_no_configuration(terminals: str) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({**ACCOUNT, "terminals": terminals})


def test_questions_and_cancelling_are_signed_over_their_own_path() -> None:
    calls: list[tuple[Call, str, str]] = [
        (POS.query(ORDER, MOMENT), "GET", SALE),
        (POS.cancel(ORDER, MOMENT), "POST", f"{SALE}/cancel"),
        (POS.query_refund(REFUND, MOMENT), "GET", ASKED),
    ]
    for call, method, path in calls:
        assert (call.method, call.url) == (method, f"https://pos.example.vn{path}")
        assert body_of(call) == {}


def test_the_whole_is_voided_on_the_day_and_refunded_later() -> None:
    same_day, later = POS.refund(REFUND, MOMENT), POS.refund(REFUND, TOMORROW)
    part = POS.refund(replace(REFUND, amount_dong=50_000), MOMENT)
    paths = [call.url.removeprefix("https://pos.example.vn") for call in (same_day, later, part)]
    assert paths == [VOID, REFUNDS, REFUNDS]
    assert body_of(same_day) == {"refund_id": REFUND_ID, "amount": 150_000} == body_of(later)


# ── what answers prove ──────────────────────────────────────────────────────────────────────────


def test_a_sale_on_the_terminal_is_open_and_nothing_is_to_be_opened_by_the_payer() -> None:
    said = POS.read_created(ORDER, answer(sale("PUSHED", rrn=None), SALES, 202))
    assert said == Opened(NextAction())
    again = POS.read_created(ORDER, answer(sale("APPROVED"), SALES, 202))
    assert isinstance(again, Finding)
    assert again.outcome is Outcome.SUCCEEDED
    for changes in ({"sale_id": "x"}, {"amount": 1}, {"mid": "OTHER"}):
        other = POS.read_created(ORDER, answer(sale("PUSHED", **changes), SALES, 202))
        assert isinstance(other, Finding), changes


def test_a_timeout_holds_the_bills_until_it_is_reversed_or_settled() -> None:
    assert queried("TIMEOUT", rrn=None).outcome is Outcome.PENDING
    assert queried("REVERSED", rrn=None).outcome is Outcome.FAILED
    assert queried("APPROVED", settled=True).outcome is Outcome.SUCCEEDED
    told = POS.read_notification(a_callback(sale("TIMEOUT")))
    assert told.finding.outcome is Outcome.PENDING
    assert told.key != POS.read_notification(a_callback(sale("REVERSED"))).key


def test_a_voided_sale_is_for_a_person_to_look_at() -> None:
    assert queried("VOIDED").outcome is Outcome.HELD


@pytest.mark.parametrize(
    ("status", "code", "create", "query", "cancel"),
    [
        (400, "BAD_REQUEST", Outcome.FAILED, Outcome.UNKNOWN, Outcome.UNKNOWN),
        (401, "BAD_SIGNATURE", Outcome.FAILED, Outcome.UNKNOWN, Outcome.UNKNOWN),
        (404, "TERMINAL_UNKNOWN", Outcome.FAILED, Outcome.UNKNOWN, Outcome.UNKNOWN),
        (404, "SALE_UNKNOWN", Outcome.UNKNOWN, Outcome.ABSENT, Outcome.ABSENT),
        (409, "TERMINAL_BUSY", Outcome.FAILED, Outcome.UNKNOWN, Outcome.UNKNOWN),
        (409, "TERMINAL_OFFLINE", Outcome.FAILED, Outcome.UNKNOWN, Outcome.UNKNOWN),
        (409, "ID_USED", Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.UNKNOWN),
        (409, "SALE_IN_PROGRESS", Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.PENDING),
        (409, "SALE_ENDED", Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.UNKNOWN),
        (429, "TOO_MANY_REQUESTS", Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.UNKNOWN),
    ],
)
def test_a_refused_call_proves_only_what_it_had_no_effect_on(
    status: int, code: str, create: Outcome, query: Outcome, cancel: Outcome
) -> None:
    made = POS.read_created(ORDER, refusal(status, code, SALES))
    assert isinstance(made, Finding)
    assert made.outcome is create
    assert POS.read_queried(ORDER, refusal(status, code)).outcome is query
    assert POS.read_cancelled(ORDER, refusal(status, code, f"{SALE}/cancel")).outcome is cancel


def test_only_a_sale_that_is_cancelled_is_closed() -> None:
    path = f"{SALE}/cancel"
    assert POS.read_cancelled(ORDER, answer(sale("CANCELLED"), path)).outcome is Outcome.FAILED
    assert POS.read_cancelled(ORDER, answer(sale("PUSHED"), path)).outcome is Outcome.WAITING


@pytest.mark.parametrize("path", [VOID, REFUNDS])
@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (refunded(), Outcome.SUCCEEDED),
        (refunded("PENDING"), Outcome.PENDING),
        (refunded("REFUSED"), Outcome.FAILED),
        (refunded("APPROVED"), Outcome.UNKNOWN),
    ],
    ids=["done", "pending", "refused", "a sale's word"],
)
def test_a_void_and_a_refund_are_read_alike(
    path: str, said: dict[str, object], outcome: Outcome
) -> None:
    finding = POS.read_refunded(REFUND, answer(said, path))
    assert (finding.outcome, finding.reference) == (outcome, REFUND.reference)
    assert POS.read_refund_queried(REFUND, answer(said, ASKED)).outcome is outcome
    other = POS.read_refunded(REFUND, answer({**said, "sale_id": "x"}, path))
    assert other.reference != REFUND.reference


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("NOT_APPROVED", Outcome.FAILED),
        ("AMOUNT_TOO_HIGH", Outcome.FAILED),
        ("BATCH_CLOSED", Outcome.UNKNOWN),
        ("BATCH_OPEN", Outcome.UNKNOWN),
        ("ID_USED", Outcome.UNKNOWN),
    ],
)
def test_a_batch_that_is_not_as_thought_ends_no_refund(code: str, outcome: Outcome) -> None:
    assert POS.read_refunded(REFUND, refusal(409, code, VOID)).outcome is outcome
    absent = POS.read_refund_queried(REFUND, refusal(404, "REFUND_UNKNOWN", ASKED))
    assert absent.outcome is Outcome.ABSENT


# ── signatures ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [200, 202, 404, 409])
def test_an_answer_that_must_be_signed_is_nothing_without_it(status: int) -> None:
    signed = answer(sale(), status=status)
    for headers in ({}, {**signed.headers, "x-timestamp": "1764000001"}):
        with pytest.raises(SignatureWrong):
            POS.read_queried(ORDER, replace(signed, headers=headers))
    with pytest.raises(SignatureWrong):
        POS.read_queried(ORDER, answer(sale(), "/sales/other", status))


def test_an_unsigned_refusal_never_says_that_a_sale_is_absent_or_paid() -> None:
    for status in (400, 401, 403, 429):
        for code in ("SALE_UNKNOWN", "APPROVED"):
            finding = POS.read_queried(ORDER, replace(refusal(status, code), headers={}))
            assert finding.outcome is Outcome.UNKNOWN, (status, code)


def test_a_callback_is_bound_to_its_time_and_its_bytes() -> None:
    good = a_callback(sale())
    assert POS.read_notification(good).finding.provider_id == "632811000001"
    for twin in (
        replace(good, body=good.body + b" "),
        replace(good, headers={**good.headers, "x-timestamp": "1764000001"}),
        replace(good, headers={}),
    ):
        with pytest.raises(Garbled):
            POS.read_notification(twin)


def test_a_whole_card_number_is_refused_wherever_it_stands() -> None:
    for name in ("masked_pan", "response_code", "scheme"):
        said = sale(**{name: "9704000000000018"})
        with pytest.raises(Unreadable, match="card"):
            POS.read_notification(a_callback(said))
        with pytest.raises(Unreadable, match="card"):
            POS.read_queried(ORDER, answer(said))


def test_only_what_is_written_down_is_thanked_for() -> None:
    for verdict in Verdict:
        said = POS.acknowledge(verdict)
        is_thanks = (said.status, said.body) == (200, b'{"code":"OK"}')
        assert is_thanks is (verdict in {Verdict.RECORDED, Verdict.REPEATED})


@pytest.mark.parametrize("status", [500, 302, 418])
def test_another_status_is_unreadable(status: int) -> None:
    with pytest.raises(Unreadable):
        POS.read_queried(ORDER, Reply(status, b"{}"))
    with pytest.raises(Garbled):
        POS.read_notification(Incoming("GET", query="sale_id=1"))
