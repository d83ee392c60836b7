import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.domain.evidence import Outcome
from gateway.domain.mandate import MandateState
from gateway.kit.mandate_messages import MandateNews
from gateway.kit.messages import Garbled, Notification, Reply, SignatureWrong, Unreadable, Verdict
from gateway.providers.momomandate import Config
from tests.providers.momomandate import (
    ACCESS,
    AGREED,
    BOUND,
    LINE,
    MANDATE,
    MOMENT,
    NAME,
    ORDER,
    PARTNER,
    PEM,
    SECRET,
    TOKEN,
    a_link,
    an_answer,
    an_ipn,
    momo,
    opened,
    posted,
    sealed,
    sent,
)

ASK = ("orderId", "partnerClientId", "partnerCode", "requestId")
CREATE = (*ASK, "amount", "extraData", "ipnUrl", "orderInfo", "redirectUrl", "requestType")


def test_a_wallet_is_linked_without_paying_under_the_mandates_name() -> None:
    call = momo().register(MANDATE, MOMENT)
    assert call.url == "https://test-payment.momo.vn/v2/gateway/api/create"
    fields = sent(call, *CREATE)
    assert (fields["requestType"], fields["amount"]) == ("linkWallet", 0)
    assert {fields[n] for n in ("orderId", "partnerClientId", "requestId")} == {NAME}
    assert len(NAME) <= 50
    assert call == momo().register(MANDATE, replace(MOMENT, request_id="c" * 32))


def test_an_opened_link_says_where_the_payer_agrees() -> None:
    reply = an_answer(0, orderId=NAME, payUrl="https://m/l", deeplink="momo://l")
    said = momo().read_registered(MANDATE, reply)
    assert said.state is MandateState.PENDING_CUSTOMER
    assert said.action is not None
    assert (said.action.redirect_url, said.action.deeplink) == ("https://m/l", "momo://l")
    with pytest.raises(Unreadable):
        momo().read_registered(MANDATE, an_answer(0, orderId=NAME))


@pytest.mark.parametrize(
    ("code", "state"),
    [
        *((code, MandateState.REJECTED) for code in (11, 13, 20, 22)),
        *((code, None) for code in (40, 41, 10, 99, 987654)),
    ],
)
def test_only_a_listed_refusal_rejects(code: int, state: MandateState | None) -> None:
    assert momo().read_registered(MANDATE, an_answer(code, orderId=NAME)).state is state


@pytest.mark.parametrize("status", [401, 422, 204, 302])
def test_a_status_of_its_own_says_nothing(status: int) -> None:
    with pytest.raises(Unreadable):
        momo().read_registered(MANDATE, Reply(status, an_answer(13).body))


def test_another_mandates_answer_is_refused() -> None:
    with pytest.raises(Unreadable):
        momo().read_registered(MANDATE, an_answer(0, orderId="mdt_other", payUrl="https://m/l"))


# ── the token ───────────────────────────────────────────────────────────────────────────────────


def test_agreement_comes_by_ipn_and_is_exchanged_by_the_next_question() -> None:
    news = momo().read_notification(posted(a_link()))
    assert isinstance(news, MandateNews)
    assert (news.said.state, news.said.provider_id) == (
        MandateState.PENDING_BANK,
        "cb:v2/callback",
    )
    call = momo().query_mandate(AGREED, MOMENT)
    assert call.url.endswith("/tokenization/bind")
    assert sent(call, *ASK, "callbackToken")["callbackToken"] == "v2/callback"
    said = momo().read_mandate_queried(AGREED, an_answer(0, orderId=NAME, aesToken=TOKEN))
    assert (said.state, said.provider_id) == (MandateState.ACTIVE, BOUND.provider_id)


def test_a_lost_ipn_is_asked_for() -> None:
    call = momo().query_mandate(MANDATE, MOMENT)
    assert call.url.endswith("/tokenization/cbQuery")
    assert sent(call, *ASK)["requestId"] == MOMENT.request_id
    found = momo().read_mandate_queried(MANDATE, an_answer(0, orderId=NAME, callbackToken="t"))
    assert (found.state, found.provider_id) == (MandateState.PENDING_BANK, "cb:t")
    waiting = momo().read_confirmed(MANDATE, an_answer(1000, orderId=NAME))
    assert (waiting.state, waiting.is_refused) == (MandateState.PENDING_CUSTOMER, True)
    refused = momo().read_mandate_queried(MANDATE, an_answer(1006, orderId=NAME))
    assert refused.state is MandateState.REJECTED


def test_a_bound_links_token_is_never_replaced() -> None:
    said = momo().read_mandate_queried(BOUND, an_answer(0, orderId=NAME, callbackToken="t"))
    assert (said.state, said.provider_id) == (None, None)


