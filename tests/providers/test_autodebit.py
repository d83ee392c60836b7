import json
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.domain.evidence import Finding, Outcome
from gateway.domain.mandate import MandateState
from gateway.kit.mandate_messages import FileNamed, MandateNews, Return
from gateway.kit.messages import (
    Call,
    Garbled,
    Notification,
    Reply,
    SignatureWrong,
    Unreadable,
    Verdict,
)
from gateway.providers.autodebit import Config
from tests.providers.autodebit import (
    ACCOUNT,
    LINE,
    MANDATE,
    MOMENT,
    ORDER,
    STAMP,
    a_debit,
    a_mandate,
    a_reply,
    bank,
    mac,
    signed,
    told,
)


def sent(call: Call) -> dict[str, Any]:
    """Give what a call says, once its signature is right."""
    assert call.headers["x-timestamp"] == STAMP
    assert call.headers["x-client-id"] == "evn-sandbox"
    assert call.headers["x-signature"] == mac(call.body)
    return dict(json.loads(call.body)) if call.body else {}


# ── mandates ────────────────────────────────────────────────────────────────────────────────────


def test_a_mandate_is_registered_as_banks_write_it() -> None:
    call = bank().register(MANDATE, MOMENT)
    assert (call.method, call.url) == ("POST", "https://bank.example.vn/mandates")
    assert sent(call) == {
        "mandate_id": MANDATE.reference,
        "bank_bin": "970405",
        "account_no": "1900100200300",
        "account_name": "NGUYEN VAN DANG",
        "customer_code": "PB14010000123",
        "id_no": "096123456789",
        "phone": "84912345678",
        "max_amount": 5_000_000,
        "day_of_month": "ON_ISSUE",
        "retry_days": 3,
        "start": "2025-11-24",
        "channel_registered": "OTP",
    }


@pytest.mark.parametrize(
    ("channel", "registered"),
    [("otp", "OTP"), ("app", "OTP"), ("branch", "BRANCH"), ("agency_list", "BRANCH")],
)
def test_only_who_is_at_the_telephone_is_sent_a_password(channel: str, registered: str) -> None:
    mandate = a_mandate(
        consent_channel=channel,
        max_month_dong=9_000_000,
        day_of_month=5,
        ends_on=date(2027, 1, 31),
    )
    fields = sent(bank().register(mandate, MOMENT))
    assert fields["channel_registered"] == registered
    assert (fields["max_per_month"], fields["day_of_month"]) == (9_000_000, 5)
    assert fields["end"] == "2027-01-31"


@pytest.mark.parametrize("state", MandateState)
def test_every_state_of_the_contract_is_known(state: MandateState) -> None:
    reply = a_reply(code="00", mandate_id=MANDATE.reference, state=state.value.upper())
    said = bank().read_mandate_queried(MANDATE, reply)
    assert (said.state, said.reference, said.is_refused) == (state, MANDATE.reference, False)


@pytest.mark.parametrize("code", ["12", "14", "62"])
def test_a_documented_refusal_registers_nothing(code: str) -> None:
    said = bank().read_registered(MANDATE, a_reply(code=code, message="khong"))
    assert (said.state, said.code) == (MandateState.REJECTED, code)


@pytest.mark.parametrize("code", ["91", "68", "99", "57"])
def test_any_other_answer_without_a_state_says_nothing(code: str) -> None:
    assert bank().read_registered(MANDATE, a_reply(code=code)).state is None
    assert bank().read_confirmed(MANDATE, a_reply(code=code)).state is None


def test_a_wrong_password_leaves_the_mandate_and_the_third_rejects_it() -> None:
    assert sent(bank().confirm(MANDATE, "012345", MOMENT)) == {"otp": "012345"}
    waiting = bank().read_confirmed(MANDATE, a_reply(code="55", state="PENDING_CUSTOMER"))
    assert (waiting.state, waiting.is_refused) == (MandateState.PENDING_CUSTOMER, True)
    ended = bank().read_confirmed(MANDATE, a_reply(code="75", state="REJECTED"))
    assert (ended.state, ended.is_refused) == (MandateState.REJECTED, False)


