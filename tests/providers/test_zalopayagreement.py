from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.evidence import Finding, Outcome
from gateway.domain.mandate import MandateState
from gateway.kit.mandate_messages import DebitLine, MandateNews
from gateway.kit.messages import Garbled, NextAction, Notification, Reply, SignatureWrong, Verdict
from tests.providers.zalopayagreement import (
    BOUND,
    KEY1,
    LINE,
    MADE,
    MANDATE,
    MOMENT,
    NOW_MS,
    ORDER,
    a_binding,
    an_answer,
    called_back,
    sent,
    zalopay,
)

BIND_ID = f"261125_{MADE.hex}"


def test_an_agreement_is_asked_for_under_the_mandates_own_name_and_day() -> None:
    call = zalopay().register(MANDATE, MOMENT)
    assert call.url == "https://sb-openapi.zalopay.vn/v2/agreement/bind"
    signed = (BIND_ID, "{}", "WALLET", MANDATE.reference, 5_000_000, NOW_MS)
    fields = sent(call, *signed)
    assert (fields["app_trans_id"], fields["identifier"]) == (BIND_ID, MANDATE.reference)
    assert (fields["max_amount"], fields["req_date"]) == (5_000_000, NOW_MS)
    assert len(BIND_ID) <= 40


@pytest.mark.parametrize(
    ("links", "action"),
    [
        ({"binding_url": "https://z/a"}, NextAction("https://z/a", None, None)),
        (
            {"short_link": "https://z/s", "deep_link": "zalopay://a", "binding_qr_link": "qr"},
            NextAction("https://z/s", "zalopay://a", "qr"),
        ),
    ],
    ids=["zlp.yaml", "the SDK's mocks"],
)
def test_both_ways_of_naming_the_page_are_read(links: dict[str, str], action: NextAction) -> None:
    said = zalopay().read_registered(MANDATE, an_answer(1, 1, **links))
    assert (said.state, said.action) == (MandateState.PENDING_CUSTOMER, action)


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (an_answer(2, -401), MandateState.REJECTED),
        (an_answer(-402), MandateState.REJECTED),
        (an_answer(2, -68), None),
        (an_answer(2, -500), None),
        (an_answer(2, -987), None),
        (an_answer(3), None),
    ],
)
def test_only_a_listed_refusal_rejects(reply: Reply, state: MandateState | None) -> None:
    assert zalopay().read_registered(MANDATE, reply).state is state


@pytest.mark.parametrize("shape", ["object", "text"])
def test_an_agreement_is_read_whether_data_is_an_object_or_text(shape: str) -> None:
    assert sent(zalopay().query_mandate(MANDATE, MOMENT), BIND_ID, NOW_MS)
    data: Any = a_binding()
    if shape == "text":
        data = str(data).replace("'", '"')
    said = zalopay().read_mandate_queried(MANDATE, an_answer(1, 1, data=data))
    assert (said.state, said.reference) == (MandateState.ACTIVE, MANDATE.reference)
    assert said.provider_id == BOUND.provider_id


def test_a_payer_who_has_not_agreed_is_waited_for_and_one_too_late_is_rejected() -> None:
    waiting = zalopay().read_confirmed(MANDATE, an_answer(3))
    assert (waiting.state, waiting.is_refused) == (MandateState.PENDING_CUSTOMER, True)
    late = zalopay().read_mandate_queried(MANDATE, an_answer(2, -54))
    assert late.state is MandateState.REJECTED
    assert zalopay().read_mandate_queried(MANDATE, an_answer(2, -101)).state is None


def test_unbinding_names_the_binding_and_what_is_gone_is_cancelled() -> None:
    call = zalopay().cancel_mandate(BOUND, "Khách yêu cầu", MOMENT)
    assert sent(call, BOUND.reference, "BND0000000001", NOW_MS)["binding_id"] == "BND0000000001"
    for reply in (an_answer(1, 1), an_answer(2, -101)):
        said = zalopay().read_mandate_cancelled(BOUND, reply)
        assert said.state is MandateState.CANCELLED
    assert zalopay().read_mandate_cancelled(BOUND, an_answer(2, -500)).state is None


