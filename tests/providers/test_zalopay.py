import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import InvariantBroken
from gateway.domain.evidence import Finding, Outcome
from gateway.kit.messages import Call, Incoming, Moment, SignatureWrong, Unreadable, Verdict
from gateway.providers.zalopay import ZaloPay
from tests.providers.zalopay_order import (
    CONFIG,
    KEY1,
    KEY2,
    MOMENT,
    NOW,
    ORDER,
    REFUND,
    ZALOPAY,
    mac,
)

# The sample callback of docs.zalopay.vn /docs/specs/callback-api, read 2026-11-24.
PUBLISHED_DATA = (
    r'{"app_id":2553,"app_trans_id":"200904_2553_1598435687208","app_time":1599189392817,'
    r'"app_user":"demo","amount":10000,"embed_data":"{\"merchantinfo\":\"embeddata123\",'
    r'\"promotioninfo\":\"\"}","item":"[{\"itemid\":\"knb\",\"itemname\":\"kim nguyen bao\",'
    r'\"itemprice\":198400,\"itemquantity\":1}]","zp_trans_id":200904000000389,'
    r'"server_time":1599189413498,"channel":38,'
    r'"merchant_user_id":"7ZMSl3nEg5sOUJzOLSoUFT8xKNQVaLOLXHB--8Eytqc","user_fee_amount":0,'
    r'"discount_amount":0}'
)
PUBLISHED_MAC = "d8d33baf449b31d7f9b94fa50d7c942c08cd4d83f28fa185557da21acb104f67"


def a_callback(data: str, signature: object = None, **more: object) -> Incoming:
    outer = {"data": data, "mac": mac(KEY2, data) if signature is None else signature, "type": 1}
    return Incoming("POST", body=json.dumps(outer | more).encode())


def some_data(**changed: object) -> str:
    fields = json.loads(PUBLISHED_DATA) | changed
    return json.dumps({k: v for k, v in fields.items() if v is not None})


def sent(call: object) -> dict[str, Any]:
    assert isinstance(call, Call)
    fields = json.loads(call.body)
    assert isinstance(fields, dict)
    return fields


# ── notifications ────────────────────────────────────────────────────────────────────────────────


def test_the_published_callback_verifies() -> None:
    found = ZALOPAY.read_notification(a_callback(PUBLISHED_DATA, PUBLISHED_MAC))
    assert found.key == "200904000000389:1"
    assert found.finding == Finding(
        Outcome.SUCCEEDED,
        code="1",
        reference="200904_2553_1598435687208",
        amount_dong=10_000,
        merchant="2553",
        provider_id="200904000000389",
        paid_at=datetime(2020, 9, 4, 3, 16, 53, 498_000, tzinfo=UTC),
    )


@pytest.mark.parametrize("name", json.loads(PUBLISHED_DATA))
def test_a_callback_with_a_changed_field_is_refused(name: str) -> None:
    forged = a_callback(some_data(**{name: 1}), mac(KEY2, some_data()))
    assert ZALOPAY.read_notification(a_callback(some_data()))
    with pytest.raises(SignatureWrong):
        ZALOPAY.read_notification(forged)


def test_the_data_is_verified_as_received_and_not_as_written_anew() -> None:
    spaced = PUBLISHED_DATA.replace(",", ", ")
    assert ZALOPAY.read_notification(a_callback(spaced))
    with pytest.raises(SignatureWrong):
        ZALOPAY.read_notification(a_callback(spaced, PUBLISHED_MAC))


@pytest.mark.parametrize(
    "signature",
    ["", PUBLISHED_MAC.upper(), PUBLISHED_MAC[:-1], mac(KEY1, PUBLISHED_DATA), 1, [PUBLISHED_MAC]],
    ids=["empty", "upper case", "short", "our own key", "a number", "a list"],
)
def test_a_callback_without_key2s_mac_is_refused(signature: object) -> None:
    with pytest.raises(SignatureWrong):
        ZALOPAY.read_notification(a_callback(PUBLISHED_DATA, signature))