def test_a_mandate_that_the_bank_no_longer_knows_is_cancelled() -> None:
    call = bank().cancel_mandate(MANDATE, "Khách hàng yêu cầu", MOMENT)
    assert sent(call) == {"reason": "KHACH HANG YEU CAU"}
    assert call.url.endswith(f"/mandates/{MANDATE.reference}/cancel")
    for reply in (a_reply(code="57"), a_reply(404, code="25")):
        said = bank().read_mandate_cancelled(MANDATE, reply)
        assert said.state is MandateState.CANCELLED
    assert bank().read_mandate_cancelled(MANDATE, a_reply(code="91")).state is None


def test_a_mandate_that_is_asked_for_and_not_known_has_no_state() -> None:
    call = bank().query_mandate(MANDATE, MOMENT)
    assert (call.method, sent(call)) == ("GET", {})
    assert bank().read_mandate_queried(MANDATE, a_reply(404, code="25")).state is None


# ── debits ──────────────────────────────────────────────────────────────────────────────────────


def test_a_debit_names_mandate_bill_and_try() -> None:
    call = bank().debit(replace(LINE, number=2), MOMENT)
    assert (call.operation, call.url) == ("debit", "https://bank.example.vn/debits")
    assert sent(call) == {
        "debit_id": ORDER.reference,
        "mandate_id": MANDATE.reference,
        "bill_id": "HD1",
        "amount": 150_000,
        "attempt": 2,
    }


def test_a_debit_that_was_booked_is_read_whole() -> None:
    finding = bank().read_debited(ORDER, a_reply(**a_debit()))
    assert finding == Finding(
        Outcome.SUCCEEDED,
        "00",
        "da trich no",
        reference=ORDER.reference,
        amount_dong=150_000,
        provider_id="FT2632800000001",
        paid_at=datetime(2026, 11, 24, 2, tzinfo=UTC),
    )


def test_a_duplicate_is_the_first_ones_answer_and_without_it_nothing() -> None:
    first = a_debit()
    reply = a_reply(code="94", first=first)
    assert bank().read_debited(ORDER, reply) == bank().read_debited(ORDER, a_reply(**first))
    refused = a_reply(code="94", first=a_debit(code="51", bank_ref="", booked_at=""))
    assert bank().read_debited(ORDER, refused).outcome is Outcome.FAILED
    assert bank().read_debited(ORDER, a_reply(code="94")).outcome is Outcome.UNKNOWN
    twice = a_reply(code="94", first=a_debit(code="94"))
    assert bank().read_debited(ORDER, twice).outcome is Outcome.UNKNOWN


def test_a_success_without_the_banks_number_proves_nothing() -> None:
    with pytest.raises(Unreadable):
        bank().read_debited(ORDER, a_reply(**a_debit(bank_ref="")))


@pytest.mark.parametrize("status", [401, 400, 403, 429, 204])
def test_a_status_of_its_own_says_nothing_of_the_money(status: int) -> None:
    with pytest.raises(Unreadable):
        bank().read_debited(ORDER, a_reply(status, code="12"))


def test_an_answer_that_is_not_signed_proves_nothing() -> None:
    true = a_reply(**a_debit())
    for headers in ({}, {**true.headers, "x-timestamp": "1764000001"}):
        with pytest.raises(SignatureWrong):
            bank().read_queried(ORDER, replace(true, headers=headers))
    with pytest.raises(SignatureWrong):
        bank().read_queried(ORDER, Reply(200, true.body + b" ", true.headers))
    upper = {**true.headers, "x-signature": true.headers["x-signature"].upper()}
    assert bank().read_queried(ORDER, replace(true, headers=upper)).code == "00"


# ── notifications ───────────────────────────────────────────────────────────────────────────────


