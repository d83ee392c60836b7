"""Every error of the house, in three families; each class is one stable `code`.

GatewayError
├─ CallerError       what was asked cannot be done; nothing moved → 4xx
├─ Unavailable       we cannot answer now; says whether the money may have moved → 503
└─ InvariantBroken   our own mistake → 500 and an alert

An error's constructor takes facts and writes its own sentence, in English and in Vietnamese.
How an error becomes HTTP is `api/problems.py`'s business alone.
"""

from dataclasses import dataclass
from typing import TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with one field; `field` is a path: `bills.0.amount_dong`."""

    field: str
    message: str


class GatewayError(Exception):
    """The root. `code` is public API; `detail` and `detail_vi` say what happened and what to do."""

    code = "internal_error"

    def __init__(
        self, detail: str, detail_vi: str, *, faults: tuple[Fault, ...] = (), **facts: str | int
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.detail_vi = detail_vi
        self.faults = faults
        self.facts = facts


class CallerError(GatewayError):
    """What was asked cannot be done; no money moved."""


class Unavailable(GatewayError):
    """The gateway cannot answer now."""

    retry_after_s = 1


class InvariantBroken(GatewayError):
    """We made a mistake; nothing of the move was kept."""

    def __init__(self, claim: str) -> None:
        super().__init__(f"broken invariant: {claim}", "lỗi nội bộ của cổng thanh toán")


def ensure(holds: bool, claim: str) -> None:  # noqa: FBT001 (reads as a sentence)
    """Stop when something that must be true of our own work is not.

    Raises:
        InvariantBroken: with `claim`, the sentence that should have held.
    """
    if not holds:
        raise InvariantBroken(claim)


def present(value: Value | None, claim: str) -> Value:
    """Give a value that must be there, as `ensure` holds what must be true.

    Raises:
        InvariantBroken: it is None; `claim` is the sentence that should have held.
    """
    if value is None:
        raise InvariantBroken(claim)
    return value


# ── the request itself ───────────────────────────────────────────────────────────────────────────


class JsonMalformed(CallerError):
    """The body is not one JSON document, or repeats a key, or holds NaN."""

    code = "json_malformed"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the body is not acceptable JSON: {reason}",
            f"nội dung gửi lên không phải JSON hợp lệ: {reason}",
        )


class RequestInvalid(CallerError):
    """Fields are missing, unknown, of the wrong type or out of bounds; each is named."""

    code = "request_invalid"

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        named = ", ".join(f"'{fault.field}'" for fault in faults[:5])
        super().__init__(
            f"the request is not valid at {named}; see 'errors'",
            f"yêu cầu không hợp lệ tại {named}; xem 'errors'",
            faults=faults,
        )


class BodyTooLarge(CallerError):
    """The body is over the limit of this route."""

    code = "body_too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"the body is over {limit_bytes} bytes; send less at a time",
            f"nội dung gửi lên vượt quá {limit_bytes} byte; hãy gửi ít hơn mỗi lần",
        )


class MediaTypeUnsupported(CallerError):
    """The body is not declared as application/json."""

    code = "media_type_unsupported"

    def __init__(self, media_type: str) -> None:
        super().__init__(
            f"the body is declared as '{media_type}'; send 'application/json'",
            f"kiểu nội dung '{media_type}' không được hỗ trợ; hãy gửi 'application/json'",
        )


class RouteUnknown(CallerError):
    """No such path."""

    code = "route_unknown"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"there is nothing at '{path}'; see /docs", f"không có gì tại '{path}'; xem /docs"
        )


class MethodNotAllowed(CallerError):
    """The path exists but not with this HTTP method."""

    code = "method_not_allowed"

    def __init__(self, method: str, path: str) -> None:
        super().__init__(
            f"'{path}' does not answer {method}; see /docs",
            f"'{path}' không nhận phương thức {method}; xem /docs",
        )


class CursorInvalid(CallerError):
    """A page cursor that we did not give."""

    code = "cursor_invalid"

    def __init__(self) -> None:
        super().__init__(
            "the cursor was not given by this list; start again without one",
            "con trỏ trang không phải do danh sách này cấp; hãy bắt đầu lại không kèm con trỏ",
        )


# ── who is calling ───────────────────────────────────────────────────────────────────────────────


class Unauthenticated(CallerError):
    """No API key, or one that we do not know, that is revoked, expired, or of the other mode."""

    code = "unauthenticated"

    def __init__(self, reason: str = "the API key is missing or unknown") -> None:
        super().__init__(
            f"{reason}; send 'Authorization: Bearer sk_…'",
            "khóa API thiếu, không đúng hoặc đã hết hạn; gửi 'Authorization: Bearer sk_…'",
        )


class ScopeMissing(CallerError):
    """The API key is good but may not do this."""

    code = "scope_missing"

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"this API key lacks the scope '{scope}'; ask the operator for a key that has it",
            f"khóa API này không có quyền '{scope}'; hãy yêu cầu đơn vị vận hành cấp",
        )


# ── we cannot answer now ─────────────────────────────────────────────────────────────────────────


class Overloaded(Unavailable):
    """Too many requests wait already; this one was not begun."""

    code = "overloaded"

    def __init__(self) -> None:
        super().__init__(
            "too many requests are waiting; nothing was done, send it again shortly",
            "hệ thống đang quá tải; chưa xử lý gì, hãy gửi lại sau giây lát",
        )


class OutcomeUnknown(Unavailable):
    """The database did not say whether the move was kept; only the same key can tell."""

    code = "outcome_unknown"
    retry_after_s = 2

    def __init__(self) -> None:
        super().__init__(
            "the database did not confirm; the payment may have been made: send the same request "
            "with the same Idempotency-Key until it is answered",
            "cơ sở dữ liệu chưa xác nhận; khoản thanh toán có thể đã được ghi nhận: hãy gửi lại "
            "đúng yêu cầu với cùng Idempotency-Key cho đến khi có kết quả",
        )


class DatabaseUnavailable(Unavailable):
    """A read could not be answered; nothing was written."""

    code = "database_unavailable"
    retry_after_s = 2

    def __init__(
        self,
        detail: str = "the database cannot be reached; nothing was done, send it again shortly",
        detail_vi: str = (
            "không kết nối được cơ sở dữ liệu; chưa xử lý gì, hãy gửi lại sau giây lát"
        ),
    ) -> None:
        super().__init__(detail, detail_vi)


class BillerNotAnswering(Unavailable):
    """The biller's own service did not say what is owed; nothing was written."""

    code = "biller_not_answering"
    retry_after_s = 5

    def __init__(self, biller: str) -> None:
        super().__init__(
            f"'{biller}' does not answer what is owed; nothing was done, ask again shortly",
            f"'{biller}' chưa trả lời số tiền nợ; chưa xử lý gì, hãy tra cứu lại sau giây lát",
        )
