import json
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.domain.errors import InvariantBroken
from gateway.domain.evidence import Finding, Outcome, mismatch
from gateway.kit.abilities import Cancels
from gateway.kit.messages import (
    Call,
    Garbled,
    Incoming,
    Moment,
    Reply,
    SignatureWrong,
    Unreadable,
    Verdict,
)
from gateway.providers.momo import to_momo_text
from tests.providers.momo import (
    IPN,
    KEYS,
    MOMENT,
    NOW,
    ORDER,
    REFUND,
    SANDBOX_RETURNS,
    SIGNED_IPN,
    an_ipn,
    mac,
    momo,
    posted,
    reply,
    sent,
)

# ── signatures ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", SANDBOX_RETURNS)
def test_what_momos_own_sandbox_signed_verifies(name: str) -> None:
    query = SANDBOX_RETURNS[name]
    partner = query.split("&")[0].removeprefix("partnerCode=")
    finding = momo(partner).read_return(Incoming("GET", query=query))
    assert finding.outcome is (Outcome.FAILED if name == "refused" else Outcome.SUCCEEDED)
    assert finding.merchant == partner
    with pytest.raises(SignatureWrong):
        momo("MOMO" if partner != "MOMO" else "MOMOLRJZ20181206").read_return(
            Incoming("GET", query=query)
        )


@pytest.mark.parametrize("field", [name for name in SIGNED_IPN if name != "accessKey"])
def test_a_notification_with_one_signed_field_changed_is_refused(field: str) -> None:
    fields = an_ipn()
    changed = fields[field] + 1 if isinstance(fields[field], int) else fields[field] + "x"
    with pytest.raises(SignatureWrong):
        momo().read_notification(posted({**fields, field: changed}))
    without = {name: value for name, value in fields.items() if name != field}
    with pytest.raises(Unreadable, match=field):
        momo().read_notification(posted(without))


@pytest.mark.parametrize("signature", [None, "", 7, "0" * 64, "A" * 64, mac(IPN).upper()])
def test_a_notification_without_its_signature_is_refused(signature: object) -> None:
    with pytest.raises(SignatureWrong):
        momo().read_notification(posted({**IPN, "signature": signature}))


def test_numbers_may_arrive_as_text_and_unsigned_fields_are_ignored() -> None:
    texts = {name: str(IPN[name]) for name in ("amount", "transId", "resultCode", "responseTime")}
    more = {**an_ipn(**texts), "userFee": 0, "promotionInfo": [{"amount": 1}], "storeId": None}
    finding = momo().read_notification(posted(more)).finding
    assert finding == momo().read_notification(posted(an_ipn())).finding
    assert finding.amount_dong == 150_000
    assert finding.provider_id == "4088878653"
    assert finding.paid_at == datetime.fromtimestamp(1_764_000_000, UTC)
    assert (
        mismatch(finding, reference=ORDER.reference, amount_dong=150_000, merchant="MOMO") is None
    )


@given(st.text(), st.text(), st.text())
def test_any_text_in_a_signed_notification_verifies(info: str, message: str, data: str) -> None:
    fields = an_ipn(orderInfo=info, message=message, extraData=data)
    assert momo().read_notification(posted(fields)).finding.message == message


@given(st.text(max_size=300), st.sampled_from(["NFC", "NFD"]))
def test_what_create_signs_is_what_it_sends(text: str, form: Any) -> None:
    call = momo().create(replace(ORDER, text=unicodedata.normalize(form, text)))
    fields = sent(call)
    names = (
        "amount extraData ipnUrl orderId orderInfo partnerCode redirectUrl requestId requestType"
    )
    assert fields["signature"] == mac(fields, ("accessKey", *names.split()))
    assert call == momo().create(replace(ORDER, text=unicodedata.normalize("NFC", text)))
    assert 0 < len(fields["orderInfo"].encode()) <= 255
    assert not set("&=\n") & set(fields["orderInfo"])


