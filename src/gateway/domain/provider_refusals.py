"""Refusals that have to do with payments through providers; see `errors.py`."""

from gateway.domain.errors import CallerError


class BillBeingPaid(CallerError):
    """Another payment holds the bill and its money may be moving."""

    code = "bill_being_paid"

    def __init__(self, bill_id: str) -> None:
        super().__init__(
            f"bill '{bill_id}' is being paid by another payment whose outcome is not known yet; "
            "do not take the money, or give it back",
            f"hóa đơn '{bill_id}' đang được thanh toán bằng cách khác và chưa rõ kết quả; "
            "không thu tiền, hoặc trả lại tiền",
            bill_id=bill_id,
        )


class ProviderNotOffered(CallerError):
    """No such provider here, or it cannot do what was asked."""

    code = "provider_not_offered"

    def __init__(self, provider: str, ability: str = "payments") -> None:
        super().__init__(
            f"provider '{provider}' is not offered for {ability}; see /v1/providers",
            f"đơn vị '{provider}' không được hỗ trợ cho việc này; xem /v1/providers",
            provider=provider,
        )


class ProviderAmountOutOfRange(CallerError):
    """The amount is under or over what the provider takes in one order."""

    code = "provider_amount_out_of_range"

    def __init__(self, provider: str, *, least_dong: int, most_dong: int) -> None:
        super().__init__(
            f"'{provider}' takes {least_dong} to {most_dong} đồng at once",
            f"'{provider}' nhận từ {least_dong} đến {most_dong} đồng mỗi lần",
            provider=provider,
            least_dong=least_dong,
            most_dong=most_dong,
        )


class NotCancellable(CallerError):
    """The payment has ended, or was collected."""

    code = "not_cancellable"

    def __init__(self, payment_id: str, status: str) -> None:
        super().__init__(
            f"payment '{payment_id}' is '{status}' and cannot be cancelled",
            f"khoản thanh toán '{payment_id}' đang ở trạng thái '{status}', không thể hủy",
            payment_id=payment_id,
        )


class NotReversible(CallerError):
    """Only collected payments are reversed; money of a provider is refunded."""

    code = "not_reversible"

    def __init__(self, payment_id: str) -> None:
        super().__init__(
            f"payment '{payment_id}' was not collected by you; ask for a refund instead",
            f"khoản thanh toán '{payment_id}' không phải do bạn thu; hãy yêu cầu hoàn tiền",
            payment_id=payment_id,
        )


class AttemptStillOpen(CallerError):
    """A second attempt is only made after the first is proved to have failed."""

    code = "attempt_still_open"

    def __init__(self, payment_id: str, status: str) -> None:
        super().__init__(
            f"payment '{payment_id}' is '{status}': another attempt could be paid twice; "
            "wait until it is proved to have failed",
            f"khoản thanh toán '{payment_id}' đang '{status}': thử lại có thể bị trả hai lần; "
            "hãy đợi đến khi chắc chắn không thành công",
            payment_id=payment_id,
        )
