"""ZaloPay's (v2) fields, base strings, codes and texts, from its documents (read 2026-11-24)."""

import hashlib
import hmac
import json
import re
from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from pydantic import BaseModel, BeforeValidator, Field, Json

from gateway.domain.clock import VIETNAM
from gateway.domain.ids import EPOCH
from gateway.sandbox.rail_orders import RailOrder

DONE, FAILED, WORKING = 1, 2, 3
BAD_APP, BAD_DATA, BAD_MAC, BAD_STATE, TOO_MANY = -2, -401, -402, -405, -429
ID_USED, ID_WRONG, NOT_FOUND, EXPIRED, DECLINED = -68, -92, -101, -54, -329
REFUND_MAC, REFUND_TIME, REFUND_AMOUNT, REFUND_USED = -3, -13, -14, -23
REFUND_ID, REFUND_DATE, REFUND_APP, NOT_REFUNDABLE = -24, -25, -26, -32
MESSAGES = {
    BAD_APP: "app_id không hợp lệ",
    BAD_DATA: "Dữ liệu yêu cầu không hợp lệ",
    BAD_MAC: "Chữ ký không hợp lệ",
    BAD_STATE: "Trạng thái đơn hàng không cho phép",
    TOO_MANY: "Vượt quá số lượng yêu cầu",
    ID_USED: "Trùng mã giao dịch",
    ID_WRONG: "Mã giao dịch không hợp lệ",
    NOT_FOUND: "Giao dịch không tồn tại",
    EXPIRED: "Giao dịch hết hạn",
    DECLINED: "Khách hàng hủy giao dịch",
    REFUND_MAC: "Chữ ký không hợp lệ",
    REFUND_TIME: "Quá hạn hoàn tiền hoặc thời gian sai",
    REFUND_AMOUNT: "Số tiền hoàn không hợp lệ",
    REFUND_USED: "Trùng mã hoàn tiền",
    REFUND_ID: "Mã hoàn tiền sai định dạng",
    REFUND_DATE: "Ngày trong mã hoàn tiền sai",
    REFUND_APP: "app_id trong mã hoàn tiền sai",
    NOT_REFUNDABLE: "Giao dịch không được hoàn tiền",
}
# The text of 2026 lets these stand in return_code itself; that of 2023 never.
FLAT = frozenset({BAD_DATA, BAD_MAC, TOO_MANY})
CLOCK_MAY_DIFFER = timedelta(minutes=15)
ORDER_ID = re.compile(r"[0-9]{6}_[!-~]+", re.ASCII)
REFUND_ID_FORM = re.compile(r"([0-9]{6})_([0-9]+)_[A-Za-z0-9]+", re.ASCII)
REFUND_ID_LENGTH = 45
_DIGITS = re.compile(r"-?[0-9]{1,18}", re.ASCII)

Said = dict[str, Any]


@dataclass(frozen=True)
class App:
    """A merchant's application at ZaloPay; the defaults are the documents' sandbox samples."""

    app_id: int = 2553
    key1: str = "PcY4iZIKFCIdgZvA6ueMcMHHUbRLYjPL"
    key2: str = "kLtgPl8HHhfvMuDHPwKfgfsY4Ydm9eIz"
    callback_url: str = ""
    """Where callbacks go if an order names no address."""


def _whole(value: object) -> object:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    msg = "not a whole number"
    raise ValueError(msg)


Whole = Annotated[int, BeforeValidator(_whole), Field(ge=-(2**63), lt=2**63)]
Positive = Annotated[Whole, Field(ge=1)]


class Asked(BaseModel):
    """A request; form and JSON are the same to ZaloPay, so numbers may come as digits."""

    parts: ClassVar[tuple[str, ...]]
    operation: ClassVar[str] = "query"
    app_id: Whole
    mac: str

    @property
    @abstractmethod
    def reference(self) -> str:
        """The merchant's id that the request is about."""

    def base(self, key1: str) -> str:
        """Give the text under the request's mac; the part `key1` is the key itself."""
        return "|".join(key1 if part == "key1" else str(getattr(self, part)) for part in self.parts)


class OrderAsked(Asked):
    """A request that names an order: query."""

    parts: ClassVar[tuple[str, ...]] = ("app_id", "app_trans_id", "key1")
    app_trans_id: str

    @property
    def reference(self) -> str:
        """The order's app_trans_id."""
        return self.app_trans_id


class CancelAsked(OrderAsked):
    """`cancel` has the fields and the mac of query."""

    operation = "cancel"


class CreateAsked(OrderAsked):
    """`create`, with its limits of length; `item` and `embed_data` are JSON as text."""

    parts: ClassVar[tuple[str, ...]] = (
        "app_id",
        "app_trans_id",
        "app_user",
        "amount",
        "app_time",
        "embed_data",
        "item",
    )
    operation = "create"
    app_trans_id: str = Field(max_length=40)
    app_user: str = Field(min_length=1, max_length=50)
    app_time: Whole
    amount: Positive
    description: str = Field(max_length=256)
    item: str = Field(max_length=2048)
    embed_data: str = Field(max_length=2048)
    expire_duration_seconds: Annotated[Whole, Field(ge=300, le=2_592_000)] | None = None
    callback_url: str = ""