def test_a_late_return_is_a_return_and_never_a_failure_of_its_own() -> None:
    incoming = told(type="debit", event_id="E9", **a_debit(code="38", state="REVERSED"))
    returned = bank().read_notification(incoming)
    assert isinstance(returned, Return)
    assert returned.key == f"{ORDER.reference}:38"
    assert returned.finding.outcome is Outcome.FAILED
    assert returned.finding.amount_dong == 150_000
    booked = bank().read_notification(told(type="debit", event_id="E8", **a_debit()))
    assert isinstance(booked, Notification)
    assert booked.key != returned.key


def test_news_of_a_mandate_names_its_change() -> None:
    facts = {"mandate_id": MANDATE.reference, "state": "SUSPENDED", "reason": "KH yeu cau"}
    news = bank().read_notification(told(type="mandate", event_id="E1", **facts))
    again = bank().read_notification(told(type="mandate", event_id="E2", **facts))
    assert isinstance(news, MandateNews)
    assert isinstance(again, MandateNews)
    assert (news.said.state, news.said.reference) == (MandateState.SUSPENDED, MANDATE.reference)
    assert news.key != again.key  # suspended, resumed, and suspended once more


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "mandate", "event_id": "E1", "state": "ACTIVE"},
        {"type": "mandate", "event_id": "E1", "mandate_id": "M", "state": "SLEEPING"},
        {"type": "mandate", "mandate_id": "M", "state": "ACTIVE"},
        {"type": "debit", "event_id": "E1", "code": "01"},
        {"type": "other", "debit_id": "D", "code": "01"},
        {"type": "debit", "debit_id": "D", "code": "00", "amount": True, "bank_ref": "F"},
        {"type": "debit", "debit_id": "D", "code": "01", "booked_at": "2026-11-24T09:00:00"},
    ],
)
def test_a_signed_notification_that_says_too_little_proves_nothing(fields: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        bank().read_notification(told(**fields))


def test_only_what_was_written_ends_the_repetition() -> None:
    answers = {verdict: bank().acknowledge(verdict).status for verdict in Verdict}
    assert answers.pop(Verdict.TRY_LATER) == 503
    assert answers.pop(Verdict.REFUSED) == 400
    assert set(answers.values()) == {200}


# ── files ───────────────────────────────────────────────────────────────────────────────────────


def test_a_file_of_debits_is_named_and_written_as_the_contract_says() -> None:
    file = bank().write_debits(FileNamed(date(2026, 11, 24), 3), [LINE])
    line = f"D|{ORDER.reference}|{MANDATE.reference}|1900100200300|150000|PB14010000123|HD1|1\n"
    trailer = f"T|1|150000|{sha256(line.encode()).hexdigest()}\n"
    assert (file.name, file.body) == ("AD_970405_20261124_003.REQ", (line + trailer).encode())


def test_results_have_no_amounts_but_the_sum_of_what_was_taken() -> None:
    body = (
        f"R|{ORDER.reference}|00|FT1|2026-11-24T09:00:00+07:00\nR|D2|51||\n"
        "R|D3|38|FT0|2026-11-20T09:00:00+07:00\nR|D4|68||\n"
    ).encode()
    raw = body + f"T|4|150000|{sha256(body).hexdigest()}\n".encode()
    results = bank().read_results(raw)
    assert results.taken_dong == 150_000
    outcomes = [line.finding.outcome for line in results.lines]
    failed = Outcome.FAILED
    assert outcomes == [Outcome.SUCCEEDED, failed, failed, Outcome.UNKNOWN]
    assert [line.is_return for line in results.lines] == [False, False, True, False]
    assert {line.finding.amount_dong for line in results.lines} == {None}


def test_the_agreement_must_be_given_whole() -> None:
    for name in ("client_id", "secret", "bank_bin"):
        with pytest.raises(ValidationError):
            Config.model_validate({k: v for k, v in ACCOUNT.items() if k != name})
    with pytest.raises(ValidationError):
        Config.model_validate({**ACCOUNT, "bank_bin": "97040"})


def test_signatures_are_over_the_raw_bytes() -> None:
    body = b'{"type": "debit",  "debit_id":"D", "code":"01"}'
    headers = signed(body)
    read = bank().read_notification(replace(told(), body=body, headers=headers))
    assert isinstance(read, Notification)
    assert read.finding.outcome is Outcome.PENDING
