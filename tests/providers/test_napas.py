"""NAPAS: what is asked, what each answer proves, and that no card number gets in."""

import json
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.evidence import Finding, Outcome
from gateway.kit.messages import Call, Garbled, Incoming, Opened, Reply, Unreadable, Verdict
from gateway.providers.napas import checksum
from tests.providers.napas import (
    MOMENT,
    NAPAS,
    NOW,
    ORDER,
    PAID,
    REFUND,
    REFUND_ID,
    SECRET,
    a_callback,
    a_return,
    body_of,
    noticed,
    opened,
    queried,
    refunded,
    refusal,
    reply,
    result,
)

PATH = "https://napas.example.vn/api/rest/version/1/merchant/EVNSPC/order/"
CARD = "9704000000000018"


def created() -> Call:
    call = NAPAS.create(ORDER)
    assert isinstance(call, Call)
    return call


# ── what is asked ───────────────────────────────────────────────────────────────────────────────


def test_an_order_asks_for_a_hosted_page_and_3d_secure() -> None:
    call = created()
    ref = ORDER.reference
    assert (call.method, call.url) == ("PUT", f"{PATH}{ref}/transaction/{ref}")
    assert body_of(call) == {
        "apiOperation": "PURCHASE_HOSTED",
        "channel": "ECOMMERCE",
        "order": {"amount": 150_000, "currency": "VND", "reference": ref},
        "inputParameters": {
            "clientIP": "203.0.113.7",
            "deviceId": "gateway",
            "environment": "WEB",
            "cardScheme": "All",
            "enable3DSecure": True,
        },
        "interaction": {
            "returnUrl": ORDER.return_url,
            "notificationUrl": ORDER.notify_url,
            "locale": "vi",
            "timeoutSeconds": 900,
        },
    }
    assert "sourceOfFunds" not in call.body.decode()


def test_the_option_is_the_scheme_and_the_page_lives_within_napas_limits() -> None:
    for life, seconds in ((timedelta(seconds=5), 60), (timedelta(days=1), 3600)):
        order = replace(ORDER, option="AtmCard", expires_at=NOW + life, locale="en")
        call = NAPAS.create(order)
        assert isinstance(call, Call)
        asked = body_of(call)
        assert asked["inputParameters"]["cardScheme"] == "AtmCard"
        assert (
            asked["interaction"] | {"timeoutSeconds": seconds, "locale": "en"}
            == (asked["interaction"])
        )


def test_a_refund_has_its_own_id_under_the_payments_order() -> None:
    call = NAPAS.refund(REFUND, MOMENT)
    assert call.url == f"{PATH}{ORDER.reference}/transaction/{REFUND_ID}"
    assert body_of(call) == {
        "apiOperation": "REFUND",
        "channel": "ECOMMERCE",
        "order": {"amount": 50_000, "currency": "VND"},
        "transaction": {"targetTransactionId": ORDER.reference},
    }
    assert NAPAS.query_refund(REFUND, MOMENT).url == call.url
    assert body_of(NAPAS.query(ORDER, MOMENT)) == {"apiOperation": "QUERY", "channel": "ECOMMERCE"}


# ── the token ───────────────────────────────────────────────────────────────────────────────────


def test_a_token_is_asked_for_with_the_account_and_read_with_its_life() -> None:
    call = NAPAS.authorise()
    assert call.url == "https://napas.example.vn/api/oauth/token"
    assert call.body.startswith(b"grant_type=password&username=evnspc&password=napas-sandbox-p")
    said = {"access_token": "t-1", "token_type": "Bearer", "expires_in": 1800}
    token = NAPAS.read_token(reply(said))
    assert (token.headers, token.life_s) == ({"authorization": "Bearer t-1"}, 1800.0)
    assert "t-1" not in repr(token)


