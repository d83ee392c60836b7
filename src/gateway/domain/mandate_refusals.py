"""Refusals that have to do with mandates and debit runs; no money moved by the request."""

from datetime import date

from gateway.domain.errors import CallerError


class MandateNotFound(CallerError):
    """The caller has no such mandate."""

    code = "mandate_not_found"

    def __init__(self, mandate_id: str) -> None:
        super().__init__(
            f"there is no mandate '{mandate_id}' of yours",
            f"không có ủy quyền '{mandate_id}' của bạn",
            mandate_id=mandate_id,
        )


class MandateExists(CallerError):
    """The customer has a live mandate already, on other terms or at another bank."""

    code = "mandate_exists"

    def __init__(self, customer_code: str) -> None:
        super().__init__(
            f"customer '{customer_code}' has a live mandate already; it must be cancelled first",
            f"khách hàng '{customer_code}' đã có ủy quyền còn hiệu lực; hãy hủy trước",
        )


class MandateNotChangeable(CallerError):
    """The mandate's state does not allow this."""

    code = "mandate_not_changeable"

    def __init__(self, mandate_id: str, state: str, change: str) -> None:
        super().__init__(
            f"mandate '{mandate_id}' is '{state}': {change} is not possible",
            f"ủy quyền '{mandate_id}' đang ở trạng thái '{state}', không thực hiện được '{change}'",
            mandate_id=mandate_id,
            state=state,
        )


class OtpRefused(CallerError):
    """The bank did not accept the one-time password."""

    code = "otp_refused"

    def __init__(self, mandate_id: str) -> None:
        super().__init__(
            f"the bank refused the one-time password of mandate '{mandate_id}'",
            f"ngân hàng không chấp nhận mã OTP của ủy quyền '{mandate_id}'",
            mandate_id=mandate_id,
        )


class DebitRunNotFound(CallerError):
    """The caller may see no such run."""

    code = "debit_run_not_found"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"there is no debit run '{run_id}'", f"không có đợt thu '{run_id}'")


class DayRefused(CallerError):
    """A run cannot be prepared for, or sent on, this day."""

    code = "debit_day_refused"

    def __init__(self, day: date, why: str, why_vi: str) -> None:
        super().__init__(f"no debits on {day}: {why}", f"không thu ngày {day}: {why_vi}")


class MandateInactive(CallerError):
    """Nothing may be debited on the mandate today."""

    code = "mandate_inactive"

    def __init__(self, mandate_id: str, state: str) -> None:
        super().__init__(
            f"mandate '{mandate_id}' is '{state}' or not valid today: nothing was debited",
            f"ủy quyền '{mandate_id}' đang '{state}' hoặc hôm nay không có hiệu lực; chưa trích nợ",
            mandate_id=mandate_id,
            state=state,
        )


class MandateLimitExceeded(CallerError):
    """The payer permitted less than this in one debit, or in this month."""

    code = "mandate_limit_exceeded"

    def __init__(self, mandate_id: str, most_dong: int) -> None:
        super().__init__(
            f"mandate '{mandate_id}' permits {most_dong} đồng now; nothing was debited",
            f"ủy quyền '{mandate_id}' hiện chỉ cho phép {most_dong} đồng; chưa trích nợ",
            mandate_id=mandate_id,
            most_dong=most_dong,
        )
