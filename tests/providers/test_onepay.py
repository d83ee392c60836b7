"""What we send to OnePay, what we answer, and what the adapter is."""

import unicodedata
from dataclasses import replace
from datetime import timedelta
from typing import Literal
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.domain.biller import Channel
from gateway.kit.abilities import ABILITIES, AnswersQueries, Notifies, Refunds, TakesPayments
from gateway.kit.messages import Moment, Opened, Reply, Unreadable, Verdict
from gateway.providers.onepay import (
    Config,
    OnePay,
    canonical,
    is_card_number,
    sign,
    to_order_info,
)
from tests.providers.onepay import (
    ACCOUNT,
    KEY,
    MOMENT,
    NOW,
    ONEPAY,
    ORDER,
    PASSWORD,
    REFUND,
    REFUND_ID,
    mac,
    opened,
    pay_url,
    sent,
)

# What npm vn-payments 1.1.0 (run 2026-11-24) signs for this order at the public merchant ONEPAY.
NPM_KEY = "A3EFDFABA8653DF2342E8DAC29B51AF0"
NPM_ORDER = {
    "vpc_AccessCode": "D67342C2",
    "vpc_Amount": "15000000",
    "vpc_Command": "pay",
    "vpc_Currency": "VND",
    "vpc_Locale": "vn",
    "vpc_MerchTxnRef": "019363b2e00007000800000000000000",
    "vpc_Merchant": "ONEPAY",
    "vpc_OrderInfo": "Tien dien 11 2026 PB14010000123",
    "vpc_ReturnURL": "https://pay.example/return?a=1&b=x",
    "vpc_TicketNo": "203.0.113.7",
    "vpc_Version": "2",
    "Title": "VPC 3-Party",
}
NPM_HASHES = {
    "vn": "DA07DC2718A07EB0906FB7E42E8424ED04CF44C30FBEF791488B9DEAB7602283",
    "en": "C8FEA0CCA516D62096C677BE8BEBE0E0B498CC2C5157E73E7798161EB43F8844",
}


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("locale", NPM_HASHES)
def test_a_pay_url_is_signed_as_another_implementation_does(locale: str) -> None:
    base = canonical({**NPM_ORDER, "vpc_Locale": locale})
    assert sign(NPM_KEY, base) == NPM_HASHES[locale]


def test_the_adapter_makes_the_same_order_as_the_other_implementation() -> None:
    account = {**ACCOUNT, "merchant_id": "ONEPAY", "access_code": "D67342C2", "hash_key": NPM_KEY}
    provider = OnePay(Config.model_validate(account))
    order = replace(ORDER, reference="019363b2e00007000800000000000000", notify_url="")
    query = urlsplit(pay_url(order, provider)).query
    expected = {n: v for n, v in NPM_ORDER.items() if n != "Title"}
    expected["vpc_SecureHash"] = NPM_HASHES["vn"]
    assert {n: v for n, v in parse_qsl(query) if v} == expected


def test_the_pay_url_is_the_documented_page_and_is_signed_over_all_of_its_fields() -> None:
    url = urlsplit(pay_url())
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://mtf.onepay.vn/paygate/vpcpay.op"
    fields = opened()
    assert fields.pop("vpc_SecureHash") == mac(fields)
    assert (fields["vpc_Version"], fields["vpc_Command"]) == ("2", "pay")
    assert (fields["vpc_Currency"], fields["vpc_Locale"]) == ("VND", "vn")
    assert (fields["vpc_ReturnURL"], fields["vpc_CallbackURL"]) == (
        ORDER.return_url,
        ORDER.notify_url,
    )


def test_opening_needs_no_call() -> None:
    assert isinstance(ONEPAY.create(ORDER), Opened)
    with pytest.raises(Unreadable):
        ONEPAY.read_created(ORDER, Reply(200, b"vpc_TxnResponseCode=0"))


