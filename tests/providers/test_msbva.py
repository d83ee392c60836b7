"""MSB's notices: nothing stands between the signed fields, so their limits are checked."""

import hashlib
import json
from typing import Any

import pytest

from gateway.kit.messages import Garbled, Incoming, SignatureWrong, Unreadable
from gateway.providers.msbva import Config, MsbVa

ACCESS_CODE = "msb-access-code-of-a-test"
ACCOUNT, VIRTUAL = "0011012345678", "EVNCMP7XHXH5N2ND"
SETTINGS: dict[str, Any] = {
    "account": ACCOUNT,
    "virtual_account_prefix": "EVNCM",
    "virtual_account_length": 16,
    "access_code": ACCESS_CODE,
}
MSB = MsbVa(Config.model_validate(SETTINGS))
NOTICE: dict[str, Any] = {
    "tranSeq": "1637745600123",
    "vaCode": "EVNCM",
    "vaNumber": VIRTUAL,
    "fromAccountName": "NGUYEN VAN A",
    "fromAccountNumber": "19036812345678",
    "toAccountName": "CONG TY DIEN LUC CA MAU",
    "toAccountNumber": ACCOUNT,
    "tranAmount": "512345",
    "tranRemark": "P7XHXH5N2ND PB14010012345",
    "tranDate": "20261124160500",
}
ORDER = ("tranSeq", "tranDate", "vaNumber", "tranAmount", "fromAccountNumber", "toAccountNumber")


def shown(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def signed(fields: dict[str, Any]) -> Incoming:
    text = ACCESS_CODE + "".join(shown(fields.get(name)) for name in ORDER)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Incoming("POST", body=json.dumps(fields | {"signature": digest}).encode())


def test_a_transfer_into_a_virtual_account_is_a_credit() -> None:
    (credit,) = MSB.read_credits(signed(NOTICE))
    assert (credit.key, credit.amount_dong, credit.account) == ("1637745600123", 512_345, ACCOUNT)
    assert credit.virtual_account == VIRTUAL
    assert credit.at.isoformat() == "2026-11-24T09:05:00+00:00"


def test_an_amount_may_be_a_number() -> None:
    assert MSB.read_credits(signed(NOTICE | {"tranAmount": 512345}))[0].amount_dong == 512_345


def test_a_signature_in_capitals_is_taken() -> None:
    fields = json.loads(signed(NOTICE).body)
    fields["signature"] = fields["signature"].upper()
    assert MSB.read_credits(Incoming("POST", body=json.dumps(fields).encode()))


@pytest.mark.parametrize(
    ("first", "second", "by"),
    [
        ("tranSeq", "tranDate", 1),
        ("tranSeq", "tranDate", -1),
        ("tranDate", "vaNumber", 1),
        ("tranDate", "vaNumber", -1),
        ("vaNumber", "tranAmount", 1),
        ("vaNumber", "tranAmount", -1),
        ("fromAccountNumber", "toAccountNumber", 1),
        ("fromAccountNumber", "toAccountNumber", -1),
    ],
)
def test_text_that_moves_between_signed_fields_is_refused(first: str, second: str, by: int) -> None:
    whole, at = NOTICE[first] + NOTICE[second], len(NOTICE[first]) + by
    moved = NOTICE | {first: whole[:at], second: whole[at:]}
    assert (
        json.loads(signed(moved).body)["signature"] == json.loads(signed(NOTICE).body)["signature"]
    )
    with pytest.raises(Garbled):
        MSB.read_credits(signed(moved))


def test_an_amount_that_takes_digits_of_the_senders_account_has_the_same_key() -> None:
    # The one place where the protocol cannot tell: the house has the first of them, and no other.
    whole = NOTICE["tranAmount"] + NOTICE["fromAccountNumber"]
    moved = NOTICE | {"tranAmount": whole[:7], "fromAccountNumber": whole[7:]}
    assert MSB.read_credits(signed(moved))[0].key == MSB.read_credits(signed(NOTICE))[0].key


@pytest.mark.parametrize(
    "change",
    [
        {"vaNumber": "OTHERP7XHXH5N2ND"},
        {"toAccountNumber": "0011012345679"},
        {"fromAccountNumber": "x"},
        {"tranAmount": "0"},
        {"tranAmount": "0512345"},
        {"tranSeq": ""},
        {"tranDate": "24/11/2026"},
    ],
    ids=str,
)
def test_what_is_not_as_agreed_is_unreadable(change: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        MSB.read_credits(signed(NOTICE | change))


def test_what_is_not_signed_is_text_only() -> None:
    fields = json.loads(signed(NOTICE).body) | {"tranRemark": "anything"}
    (credit,) = MSB.read_credits(Incoming("POST", body=json.dumps(fields).encode()))
    assert credit.text == "anything"
    assert credit.virtual_account == VIRTUAL


def test_another_access_code_is_refused() -> None:
    other = MsbVa(Config.model_validate(SETTINGS | {"access_code": "another-access-code"}))
    with pytest.raises(SignatureWrong):
        other.read_credits(signed(NOTICE))
