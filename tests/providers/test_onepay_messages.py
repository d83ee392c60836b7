"""What OnePay sends us: notifications, browser returns and answers, true, forged and indiscreet."""

from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.evidence import Outcome, mismatch
from gateway.kit.messages import Garbled, Incoming, Reply, SignatureWrong, Unreadable
from gateway.providers.onepay import Config, OnePay
from tests.providers.onepay import (
    ACCOUNT,
    ANSWER,
    MERCHANT,
    NOTICE,
    ONEPAY,
    ORDER,
    REFUND,
    REFUNDED,
    a_query,
    an_answer,
    mac,
    noticed,
    queried,
    refunded,
)

SUCCEEDED, FAILED, PENDING = Outcome.SUCCEEDED, Outcome.FAILED, Outcome.PENDING
ABSENT, UNKNOWN = Outcome.ABSENT, Outcome.UNKNOWN

# Messages of OnePay to its public test merchants, as others recorded them (read 2026-11-24); the
# first is from the tests of phpviet/omnipay-onepay and has the key of the merchant ONEPAY.
RECORDED_ONEPAY = (
    "vpc_AdditionData=970436&vpc_Amount=100&vpc_Command=pay&vpc_CurrencyCode=VND&vpc_Locale=vn"
    "&vpc_MerchTxnRef=201803210919102006754784&vpc_Merchant=ONEPAY&vpc_OrderInfo=JSECURETEST01"
    "&vpc_TransactionNo=1625746&vpc_TxnResponseCode=0&vpc_Version=2"
    "&vpc_SecureHash=0331F9D8E0CD9A6BC581B74721658DFD9A5A219145F92DED700C13E4843BB3B0"
)
RECORDED_DOMESTIC = (
    "vpc_Command=pay&vpc_Amount=10000&vpc_Card=970425&vpc_CardNum=970425xxx0001"
    "&vpc_CardUid=INS-khrh_mBsMfjgUAB_AQAqKg&vpc_MerchTxnRef=6373&vpc_Merchant=TESTONEPAY"
    "&vpc_Message=Approved&vpc_OrderInfo=HNTESTbookingbycuonglv&vpc_PayChannel=WEB"
    "&vpc_TransactionNo=PAY-maZaCQgoSEOVQR_VI8Kfsg&vpc_TxnResponseCode=0&vpc_Version=2"
    "&vpc_BinCountry=VN&vpc_Locale=vn&vpc_PaymentTime=20220930T151849Z"
    "&vpc_SecureHash=DD95D2D8F83E042999D51B757D530A730620BA09C942E39763CF2A9FD493E858"
)
RECORDED_VISA = (
    "vpc_Command=pay&vpc_Amount=1000000&vpc_AuthorizeId=831000&vpc_Card=VC&vpc_CardExp=0524"
    "&vpc_CardNum=400000xxx0002&vpc_CardUid=INS-kjBjd-ULTK7gUAB_AQBDlQ"
    "&vpc_MerchTxnRef=REF_1666149347206&vpc_Merchant=TESTONEPAY&vpc_Message=Approved"
    "&vpc_OrderInfo=Ma+Don+Hang&vpc_PayChannel=WEB&vpc_TransactionNo=PAY-Xz1OcTFySqutuCbv4kCfTA"
    "&vpc_TxnResponseCode=0&vpc_Version=2&vpc_BinCountry=US&vpc_Locale=en"
    "&vpc_PaymentTime=20221019T031549Z&vpc_MerchantAdviceCode=01"
    "&vpc_NetworkTransactionID=016153570198200&vpc_AcqResponseCode=00&vpc_CavvResponseCode=2"
    "&vpc_SecureHash=4447268CEE4EE6968839C2F2CBD98C466635656D9E559F7253B3B3E01C0E5FE3"
)
# Authentic too, of a merchant that asked for tokens: a token passes for a card's number.
RECORDED_TOKEN = (
    "vpc_Amount=1000000&vpc_AuthorizeId=786773&vpc_Card=MC&vpc_CardExp=1224"
    "&vpc_CardNum=512345xxxxxx0008&vpc_CardUid=INS-tzPxWFXUDETgVQIMKZInFQ&vpc_Command=pay"
    "&vpc_MerchTxnRef=TEST_1710478448663756556774&vpc_Merchant=TESTONEPAY&vpc_Message=Approved"
    "&vpc_OrderInfo=Ma+Don+Hang&vpc_PayChannel=WEB&vpc_TokenExp=1224&vpc_TokenNum=5123455406576717"
    "&vpc_TransactionNo=PAY-cM95nfJWT2-77ME7Q8DiCQ&vpc_TxnResponseCode=0&vpc_Version=2"
    "&vpc_AcqResponseCode=00"
    "&vpc_SecureHash=F53F16A50FDA4455C5068D58ADD0815A3801BB4B6DBDE5499E5939F211922BC2"
)