def test_dong_are_sent_as_hundredths() -> None:
    assert opened()["vpc_Amount"] == "15000000"
    largest = opened(replace(ORDER, amount_dong=ONEPAY.amount_max_dong))["vpc_Amount"]
    assert len(largest) == 12


def test_a_reference_fits_the_34_characters_of_the_older_pages() -> None:
    attempt = UUID("01936b2e-0000-7000-8000-000000000001")
    assert ONEPAY.reference_of(attempt, NOW) == "01936b2e000070008000000000000001"


def test_sorting_is_by_ascii_so_the_longer_name_with_the_capital_comes_first() -> None:
    fields = {"vpc_Merchant": "M", "vpc_MerchTxnRef": "1", "user_a": "b"}
    assert canonical(fields) == "user_a=b&vpc_MerchTxnRef=1&vpc_Merchant=M"


def test_what_is_empty_or_not_onepay_s_is_not_signed() -> None:
    fields = {"vpc_A": "1", "vpc_B": "", "Title": "x", "AgainLink": "y", "vpc_SecureHash": "z"}
    assert canonical({**fields, "vpc_SecureHashType": "SHA256"}) == "vpc_A=1"


@pytest.mark.parametrize("option", ONEPAY.options)
def test_the_option_is_the_list_of_cards_and_the_default_leaves_the_choice(option: str) -> None:
    assert opened(replace(ORDER, option=option)).get("vpc_CardList", "") == option


@pytest.mark.parametrize(
    ("payer_ip", "ticket"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("255.255.255.255", "255.255.255.255"),
        ("::1", "::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:0:1:1:1:1:1", "127.0.0.1"),
    ],
)
def test_the_payer_s_address_has_15_characters_at_most(payer_ip: str, ticket: str) -> None:
    assert opened(replace(ORDER, payer_ip=payer_ip))["vpc_TicketNo"] == ticket


@given(st.text(max_size=80))
def test_order_text_is_plain_ascii_of_at_most_32_and_never_empty(text: str) -> None:
    info = opened(replace(ORDER, text=text))["vpc_OrderInfo"]
    assert 1 <= len(info) <= 32
    assert not set(info) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-")
    assert info == info.strip()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_vietnamese_is_folded_whatever_its_form(form: Literal["NFC", "NFD"]) -> None:
    text = unicodedata.normalize(form, "Điện (lực)/Cà Mau=?&đ|ữ")
    assert to_order_info(text) == "Dien luc Ca Mau d u"


def test_a_text_that_looks_like_a_card_s_number_is_not_sent() -> None:
    assert opened(replace(ORDER, text="5123 4500 0000 0008"))["vpc_OrderInfo"] == ORDER.reference


def test_a_query_is_a_signed_form_with_the_operator_s_credentials() -> None:
    call = ONEPAY.query(ORDER, MOMENT)
    assert (call.operation, call.method) == ("query", "POST")
    assert call.url == "https://mtf.onepay.vn/msp/api/v1/vpc/invoices/queries"
    assert call.headers["content-type"] == "application/x-www-form-urlencoded"
    assert sent(call) == {
        "vpc_Version": "2",
        "vpc_Command": "queryDR",
        "vpc_MerchTxnRef": ORDER.reference,
        "vpc_Merchant": "TESTONEPAY",
        "vpc_AccessCode": "6BEB2546",
        "vpc_User": "op01",
        "vpc_Password": PASSWORD,
    }


def test_a_refund_names_its_payment_and_has_an_id_of_its_own() -> None:
    call = ONEPAY.refund(REFUND, MOMENT)
    assert (call.operation, call.url) == ("refund", "https://mtf.onepay.vn/msp/api/v1/vpc/refunds")
    fields = sent(call)
    assert (fields["vpc_Command"], fields["vpc_Amount"]) == ("refund", "5000000")
    assert fields["vpc_OrgMerchTxnRef"] == ORDER.reference
    assert (fields["vpc_MerchTxnRef"], fields["vpc_Operator"]) == (REFUND_ID, "gateway")


