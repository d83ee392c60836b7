"""What `vn-autodebit/0.1` looks like from the bank's side: requests, signatures, codes, files.

No bank publishes its direct-debit format, so this is the gateway's own proposal, with the numbers
of ISO 8583 where it has them; docs/providers/autodebit.md is the whole of it. Stated 2026-11-24.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

SKEW_MAX_S = 300
VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")

DEBITED, IN_PROCESS, NO_FUNDS, OVER_LIMIT = "00", "01", "51", "61"
ACCOUNT_WRONG, ACCOUNT_BLOCKED, NO_MANDATE = "14", "62", "57"
DUPLICATE, BAD_DATA, UNREACHABLE, LATE, DISPUTED = "94", "12", "91", "68", "38"
NOT_FOUND, BAD_OTP, TOO_MANY_OTPS = "25", "55", "75"
MESSAGES = {
    DEBITED: "da trich no",
    IN_PROCESS: "dang xu ly",
    NO_FUNDS: "khong du so du",
    OVER_LIMIT: "vuot han muc uy quyen",
    ACCOUNT_WRONG: "tai khoan sai hoac da dong",
    ACCOUNT_BLOCKED: "tai khoan bi phong toa",
    NO_MANDATE: "khong co uy quyen hoac da huy",
    DUPLICATE: "trung debit_id",
    BAD_DATA: "du lieu sai",
    UNREACHABLE: "khong ket noi duoc he thong loi",
    LATE: "qua thoi gian cho",
    DISPUTED: "chu tai khoan khieu nai",
    NOT_FOUND: "khong tim thay",
    BAD_OTP: "sai OTP",
    TOO_MANY_OTPS: "sai OTP qua so lan",
}
FINAL = frozenset({DEBITED, OVER_LIMIT, ACCOUNT_WRONG, ACCOUNT_BLOCKED, NO_MANDATE, BAD_DATA})

_Id = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_.-]{1,64}$")]
_Dong = Annotated[int, Field(gt=0, le=10**12, strict=True)]


@dataclass(frozen=True)
class Client:
    """Who may call, and the secret of both directions; the default is this simulator's own."""

    client_id: str = "evn-sandbox"
    secret: str = "autodebit-sandbox-simulator-secret-0001"  # noqa: S105 (this simulator's)
    bank: str = "970405"

    def sign(self, timestamp: str, body: bytes) -> str:
        """Give hex HMAC-SHA256(secret, timestamp + "." + raw body)."""
        text = timestamp.encode() + b"." + body
        return hmac.new(self.secret.encode(), text, sha256).hexdigest()

    def headers(self, now: datetime, body: bytes) -> dict[str, str]:
        """Give the two headers that every message carries, whoever sends it."""
        stamp = str(int(now.timestamp()))
        return {"x-timestamp": stamp, "x-signature": self.sign(stamp, body)}

    def is_from(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        """Say whether a request is this client's and at most 300 s old."""
        stamp = headers.get("x-timestamp", "")
        if not re.fullmatch(r"[0-9]{10}", stamp, re.ASCII):
            return False
        due, given = self.sign(stamp, body), headers.get("x-signature", "").lower()
        is_near = abs(now.timestamp() - int(stamp)) <= SKEW_MAX_S
        is_ours = headers.get("x-client-id") == self.client_id
        return is_near and is_ours and hmac.compare_digest(due.encode(), given.encode())


class MandateAsked(BaseModel):
    """`POST /mandates`: equal bytes again are answered with the mandate's state."""

    model_config = ConfigDict(extra="ignore")

    mandate_id: _Id
    bank_bin: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    account_no: Annotated[str, StringConstraints(pattern=r"^[0-9]{6,19}$")]
    account_name: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z .'-]{0,69}$")]
    customer_code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{1,20}$")]
    id_no: Annotated[str, StringConstraints(pattern=r"^([0-9A-Z]{8,12})?$")] = ""
    phone: Annotated[str, StringConstraints(pattern=r"^84[0-9]{9}$")]
    max_amount: _Dong
    max_per_month: _Dong | None = None
    day_of_month: Annotated[int, Field(ge=1, le=28)] | Literal["ON_ISSUE"] = "ON_ISSUE"
    retry_days: Annotated[int, Field(ge=0, le=10)] = 3
    start: date
    end: date | None = None
    channel_registered: Literal["OTP", "BRANCH"] = "OTP"


class ConfirmAsked(BaseModel):
    """`POST /mandates/{id}/confirm`."""

    otp: str


class CancelAsked(BaseModel):
    """`POST /mandates/{id}/cancel`."""

    reason: str = ""


class DebitAsked(BaseModel):
    """`POST /debits`, and a D line of a file."""

    model_config = ConfigDict(extra="ignore")

    debit_id: _Id
    mandate_id: _Id
    bill_id: Annotated[str, StringConstraints(pattern=r"^[^|\r\n]{1,64}$")]
    amount: _Dong
    attempt: Annotated[int, Field(ge=1, le=99, strict=True)]


def said(code: str, **fields: Any) -> dict[str, Any]:
    """Write an answer."""
    return {"code": code, "message": MESSAGES[code], **fields}


def to_time(at: datetime | None) -> str:
    """Write an instant as Vietnam's, with its offset."""
    return at.astimezone(VIETNAM).isoformat(timespec="seconds") if at else ""