# ── notifications and returns ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("query", [RECORDED_DOMESTIC, RECORDED_VISA])
def test_a_recorded_message_verifies(query: str) -> None:
    finding = ONEPAY.read_notification(Incoming("GET", query)).finding
    assert (finding.outcome, finding.merchant) == (SUCCEEDED, MERCHANT)


def test_a_recorded_message_of_the_other_merchant_verifies_in_dong() -> None:
    account = {**ACCOUNT, "merchant_id": "ONEPAY", "hash_key": "A3EFDFABA8653DF2342E8DAC29B51AF0"}
    provider = OnePay(Config.model_validate(account))
    finding = provider.read_return(Incoming("GET", RECORDED_ONEPAY))
    assert (finding.outcome, finding.amount_dong, finding.provider_id) == (SUCCEEDED, 1, "1625746")


def test_a_notification_gives_its_facts_in_dong_and_utc() -> None:
    notification = ONEPAY.read_notification(a_query())
    finding = notification.finding
    assert (finding.outcome, finding.amount_dong, finding.code) == (SUCCEEDED, 150_000, "0")
    assert (finding.reference, finding.merchant) == (ORDER.reference, MERCHANT)
    assert finding.provider_id == "PAY-Xz1OcTFySqutuCbv4kCfTA"
    assert finding.paid_at == datetime(2026, 11, 24, 17, 35, tzinfo=UTC)
    assert notification.key == f"{ORDER.reference}:PAY-Xz1OcTFySqutuCbv4kCfTA:0"


def test_get_and_post_are_read_alike_and_foreign_parameters_do_not_disturb() -> None:
    query = a_query().query
    plain = ONEPAY.read_notification(a_query())
    assert ONEPAY.read_notification(Incoming("POST", body=query.encode())) == plain
    assert ONEPAY.read_notification(Incoming("POST", "a=1", query.encode())) == plain
    assert ONEPAY.read_notification(Incoming("GET", f"biller=evn&{query}&utm=a&utm=b")) == plain


@pytest.mark.parametrize("name", [*NOTICE, "vpc_New"])
def test_a_forged_twin_is_refused(name: str) -> None:
    signature, short = mac(NOTICE), name.removeprefix("vpc_")
    with pytest.raises(SignatureWrong):
        ONEPAY.read_notification(a_query(signature, **{short: "9"}))
    if name in NOTICE:
        with pytest.raises(SignatureWrong):
            ONEPAY.read_notification(a_query(signature, **{short: None}))


@pytest.mark.parametrize("signature", ["", "0" * 64, mac(NOTICE)[:-1], f"{mac(NOTICE)}0", "ổ", "ß"])
def test_a_missing_or_wrong_signature_is_refused(signature: str) -> None:
    for incoming in (a_query(signature), Incoming("GET", urlencode(NOTICE))):
        with pytest.raises(SignatureWrong):
            ONEPAY.read_notification(incoming)


def test_the_signature_s_case_does_not_matter() -> None:
    assert ONEPAY.read_notification(a_query(mac(NOTICE).lower())).finding.outcome is SUCCEEDED


def test_an_empty_field_is_not_signed() -> None:
    query = f"{a_query().query}&vpc_AdditionData=&vpc_SecureHashType=SHA256"
    assert ONEPAY.read_return(Incoming("GET", query)).outcome is SUCCEEDED


def test_vietnamese_is_signed_as_utf_8() -> None:
    assert noticed(Message="Giao dịch thành công").message == "Giao dịch thành công"


def test_a_field_that_stands_twice_is_refused() -> None:
    with pytest.raises(Unreadable):
        ONEPAY.read_return(Incoming("GET", f"{a_query().query}&vpc_Amount=15000000"))


def test_text_cannot_move_from_one_signed_field_into_the_next() -> None:
    """The base string is the same to the byte, but the code would be hidden within a text."""
    fields = {n: v for n, v in NOTICE.items() if n not in {"vpc_TxnResponseCode", "vpc_Version"}}
    fields["vpc_TransactionNo"] += "&vpc_TxnResponseCode=0&vpc_Version=2"
    assert mac(fields) == mac(NOTICE)
    query = urlencode({**fields, "vpc_SecureHash": mac(NOTICE)})
    with pytest.raises(Unreadable):
        ONEPAY.read_return(Incoming("GET", query))


def test_a_signed_answer_to_a_refund_is_no_notification_of_a_payment() -> None:
    query = an_answer(REFUNDED, MerchTxnRef=ORDER.reference, Amount="15000000").body
    for command in (
        Incoming("POST", body=query),
        a_query(Command="queryDR"),
        a_query(Command=None),
    ):
        with pytest.raises(Unreadable):
            ONEPAY.read_notification(command)