def test_a_number_of_the_payment_may_come_as_text_and_new_fields_may_come() -> None:
    data = some_data(zp_trans_id="200904000000389", brand_new={"a": [1]})
    found = ZALOPAY.read_notification(a_callback(data, brand_new=None))
    assert found.finding.provider_id == "200904000000389"


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": None, "zp_trans_id": None, "binding_id": "b", "pay_token": "t"},
        *({"amount": wrong} for wrong in (0, -1, True, 1.5, "", 10**17)),
        *({"server_time": wrong} for wrong in (0, 2**53, "x", None)),
        *({"app_id": None}, {"zp_trans_id": 0}, {"app_trans_id": 7}),
    ],
    ids=str,
)
def test_data_that_tells_of_no_order_is_unreadable(changed: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        ZALOPAY.read_notification(a_callback(some_data(**changed)))


def test_the_unsigned_type_decides_nothing() -> None:
    assert ZALOPAY.read_notification(a_callback(PUBLISHED_DATA, type=2)).finding.amount_dong


def test_a_key_twice_in_the_callback_or_its_data_is_unreadable() -> None:
    twice = PUBLISHED_DATA.replace('"amount":10000', '"amount":10000,"amount":1')
    with pytest.raises(Unreadable):
        ZALOPAY.read_notification(a_callback(twice))
    body = a_callback(PUBLISHED_DATA).body.replace(b'"type"', b'"data"')
    with pytest.raises(Unreadable):
        ZALOPAY.read_notification(Incoming("POST", body=body))


@pytest.mark.parametrize(
    ("verdict", "return_code"),
    [
        (Verdict.RECORDED, 1),
        (Verdict.REPEATED, 1),
        (Verdict.TRY_LATER, 0),
        (Verdict.REFUSED, -1),
        (Verdict.UNKNOWN_REFERENCE, -1),
        (Verdict.AMOUNT_DIFFERS, -1),
    ],
)
def test_only_a_passing_error_asks_for_the_callback_again(
    verdict: Verdict, return_code: int
) -> None:
    answer = ZALOPAY.acknowledge(verdict)
    assert (answer.status, answer.media_type) == (200, "application/json")
    assert json.loads(answer.body)["return_code"] == return_code


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────


def test_a_reference_carries_the_vietnamese_day_and_fits() -> None:
    assert ORDER.reference == "261125_01936b2e000070008000000000000001"
    assert len(ORDER.reference) == 39


def test_create_signs_what_it_sends() -> None:
    call = ZALOPAY.create(ORDER)
    body = sent(call)
    signed = ("app_id", "app_trans_id", "app_user", "amount", "app_time", "embed_data", "item")
    assert body["mac"] == mac(KEY1, "|".join(str(body[name]) for name in signed))
    assert call == ZALOPAY.create(replace(ORDER))
    assert (call.operation, call.url) == ("create", "https://sb-openapi.zalopay.vn/v2/create")
    assert (body["amount"], body["app_time"]) == (150_000, 1_795_541_400_000)
    assert body["expire_duration_seconds"] == 900
    assert json.loads(body["embed_data"]) == {"redirecturl": ORDER.return_url}
    assert "|" not in body["embed_data"]


@pytest.mark.parametrize(("window_s", "asked_s"), [(1, 300), (301, 301), (10**7, 2_592_000)])
def test_the_life_of_an_order_stays_within_zalopays_limits(window_s: int, asked_s: int) -> None:
    order = replace(ORDER, expires_at=NOW + timedelta(seconds=window_s))
    assert sent(ZALOPAY.create(order))["expire_duration_seconds"] == asked_s


@given(st.text(max_size=400))
def test_any_text_is_signed_whole_and_kept_within_its_limits(text: str) -> None:
    assert len(sent(ZALOPAY.create(replace(ORDER, text=text)))["description"]) <= 256
    body = sent(ZALOPAY.refund(replace(REFUND, reason=text), MOMENT))
    signed = ("app_id", "zp_trans_id", "amount", "description", "timestamp")
    assert body["mac"] == mac(KEY1, "|".join(str(body[name]) for name in signed))
    assert len(body["description"]) <= 100
    assert "|" not in body["description"]


def test_a_text_is_cut_between_letters_and_both_spellings_are_one() -> None:
    decomposed = replace(ORDER, text="Tie\u0302\u0300n \u0111ie\u0323\u0302n")
    assert sent(ZALOPAY.create(decomposed))["description"] == "Tiền điện"
    marked = replace(ORDER, text="x" * 255 + "q\u0323\u0323")
    assert sent(ZALOPAY.create(marked))["description"] == "x" * 255


@pytest.mark.parametrize("operation", ["query", "cancel"])
def test_query_and_cancel_sign_with_the_key_itself(operation: str) -> None:
    call = getattr(ZALOPAY, operation)(ORDER, MOMENT)
    assert sent(call) == {
        "app_id": 2553,
        "app_trans_id": ORDER.reference,
        "mac": mac(KEY1, f"2553|{ORDER.reference}|{KEY1}"),
    }
    assert call.url.endswith(f"/v2/{operation}")
    assert KEY1.encode() not in call.body


def test_the_disputed_path_of_cancel_is_a_matter_of_configuration() -> None:
    moved = ZaloPay(CONFIG.model_copy(update={"cancel_path": "/v3/close"}))
    assert moved.cancel(ORDER, MOMENT).url == "https://sb-openapi.zalopay.vn/v3/close"


def test_a_refund_has_one_id_for_all_its_repetitions_and_its_query() -> None:
    later = Moment(NOW + timedelta(days=2), "e" * 32)
    first, again = sent(ZALOPAY.refund(REFUND, MOMENT)), sent(ZALOPAY.refund(REFUND, later))
    asked = sent(ZALOPAY.query_refund(REFUND, later))
    assert first["m_refund_id"] == again["m_refund_id"] == asked["m_refund_id"]
    assert first["m_refund_id"].startswith("261125_2553_")
    assert asked["mac"] == mac(KEY1, f"2553|{asked['m_refund_id']}|{asked['timestamp']}")
    largest = ZaloPay(CONFIG.model_copy(update={"app_id": 2**31 - 1}))
    assert len(sent(largest.refund(REFUND, MOMENT))["m_refund_id"]) <= 45
    other = sent(ZALOPAY.refund(replace(REFUND, reference="ref_" + "2" * 32), MOMENT))
    assert other["m_refund_id"] != first["m_refund_id"]


def test_a_refund_without_zalopays_number_of_the_payment_is_our_mistake() -> None:
    with pytest.raises(InvariantBroken):
        ZALOPAY.refund(replace(REFUND, order=replace(ORDER, provider_id=None)), MOMENT)


def test_no_secret_shows_in_the_configuration() -> None:
    shown = repr(CONFIG) + str(CONFIG) + repr(ZALOPAY.config)
    assert KEY1 not in shown
    assert KEY2 not in shown