@pytest.mark.parametrize(
    ("status", "state"),
    [(1, MandateState.ACTIVE), (3, MandateState.CANCELLED), (4, MandateState.SUSPENDED)],
)
def test_a_callback_tells_of_an_agreement_whatever_its_unsigned_type_says(
    status: int, state: MandateState
) -> None:
    for kind in (1, 2):
        news = zalopay().read_notification(called_back(a_binding(status=status), kind))
        assert isinstance(news, MandateNews)
        assert news.said.state is state
        assert news.key == f"BND0000000001:{status}:1764000000"


@pytest.mark.parametrize(
    "changed",
    [{"status": 7}, {"status": None}, {"pay_token": ""}, {"merchant_user_id": ""}, {"app_id": 1}],
)
def test_a_callback_that_says_too_little_proves_nothing(changed: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        zalopay().read_notification(called_back(a_binding(**changed)))


def test_a_callback_that_is_not_zalopays_is_refused() -> None:
    true = called_back(a_binding())
    forged = replace(true, body=true.body.replace(b"token-1", b"token-2"))
    with pytest.raises(SignatureWrong):
        zalopay().read_notification(forged)


def test_a_debit_opens_an_agreements_order_and_pays_it_with_both_tokens() -> None:
    opening = zalopay().prepare(replace(LINE, order=replace(ORDER, memory={})), MOMENT)
    fields = sent(opening, ORDER.reference, "evn", 150_000, NOW_MS, "{}", "[]")
    assert fields["product_code"] == "AGREEMENT"
    assert (fields["description"], fields["expire_duration_seconds"]) == (
        "Tiền điện   tháng 11",
        3600,
    )
    prepared = zalopay().read_prepared(LINE, an_answer(1, 1, zp_trans_token="zpt-9"))
    assert isinstance(prepared, DebitLine)
    call = zalopay().debit(prepared, MOMENT)
    assert sent(call, BOUND.reference, "zpt-9", "token-1", NOW_MS)["zp_trans_token"] == "zpt-9"


def test_an_order_that_is_refused_is_never_paid() -> None:
    refused = zalopay().read_prepared(LINE, an_answer(2, -401))
    assert isinstance(refused, Finding)
    assert refused.outcome is Outcome.FAILED
    used = zalopay().read_prepared(LINE, an_answer(2, -68))
    assert isinstance(used, Finding)
    assert used.outcome is Outcome.UNKNOWN
    with pytest.raises(Garbled):
        zalopay().read_prepared(LINE, an_answer(1, 1))


def test_paid_without_an_amount_is_pending_until_a_query_says_it() -> None:
    assert zalopay().read_debited(ORDER, an_answer(1, 1)).outcome is Outcome.PENDING
    asked = zalopay().query(ORDER, MOMENT)
    assert sent(asked, ORDER.reference, KEY1) == {"app_id": 2553, "app_trans_id": ORDER.reference}
    paid = zalopay().read_queried(ORDER, an_answer(1, 1, amount=150_000, zp_trans_id=7))
    assert (paid.outcome, paid.amount_dong, paid.provider_id) == (Outcome.SUCCEEDED, 150_000, "7")


def test_an_order_of_the_agreement_is_told_as_paid() -> None:
    data = {"app_id": 2553, "app_trans_id": ORDER.reference, "amount": 150_000, "zp_trans_id": 7}
    told = zalopay().read_notification(called_back(data, 1))
    assert isinstance(told, Notification)
    assert (told.key, told.finding.reference) == ("7:1", ORDER.reference)


def test_only_what_was_written_ends_the_repetition() -> None:
    answers = {verdict: zalopay().acknowledge(verdict).body for verdict in Verdict}
    assert b'"return_code": 0' in answers[Verdict.TRY_LATER]
    assert b'"return_code": -1' in answers[Verdict.REFUSED]
    assert b'"return_code": 1' in answers[Verdict.REPEATED]
