import json
import unicodedata
from dataclasses import replace
from datetime import timedelta
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.kit.abilities import ABILITIES, AnswersQueries, Notifies, Refunds, TakesPayments
from gateway.kit.messages import (
    Moment,
    Opened,
    Reply,
    Unreadable,
    Verdict,
)
from gateway.providers.vnpay import Config, Vnpay, canonical, fold, sign
from tests.providers.vnpay import (
    MOMENT,
    NOW,
    ORDER,
    REFUND,
    SECRET,
    TERMINAL,
    VNPAY,
    mac,
    opened,
    pay_url,
    sent,
)

# What npm vnpay 2.5.0 (lehuygiang28/vnpay, run 2026-11-24) makes of the same order and account.
# VNPAY's own examples cannot be checked: their secrets are not published.
NPM_PAY = (
    "https://sandbox.vnpayment.vn/paymentv2/vpcpay.html?vnp_Amount=15000000&vnp_Command=pay"
    "&vnp_CreateDate=20261125003000&vnp_CurrCode=VND&vnp_ExpireDate=20261125004500"
    "&vnp_IpAddr=203.0.113.7&vnp_Locale=vn&vnp_OrderInfo=Tien+dien+11+2026+PB14010000123"
    "&vnp_OrderType=other&vnp_ReturnUrl=https%3A%2F%2Fpay.example%2Freturn%3Fa%3D1%26b%3Dx"
    "&vnp_TmnCode=CGTTDEMO&vnp_TxnRef=att_01936b2e000070008000000000000001&vnp_Version=2.1.0"
    "&vnp_SecureHash=b9f80628eaac44ecde9f7089cb18b98f455e3e9d949bf259991b7c2d33880c63c36e988a2ac8"
    "623d0aa4a471f9ef70b4a95f9098349688884102a94d42df8969"
)
NPM_PAY_BY_QR_HASH = (
    "94187ebb1828ab439f088c64b49236d1efe9bd517c8127961239bc361172b807"
    "5c85601af855548447ad1e65cd929cc3bd0e6202505af3fc37e7a94cf5ac348b"
)
NPM_QUERYDR_HASH = (
    "a6b31a0f52362f54b87ffff2d21bd22db3cce4376f1d9aecbfe10ce26a460af0"
    "ad5f165de594439dfd9942abfdee1c2af9aad0f3f11542d98d8f17b702a0b555"
)
SHARED_REFUND = replace(REFUND, order=replace(ORDER, provider_id="4000000001"))


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────


def test_the_pay_url_is_what_another_implementation_makes() -> None:
    assert pay_url() == NPM_PAY


def test_the_pay_url_of_a_chosen_way_and_an_ipv6_payer_too() -> None:
    order = replace(ORDER, option="VNPAYQR", payer_ip="2001:db8::1", locale="en")
    assert opened(order)["vnp_SecureHash"] == NPM_PAY_BY_QR_HASH


def test_a_query_is_signed_as_another_implementation_does() -> None:
    assert sent(VNPAY.query(ORDER, MOMENT))["vnp_SecureHash"] == NPM_QUERYDR_HASH


def test_opening_needs_no_call_and_is_the_same_for_ever() -> None:
    assert isinstance(VNPAY.create(ORDER), Opened)
    assert pay_url() == pay_url()
    with pytest.raises(Unreadable):
        VNPAY.read_created(ORDER, Reply(200, b"{}"))


def test_the_clock_on_the_wire_is_vietnam_s() -> None:
    fields = opened()
    assert fields["vnp_CreateDate"] == "20261125003000"
    assert fields["vnp_ExpireDate"] == "20261125004500"


def test_a_query_and_a_refund_name_the_day_on_which_the_order_was_opened() -> None:
    for call in (VNPAY.query(ORDER, MOMENT), VNPAY.refund(REFUND, MOMENT)):
        fields = sent(call)
        assert fields["vnp_TransactionDate"] == opened()["vnp_CreateDate"]
        assert fields["vnp_CreateDate"] == "20261125010000"


@pytest.mark.parametrize("option", VNPAY.options)
def test_each_option_is_a_bank_code_and_the_default_leaves_the_choice(option: str) -> None:
    assert opened(replace(ORDER, option=option)).get("vnp_BankCode", "") == option


def test_no_empty_parameter_and_no_hash_type_is_ever_sent() -> None:
    fields = opened(replace(ORDER, text="", option=""))
    assert all(fields.values())
    assert "vnp_SecureHashType" not in fields


def test_a_short_ipv6_address_still_has_the_seven_characters_that_vnpay_wants() -> None:
    assert opened(replace(ORDER, payer_ip="::1"))["vnp_IpAddr"] == "0000:" * 7 + "0001"


@pytest.mark.parametrize("mark", "!'()*~")
def test_a_character_that_vnpay_s_demos_encode_differently_is_in_no_value(mark: str) -> None:
    order = replace(ORDER, text=f"a{mark}b", return_url=f"https://pay.example/{mark}x")
    fields = opened(order)
    assert not any(mark in value for value in fields.values())
    assert fields["vnp_ReturnUrl"] == f"https://pay.example/%{ord(mark):02X}x"


@given(st.text(max_size=400))
def test_order_text_is_plain_ascii_of_at_most_255_and_never_empty(text: str) -> None:
    info = opened(replace(ORDER, text=text))["vnp_OrderInfo"]
    assert 1 <= len(info) <= 255
    assert not set(info) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-")
    assert info == info.strip()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_vietnamese_is_folded_whatever_its_form(form: Literal["NFC", "NFD"]) -> None:
    text = unicodedata.normalize(form, "Điện — lực/Cà Mau= đường Đ&đ|ữ")
    assert fold(text) == "Dien luc Ca Mau duong D d u"


