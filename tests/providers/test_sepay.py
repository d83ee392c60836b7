"""SePay's notices, main and BankHub; who sent them, and how old they are."""

import hashlib
import hmac
import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.kit.messages import Garbled, Incoming, SignatureWrong, Unreadable
from gateway.providers.sepay import Config, SePay

KEY = "sepay-webhook-key-of-a-test"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
# The samples of docs.sepay.vn, read 2026-11-24, with our account.
MAIN: dict[str, Any] = {
    "id": 92704,
    "gateway": "Vietcombank",
    "transactionDate": "2023-03-25 14:02:37",
    "accountNumber": "0123499999",
    "code": None,
    "content": "chuyen tien mua iphone",
    "transferType": "in",
    "transferAmount": 2277000,
    "accumulated": 19077000,
    "subAccount": None,
    "referenceCode": "MBVCB.3278907687",
    "description": "",
}
HUB: dict[str, Any] = {
    "gateway": "OCB",
    "transaction_date": "2026-11-24 16:00:00",
    "account_number": "0123499999",
    "bank_account_xid": "ba_01j7xyz987654321",
    "va": "EVNCMP7XHXH5N2ND",
    "payment_code": "P7XHXH5N2ND",
    "content": "P7XHXH5N2ND PB14010012345",
    "transfer_type": "credit",
    "amount": 512345,
    "reference_code": "FT24331Q8MDW",
    "accumulated": 0,
    "transaction_id": "tx_01j7xyz",
}


def a_provider(proof: str = "hmac", **changes: str) -> SePay:
    settings = {"account": "0123499999", "proof": proof, "key": KEY} | changes
    return SePay(Config.model_validate(settings))


def mac(text: bytes) -> str:
    return hmac.new(KEY.encode(), text, hashlib.sha256).hexdigest()


def hmaced(body: bytes, *, at: datetime = NOW, has_time: bool = True) -> Incoming:
    stamp = str(int(at.timestamp()))
    signed = f"{stamp}.".encode() + body if has_time else body
    headers = {"x-sepay-signature": f"sha256={mac(signed)}", "x-sepay-timestamp": stamp}
    return Incoming("POST", body=body, headers=headers, received_at=NOW)


def keyed(body: bytes, given: str = f"Apikey {KEY}") -> Incoming:
    return Incoming("POST", body=body, headers={"authorization": given}, received_at=NOW)


