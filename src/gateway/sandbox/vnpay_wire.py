"""VNPAY 2.1.0 on the wire, as its provider sees it: formats, hashes, times.

From VNPAY's pages (sandbox.vnpayment.vn/apis/docs: thanh-toan-pay/pay.html,
truy-van-hoan-tien/querydr&refund.html, read 2026-11-24). Strict where implementations disagree:
an empty value, a letter outside ASCII or a repeated name is a format error.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote_plus

from gateway.domain.clock import VIETNAM

_STAMP, _AMOUNT, _IP = r"[0-9]{14}", r"[1-9][0-9]{0,9}00", r"[0-9A-Fa-f.:]{7,45}"
_ALL = {
    "vnp_Version": r"2\.1\.0",
    "vnp_TmnCode": r"[0-9A-Za-z]{1,8}",
    "vnp_TxnRef": r"[0-9A-Za-z._-]{1,100}",
    "vnp_CreateDate": _STAMP,
    "vnp_IpAddr": _IP,
    "vnp_OrderInfo": r"[ -~]{1,255}",
}
_API = {**_ALL, "vnp_RequestId": r"[!-~]{1,32}", "vnp_TransactionDate": _STAMP}
FORMATS: dict[str, dict[str, str]] = {
    "pay": {
        **_ALL,
        "vnp_Amount": _AMOUNT,
        "vnp_CurrCode": "VND",
        "vnp_Locale": "vn|en",
        "vnp_OrderType": r"[ -~]{1,100}",
        "vnp_ReturnUrl": r"(?=.{10,255}\Z)https?://[!-~]+",
        "vnp_ExpireDate": _STAMP,
    },
    "querydr": _API,
    "refund": {
        **_API,
        "vnp_TransactionType": "02|03",
        "vnp_Amount": _AMOUNT,
        "vnp_TransactionNo": r"[0-9]{1,15}",
        "vnp_CreateBy": r"[ -~]{1,245}",
    },
}
_ANSWER = (
    "ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate TransactionNo"
    " TransactionType TransactionStatus OrderInfo"
)
SIGNED = {
    "querydr": "RequestId Version Command TmnCode TxnRef TransactionDate CreateDate IpAddr"
    " OrderInfo",
    "refund": "RequestId Version Command TmnCode TransactionType TxnRef Amount TransactionNo"
    " TransactionDate CreateBy CreateDate IpAddr OrderInfo",
    "querydr answer": f"{_ANSWER} PromotionCode PromotionAmount",
    "refund answer": _ANSWER,
}

MESSAGES = {
    "00": "Success",
    "02": "Invalid terminal",
    "03": "Invalid format",
    "04": "Full refund after a partial one",
    "91": "Transaction not found",
    "93": "Invalid amount",
    "94": "Duplicate request",
    "95": "Transaction was not successful",
    "97": "Invalid signature",
}
# A client must not believe a success that comes like these, without a hash.
UNSIGNED = frozenset({"02", "91", "94", "97"})
DONG_MIN, DONG_MAX = 5_000, 999_999_999


def fits(asked: Mapping[str, str], command: str) -> bool:
    """Say whether a request has every field of its command, each as the tables want it."""
    if asked.get("vnp_Command") != command or not all(asked.values()):
        return False
    formats = FORMATS[command]
    if not all(re.fullmatch(form, asked.get(name, "")) for name, form in formats.items()):
        return False
    if command == "pay" and not DONG_MIN <= int(asked["vnp_Amount"]) // 100 <= DONG_MAX:
        return False
    return all(instant(asked[name]) for name in formats if name.endswith("Date"))


def query_hash(secret: str, fields: Mapping[str, str]) -> str:
    """Hash a query string's fields: sorted, form-urlencoded, without the hash itself."""
    kept = {k: v for k, v in fields.items() if k not in {"vnp_SecureHash", "vnp_SecureHashType"}}
    return _hmac(secret, "&".join(f"{name}={_encoded(kept[name])}" for name in sorted(kept)))


def pipe_hash(secret: str, message: str, fields: Mapping[str, str]) -> str:
    """Hash a query, a refund or an answer to one: a fixed list of raw values between pipes."""
    return _hmac(secret, "|".join(fields.get(f"vnp_{n}", "") for n in SIGNED[message].split()))


def with_query(url: str, fields: Mapping[str, str]) -> str:
    """Add fields to a URL, which may have a query of its own."""
    query = "&".join(f"{name}={_encoded(value)}" for name, value in fields.items())
    return f"{url}{'&' if '?' in url else '?'}{query}"


def stamp(moment: datetime) -> str:
    """Write an aware instant as VNPAY does: 14 digits, Vietnam's time."""
    return moment.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")


def instant(text: str) -> datetime | None:
    """Read 14 digits; None if they are no time."""
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=VIETNAM)
    except ValueError:
        return None


def is_taken(status: int, body: bytes) -> bool:
    """Say whether an answer to an IPN stops it: 200 with RspCode 00 or 02."""
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return status == 200 and isinstance(answer, dict) and answer.get("RspCode") in {"00", "02"}  # noqa: PLR2004 (HTTP)


def read_request(body: bytes) -> dict[str, str]:
    """Read a JSON request's fields as text; empty if it is not an object of texts and integers."""
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(fields, dict) or not all(type(v) in {str, int} for v in fields.values()):
        return {}
    return {name: str(value) for name, value in fields.items()}


def _encoded(value: str) -> str:
    # As VNPAY's PHP demo, which encodes the tilde too.
    return quote_plus(value, safe="").replace("~", "%7E")


def _hmac(secret: str, base: str) -> str:
    return hmac.new(secret.encode(), base.encode("utf-8", "replace"), hashlib.sha512).hexdigest()
