"""The codes of field cash and its fading, in two languages; part of `problem_table`."""

from gateway.api.problem_entry import Entry

CASH_TABLE: dict[str, Entry] = {
    "collector_unknown": Entry(
        404,
        "No such collector",
        "Không có nhân viên thu này",
        "No collector of this code works for you.",
        "Quý đối tác không có nhân viên thu mang mã này.",
    ),
    "device_unknown": Entry(
        404,
        "No such device",
        "Không có thiết bị này",
        "The device is not of the list's collector. Nothing was taken: keep the receipts.",
        "Thiết bị không thuộc nhân viên thu của danh sách. Chưa ghi nhận gì: hãy giữ biên nhận.",
    ),
    "hand_over_list_not_found": Entry(
        404,
        "No such hand-over list",
        "Không có danh sách giao thu này",
        "None of your collectors was given a list of this id.",
        "Không nhân viên thu nào của quý đối tác được giao danh sách mang mã này.",
    ),
    "new_lists_ended": Entry(
        409,
        "New lists have ended",
        "Đã ngừng giao danh sách",
        "Cash at the door is over in this area since the date in `ended_on`. Lists handed over "
        "before are uploaded and closed as ever.",
        "Địa bàn ngừng thu tiền mặt tại nhà từ ngày nêu ở `ended_on`. Danh sách đã giao vẫn được "
        "nộp và chốt như thường.",
    ),
    "nothing_to_hand_over": Entry(
        409,
        "Nothing to hand over",
        "Không có hóa đơn để giao",
        "No open bill is left for this list: paid, on another live list, or over the caps.",
        "Không còn hóa đơn để giao: đã trả, thuộc danh sách khác, hoặc vượt hạn mức.",
    ),
    "hand_over_list_closed": Entry(
        409,
        "List is closed",
        "Danh sách đã chốt",
        "The list is closed with other figures than these.",
        "Danh sách đã chốt với số liệu khác.",
    ),
    "deposit_reference_used": Entry(
        409,
        "Deposit is known otherwise",
        "Phiếu nộp đã ghi nhận khác",
        "The slip stands in the books with another amount or for another list.",
        "Phiếu nộp đã được ghi nhận với số tiền khác hoặc cho danh sách khác.",
    ),
    "cash_schedule_invalid": Entry(
        422,
        "Schedule cannot be",
        "Lịch không hợp lệ",
        "The days of the schedule do not follow each other, or a figure is out of bounds.",
        "Các ngày của lịch không theo thứ tự, hoặc có số liệu ngoài giới hạn.",
    ),
    "cash_schedule_not_found": Entry(
        404,
        "No schedule",
        "Chưa có lịch",
        "The area has no schedule by which cash fades.",
        "Địa bàn chưa có lịch giảm thu tiền mặt.",
    ),
}
