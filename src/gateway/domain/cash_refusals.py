"""What a collector's house asked and cannot have; no money moved by the request."""

from datetime import date

from gateway.domain.errors import CallerError


class CollectorUnknown(CallerError):
    """No collector of this code works for this partner."""

    code = "collector_unknown"

    def __init__(self, collector: str) -> None:
        super().__init__(
            f"you have no collector '{collector}'; see `gateway cash collector`",
            f"quý đối tác không có nhân viên thu '{collector}'",
            collector=collector,
        )


class DeviceUnknown(CallerError):
    """No device of this key id is the collector's; its receipts stay on it."""

    code = "device_unknown"

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"device '{key_id}' is not of this list's collector; keep its receipts and ask us",
            f"thiết bị '{key_id}' không thuộc nhân viên thu của danh sách; hãy giữ biên nhận",
            device=key_id,
        )


class ListNotFound(CallerError):
    """This partner has no such hand-over list."""

    code = "hand_over_list_not_found"

    def __init__(self, list_id: str) -> None:
        super().__init__(
            f"you have no hand-over list '{list_id}'",
            f"quý đối tác không có danh sách giao thu '{list_id}'",
        )


class NewListsEnded(CallerError):
    """The area's schedule has ended new lists: cash at the door is over there."""

    code = "new_lists_ended"

    def __init__(self, area: str, ended_on: date) -> None:
        super().__init__(
            f"area '{area}' has no new hand-over lists since {ended_on}: help customers to pay "
            "electronically; lists handed over before may be uploaded and closed",
            f"địa bàn '{area}' ngừng giao danh sách thu tại nhà từ {ended_on}: hãy hướng dẫn khách "
            "hàng thanh toán điện tử; danh sách đã giao vẫn được nộp và chốt",
            area=area,
            ended_on=ended_on.isoformat(),
        )


class NothingToHandOver(CallerError):
    """No bill can be handed over: none open, all on other lists, or none within the caps."""

    code = "nothing_to_hand_over"

    def __init__(self, area: str, why: str) -> None:
        super().__init__(
            f"nothing can be handed over in area '{area}': {why}",
            f"không có hóa đơn nào để giao thu tại địa bàn '{area}'",
            area=area,
        )


class ListClosed(CallerError):
    """The list is closed with other figures."""

    code = "hand_over_list_closed"

    def __init__(self, list_id: str) -> None:
        super().__init__(
            f"list '{list_id}' is closed with other figures; read it, and ask us to correct them",
            f"danh sách '{list_id}' đã chốt với số liệu khác; hãy đọc lại và liên hệ chúng tôi",
        )


class DepositReferenceUsed(CallerError):
    """The collector has a deposit of this reference with another amount or for another list."""

    code = "deposit_reference_used"

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"deposit '{reference}' is in the books otherwise; nothing moved",
            f"phiếu nộp tiền '{reference}' đã được ghi nhận khác; không có khoản nào thay đổi",
            reference=reference,
        )


class CashNotToGiveBack(CallerError):
    """The line is not cash that stands in suspense."""

    code = "cash_not_to_give_back"

    def __init__(self, line: str) -> None:
        super().__init__(
            f"'{line}' is no cash in suspense; see `gateway suspense`",
            f"'{line}' không phải tiền mặt đang treo; xem `gateway suspense`",
        )


class ScheduleInvalid(CallerError):
    """The dates of an area's schedule are not in order, or a figure is out of bounds."""

    code = "cash_schedule_invalid"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the schedule cannot be: {why}", f"lịch giảm thu tiền mặt không hợp lệ: {why}"
        )


class ScheduleNotFound(CallerError):
    """The area has no schedule."""

    code = "cash_schedule_not_found"

    def __init__(self, area: str) -> None:
        super().__init__(
            f"area '{area}' has no cash schedule", f"địa bàn '{area}' chưa có lịch giảm tiền mặt"
        )
