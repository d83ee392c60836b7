"""ViettelPay's gateway 2.0 on the wire, as its provider sees it: check sums, formats, forms.

From duclong1997/portal-payment 1d38c79e, VietOpenCPS/opencps-v2 2c719850 and clients in Go, PHP, C#
and JavaScript that merchants published (read 2026-11-24). A check sum is HMAC-SHA1 over the access
code and the signed values in the alphabetical order of their names, nothing between them; base64,
or lower hex for one product.
"""

import hashlib
import hmac
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

PAY, API = "/PaymentGateway/payment", "/PaymentAPI/webresources/postData"

DONE, BAD_SUM, VIETTEL_FAILS, REFUSED_BY_MERCHANT = "00", "V01", "V04", "V05"
CANCELLED, IDLE, BAD_MERCHANT, UNCONNECTED = "V06", "W04", "M01", "813"
MISSING, BAD_AMOUNT, NO_ORIGINAL, FAILED_ORIGINAL = "655", "KG8", "KG3", "485"
NOT_REFUNDABLE = "176"
PAID, WORKING, FAILED, UNCLEAR, LEFT, NONE_YET = "1", "0", "2", "3", "5", "-1"
"""payment_status: paid, being worked on, failed, unknown, cancelled by the payer, nothing yet."""

SIGNED = {
    "pay": "billcode command merchant_code order_id trans_amount version",
    "verify": "billcode merchant_code order_id trans_amount",
    "verified": "billcode error_code merchant_code order_id trans_amount",
    "result": "billcode cust_msisdn error_code merchant_code order_id payment_status trans_amount"
    " vt_transaction_id",
    "stored": "error_code merchant_code order_id",
    "query": "cmd merchant_code order_id version",
    "queried": "error_code merchant_code order_id payment_status version vt_transaction_id",
    "queried, newer": "merchant_code order_id payment_status version",
    "refund": "cmd merchant_code order_id originalRequestId refundType trans_amount version",
    "refunded": "error_code merchant_code order_id version",
}
"""What each message signs, after the access code; what it lacks counts as empty."""

_ORDER, _AMOUNT, _URL = r"[!-~]{1,100}", r"[1-9][0-9]{0,14}", r"https?://[!-~]{4,500}"
FORMATS: dict[str, dict[str, str]] = {
    "pay": {
        "billcode": r"[ -~]{1,100}",
        "command": "PAYMENT",
        "order_id": _ORDER,
        "trans_amount": _AMOUNT,
        "version": r"2\.0",
        "return_url": _URL,
    },
    "query": {"order_id": _ORDER, "version": r"2\.0|WEBVIEW"},
    "refund": {
        "order_id": _ORDER,
        "originalRequestId": _ORDER,
        "refundType": "[01]",
        "trans_amount": _AMOUNT,
        "trans_content": r"[ -~]{1,100}",
        "version": r"2\.0|WEBVIEW",
    },
}


@dataclass(frozen=True)
class Account:
    """One merchant's account. Viettel publishes none for tests; these are our simulator's own."""

    merchant: str = "EVNSPC"
    access_code: str = "viettelpay-sandbox-access-0001"
    secret: str = "viettelpay-sandbox-simulator-secret-0001"  # noqa: S105 (ours, for the simulator)


def check_sum(account: Account, kind: str, fields: Mapping[str, Any], *, is_hex: bool) -> str:
    """Sign a message of one kind.

    >>> check_sum(Account("M", "a", "s"), "stored", {"error_code": "00"}, is_hex=False)
    '2Uaw8CM0LwHPNnP8JM7mQCA2828='
    """
    values = "".join(str(fields.get(name, "")) for name in SIGNED[kind].split())
    text = (account.access_code + values).encode("utf-8", "replace")
    made = hmac.new(account.secret.encode(), text, hashlib.sha1)
    return made.hexdigest() if is_hex else b64encode(made.digest()).decode()


def read_form(text: str) -> dict[str, str] | None:
    """Read a query string or a form; None if it is neither, or a name stands twice."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        return None
    return dict(pairs) if len(dict(pairs)) == len(pairs) else None


def read_answer(status: int, body: bytes) -> dict[str, Any]:
    """Read a merchant's answer; empty if it is none."""
    try:
        said = json.loads(body) if status == 200 else None  # noqa: PLR2004 (HTTP)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def why_not(account: Account, kind: str, asked: Mapping[str, str], *, is_hex: bool) -> str:
    """Give the code that refuses a request, empty if it is right; a wrong sum is the first."""
    given = asked.get("check_sum", "").encode("utf-8", "replace")
    due = check_sum(account, kind, asked, is_hex=is_hex).encode()
    if not hmac.compare_digest(given, due):
        return BAD_SUM
    if asked.get("merchant_code") != account.merchant:
        return BAD_MERCHANT
    forms = FORMATS[kind].items()
    return "" if all(re.fullmatch(form, asked.get(name, "")) for name, form in forms) else MISSING


def with_query(url: str, fields: Mapping[str, str]) -> str:
    """Add fields to a URL, which may have a query of its own."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}"