@pytest.mark.parametrize(
    "changes",
    [
        {"access_token": ""},
        {"access_token": "a\r\nx: y"},
        {"access_token": None},
        {"token_type": "mac"},
        {"expires_in": 0},
        {"expires_in": -5},
        {"expires_in": 10**9},
        {"expires_in": None},
    ],
    ids=str,
)
def test_what_is_no_living_bearer_token_is_none(changes: dict[str, Any]) -> None:
    said = {"access_token": "t", "token_type": "bearer", "expires_in": 60, **changes}
    with pytest.raises(Garbled):
        NAPAS.read_token(reply(said))
    with pytest.raises(Garbled):
        NAPAS.read_token(reply({"error": "invalid_grant"}, 400))


# ── what answers prove ──────────────────────────────────────────────────────────────────────────


def test_an_open_order_has_its_page_and_nothing_else_opens_one() -> None:
    said = NAPAS.read_created(ORDER, opened())
    assert isinstance(said, Opened)
    assert said.action.redirect_url == "https://napas.example.vn/page/1"
    for other in (
        opened(reference="x"),
        opened(amount_dong=1),
        opened(merchant="OTHER"),
        opened(PAID),
        opened("PENDING/UNHEARD_OF/"),
    ):
        assert isinstance(NAPAS.read_created(ORDER, other), Finding)
    for url in ("", "javascript:1", "https://napas.example.vn/ x"):
        bad = {**result("PENDING/INITIATED/"), "hostedPage": {"url": url}}
        with pytest.raises(Unreadable):
            NAPAS.read_created(ORDER, reply(bad))


def test_the_same_order_again_is_told_as_it_stands_now() -> None:
    said = NAPAS.read_created(ORDER, reply(result(PAID)))
    assert isinstance(said, Finding)
    assert said.outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    ("status", "cause", "create", "query", "refund"),
    [
        (400, "INVALID_REQUEST", Outcome.FAILED, Outcome.UNKNOWN, Outcome.FAILED),
        (401, "UNAUTHORIZED", Outcome.FAILED, Outcome.UNKNOWN, Outcome.UNKNOWN),
        (403, "MERCHANT_UNKNOWN", Outcome.FAILED, Outcome.UNKNOWN, Outcome.UNKNOWN),
        (404, "NOT_FOUND", Outcome.UNKNOWN, Outcome.ABSENT, Outcome.FAILED),
        (409, "DUPLICATE", Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.UNKNOWN),
        (409, "NOT_REFUNDABLE", Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.FAILED),
        (429, "TOO_MANY_REQUESTS", Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.UNKNOWN),
        (400, "NOT_FOUND", Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.UNKNOWN),
    ],
)
def test_a_refused_call_proves_only_what_it_had_no_effect_on(
    status: int, cause: str, create: Outcome, query: Outcome, refund: Outcome
) -> None:
    answer = refusal(status, cause)
    said = NAPAS.read_created(ORDER, answer)
    assert isinstance(said, Finding)
    assert said.outcome is create
    assert NAPAS.read_queried(ORDER, answer).outcome is query
    assert NAPAS.read_refunded(REFUND, answer).outcome is refund


def test_success_needs_three_codes_the_type_the_currency_and_both_amounts() -> None:
    assert queried(PAID).outcome is Outcome.SUCCEEDED
    almost = [
        result("SUCCESS/SUCCESS/"),
        result("SUCCESS/SUCCESS/00"),
        result("SUCCESS/DECLINED/0"),
        result("PENDING/SUCCESS/0"),
        result("success/SUCCESS/0"),
        result(PAID, kind="REFUND"),
        result(PAID) | {"order": {"id": ORDER.reference, "amount": 150_000, "currency": "USD"}},
        result(PAID) | {"order": {"id": ORDER.reference, "amount": 150_001, "currency": "VND"}},
        result(PAID) | {"order": {"id": "x", "amount": 150_000, "currency": "VND"}},
    ]
    for said in almost:
        assert NAPAS.read_queried(ORDER, reply(said)).outcome is Outcome.UNKNOWN, said


@pytest.mark.parametrize("code", ["05", "", "0", "99"])
def test_a_refusal_that_is_not_listed_proves_nothing(code: str) -> None:
    assert queried(f"FAILURE/DECLINED/{code}").outcome is Outcome.UNKNOWN