class Texts(BaseModel):
    """What `item` and `embed_data` must be."""

    item: Json[list[Any]]
    embed_data: Json[dict[str, Any]]


class RefundAsked(Asked):
    """`refund`; m_refund_id is under no mac."""

    operation = "refund"
    m_refund_id: str
    zp_trans_id: str
    amount: Whole
    refund_fee_amount: Whole | None = None
    timestamp: Whole
    description: str = Field(max_length=100)

    @property
    def reference(self) -> str:
        """The refund's own id."""
        return self.m_refund_id

    def base(self, key1: str) -> str:
        """Give the text under the mac: the fee stands there only if it is given."""
        fee = () if self.refund_fee_amount is None else (self.refund_fee_amount,)
        parts = (self.app_id, self.zp_trans_id, self.amount, *fee, self.description, self.timestamp)
        return "|".join(map(str, parts))


class RefundQueryAsked(Asked):
    """`query_refund`."""

    parts: ClassVar[tuple[str, ...]] = ("app_id", "m_refund_id", "timestamp")
    m_refund_id: str
    timestamp: Whole

    @property
    def reference(self) -> str:
        """The refund's own id."""
        return self.m_refund_id


def sign(key: str, text: str) -> str:
    """HMAC-SHA256 in lowercase hex over raw UTF-8."""
    return hmac.new(key.encode(), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def is_signed(key: str, text: str, mac: str) -> bool:
    """Say whether a mac is the key's, in constant time."""
    return hmac.compare_digest(sign(key, text).encode(), mac.encode("utf-8", "replace"))


def fields_of(body: bytes, query: str, content_type: str) -> dict[str, Any] | None:
    """Read a request's fields: JSON, form, or the query of a POST; None if it is none of them."""
    fields: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    try:
        if content_type.startswith("application/json") and body:
            return fields | dict(json.loads(body))
        return fields | dict(parse_qsl(body.decode(), keep_blank_values=True))
    except (TypeError, ValueError, RecursionError):
        return None


def said(code: int, detail: int, **more: Any) -> Said:
    """Write an answer: the four fields of every answer, and the call's own."""
    message = MESSAGES.get(detail, "Giao dịch thành công" if code == DONE else "Đang xử lý")
    return {
        "return_code": code,
        "return_message": message,
        "sub_return_code": detail,
        "sub_return_message": message,
        **more,
    }


def callback_data(app: App, order: RailOrder, server_time: int) -> dict[str, Any]:
    """Write what a callback says of a paid order."""
    fields = order.fields
    return {
        "app_id": app.app_id,
        "app_trans_id": order.reference,
        "app_time": fields["app_time"],
        "app_user": fields["app_user"],
        "amount": order.amount_dong,
        "embed_data": fields["embed_data"],
        "item": fields["item"],
        "zp_trans_id": int(order.provider_id),
        "server_time": server_time,
        "channel": 38,
        "merchant_user_id": fields["app_user"],
        "user_fee_amount": 0,
        "discount_amount": 0,
    }


def return_url(app: App, order: RailOrder) -> str | None:
    """Write embed_data's redirecturl with the signed outcome; None if the order names none."""
    target = json.loads(order.fields["embed_data"]).get("redirecturl")
    if not isinstance(target, str) or not target:
        return None
    fields = {
        "appid": str(app.app_id),
        "apptransid": order.reference,
        "pmcid": "38",
        "bankcode": "",
        "amount": str(order.amount_dong),
        "discountamount": "0",
        "status": order.code,
    }
    fields["checksum"] = sign(app.key2, "|".join(fields.values()))
    return f"{target}{'&' if '?' in target else '?'}{urlencode(fields)}"


def day_of(moment: datetime) -> str:
    """The date with which ids begin: yymmdd in Vietnam."""
    return moment.astimezone(VIETNAM).strftime("%y%m%d")


def ms(moment: datetime) -> int:
    """Epoch milliseconds."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def is_near(now: datetime, at_ms: int) -> bool:
    """Say whether a merchant's clock is within the fifteen minutes that ZaloPay allows."""
    return abs(ms(now) - at_ms) <= CLOCK_MAY_DIFFER // timedelta(milliseconds=1)


def stops(status: int, body: bytes) -> bool:
    """Say whether the merchant's answer ends a callback: only return_code 0 is called again.

    An answer that is no answer (not 200, not JSON) is taken for a merchant's error too.
    """
    try:
        return status == 200 and json.loads(body)["return_code"] != 0  # noqa: PLR2004
    except (KeyError, TypeError, ValueError, RecursionError):
        return False
