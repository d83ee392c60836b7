"""The codes of mandates and debit runs; `problem_table.py` joins them to the others."""

from gateway.api.problem_entry import Entry

MANDATE_TABLE: dict[str, Entry] = {
    "mandate_not_found": Entry(
        404,
        "Mandate not found",
        "Không tìm thấy ủy quyền",
        "You have made no such mandate, nor is it of your own bills.",
        "Bạn không lập ủy quyền này và nó cũng không thuộc hóa đơn của bạn.",
    ),
    "mandate_exists": Entry(
        409,
        "Mandate exists",
        "Đã có ủy quyền",
        "The customer has a live mandate on other terms or at another bank; cancel it first.",
        "Khách hàng đã có ủy quyền còn hiệu lực với điều khoản hoặc ngân hàng khác; hãy hủy trước.",
    ),
    "mandate_not_changeable": Entry(
        409,
        "Mandate not changeable",
        "Không thể thay đổi ủy quyền",
        "The mandate's state does not allow this; `state` says how it stands.",
        "Trạng thái hiện tại của ủy quyền không cho phép; xem `state`.",
    ),
    "mandate_inactive": Entry(
        409,
        "Mandate inactive",
        "Ủy quyền không có hiệu lực",
        "It is not active, or today lies outside its days; nothing was debited.",
        "Ủy quyền chưa hoặc không còn hiệu lực hôm nay; chưa trích nợ.",
    ),
    "mandate_limit_exceeded": Entry(
        422,
        "Mandate's limit exceeded",
        "Vượt hạn mức ủy quyền",
        "The payer permitted less in one debit or in this month; `most_dong` says how much now.",
        "Vượt hạn mức một lần hoặc trong tháng; `most_dong` là số tiền còn được phép.",
    ),
    "otp_refused": Entry(
        422,
        "One-time password refused",
        "Mã OTP không được chấp nhận",
        "The bank did not accept the password; after three wrong ones it rejects the mandate.",
        "Ngân hàng không chấp nhận mã; sau ba lần sai, ủy quyền bị từ chối.",
    ),
    "debit_run_not_found": Entry(
        404,
        "Debit run not found",
        "Không tìm thấy đợt thu",
        "There is no such run of your bills.",
        "Không có đợt thu này cho hóa đơn của bạn.",
    ),
    "debit_day_refused": Entry(
        422,
        "No debits on this day",
        "Không thu được vào ngày này",
        "Banks do not book on it, it has not come, or payers would not be told two days before.",
        "Ngân hàng không làm việc, chưa đến ngày, hoặc không kịp báo trước hai ngày.",
    ),
    "calendar_unknown": Entry(
        422,
        "Calendar unknown",
        "Chưa có lịch làm việc",
        "The business calendar does not reach that year yet.",
        "Lịch làm việc chưa có dữ liệu của năm đó.",
    ),
}
