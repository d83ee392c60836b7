"""How five services tell of money on an account, byte for byte, and how a bank spoils words.

Sources, read 2026-11-24: payOS's documentation and SDKs; SePay's webhook page; Casso's sample
CassoHQ/casso-webhook-v2-verify-signature; for MSB and BVBank a public multi-bank Java gateway
(packages msb_va, vccb_va). Where a form is not public the simulator's own is named as such.
"""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from gateway.domain.clock import VIETNAM

Json = dict[str, Any]


class Flaw(StrEnum):
    """What is wrong with one notice."""

    BAD_SIGNATURE = "bad_signature"
    NULL_FIELDS = "null_fields"
    """All that may be null is."""
    UNKNOWN_FIELD = "unknown_field"
    """One field more than is documented."""
    OUT = "out"
    """It tells of money that went out."""


class Mangling(StrEnum):
    """What a bank makes of a payer's words."""

    PLAIN = "plain"
    PREFIXED = "prefixed"
    """Its own words stand before and behind."""
    UPPER = "upper"
    """Capitals, and no punctuation."""
    SQUEEZED = "squeezed"
    """Nothing but letters and digits, in one word."""
    TORN = "torn"
    """A blank after every seven characters."""
    CUT = "cut"
    """Only the first eight characters are left."""
    UNKNOWN = "unknown"
    """The payer wrote something else."""


@dataclass(frozen=True)
class Movement:
    """Money that came in: `number` is the telling service's own, `reference` the bank's."""

    number: int
    reference: str
    amount_dong: int
    account: str
    virtual_account: str | None
    text: str
    at: datetime
    order_code: int | None = None
    link_id: str | None = None


@dataclass(frozen=True)
class Told:
    """One notice as it goes out."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Credentials:
    """The simulator's own, none of them anybody's; BVBank's key is made anew at each start."""

    payos: str = "payos-sandbox-simulator-checksum-key-0001"
    sepay: str = "sepay-sandbox-simulator-api-key-0001"
    casso: str = "casso-sandbox-simulator-checksum-key-0001"
    msbva: str = "msb-sandbox-simulator-access-code-0001"


@dataclass(frozen=True)
class Secrets:
    """What notices are signed with, and the clock that stamps them."""

    credentials: Credentials
    bvbank_key: RSAPrivateKey
    now: Callable[[], datetime]


def new_key() -> RSAPrivateKey:
    """Make a key for BVBank's signatures."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def mangle(text: str, how: Mangling) -> str:
    """Do to a text what a bank does.

    >>> mangle("PB14010012345 T112025.", Mangling.UPPER)
    'PB14010012345 T112025'
    >>> mangle("PB14010012345", Mangling.TORN)
    'PB14010 012345'
    """
    kept = "".join(c if c.isalnum() and c.isascii() else " " for c in text.upper())
    words = " ".join(kept.split())
    whole = words.replace(" ", "")
    return {
        Mangling.PLAIN: text,
        Mangling.PREFIXED: f"MBVCB.7712345.{text}.CT tu 0011001932418 NGUYEN VAN A toi EVN CA MAU",
        Mangling.UPPER: words,
        Mangling.SQUEEZED: f"MBVCB{whole}CTTU0011",
        Mangling.TORN: " ".join(whole[at : at + 7] for at in range(0, len(whole), 7)),
        Mangling.CUT: words[:8],
        Mangling.UNKNOWN: "Chuc mung nam moi",
    }[how]


def vietnam(at: datetime, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Write an instant as Vietnam's clocks show it."""
    return at.astimezone(VIETNAM).strftime(form)


def as_text(value: object) -> str:
    """Write a value as payOS signs it: null is nothing, lists are compact JSON."""
    if isinstance(value, list):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value in {None, "null", "undefined"} else str(value)


def sign_payos(key: str, data: Json) -> str:
    """Sign data as payOS does: sorted `k=v` joined with `&`, HMAC-SHA256, hex."""
    text = "&".join(f"{name}={as_text(data[name])}" for name in sorted(data))
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def payos(moved: Movement, secrets: Secrets, flaw: Flaw | None) -> Told:
    """Write a payOS webhook."""
    data: Json = {
        "orderCode": moved.order_code or 123,
        "amount": moved.amount_dong,
        "description": moved.text,
        "accountNumber": moved.account,
        "reference": moved.reference,
        "transactionDateTime": vietnam(moved.at),
        "currency": "VND",
        "paymentLinkId": moved.link_id or "",
        "code": "00",
        "desc": "success",
        "counterAccountBankId": "970436",
        "counterAccountBankName": "Vietcombank",
        "counterAccountName": "NGUYEN VAN A",
        "counterAccountNumber": "0011001932418",
        "virtualAccountName": "EVN CA MAU",
        "virtualAccountNumber": moved.virtual_account or "",
    }
    _spoil(data, flaw, [name for name in data if name.startswith(("counter", "virtual"))])
    key = _key(secrets.credentials.payos, flaw)
    return _json(
        {
            "code": "00",
            "desc": "success",
            "success": True,
            "data": data,
            "signature": sign_payos(key, data),
        }
    )