def test_a_bank_that_was_away_or_timed_out_ends_nothing_and_frees_nothing() -> None:
    assert queried("FAILURE/DECLINED/91").outcome is Outcome.PENDING
    assert noticed("UNKNOWN/TIMED_OUT/").outcome is Outcome.PENDING


def test_a_failed_3d_secure_challenge_is_a_failure_and_an_open_one_is_not() -> None:
    assert noticed("FAILURE/AUTHENTICATION_FAILED/").outcome is Outcome.FAILED
    assert noticed("PENDING/AUTHENTICATING/").outcome is Outcome.PENDING


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (refunded(), Outcome.SUCCEEDED),
        (refunded("PENDING/PENDING/"), Outcome.PENDING),
        (refunded("FAILURE/REFUND_REFUSED/"), Outcome.FAILED),
        (refunded("FAILURE/DECLINED/51"), Outcome.UNKNOWN),
        (result(PAID), Outcome.UNKNOWN),
    ],
    ids=["done", "accepted", "refused", "a payment's failure", "a payment"],
)
def test_a_refunds_answer_is_about_a_refund(said: dict[str, Any], outcome: Outcome) -> None:
    for read in (NAPAS.read_refunded, NAPAS.read_refund_queried):
        finding = read(REFUND, reply(said))
        assert finding.outcome is outcome
        is_own = said["transaction"]["id"] == REFUND_ID
        assert finding.reference == (REFUND.reference if is_own else ORDER.reference)
    absent = NAPAS.read_refund_queried(REFUND, refusal(404, "NOT_FOUND"))
    assert absent.outcome is Outcome.ABSENT


# ── callback and return ─────────────────────────────────────────────────────────────────────────


def test_a_return_says_what_the_callback_says() -> None:
    assert NAPAS.read_return(a_return(result(PAID))) == noticed(PAID)
    twice = a_return(result(PAID))
    with pytest.raises(Garbled):
        NAPAS.read_return(replace(twice, query=f"{twice.query}&data=e30%3D"))


def test_a_callback_of_another_operation_or_without_its_order_is_refused() -> None:
    whole = {"paymentResult": {**result(PAID), "apiOperation": "QUERY"}}
    for said in (whole, {"paymentResult": {}}, {}, {"paymentResult": []}):
        incoming = a_signed(said)
        with pytest.raises(Unreadable):
            NAPAS.read_notification(incoming)


def a_signed(whole: object) -> Incoming:
    data = b64encode(json.dumps(whole).encode()).decode()
    body = {"data": data, "checksum": checksum(SECRET, data).upper()}
    return Incoming("POST", body=json.dumps(body).encode())


def test_only_what_is_written_down_is_thanked_for() -> None:
    said = {verdict: NAPAS.acknowledge(verdict) for verdict in Verdict}
    for verdict, answer in said.items():
        is_thanks = (answer.status, answer.body) == (200, b'{"result":"OK"}')
        assert is_thanks is (verdict in {Verdict.RECORDED, Verdict.REPEATED})
    assert said[Verdict.TRY_LATER].status == 503


# ── cards ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("number", [CARD, "4111 1111 1111 1111"])
def test_a_message_with_a_whole_card_number_is_refused_though_it_is_signed(number: str) -> None:
    card = {"type": "CARD", "provided": {"card": {"number": number}}}
    said = result(PAID, sourceOfFunds=card)
    for read in (
        lambda: NAPAS.read_notification(a_callback(said)),
        lambda: NAPAS.read_return(a_return(said)),
        lambda: NAPAS.read_queried(ORDER, reply(said)),
        lambda: NAPAS.read_created(ORDER, reply(said)),
    ):
        with pytest.raises(Unreadable, match="card"):
            read()


@given(st.binary(max_size=200) | st.text().map(lambda text: json.dumps({"data": text}).encode()))
def test_no_bytes_raise_anything_but_garbled(body: bytes) -> None:
    for read in (
        lambda: NAPAS.read_token(Reply(200, body)),
        lambda: NAPAS.read_notification(Incoming("POST", body=body)),
        lambda: NAPAS.read_refunded(REFUND, Reply(404, body)),
    ):
        with pytest.raises(Garbled):
            read()
