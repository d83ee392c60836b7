"""Casso's notices: v2 by its signature, v1 by its token; the vendor's traps."""

import hashlib
import hmac
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kit.messages import Garbled, Incoming, SignatureWrong, Unreadable
from gateway.providers.casso import Casso, Config, canonical, sign

# The sample in Java of CassoHQ/casso-webhook-v2-verify-signature, read 2026-11-24; it verifies,
# which the one in JavaScript does not.
PUBLISHED_KEY = "mgExMrjj4i7a1p8Cs6LmFbpCd8lbw4sSX4LZXPag7TKazeIogtR90tvWYTkwQbvs"
PUBLISHED_STAMP = "1727948258788"
PUBLISHED_SIGNATURE = (
    "ed0a4bd2e826d5cb69988cdb141e6c1a080e21f3b57eb72cd78192220042b9e7"
    "dde0868fc667faea8e224900fa7904e7c88dfa098032fb2d6b6996856e8b7ff3"
)
PUBLISHED: dict[str, Any] = {
    "error": 0,
    "data": {
        "id": 0,
        "reference": "MA_GIAO_DICH_THU_NGHIEM",
        "description": "giao dich thu nghiem",
        "amount": 599000,
        "runningBalance": 25000000,
        "transactionDateTime": "2024-10-03 15:06:37",
        "accountNumber": "88888888",
        "bankName": "VPBank",
        "bankAbbreviation": "VPB",
        "virtualAccountNumber": "",
        "virtualAccountName": "",
        "counterAccountName": "NGUYEN VAN A",
        "counterAccountNumber": "8888888888",
        "counterAccountBankId": "970415",
        "counterAccountBankName": "VietinBank",
    },
}
ACCOUNT, TOKEN = "0011012345678", "casso-secure-token-of-a-test"
ROW: dict[str, Any] = PUBLISHED["data"] | {
    "id": 4711,
    "reference": "FT24331Q8MDW",
    "description": "Tiền điện/nước P7XHXH5N2ND PB14010012345",
    "amount": 512345,
    "accountNumber": ACCOUNT,
    "virtualAccountNumber": "EVNCMP7XHXH5N2ND",
    "counterAccountName": "NGUYỄN VĂN Á",
}
ROW_V1: dict[str, Any] = {
    "id": 4711,
    "tid": "FT24331Q8MDW",
    "description": "P7XHXH5N2ND PB14010012345",
    "amount": 512345,
    "cusum_balance": 25000000.5,
    "when": "2026-11-24 16:00:00",
    "bank_sub_acc_id": ACCOUNT,
    "virtualAccount": "",
}
CASSO = Casso(Config(account=ACCOUNT, key=PUBLISHED_KEY))
OLDER = Casso(Config(account=ACCOUNT, key=TOKEN, version="v1"))


def compact(whole: Any, *, is_sorted: bool = True) -> bytes:
    """Write JSON as JavaScript does."""
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"), sort_keys=is_sorted)
    return text.encode()


def signed(body: bytes, text: bytes | None = None) -> Incoming:
    """Sign a body, or send it with the signature of another text."""
    due = hmac.new(PUBLISHED_KEY.encode(), b"1764000000000." + (text or body), hashlib.sha512)
    header = f"t=1764000000000,v1={due.hexdigest()}"
    return Incoming("POST", body=body, headers={"x-casso-signature": header})


def a_notice(**changes: Any) -> Incoming:
    return signed(compact({"error": 0, "data": ROW | changes}))


def tokened(whole: Any, token: str = TOKEN) -> Incoming:
    return Incoming("POST", body=compact(whole), headers={"secure-token": token})


def test_the_published_signature_verifies() -> None:
    assert sign(PUBLISHED_KEY, PUBLISHED_STAMP, canonical(PUBLISHED)) == PUBLISHED_SIGNATURE