def test_a_long_text_is_cut_between_letters() -> None:
    assert to_momo_text("ệ" * 100) == "ệ" * 85
    assert to_momo_text("x" * 254 + "x\u0335") == "x" * 254
    assert to_momo_text("\u0335" * 200) == ""


# ── calls ───────────────────────────────────────────────────────────────────────────────────────


def test_create_asks_for_the_wallet_first_and_states_whether_to_capture() -> None:
    call = momo().create(ORDER)
    assert call.url == "https://test-payment.momo.vn/v2/gateway/api/create"
    fields = sent(call)
    expected = {
        "partnerCode": "MOMO",
        "requestId": "a" * 32,
        "orderId": ORDER.reference,
        "amount": 150_000,
        "orderInfo": ORDER.text,
        "extraData": "",
        "lang": "vi",
        "redirectUrl": ORDER.return_url,
        "ipnUrl": ORDER.notify_url,
        "requestType": "captureWallet",
        "autoCapture": True,
    }
    assert {name: value for name, value in fields.items() if name != "signature"} == expected
    other = replace(ORDER, option="payWithMethod", locale="en")
    asked = sent(momo(auto_capture=False).create(other))
    assert (asked["requestType"], asked["autoCapture"], asked["lang"]) == (
        "payWithMethod",
        False,
        "en",
    )


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (momo().query(ORDER, MOMENT), "accessKey orderId partnerCode requestId"),
        (momo().query_refund(REFUND, MOMENT), "accessKey orderId partnerCode requestId"),
        *(
            (call, "accessKey amount description orderId partnerCode requestId requestType")
            for call in (momo().capture(ORDER, MOMENT), momo().release(ORDER, MOMENT))
        ),
        (
            momo().refund(REFUND, MOMENT),
            "accessKey amount description orderId partnerCode requestId transId",
        ),
    ],
    ids=lambda value: value.operation if isinstance(value, Call) else "",
)
def test_each_call_signs_the_list_of_its_page(call: Call, names: str) -> None:
    assert sent(call)["signature"] == mac(sent(call), tuple(names.split()))
    assert len(sent(call)["requestId"]) <= 50


def test_a_refund_has_ids_of_its_own_that_never_change() -> None:
    fields = sent(momo().refund(REFUND, MOMENT))
    assert fields["orderId"] == fields["requestId"] == REFUND.reference
    assert (fields["amount"], fields["transId"]) == (50_000, 4_088_878_653)
    later = Moment(NOW + timedelta(hours=1), "d" * 32)
    assert momo().refund(REFUND, later) == momo().refund(REFUND, MOMENT)
    assert momo().capture(ORDER, later) == momo().capture(ORDER, MOMENT)
    assert momo().query(ORDER, later) != momo().query(ORDER, MOMENT)
    with pytest.raises(InvariantBroken):
        momo().refund(replace(REFUND, order=replace(ORDER, provider_id=None)), MOMENT)


@pytest.mark.parametrize("reference", ["", "att_", "-a", "a b", "a" * 43, "a&b", "điện", "a\n"])
def test_an_id_that_momo_would_refuse_is_not_sent(reference: str) -> None:
    with pytest.raises(InvariantBroken):
        momo().create(replace(ORDER, reference=reference))


def test_an_unpaid_order_cannot_be_cancelled_at_momo() -> None:
    assert not isinstance(momo(), Cancels)


def test_no_secret_shows_in_the_configuration() -> None:
    for secret in KEYS["MOMO"]:
        assert secret not in f"{momo().config!r} {momo().config} {momo()!r}"
    with pytest.raises(ValidationError):
        momo(host="test-payment.momo.vn")


# ── the rest of the quirks ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", [0, 1006, 7000, 42])
def test_422_says_only_that_an_equal_request_is_in_flight(code: int) -> None:
    busy = reply(422, resultCode=code)
    assert momo().read_queried(ORDER, busy).outcome is Outcome.UNKNOWN
    created = momo().read_created(ORDER, busy)
    assert isinstance(created, Finding)
    assert created.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("status", [204, 301, 401, 403, 404, 429, 499])