def test_a_repeated_refund_is_equal_to_the_byte_and_another_refund_is_not() -> None:
    later = Moment(NOW + timedelta(days=2), "d" * 32)
    assert ONEPAY.refund(REFUND, later) == ONEPAY.refund(REFUND, MOMENT)
    other = replace(REFUND, reference="ref_" + "2" * 32)
    assert sent(ONEPAY.refund(other, MOMENT))["vpc_MerchTxnRef"] != REFUND_ID


def test_a_refund_is_asked_about_by_its_own_id() -> None:
    call = ONEPAY.query_refund(REFUND, MOMENT)
    assert call.operation == "query_refund"
    assert sent(call)["vpc_MerchTxnRef"] == REFUND_ID


NAMES = st.from_regex(r"(vpc|user)_[A-Za-z]{1,12}", fullmatch=True)


@given(st.dictionaries(NAMES, st.text(max_size=30), max_size=6))
def test_the_signature_is_hmac_sha256_over_the_raw_values(fields: dict[str, str]) -> None:
    assert sign(KEY, canonical(fields)) == mac(fields)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("5123450000000008", True),
        ("4000000000001091", True),
        ("9704360000000000002", True),
        ("5123-4500-0000-0008", True),
        ("4222222222222", True),
        ("5123450000000009", False),
        ("512345xxxxxx0008", False),
        ("************", False),
        ("400000000002", False),
        ("20261124T173500Z", False),
        ("", False),
        ("٤٢٢٢٢٢٢٢٢٢٢٢٢", False),
    ],
)
def test_a_card_s_number_is_known_by_its_length_and_its_check_digit(
    text: str, *, is_one: bool
) -> None:
    assert is_card_number(text) is is_one


# ── what we answer, and what we are ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("verdict", "status", "body"),
    [
        (Verdict.RECORDED, 200, b"responsecode=1&desc=confirm-success"),
        (Verdict.REPEATED, 200, b"responsecode=1&desc=confirm-success"),
        (Verdict.UNKNOWN_REFERENCE, 200, b"responsecode=0&desc=confirm-fail"),
        (Verdict.AMOUNT_DIFFERS, 200, b"responsecode=0&desc=confirm-fail"),
        (Verdict.REFUSED, 200, b"responsecode=0&desc=confirm-fail"),
        (Verdict.TRY_LATER, 503, b"responsecode=0&desc=confirm-fail"),
    ],
)
def test_each_verdict_has_its_exact_answer(verdict: Verdict, status: int, body: bytes) -> None:
    answer = ONEPAY.acknowledge(verdict)
    assert (answer.status, answer.body) == (status, body)


def test_the_abilities_are_those_that_onepay_has() -> None:
    has = {ability for ability in ABILITIES if issubclass(OnePay, ability)}
    assert has == {TakesPayments, Notifies, AnswersQueries, Refunds}
    assert OnePay.channels == {Channel.CARD}


@pytest.mark.parametrize(
    "wrong",
    [
        {"hash_key": "no hex"},
        {"hash_key": ""},
        {"merchant_id": "A" * 17},
        {"access_code": "123456789"},
        {"host": "mtf.onepay.vn"},
        {"password": ""},
        {"unknown": 1},
    ],
    ids=str,
)
def test_a_wrong_configuration_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({**ACCOUNT, **wrong})


def test_the_host_defaults_to_the_sandbox() -> None:
    assert urlsplit(ONEPAY.config.host).hostname == "mtf.onepay.vn"


def test_no_secret_is_in_what_a_log_could_write() -> None:
    shown = f"{ONEPAY.config!r} {ONEPAY.config} {ONEPAY.config.model_dump_json()} {ONEPAY!r}"
    assert KEY not in shown + pay_url()
    assert PASSWORD not in shown + pay_url()