@pytest.mark.parametrize(
    "token",
    [
        "AAAA",
        sealed(b"{}"),
        sealed(b'{"value":1}'),
        sealed(b"x"),
        sealed(b'{"value":"t"}', "x" * 32),
        sealed(b'{"value":"' + b"t" * 250 + b'"}'),
    ],
    ids=["no cipher", "no value", "a number", "no JSON", "another key", "longer than RSA carries"],
)
def test_a_token_that_could_not_be_used_binds_nothing(token: str) -> None:
    with pytest.raises(Garbled):
        momo().read_mandate_queried(AGREED, an_answer(0, orderId=NAME, aesToken=token))


def test_the_token_travels_so_that_only_momo_reads_it_and_differs_each_time() -> None:
    first, again = (sent(momo().debit(LINE, MOMENT), *PAY)["token"] for _ in range(2))
    assert opened(first) == opened(again) == {"value": "tok1", "userAlias": "x"}
    assert first != again


PAY = (*ASK, "amount", "extraData", "orderInfo", "token")


# ── debits ──────────────────────────────────────────────────────────────────────────────────────


def test_a_debit_keeps_its_ids_on_every_repetition() -> None:
    fields = sent(momo().debit(LINE, MOMENT), *PAY)
    assert (fields["requestId"], fields["orderId"]) == (ORDER.request_id, ORDER.reference)
    assert (fields["partnerClientId"], fields["amount"]) == (NAME, 150_000)
    assert fields["autoCapture"] is True
    assert not set("&=") & set(fields["orderInfo"])


def test_an_answer_to_another_request_proves_nothing() -> None:
    paid = {"orderId": ORDER.reference, "amount": 150_000, "transId": 7}
    ours = momo().read_debited(ORDER, an_answer(0, requestId=ORDER.request_id, **paid))
    assert (ours.outcome, ours.provider_id) == (Outcome.SUCCEEDED, "7")
    other = momo().read_debited(ORDER, an_answer(1001, requestId="z", **paid))
    assert other.outcome is Outcome.UNKNOWN


def test_a_payment_is_told_by_an_ipn_of_its_own_list() -> None:
    told = momo().read_notification(posted(an_ipn()))
    assert isinstance(told, Notification)
    assert (told.finding.outcome, told.finding.amount_dong) == (Outcome.SUCCEEDED, 150_000)


@pytest.mark.parametrize("field", [*a_link(), "signature"])
def test_a_forged_ipn_of_a_link_is_refused(field: str) -> None:
    incoming = posted(a_link())
    with pytest.raises(SignatureWrong):
        momo().read_notification(replace(incoming, body=twin(incoming.body, field)))


def twin(body: bytes, field: str) -> bytes:
    fields: dict[str, Any] = json.loads(body)
    value = fields[field]
    return json.dumps(
        fields | {field: value + 1 if isinstance(value, int) else f"{value}1"}
    ).encode()


def test_a_link_that_was_refused_is_rejected_and_an_unknown_code_is_nothing() -> None:
    refused = momo().read_notification(posted(a_link(resultCode=1006, callbackToken="")))
    assert isinstance(refused, MandateNews)
    assert refused.said.state is MandateState.REJECTED
    with pytest.raises(Unreadable):
        momo().read_notification(posted(a_link(resultCode=987654)))


def test_unlinking_names_the_token_and_what_is_gone_is_cancelled() -> None:
    fields = sent(momo().cancel_mandate(BOUND, "x", MOMENT), *ASK, "token")
    assert opened(fields["token"])["value"] == "tok1"
    for code in (0, 42):
        said = momo().read_mandate_cancelled(BOUND, an_answer(code, orderId=NAME))
        assert said.state is MandateState.CANCELLED
    assert momo().read_mandate_cancelled(BOUND, an_answer(99, orderId=NAME)).state is None
    assert sent(momo().cancel_mandate(AGREED, "x", MOMENT), *ASK, "token")["token"] == ""


def test_only_what_was_written_ends_the_repetition() -> None:
    answers = {verdict: momo().acknowledge(verdict).status for verdict in Verdict}
    assert (answers.pop(Verdict.TRY_LATER), answers.pop(Verdict.REFUSED)) == (503, 400)
    assert set(answers.values()) == {204}


@pytest.mark.parametrize(
    "pem", ["", "x", PEM.replace("KEY", "CAT")], ids=["nothing", "no PEM", "another label"]
)
def test_a_public_key_that_is_none_is_said_before_anybody_pays(pem: str) -> None:
    account = {"partner_code": PARTNER, "access_key": ACCESS, "secret_key": SECRET}
    with pytest.raises(ValidationError):
        Config.model_validate({**account, "public_key": pem})