def test_another_status_than_the_documented_proves_nothing(status: int) -> None:
    with pytest.raises(Unreadable, match=str(status)):
        momo().read_queried(ORDER, reply(status, resultCode=1006))


def test_a_refund_that_a_known_payment_does_not_list_is_absent() -> None:
    read = momo().read_refund_queried
    for nothing in (..., None, [], [{"orderId": "another", "resultCode": 0, "amount": 50_000}]):
        assert read(REFUND, reply(refundTrans=nothing)).outcome is Outcome.ABSENT
    assert read(REFUND, reply(resultCode=42)).outcome is Outcome.UNKNOWN
    assert read(REFUND, reply(resultCode=10)).outcome is Outcome.UNKNOWN
    assert read(REFUND, reply(orderId="att_other")).outcome is Outcome.UNKNOWN
    assert read(REFUND, reply(422)).outcome is Outcome.UNKNOWN


def test_a_refund_listed_twice_alike_is_one_and_listed_differently_is_in_doubt() -> None:
    item = {"orderId": REFUND.reference, "amount": 50_000, "resultCode": 0, "transId": 7}
    read = momo().read_refund_queried
    assert read(REFUND, reply(refundTrans=[item, item])).outcome is Outcome.SUCCEEDED
    other = {**item, "resultCode": 1088}
    assert read(REFUND, reply(refundTrans=[item, other])).outcome is Outcome.UNKNOWN
    for broken in ({"a": 1}, [1], "x"):
        with pytest.raises(Unreadable):
            read(REFUND, reply(refundTrans=broken))


def test_the_key_of_a_notification_bears_its_status() -> None:
    keys = [momo().read_notification(posted(an_ipn(resultCode=code))).key for code in (0, 0, 7002)]
    assert keys == ["4088878653:0", "4088878653:0", "4088878653:7002"]
    unpaid = momo().read_notification(posted(an_ipn(resultCode=1005, transId=0)))
    assert unpaid.key == f"{ORDER.reference}:1005"
    with pytest.raises(Unreadable):
        momo().read_notification(posted(an_ipn(orderId="")))


@pytest.mark.parametrize("verdict", Verdict)
def test_momo_gets_204_for_whatever_was_authentic_and_written(verdict: Verdict) -> None:
    expected = {Verdict.REFUSED: 400, Verdict.TRY_LATER: 503}.get(verdict, 204)
    answer = momo().acknowledge(verdict)
    assert (answer.status, answer.body) == (expected, b"")


def test_a_return_that_repeats_a_field_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        momo().read_return(Incoming("GET", query=SANDBOX_RETURNS["paid"] + "&amount=1"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
NAMES = st.sampled_from([*IPN, "payUrl", "signature", "requestType", "refundTrans", "deeplink"])
BODIES = (
    st.binary()
    | st.dictionaries(NAMES, JSON).map(lambda fields: json.dumps({**an_ipn(), **fields}).encode())
    | st.dictionaries(st.sampled_from([*IPN]), st.text() | st.integers()).map(
        lambda fields: json.dumps(an_ipn(**fields)).encode()
    )
    | st.just(b'{"resultCode": 0, "amount": ' + b"9" * 4_300 + b"}")
)


@given(BODIES, st.sampled_from([200, 400, 422]))
def test_no_message_raises_anything_but_garbled(body: bytes, status: int) -> None:
    adapter, said = momo(), Reply(status, body)
    readers = (
        lambda: adapter.read_notification(Incoming("POST", body=body)),
        lambda: adapter.read_return(Incoming("GET", query=body.decode("utf-8", "surrogateescape"))),
        lambda: adapter.read_created(ORDER, said),
        lambda: adapter.read_queried(ORDER, said),
        lambda: adapter.read_captured(ORDER, said),
        lambda: adapter.read_released(ORDER, said),
        lambda: adapter.read_refunded(REFUND, said),
        lambda: adapter.read_refund_queried(REFUND, said),
    )
    for read in readers:
        try:
            read()
        except Garbled:
            continue
