"""OnePay on the wire, as its provider sees it: formats, hashes, query strings.

From npm vn-payments 1.1.0, phpviet/omnipay-onepay, dungchv13/ashno-onepay and OnePay's own samples
in several languages, as merchants published them (read 2026-11-24). Strict where they disagree: a
signed parameter that is empty or repeated is a format error, the hash has capital letters, texts
keep to the shortest limit. Only the limit of vpc_MerchTxnRef is the longer one, 40.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

PAY = "/paygate/vpcpay.op"
QUERIES = "/msp/api/v1/vpc/invoices/queries"
REFUNDS = "/msp/api/v1/vpc/refunds"

DONE, REFUSED_BY_BANK, BAD_MERCHANT, BAD_ACCESS, BAD_AMOUNT = "0", "1", "3", "4", "5"
BAD_CURRENCY, UNSPECIFIED, CANCELLED = "6", "7", "99"
UNPAID, TIMED_OUT, PENDING = "100", "253", "300"
MESSAGES = {
    DONE: "Approved",
    REFUSED_BY_BANK: "Bank declined transaction",
    BAD_MERCHANT: "Merchant not exist",
    BAD_ACCESS: "Invalid access code",
    BAD_AMOUNT: "Invalid amount",
    BAD_CURRENCY: "Invalid currency code",
    UNSPECIFIED: "Unspecified failure",
    CANCELLED: "User cancel",
    UNPAID: "Transaction is in progress or not paid",
    TIMED_OUT: "Transaction timeout",
    PENDING: "Transaction is pending",
}

_REFERENCE, _AMOUNT, _URL = r"[0-9A-Za-z._-]{1,40}", r"[1-9][0-9]{0,11}00", r"https?://[!-~]{4,500}"
_ACCOUNT = {"vpc_User": r".{1,32}", "vpc_Password": r".{1,64}", "vpc_Version": "[12]"}
FORMATS: dict[str, dict[str, str]] = {
    "pay": {
        "vpc_Version": "2",
        "vpc_Locale": "vn|en",
        "vpc_MerchTxnRef": _REFERENCE,
        "vpc_OrderInfo": r".{1,34}",
        "vpc_ReturnURL": _URL,
        "vpc_TicketNo": r"[0-9A-Fa-f.:]{3,15}",
    },
    "queryDR": {**_ACCOUNT, "vpc_MerchTxnRef": _REFERENCE},
    "refund": {
        **_ACCOUNT,
        "vpc_MerchTxnRef": _REFERENCE,
        "vpc_OrgMerchTxnRef": _REFERENCE,
        "vpc_Operator": r".{1,64}",
    },
}
OPTIONAL = {"vpc_CallbackURL": _URL}


@dataclass(frozen=True)
class Merchant:
    """OnePay's public test merchant, as several open-source packages publish it."""

    name: str = "TESTONEPAY"
    access_code: str = "6BEB2546"
    secret: str = "6D0870CDE5F24F34F3915FB0045120DB"  # noqa: S105 (public, for the sandbox)
    user: str = "op01"
    password: str = "op123456"  # noqa: S105 (public, for the sandbox)


def secure_hash(secret: str, fields: Mapping[str, str]) -> str:
    """Hash what is named `vpc_` or `user_` and is not empty, by ASCII; the key is hex.

    >>> secure_hash("00", {"vpc_MerchTxnRef": "1", "vpc_Merchant": "A", "Title": "x"})[:16]
    'B6EFAF0C7DBB04BA'
    """
    names = sorted(name for name in fields if name.startswith(("vpc_", "user_")) and fields[name])
    unsigned = {"vpc_SecureHash", "vpc_SecureHashType"}
    base = "&".join(f"{name}={fields[name]}" for name in names if name not in unsigned)
    return hmac.new(bytes.fromhex(secret), base.encode(), hashlib.sha256).hexdigest().upper()


def read_fields(text: str) -> dict[str, str] | None:
    """Read a query string or a form; None if it is neither, or a name stands twice."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        return None
    return dict(pairs) if len(dict(pairs)) == len(pairs) else None


def why_not(merchant: Merchant, asked: Mapping[str, str], command: str) -> str:
    """Give the code that refuses a request, empty if it is right; a wrong hash is the first."""
    given = asked.get("vpc_SecureHash", "").encode("utf-8", "replace")
    if not hmac.compare_digest(given, secure_hash(merchant.secret, asked).encode()):
        return UNSPECIFIED
    if asked.get("vpc_Merchant") != merchant.name:
        return BAD_MERCHANT
    if asked.get("vpc_AccessCode") != merchant.access_code:
        return BAD_ACCESS
    if command == "pay" and asked.get("vpc_Currency") != "VND":
        return BAD_CURRENCY
    if command != "queryDR" and not re.fullmatch(_AMOUNT, asked.get("vpc_Amount", "")):
        return BAD_AMOUNT
    is_known = command == "pay" or _is_account(merchant, asked)
    return "" if is_known and _fits(asked, command) else UNSPECIFIED


def with_query(url: str, fields: Mapping[str, str]) -> str:
    """Add fields to a URL, which may have a query of its own."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}"


def is_taken(status: int, body: bytes) -> bool:
    """Say whether an answer to a notification stops it."""
    said = read_fields(body.decode("utf-8", "replace")) or {}
    return status == 200 and said.get("responsecode") == "1"  # noqa: PLR2004 (HTTP)


def _is_account(merchant: Merchant, asked: Mapping[str, str]) -> bool:
    given = (asked.get("vpc_User"), asked.get("vpc_Password"))
    return given == (merchant.user, merchant.password)


def _fits(asked: Mapping[str, str], command: str) -> bool:
    signed = [name for name in asked if name.startswith(("vpc_", "user_"))]
    if asked.get("vpc_Command") != command or not all(asked[name] for name in signed):
        return False
    optional = {name: form for name, form in OPTIONAL.items() if name in asked}
    return _all_match(asked, {**FORMATS[command], **optional}.items())


def _all_match(asked: Mapping[str, str], formats: Iterable[tuple[str, str]]) -> bool:
    return all(re.fullmatch(form, asked.get(name, "")) for name, form in formats)