def test_a_movement_is_a_credit() -> None:
    (credit,) = CASSO.read_credits(a_notice())
    assert (credit.key, credit.amount_dong, credit.account) == ("4711", 512_345, ACCOUNT)
    assert (credit.virtual_account, credit.bank_reference) == ("EVNCMP7XHXH5N2ND", "FT24331Q8MDW")
    assert credit.text.startswith("Tiền điện/nước P7XHXH5N2ND")
    assert credit.at.isoformat() == "2024-10-03T08:06:37+00:00"


def test_a_body_in_any_order_is_verified_as_its_sorted_self() -> None:
    whole = {"error": 0, "data": dict(reversed(ROW.items()))}
    pretty = json.dumps(whole, indent=2).encode()  # escapes what is not ASCII, and has blanks
    assert CASSO.read_credits(signed(pretty, text=compact(whole)))


def test_a_body_that_is_signed_as_it_is_need_not_be_sorted() -> None:
    assert CASSO.read_credits(signed(compact({"error": 0, "data": ROW}, is_sorted=False)))


@pytest.mark.parametrize("escape", ["ascii", "slashes"])
def test_what_the_vendors_wrong_samples_would_sign_is_refused(escape: str) -> None:
    whole = {"data": ROW, "error": 0}
    body = compact(whole)
    wrong = (
        json.dumps(whole, separators=(",", ":"), sort_keys=True).encode()
        if escape == "ascii"
        else body.replace(b"/", b"\\/")
    )
    with pytest.raises(SignatureWrong):
        CASSO.read_credits(signed(body, text=wrong))


def test_numbers_are_written_as_javascript_writes_them() -> None:
    assert canonical({"b": [1.0, 2.5, 1e15], "a": {"z": True, "y": None}}) == (
        b'{"a":{"y":null,"z":true},"b":[1,2.5,1000000000000000]}'
    )


@pytest.mark.parametrize(
    "header", ["", "t=1,v1=", "v1=aa,t=1", "t=x,v1=" + "a" * 128, "t=1,v1=" + "a" * 128]
)
def test_a_header_that_is_no_signature_is_refused(header: str) -> None:
    body = compact({"error": 0, "data": ROW})
    with pytest.raises(SignatureWrong):
        CASSO.read_credits(Incoming("POST", body=body, headers={"x-casso-signature": header}))


@pytest.mark.parametrize("data", [None, [], {}, ""])
def test_a_trial_call_without_data_brings_nothing_and_is_thanked(data: object) -> None:
    for provider in (CASSO, OLDER):
        assert not provider.read_credits(Incoming("POST", body=compact({"error": 0, "data": data})))


def test_a_trial_call_with_its_sample_brings_nothing() -> None:
    assert not CASSO.read_credits(signed(compact(PUBLISHED)))


def test_money_that_goes_out_brings_nothing() -> None:
    assert not CASSO.read_credits(a_notice(amount=-512345))


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 0},
        {"amount": "x"},
        {"amount": 1.5},
        {"id": None},
        {"accountNumber": "0999"},
        {"transactionDateTime": None},
    ],
    ids=str,
)
def test_what_is_not_as_documented_is_unreadable(change: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        CASSO.read_credits(a_notice(**change))


def test_v1_brings_a_list_of_movements() -> None:
    rows = [ROW_V1, ROW_V1 | {"id": 4712, "amount": -9}, ROW_V1 | {"id": 4713, "amount": 1}]
    found = OLDER.read_credits(tokened({"error": 0, "data": rows}))
    assert [(credit.key, credit.amount_dong) for credit in found] == [
        ("4711", 512_345),
        ("4713", 1),
    ]
    assert found[0].bank_reference == "FT24331Q8MDW"


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "1"])
def test_v1_without_its_token_is_refused(token: str) -> None:
    with pytest.raises(SignatureWrong):
        OLDER.read_credits(tokened({"error": 0, "data": [ROW_V1]}, token))


def test_a_token_is_no_proof_where_a_signature_is_due() -> None:
    with pytest.raises(SignatureWrong):
        CASSO.read_credits(tokened({"error": 0, "data": ROW}, PUBLISHED_KEY))


@given(st.binary())
def test_no_signed_bytes_raise_anything_but_garbled(body: bytes) -> None:
    with suppress(Garbled):
        CASSO.read_credits(signed(body))
