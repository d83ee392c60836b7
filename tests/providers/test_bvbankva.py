"""BVBank's notices: the bank signs the raw body with its own key."""

import base64
import json
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.kit.messages import Garbled, Incoming, SignatureWrong, Unreadable
from gateway.providers.bvbankva import BvBankVa, Config

ACCOUNT, VIRTUAL = "0011012345678", "EVNCMP7XHXH5N2ND"
DATA: dict[str, Any] = {
    "externalRefNo": "FT24331Q8MDW",
    "trnRefNo": "0000IPS263280001",
    "acEntrySrNo": "1",
    "accNo": ACCOUNT,
    "source": "IPS",
    "ccy": "VND",
    "drcr": "C",
    "lcyAmount": "512345.00",
    "valueDt": "2026-11-24",
    "txnInitDt": "2026-11-24 16:05:00",
    "relatedAccount": VIRTUAL,
    "relatedAccountName": "EVN CA MAU PB14010012345",
    "narrative": "P7XHXH5N2ND PB14010012345",
}


@cache
def bank() -> rsa.RSAPrivateKey:
    """The bank's key, made once."""
    return rsa.generate_private_key(65537, 2048)


def pem(key: Any) -> str:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()


@cache
def provider() -> BvBankVa:
    return BvBankVa(Config.model_validate({"account": ACCOUNT, "public_key": pem(bank())}))


def signed(body: bytes, key: rsa.RSAPrivateKey | None = None) -> Incoming:
    given = (key or bank()).sign(body, padding.PKCS1v15(), hashes.SHA256())
    return Incoming("POST", body=body, headers={"signature": base64.b64encode(given).decode()})


def a_notice(**changes: Any) -> Incoming:
    return signed(json.dumps({"data": DATA | changes}).encode())


def test_a_booking_is_a_credit() -> None:
    (credit,) = provider().read_credits(a_notice())
    assert (credit.key, credit.amount_dong) == ("0000IPS263280001:1", 512_345)
    assert (credit.account, credit.virtual_account) == (ACCOUNT, VIRTUAL)
    assert credit.bank_reference == "FT24331Q8MDW"
    assert credit.at.isoformat() == "2026-11-24T09:05:00+00:00"


def test_a_debit_brings_nothing() -> None:
    assert not provider().read_credits(a_notice(drcr="D"))


def test_two_entries_of_one_transaction_are_two_credits() -> None:
    keys = {provider().read_credits(a_notice(acEntrySrNo=n))[0].key for n in ("1", "2")}
    assert len(keys) == 2


@pytest.mark.parametrize("given_", ["", "x", "AAAA", "đ"])
def test_another_signature_is_refused(given_: str) -> None:
    with pytest.raises(SignatureWrong):
        provider().read_credits(replace(a_notice(), headers={"signature": given_}))


def test_another_banks_key_is_refused() -> None:
    other = rsa.generate_private_key(65537, 2048)
    with pytest.raises(SignatureWrong):
        provider().read_credits(signed(json.dumps({"data": DATA}).encode(), other))


@pytest.mark.parametrize(
    "change",
    [
        {"drcr": "X"},
        {"ccy": "USD"},
        {"accNo": "0999"},
        {"lcyAmount": "512345.50"},
        {"lcyAmount": "0"},
        {"trnRefNo": None},
        {"txnInitDt": ""},
    ],
    ids=str,
)
def test_what_is_not_as_agreed_is_unreadable(change: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        provider().read_credits(a_notice(**change))


def test_the_time_may_be_written_otherwise() -> None:
    settings = {"account": ACCOUNT, "public_key": pem(bank()), "date_format": "%d/%m/%Y %H:%M:%S"}
    other = BvBankVa(Config.model_validate(settings))
    (credit,) = other.read_credits(a_notice(txnInitDt="24/11/2026 16:05:00"))
    assert credit.at.isoformat() == "2026-11-24T09:05:00+00:00"


@pytest.mark.parametrize("kind", ["short", "other", "none"])
def test_a_key_that_is_no_rsa_key_of_2048_bits_is_refused(kind: str) -> None:
    keys = {
        "short": lambda: pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505
        "other": lambda: pem(ec.generate_private_key(ec.SECP256R1())),
        "none": lambda: "x" * 200,
    }
    with pytest.raises(ValidationError):
        Config.model_validate({"account": ACCOUNT, "public_key": keys[kind]()})


@given(st.binary())
def test_no_signed_bytes_raise_anything_but_garbled(body: bytes) -> None:
    with suppress(Garbled):
        provider().read_credits(signed(body))