def sepay(moved: Movement, secrets: Secrets, flaw: Flaw | None) -> Told:
    """Write a SePay webhook, proved by an API key."""
    said: Json = {
        "id": moved.number,
        "gateway": "Vietcombank",
        "transactionDate": vietnam(moved.at),
        "accountNumber": moved.account,
        "code": None,
        "content": moved.text,
        "transferType": "out" if flaw is Flaw.OUT else "in",
        "transferAmount": moved.amount_dong,
        "accumulated": 0,
        "subAccount": moved.virtual_account,
        "referenceCode": moved.reference,
        "description": f"BankAPINotify {moved.text}",
    }
    _spoil(said, flaw, ["subAccount", "code"])
    key = _key(secrets.credentials.sepay, flaw)
    return _json(said, {"authorization": f"Apikey {key}"})


def casso(moved: Movement, secrets: Secrets, flaw: Flaw | None) -> Told:
    """Write a Casso v2 webhook: HMAC-SHA512 of time, a point and the JSON with its keys sorted."""
    data: Json = {
        "id": moved.number,
        "reference": moved.reference,
        "description": moved.text,
        "amount": -moved.amount_dong if flaw is Flaw.OUT else moved.amount_dong,
        "runningBalance": 25_000_000,
        "transactionDateTime": vietnam(moved.at),
        "accountNumber": moved.account,
        "bankName": "Ngân hàng TMCP Ngoại thương",
        "bankAbbreviation": "VCB",
        "virtualAccountNumber": moved.virtual_account or "",
        "virtualAccountName": "",
        "counterAccountName": "NGUYEN VAN A",
        "counterAccountNumber": "0011001932418",
        "counterAccountBankId": "970436",
        "counterAccountBankName": "Vietcombank",
    }
    _spoil(data, flaw, [name for name in data if name.startswith(("counter", "virtual"))])
    said: Json = {"error": 0, "data": data}
    stamp = str(int(secrets.now().timestamp() * 1000))
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    key = _key(secrets.credentials.casso, flaw)
    signed = hmac.new(key.encode(), f"{stamp}.{text}".encode(), hashlib.sha512).hexdigest()
    return _json(said, {"x-casso-signature": f"t={stamp},v1={signed}"})


def msbva(moved: Movement, secrets: Secrets, flaw: Flaw | None) -> Told:
    """Write MSB's notice of a virtual account; the form of `tranDate` is the simulator's own."""
    said: Json = {
        "tranSeq": moved.reference,
        "vaCode": "EVN",
        "vaNumber": moved.virtual_account or "",
        "fromAccountName": "NGUYEN VAN A",
        "fromAccountNumber": "0011001932418",
        "toAccountName": "EVN CA MAU",
        "toAccountNumber": moved.account,
        "tranAmount": str(moved.amount_dong),
        "tranRemark": moved.text,
        "tranDate": vietnam(moved.at, "%Y%m%d%H%M%S"),
    }
    _spoil(said, flaw, ["fromAccountName"])
    signed = ("tranSeq", "tranDate", "vaNumber", "tranAmount", "fromAccountNumber")
    text = "".join(str(said[name]) for name in (*signed, "toAccountNumber"))
    key = _key(secrets.credentials.msbva, flaw)
    return _json(said | {"signature": hashlib.sha256(f"{key}{text}".encode()).hexdigest()})


def bvbankva(moved: Movement, secrets: Secrets, flaw: Flaw | None) -> Told:
    """Write BVBank's notice of a virtual account, signed over the raw body."""
    data: Json = {
        "externalRefNo": moved.reference,
        "trnRefNo": moved.reference,
        "acEntrySrNo": str(moved.number),
        "accNo": moved.account,
        "source": "NAPAS",
        "ccy": "VND",
        "drcr": "D" if flaw is Flaw.OUT else "C",
        "lcyAmount": moved.amount_dong,
        "valueDt": vietnam(moved.at, "%Y-%m-%d"),
        "txnInitDt": vietnam(moved.at, "%Y-%m-%dT%H:%M:%S"),
        "relatedAccount": moved.virtual_account or "",
        "relatedAccountName": "EVN CA MAU",
        "narrative": moved.text,
    }
    _spoil(data, flaw, ["relatedAccountName", "source"])
    told = _json({"data": data})
    key = new_key() if flaw is Flaw.BAD_SIGNATURE else secrets.bvbank_key
    signature = b64encode(key.sign(told.body, PKCS1v15(), hashes.SHA256())).decode()
    return Told(told.body, {**told.headers, "signature": signature})


Write = Callable[[Movement, Secrets, Flaw | None], Told]
TELLERS: dict[str, Write] = {
    "payos": payos,
    "sepay": sepay,
    "casso": casso,
    "msbva": msbva,
    "bvbankva": bvbankva,
}


def _spoil(said: Json, flaw: Flaw | None, nullable: list[str]) -> None:
    if flaw is Flaw.NULL_FIELDS:
        said.update(dict.fromkeys(nullable))
    if flaw is Flaw.UNKNOWN_FIELD:
        said["newFieldOfTomorrow"] = "x"


def _key(key: str, flaw: Flaw | None) -> str:
    return f"not-{key}" if flaw is Flaw.BAD_SIGNATURE else key


def _json(said: Json, headers: Mapping[str, str] | None = None) -> Told:
    body = json.dumps(said, ensure_ascii=False).encode()
    return Told(body, {"content-type": "application/json", **(headers or {})})