def sent(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


def test_the_documented_notice_is_a_credit() -> None:
    (credit,) = a_provider("apikey").read_credits(keyed(sent(MAIN)))
    assert (credit.key, credit.amount_dong) == ("92704", 2_277_000)
    assert (credit.account, credit.virtual_account) == ("0123499999", None)
    assert credit.bank_reference == "MBVCB.3278907687"
    assert credit.text == "chuyen tien mua iphone"
    assert credit.at == datetime(2023, 3, 25, 7, 2, 37, tzinfo=UTC)


def test_bank_hub_names_the_same_things_otherwise() -> None:
    (credit,) = a_provider().read_credits(hmaced(sent(HUB)))
    assert (credit.key, credit.amount_dong) == ("tx_01j7xyz", 512_345)
    assert credit.virtual_account == "EVNCMP7XHXH5N2ND"
    assert (credit.bank_reference, credit.order_code) == ("FT24331Q8MDW", "P7XHXH5N2ND")


def test_bank_hub_may_name_the_account_by_its_xid() -> None:
    provider = a_provider(account="0099,ba_01j7xyz987654321")
    body = sent(HUB | {"account_number": None})
    assert provider.read_credits(hmaced(body))[0].account == "ba_01j7xyz987654321"


@pytest.mark.parametrize(
    ("given_", "is_right"),
    [
        (f"Apikey {KEY}", True),
        (f"apikey  {KEY}", True),
        (f"Bearer {KEY}", False),
        (KEY, False),
        ("Apikey wrong", False),
        ("", False),
    ],
)
def test_an_api_key_is_compared_whole(given_: str, *, is_right: bool) -> None:
    if is_right:
        assert a_provider("apikey").read_credits(keyed(sent(MAIN), given_))
        return
    with pytest.raises(SignatureWrong):
        a_provider("apikey").read_credits(keyed(sent(MAIN), given_))


def test_a_signature_may_stand_bare_or_behind_its_name() -> None:
    notice = hmaced(sent(MAIN))
    bare = notice.headers["x-sepay-signature"].removeprefix("sha256=").upper()
    for given_ in (bare, f"sha256={bare}"):
        headers = {**notice.headers, "x-sepay-signature": given_}
        assert a_provider().read_credits(replace(notice, headers=headers))


def test_the_two_texts_of_the_hmac_are_not_taken_for_each_other() -> None:
    with_time, without = (hmaced(sent(MAIN), has_time=has) for has in (True, False))
    assert a_provider("hmac_body").read_credits(without)
    for provider, notice in ((a_provider("hmac"), without), (a_provider("hmac_body"), with_time)):
        with pytest.raises(SignatureWrong):
            provider.read_credits(notice)


@pytest.mark.parametrize("off_s", [-301, 301, 86_400, -86_400])
@pytest.mark.parametrize("proof", ["hmac", "hmac_body"])
def test_a_notice_more_than_five_minutes_off_is_refused(proof: str, off_s: int) -> None:
    at = NOW + timedelta(seconds=off_s)
    with pytest.raises(SignatureWrong):
        a_provider(proof).read_credits(hmaced(sent(MAIN), at=at, has_time=proof == "hmac"))


@pytest.mark.parametrize("off_s", [-300, 0, 300])
def test_a_notice_within_five_minutes_is_taken(off_s: int) -> None:
    assert a_provider().read_credits(hmaced(sent(MAIN), at=NOW + timedelta(seconds=off_s)))


def test_a_notice_of_which_nobody_knows_when_it_came_is_refused() -> None:
    with pytest.raises(SignatureWrong):
        a_provider().read_credits(replace(hmaced(sent(MAIN)), received_at=None))


@pytest.mark.parametrize("stamp", ["", "x", "-1", "9" * 13, "1.5", "\u0661"])
def test_a_time_that_is_none_is_refused(stamp: str) -> None:
    body = sent(MAIN)
    headers = {"x-sepay-signature": mac(body), "x-sepay-timestamp": stamp}
    with pytest.raises(SignatureWrong):
        a_provider("hmac_body").read_credits(
            Incoming("POST", body=body, headers=headers, received_at=NOW)
        )


def test_no_proof_at_all_is_no_setting() -> None:
    with pytest.raises(ValidationError):
        a_provider("none")


@pytest.mark.parametrize(
    "body", [MAIN | {"transferType": "out"}, HUB | {"transfer_type": "debit"}], ids=["main", "hub"]
)
def test_money_that_goes_out_brings_nothing(body: dict[str, Any]) -> None:
    assert not a_provider().read_credits(hmaced(sent(body)))


def test_a_trial_about_nobodys_account_brings_nothing() -> None:
    trial = MAIN | {"accountNumber": "0000000001", "content": "Giao dich thu nghiem SePay"}
    assert not a_provider().read_credits(hmaced(sent(trial)))


def test_a_payer_who_writes_what_a_trial_says_has_paid_all_the_same() -> None:
    body = MAIN | {"content": "Giao dich thu nghiem"}
    assert a_provider().read_credits(hmaced(sent(body)))


@pytest.mark.parametrize(
    "change",
    [
        {"accountNumber": "0999"},
        {"transferType": "sideways"},
        {"transferAmount": 0},
        {"transferAmount": 1000.5},
        {"id": None},
        {"transactionDate": "25/03/2023"},
        {"content": 5.5},
    ],
    ids=str,
)
def test_what_is_not_as_documented_is_unreadable(change: dict[str, Any]) -> None:
    body = sent(MAIN | change)
    if change == {"content": 5.5}:  # a number is read as the text that it was
        assert a_provider().read_credits(hmaced(body))[0].text == "5.5"
        return
    with pytest.raises(Unreadable):
        a_provider().read_credits(hmaced(body))


@given(st.binary())
def test_no_signed_bytes_raise_anything_but_garbled(body: bytes) -> None:
    with suppress(Garbled):
        a_provider().read_credits(hmaced(body))
