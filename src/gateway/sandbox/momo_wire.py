"""What MoMo's AIO v2 wire looks like from MoMo's side: requests, signed fields, codes, texts.

Sources: developers.momo.vn/v3 (create, query, refund, confirm, payment notification, result codes);
momo-wallet/payment and momo-wallet/java; MoMo's Postman collections. Read 2026-11-24.
"""

import base64
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

API = "/v2/gateway/api"
AMOUNT_MIN_DONG, AMOUNT_MAX_DONG = 1_000, 50_000_000
# The request types whose own limits differ.
ATM_MIN_DONG, CARD_MAX_DONG = 10_000, 10_000_000


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CREATE_SIGNED = _names(
    "accessKey amount extraData ipnUrl orderId orderInfo partnerCode redirectUrl requestId "
    "requestType"
)
CREATED_SIGNED = _names(
    "accessKey amount orderId partnerCode payUrl requestId responseTime resultCode"
)
QUERY_SIGNED = _names("accessKey orderId partnerCode requestId")
REFUND_SIGNED = _names("accessKey amount description orderId partnerCode requestId transId")
CONFIRM_SIGNED = _names("accessKey amount description orderId partnerCode requestId requestType")
NOTICE_SIGNED = _names(
    "accessKey amount extraData message orderId orderInfo orderType partnerCode payType requestId "
    "responseTime resultCode transId"
)

PENDING_CODES = frozenset({1000, 7000, 7002})
AUTHORISED = 9000
# Code → the text in Vietnamese and in English, in our own words.
MESSAGES = {
    0: ("Thành công.", "Successful."),
    13: ("Xác thực doanh nghiệp thất bại.", "Merchant authentication failed."),
    20: ("Yêu cầu sai định dạng.", "Bad format request."),
    22: ("Số tiền nằm ngoài giới hạn.", "Amount out of range."),
    40: ("requestId bị trùng.", "Duplicated requestId."),
    41: ("orderId bị trùng.", "Duplicated orderId."),
    42: ("orderId không hợp lệ hoặc không tìm thấy.", "orderId invalid or not found."),
    47: ("Thông tin không áp dụng được.", "Information not applicable."),
    1000: ("Giao dịch chờ khách hàng xác nhận.", "Waiting for the customer."),
    1001: ("Số dư không đủ.", "Insufficient funds."),
    1003: ("Giao dịch đã bị hủy.", "Transaction cancelled."),
    1005: ("Liên kết hoặc mã QR đã hết hạn.", "The link or QR has expired."),
    1006: ("Khách hàng từ chối xác nhận.", "The customer refused."),
    1007: ("Tài khoản không tồn tại hoặc ngưng hoạt động.", "Account inactive or missing."),
    1081: ("Giao dịch gốc đã được hoàn tiền.", "The payment was already refunded."),
    1088: ("Giao dịch không được hoàn tiền.", "The payment cannot be refunded."),
    7000: ("Giao dịch đang được xử lý.", "Being processed."),
    7002: ("Nguồn tiền đang xử lý giao dịch.", "Being processed by the payment instrument."),
    9000: ("Giao dịch đã được xác nhận.", "Transaction authorised."),
}


@dataclass(frozen=True)
class Account:
    """A merchant account; the default is one of MoMo's public sandbox, from its samples."""

    partner_code: str = "MOMO"
    access_key: str = "F8BBA842ECF85"
    secret_key: str = "K951B6PE1waDMi640xX08PD3vg6EkVlz"  # noqa: S105 (published sandbox key)

    def base(self, names: Iterable[str], fields: Mapping[str, Any]) -> str:
        """Write the base string: `name=value` joined by `&`, values raw, absent ones empty."""
        known = {**fields, "accessKey": self.access_key}
        return "&".join(f"{name}={known.get(name, '')}" for name in names)

    def sign(self, names: Iterable[str], fields: Mapping[str, Any]) -> str:
        """Give the signature."""
        base = self.base(names, fields).encode()
        return hmac.new(self.secret_key.encode(), base, sha256).hexdigest()


_Id = Annotated[
    str, StringConstraints(pattern=r"^[0-9A-Za-z]+([-_.][0-9A-Za-z]+)*$", max_length=200)
]
# The samples send a number (Java) or digits as text (Node); both sign the same.
_Whole = Annotated[
    int,
    BeforeValidator(lambda value: value if type(value) in {int, str} else None),
    Field(ge=0, le=2**53),
]
_Url = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$", max_length=2048)]


class Asked(BaseModel):
    """What every request carries; unknown fields are let pass."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore")

    partner_code: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    request_id: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    order_id: _Id
    lang: Literal["vi", "en"]
    signature: str


class CreateAsked(Asked):
    """`create`, for the four one-time request types."""

    amount: _Whole
    order_info: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    redirect_url: _Url
    ipn_url: _Url
    request_type: Literal["captureWallet", "payWithMethod", "payWithATM", "payWithCC"]
    extra_data: Annotated[str, StringConstraints(max_length=1000)]
    auto_capture: bool = True

    def is_in_range(self) -> bool:
        """Say whether the amount may be asked for in this way."""
        least = ATM_MIN_DONG if self.request_type == "payWithATM" else AMOUNT_MIN_DONG
        most = CARD_MAX_DONG if self.request_type == "payWithCC" else AMOUNT_MAX_DONG
        return least <= self.amount <= most


class QueryAsked(Asked):
    """`query`, of an order or of a refund."""


class RefundAsked(Asked):
    """`refund`: `order_id` is the refund's own new id, `trans_id` names the payment."""

    amount: _Whole
    trans_id: _Whole
    description: Annotated[str, StringConstraints(max_length=255)]


class ConfirmAsked(Asked):
    """`confirm`: takes or lets go what was authorised."""

    amount: _Whole
    request_type: Literal["capture", "cancel"]
    description: Annotated[str, StringConstraints(max_length=255)]


def message_of(code: int, lang: str) -> str:
    """Give a code's text in the language that was asked for."""
    vietnamese, english = MESSAGES[code]
    return english if lang == "en" else vietnamese


def token_of(partner_code: str, order_id: str) -> str:
    """Write what a payUrl carries as `t`."""
    return base64.b64encode(f"{partner_code}|{order_id}".encode()).decode()


def order_of(token: str) -> str | None:
    """Read the order's id out of a payUrl's `t`."""
    try:
        return base64.b64decode(token, validate=True).decode().partition("|")[2]
    except ValueError:
        return None
