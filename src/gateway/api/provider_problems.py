"""The codes of payments through providers; `problem_table.py` joins them to the others."""

from gateway.api.problem_entry import Entry, Retry

PROVIDER_TABLE: dict[str, Entry] = {
    "bill_being_paid": Entry(
        409,
        "Bill is being paid",
        "Hóa đơn đang được thanh toán",
        "Another payment holds this bill and its money may be moving; nothing of yours was taken. "
        "Give the money back; look the bill up again later.",
        "Hóa đơn đang được thanh toán bằng cách khác, tiền có thể đang chuyển; yêu cầu này không "
        "thu gì. Hãy trả lại tiền và tra cứu lại sau.",
    ),
    "provider_not_offered": Entry(
        422,
        "Provider not offered",
        "Không hỗ trợ đơn vị này",
        "There is no such provider here, or it cannot do this; see /v1/providers.",
        "Không có đơn vị này ở đây hoặc đơn vị không làm được việc này; xem /v1/providers.",
    ),
    "provider_amount_out_of_range": Entry(
        422,
        "Amount out of the provider's range",
        "Số tiền ngoài giới hạn của đơn vị",
        "The provider does not take this amount in one order; `least_dong` and `most_dong` say "
        "what it takes.",
        "Đơn vị không nhận số tiền này trong một lần; `least_dong` và `most_dong` cho biết giới "
        "hạn.",
    ),
    "not_cancellable": Entry(
        409,
        "Cannot be cancelled",
        "Không thể hủy",
        "The payment has ended, or was collected by you: a collected payment is reversed.",
        "Khoản thanh toán đã kết thúc, hoặc do bạn thu: khoản đã thu thì hủy gạch nợ.",
        money_may_have_moved=True,
    ),
    "not_reversible": Entry(
        409,
        "Cannot be reversed",
        "Không thể hủy gạch nợ",
        "The payer paid at a provider; the money is refunded there, not reversed.",
        "Người trả tiền đã trả tại đơn vị thanh toán; tiền được hoàn tại đó, không hủy gạch nợ.",
    ),
    "attempt_still_open": Entry(
        409,
        "Attempt still open",
        "Lần thanh toán chưa kết thúc",
        "The last attempt may still take the money, or a bill can no longer be paid with this "
        "payment. Read the payment before anything else.",
        "Lần thanh toán trước vẫn có thể thu tiền, hoặc có hóa đơn không còn trả được bằng khoản "
        "này. Hãy đọc khoản thanh toán trước.",
        money_may_have_moved=True,
    ),
    "checkout_not_found": Entry(
        404,
        "No such payment link",
        "Không có liên kết thanh toán này",
        "The link was not made here, or was not copied whole.",
        "Liên kết không do cổng này tạo, hoặc chưa được sao chép đủ.",
    ),
    "checkout_reference_used": Entry(
        409,
        "Reference names another checkout",
        "Mã tham chiếu đã dùng cho yêu cầu khác",
        "Your `partner_reference` already names a checkout of other bills; use a new one.",
        "`partner_reference` đã gắn với yêu cầu thanh toán khác; hãy dùng mã mới.",
    ),
    "too_many_requests": Entry(
        429,
        "Too many requests",
        "Quá nhiều yêu cầu",
        "Too many lookups came from this address or for this customer; nothing was looked at.",
        "Có quá nhiều lượt tra cứu từ địa chỉ này hoặc cho khách hàng này nên không tra cứu gì.",
        retry=Retry.SAME_REQUEST,
    ),
}