def test_a_full_refund_is_02_and_a_part_03() -> None:
    whole = replace(REFUND, amount_dong=ORDER.amount_dong)
    assert sent(VNPAY.refund(whole, MOMENT))["vnp_TransactionType"] == "02"
    fields = sent(VNPAY.refund(REFUND, MOMENT))
    assert (fields["vnp_TransactionType"], fields["vnp_Amount"]) == ("03", "5000000")


def test_a_refund_is_signed_over_its_own_list() -> None:
    fields = sent(VNPAY.refund(SHARED_REFUND, MOMENT))
    names = (
        *("RequestId", "Version", "Command", "TmnCode", "TransactionType", "TxnRef", "Amount"),
        *("TransactionNo", "TransactionDate", "CreateBy", "CreateDate", "IpAddr", "OrderInfo"),
    )
    assert fields["vnp_SecureHash"] == mac("|".join(fields[f"vnp_{name}"] for name in names))
    assert fields["vnp_TransactionNo"] == "4000000001"
    assert sent(VNPAY.refund(REFUND, MOMENT))["vnp_TransactionNo"] == "0"


def test_a_repeated_refund_has_the_id_of_the_first_and_another_refund_has_not() -> None:
    later = Moment(NOW + timedelta(hours=1), "d" * 32)
    first = sent(VNPAY.refund(REFUND, MOMENT))["vnp_RequestId"]
    assert sent(VNPAY.refund(REFUND, later))["vnp_RequestId"] == first
    other = replace(REFUND, reference="ref_" + "2" * 32)
    assert sent(VNPAY.refund(other, MOMENT))["vnp_RequestId"] != first
    assert len(first) == 32


def test_every_query_has_an_id_of_its_own_also_for_a_refund() -> None:
    assert sent(VNPAY.query(ORDER, MOMENT))["vnp_RequestId"] == MOMENT.request_id
    assert VNPAY.query_refund(REFUND, MOMENT) == VNPAY.query(ORDER, MOMENT)


def test_calls_go_to_the_configured_address_under_stable_names() -> None:
    calls = (VNPAY.query(ORDER, MOMENT), VNPAY.refund(REFUND, MOMENT))
    assert [call.operation for call in calls] == ["query", "refund"]
    assert {(call.method, call.url) for call in calls} == {("POST", VNPAY.config.api_url)}


NAMES = st.from_regex(r"vnp_[A-Za-z]{1,12}", fullmatch=True)


@given(st.dictionaries(NAMES, st.text(max_size=40), max_size=8))
def test_what_is_signed_is_what_a_browser_carries(fields: dict[str, str]) -> None:
    signed = canonical(fields)
    assert signed.isascii()
    pairs = parse_qsl(signed, keep_blank_values=True)
    assert pairs == sorted(fields.items())


@given(st.text(), st.text())
def test_texts_that_differ_in_any_way_sign_differently(one: str, other: str) -> None:
    assert (sign(SECRET, one) == sign(SECRET, other)) == (one == other)
    assert sign(SECRET, one) == mac(one)


# ── what we answer, and what we are ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.RECORDED, "00"),
        (Verdict.REPEATED, "02"),
        (Verdict.UNKNOWN_REFERENCE, "01"),
        (Verdict.AMOUNT_DIFFERS, "04"),
        (Verdict.REFUSED, "97"),
        (Verdict.TRY_LATER, "99"),
    ],
)
def test_each_verdict_has_the_answer_of_the_acceptance_test(verdict: Verdict, code: str) -> None:
    answer = VNPAY.acknowledge(verdict)
    assert (answer.status, answer.media_type) == (200, "application/json")
    body = json.loads(answer.body)
    assert body.keys() == {"RspCode", "Message"}
    assert body["RspCode"] == code


def test_the_abilities_are_those_that_vnpay_has() -> None:
    has = {ability for ability in ABILITIES if issubclass(Vnpay, ability)}
    assert has == {TakesPayments, Notifies, AnswersQueries, Refunds}


def test_hosts_default_to_the_sandbox() -> None:
    assert urlsplit(VNPAY.config.pay_url).hostname == "sandbox.vnpayment.vn"
    assert urlsplit(VNPAY.config.api_url).hostname == "sandbox.vnpayment.vn"
    assert VNPAY.config.query_spacing_s == 300


@pytest.mark.parametrize("changed", [{"tmn_code": "SHORT"}, {"hash_secret": ""}, {"unknown": 1}])
def test_a_wrong_configuration_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({"tmn_code": TERMINAL, "hash_secret": SECRET, **changed})


def test_no_secret_is_in_what_a_log_could_write() -> None:
    shown = f"{VNPAY.config!r} {VNPAY.config} {VNPAY.config.model_dump_json()} {VNPAY!r}"
    calls = f"{VNPAY.create(ORDER)!r} {VNPAY.query(ORDER, MOMENT)!r}"
    assert SECRET not in shown + calls


def test_the_limits_are_those_of_the_payment_page() -> None:
    assert (VNPAY.amount_min_dong, VNPAY.amount_max_dong) == (5_000, 999_999_999)
    assert len(opened(replace(ORDER, amount_dong=VNPAY.amount_max_dong))["vnp_Amount"]) <= 12
