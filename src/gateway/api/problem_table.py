"""Every code of the API, in two languages; `docs/problems.md` is made from this table."""

from gateway.api.cash_problems import CASH_TABLE
from gateway.api.mandate_problems import MANDATE_TABLE
from gateway.api.problem_entry import Entry, Retry
from gateway.api.provider_problems import PROVIDER_TABLE
from gateway.api.report_problems import REPORT_TABLE

__all__ = ["TABLE", "Entry", "Retry"]

TABLE: dict[str, Entry] = {
    "json_malformed": Entry(
        400,
        "Malformed JSON",
        "JSON không hợp lệ",
        "The body is not one JSON document, repeats a key, or holds NaN or Infinity.",
        "Nội dung không phải một tài liệu JSON, lặp khóa, hoặc chứa NaN hay Infinity.",
    ),
    "request_invalid": Entry(
        422,
        "Invalid request",
        "Yêu cầu không hợp lệ",
        "Fields are missing, unknown, of another type or out of bounds; `errors` names each.",
        "Có trường bị thiếu, không biết, sai kiểu hoặc ngoài giới hạn; `errors` nêu từng trường.",
    ),
    "body_too_large": Entry(
        413,
        "Body too large",
        "Nội dung quá lớn",
        "The body is over the limit of this route; send less at a time.",
        "Nội dung vượt giới hạn của đường dẫn này; hãy gửi ít hơn mỗi lần.",
    ),
    "media_type_unsupported": Entry(
        415,
        "Unsupported media type",
        "Kiểu nội dung không hỗ trợ",
        "A body must be declared as application/json.",
        "Nội dung phải được khai báo là application/json.",
    ),
    "route_unknown": Entry(
        404,
        "No such path",
        "Không có đường dẫn này",
        "Nothing answers at this path; see /docs.",
        "Không có gì ở đường dẫn này; xem /docs.",
    ),
    "method_not_allowed": Entry(
        405,
        "Method not allowed",
        "Phương thức không được phép",
        "The path exists but does not answer this HTTP method.",
        "Đường dẫn tồn tại nhưng không nhận phương thức HTTP này.",
    ),
    "cursor_invalid": Entry(
        400,
        "Unknown cursor",
        "Con trỏ trang không hợp lệ",
        "The cursor was not given by this list; begin again without one.",
        "Con trỏ không do danh sách này cấp; hãy bắt đầu lại không kèm con trỏ.",
    ),
    "unauthenticated": Entry(
        401,
        "API key not accepted",
        "Khóa API không được chấp nhận",
        "No API key, or one that is unknown, revoked, expired or of the other mode (test, live).",
        "Không có khóa API, hoặc khóa không đúng, đã thu hồi, hết hạn hay khác chế độ (thử, thật).",
    ),
    "scope_missing": Entry(
        403,
        "API key lacks a scope",
        "Khóa API thiếu quyền",
        "The key is good but may not do this; the detail names the scope.",
        "Khóa đúng nhưng không có quyền này; phần chi tiết nêu tên quyền.",
    ),
    "biller_unknown": Entry(
        404,
        "No such biller",
        "Không có đơn vị cung cấp này",
        "No biller has this code, or it is not yours to manage.",
        "Không có đơn vị nào mang mã này, hoặc không thuộc quyền của quý đối tác.",
    ),
    "customer_code_invalid": Entry(
        422,
        "Not a customer code",
        "Mã khách hàng không đúng dạng",
        "The code cannot be one of this biller's: its shape is wrong. Ask the payer "
        "to read it again from the bill.",
        "Mã không thể là mã của đơn vị này: sai dạng. Hãy đọc lại mã trên hóa đơn.",
    ),
    "customer_unknown": Entry(
        404,
        "No such customer",
        "Không có khách hàng này",
        "The code has the right shape but names nobody. A known customer without debt"
        " is 200 with an empty list instead.",
        "Mã đúng dạng nhưng không ứng với ai. Khách hàng có thật mà không nợ thì trả "
        "lời 200 với danh sách rỗng.",
    ),
    "bill_not_found": Entry(
        404,
        "No such bill",
        "Không có hóa đơn này",
        "The customer has no bill of this id; look the bills up again.",
        "Khách hàng không có hóa đơn mang mã này; hãy tra cứu lại.",
    ),
    "bill_already_paid": Entry(
        409,
        "Bill already paid",
        "Hóa đơn đã thanh toán",
        "Somebody has paid the bill, over any channel. If you have taken money for "
        "it, give it back.",
        "Hóa đơn đã được thanh toán qua một kênh nào đó. Nếu đã thu tiền, hãy hoàn lại.",
    ),
    "bill_cancelled": Entry(
        409,
        "Bill cancelled",
        "Hóa đơn đã hủy",
        "The biller has withdrawn the bill; look the bills up again.",
        "Đơn vị phát hành đã hủy hóa đơn; hãy tra cứu lại.",
    ),
    "amount_mismatch": Entry(
        409,
        "Not the amount due",
        "Số tiền không khớp nợ",
        "The amount is not what is due under the biller's rule; `due_dong` says what is.",
        "Số tiền không khớp khoản nợ theo quy tắc của đơn vị; `due_dong` là số còn nợ.",
    ),
    "older_bill_open": Entry(
        409,
        "An older bill is open",
        "Còn hóa đơn cũ hơn chưa trả",
        "The biller wants the oldest bill paid first; add it to this payment or pay it before.",
        "Đơn vị yêu cầu trả hóa đơn cũ trước; hãy thêm vào khoản này hoặc trả trước.",
    ),
    "channel_not_allowed": Entry(
        422,
        "Channel not accepted",
        "Kênh không được chấp nhận",
        "The biller does not take this channel, or not this much over it.",
        "Đơn vị không nhận kênh này, hoặc không nhận số tiền này qua kênh.",
    ),
    "lookup_token_required": Entry(
        422,
        "Lookup token required",
        "Cần mã tra cứu",
        "The biller wants each payment bound to a lookup; send its `lookup_token`.",
        "Đơn vị yêu cầu mỗi khoản thanh toán gắn với một lần tra cứu; hãy gửi `lookup_token`.",
    ),
    "lookup_token_invalid": Entry(
        422,
        "Lookup token does not fit",
        "Mã tra cứu không khớp",
        "The token is not ours, was given to somebody else, or does not cover these "
        "bills and amounts.",
        "Mã không phải của chúng tôi, của đối tác khác, hoặc không bao gồm các hóa "
        "đơn và số tiền này.",
    ),
    "lookup_token_expired": Entry(
        409,
        "Lookup token expired",
        "Mã tra cứu hết hạn",
        "More than 15 minutes have passed; look the bills up again.",
        "Đã quá 15 phút; hãy tra cứu lại.",
    ),
    "payment_not_found": Entry(
        404,
        "No such payment",
        "Không có khoản thanh toán này",
        "You have no payment of this id or reference.",
        "Quý đối tác không có khoản thanh toán mang mã này.",
    ),
    "already_reversed": Entry(
        409,
        "Already reversed",
        "Đã hủy gạch nợ",
        "The payment was reversed before, under another key.",
        "Khoản thanh toán đã được hủy trước đó với khóa khác.",
    ),
    "reversal_too_late": Entry(
        409,
        "Too late to reverse",
        "Quá hạn hủy gạch nợ",
        "A payment can be reversed on its business date, before the biller's cut-off.",
        "Chỉ được hủy trong ngày giao dịch, trước giờ chốt của đơn vị.",
    ),
    "idempotency_key_missing": Entry(
        400,
        "Idempotency-Key missing",
        "Thiếu Idempotency-Key",
        "A request that moves money needs the header, so that it can be repeated safely.",
        "Yêu cầu chuyển tiền phải có tiêu đề này để có thể gửi lại an toàn.",
    ),
    "idempotency_key_invalid": Entry(
        400,
        "Idempotency-Key invalid",
        "Idempotency-Key không hợp lệ",
        "The key is 16 to 128 of A-Z a-z 0-9 _ - . : and is sent once.",
        "Khóa gồm 16 đến 128 ký tự A-Z a-z 0-9 _ - . : và chỉ gửi một lần.",
    ),
    "idempotency_key_reused": Entry(
        422,
        "Idempotency-Key used for another request",
        "Idempotency-Key đã dùng cho yêu cầu khác",
        "The key names an earlier request that differs from this one; `errors` names "
        "the first field.",
        "Khóa đã gắn với một yêu cầu trước khác yêu cầu này; `errors` nêu trường khác đầu tiên.",
    ),
    "still_processing": Entry(
        409,
        "Still processing",
        "Đang xử lý",
        "A request with this key runs at this moment and may be moving the money. "
        "Send it again in a second: you will get its answer.",
        "Một yêu cầu với khóa này đang chạy và có thể đang ghi nhận tiền. Hãy gửi lại"
        " sau một giây để nhận kết quả.",
        Retry.SAME_REQUEST,
        money_may_have_moved=True,
    ),
    "answer_not_found": Entry(
        404,
        "No answer stored",
        "Chưa có kết quả",
        "Nothing is stored under this key. The request may still be on its way, so "
        "this is no refusal: send it again with the same key.",
        "Chưa lưu gì với khóa này. Yêu cầu có thể còn trên đường truyền nên đây không"
        " phải từ chối: hãy gửi lại với cùng khóa.",
        Retry.SAME_REQUEST,
        money_may_have_moved=True,
    ),
    "partner_reference_used": Entry(
        409,
        "Reference already used",
        "Mã tham chiếu đã dùng",
        "Your reference names a payment that was made under another key; `payment` "
        "links to it. This request moved nothing.",
        "Mã tham chiếu đã gắn với khoản thanh toán làm bằng khóa khác; `payment` dẫn "
        "đến đó. Yêu cầu này không chuyển tiền.",
        money_may_have_moved=True,
    ),
    "overloaded": Entry(
        503,
        "Overloaded",
        "Quá tải",
        "Too many requests wait; this one was not begun.",
        "Quá nhiều yêu cầu đang chờ; yêu cầu này chưa được xử lý.",
        Retry.SAME_REQUEST,
    ),
    "database_unavailable": Entry(
        503,
        "Database unavailable",
        "Cơ sở dữ liệu không sẵn sàng",
        "The database cannot be reached; nothing was paid or reversed by this request.",
        "Không kết nối được cơ sở dữ liệu; yêu cầu này không trả hay hủy khoản nào.",
        Retry.SAME_REQUEST,
    ),
    "biller_not_answering": Entry(
        503,
        "Biller not answering",
        "Đơn vị cung cấp chưa trả lời",
        "The biller's own service did not say what this customer owes, and no answer of it is kept "
        "that is young enough; nothing moved.",
        "Hệ thống của đơn vị cung cấp chưa trả lời khách hàng nợ bao nhiêu và không có kết quả cũ "
        "còn dùng được; không có khoản nào được thu.",
        Retry.SAME_REQUEST,
    ),
    "outcome_unknown": Entry(
        503,
        "Outcome unknown",
        "Chưa rõ kết quả",
        "The database did not confirm; the money may have moved. Only the same "
        "request with the same key can tell.",
        "Cơ sở dữ liệu chưa xác nhận; tiền có thể đã được ghi nhận. Chỉ gửi lại đúng "
        "yêu cầu với cùng khóa mới biết được.",
        Retry.SAME_REQUEST,
        money_may_have_moved=True,
    ),
    "internal_error": Entry(
        500,
        "Internal error",
        "Lỗi nội bộ",
        "A mistake of ours; we are told. Send the same request with the same key.",
        "Lỗi của chúng tôi; chúng tôi đã được báo. Hãy gửi lại đúng yêu cầu với cùng khóa.",
        Retry.SAME_REQUEST,
        money_may_have_moved=True,
    ),
    **PROVIDER_TABLE,
    **MANDATE_TABLE,
    **REPORT_TABLE,
    **CASH_TABLE,
}