@pytest.mark.parametrize("name", ["MerchTxnRef", "Merchant", "TxnResponseCode"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_signed_notification_without_what_matters_is_unreadable(
    name: str, value: str | None
) -> None:
    with pytest.raises(Unreadable):
        ONEPAY.read_notification(a_query(**{name: value}))


@pytest.mark.parametrize("amount", ["15000001", "1e5", "-100", "150.00", "\uff1500", "1" * 17])
def test_an_amount_that_is_no_whole_dong_is_unreadable(amount: str) -> None:
    with pytest.raises(Unreadable):
        noticed(Amount=amount)


def test_another_currency_s_number_is_never_taken_for_dong() -> None:
    finding = noticed(CurrencyCode="USD")
    assert finding.amount_dong is None
    refused = mismatch(finding, reference=ORDER.reference, amount_dong=150_000, merchant=MERCHANT)
    assert refused == "amount"


def test_another_merchant_s_message_is_handed_on_for_the_house_to_refuse() -> None:
    assert noticed(Merchant="OTHER").merchant == "OTHER"
    assert queried(Merchant="OTHER").merchant == "OTHER"


def test_the_key_is_that_of_the_status_not_of_the_message() -> None:
    key = ONEPAY.read_notification(a_query()).key
    assert ONEPAY.read_notification(a_query(PaymentTime="20261124T180000Z")).key == key
    assert ONEPAY.read_notification(a_query(TxnResponseCode="300")).key != key
    assert ONEPAY.read_notification(a_query(TransactionNo="PAY-2")).key != key


# ── no card number ever reaches us ───────────────────────────────────────────────────────────────

CARDS = ["5123450000000008", "5123 4500 0000 0008", "4000000000001091", "9704360000000000002"]


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("name", ["CardNum", "Message", "OrderInfo", "TokenNum", "New"])
def test_a_card_s_number_in_any_field_is_refused_though_it_is_signed(card: str, name: str) -> None:
    with pytest.raises(Unreadable, match="card"):
        noticed(**{name: card})
    with pytest.raises(Unreadable, match="card"):
        queried(**{name: card})
    with pytest.raises(Unreadable, match="card"):
        refunded(**{name: card})


def test_a_token_passes_for_a_card_s_number_so_we_never_ask_for_one() -> None:
    with pytest.raises(Unreadable, match="card"):
        ONEPAY.read_return(Incoming("GET", RECORDED_TOKEN))


@pytest.mark.parametrize("name", ["NetworkTransactionID", "TransactionNo"])
def test_the_movement_s_own_numbers_may_pass_luhn_s_check(name: str) -> None:
    assert noticed(**{name: "016153570198201"}).outcome is SUCCEEDED
    assert noticed(**{name: "4222222222222"}).outcome is SUCCEEDED


@pytest.mark.parametrize("masked", ["512345***0008", "512345xxxxxx0008", "************", "0008"])
def test_a_masked_card_s_number_is_no_card_s_number(masked: str) -> None:
    assert noticed(CardNum=masked).outcome is SUCCEEDED


def test_what_is_about_the_card_is_a_private_field() -> None:
    private = {f"vpc_{name}" for name in ("CardNum", "CardExp", "CardUid", "TokenNum", "TokenExp")}
    assert private == ONEPAY.private_fields


# ── any bytes ────────────────────────────────────────────────────────────────────────────────────

FORMS = st.dictionaries(
    st.sampled_from([*ANSWER, "vpc_SecureHash", "user_x"]),
    st.text(max_size=20) | st.sampled_from(["0", "N", "Y", "pay"]),
).map(urlencode)


@given(st.binary() | FORMS.map(str.encode))
def test_no_answer_raises_anything_but_garbled_or_proves_a_payment(body: bytes) -> None:
    harmless = {ABSENT, UNKNOWN, PENDING}
    with suppress(Garbled):
        assert ONEPAY.read_queried(ORDER, Reply(200, body)).outcome in harmless
    for read in (ONEPAY.read_refunded, ONEPAY.read_refund_queried):
        with suppress(Garbled):
            assert read(REFUND, Reply(200, body)).outcome in {UNKNOWN, PENDING}


QUERIES = st.text() | FORMS | st.text(st.characters(categories=["Cs"])).map("vpc_A={}".format)


@given(QUERIES, st.binary())
def test_no_request_raises_anything_but_garbled(query: str, body: bytes) -> None:
    for incoming in (Incoming("GET", query), Incoming("POST", body=body)):
        for read in (ONEPAY.read_return, ONEPAY.read_notification):
            with pytest.raises(Garbled):
                read(incoming)
