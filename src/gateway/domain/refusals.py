"""What a caller asked about bills and payments and cannot have; no money moved by the request."""

from gateway.domain.errors import CallerError, Fault


class RulesInvalid(CallerError):
    """A biller's metadata document does not say what it must."""

    code = "rules_invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the biller's rules are not valid: {reason}",
            f"quy tắc của đơn vị cung cấp không hợp lệ: {reason}",
        )


class BillerUnknown(CallerError):
    """No biller of this code is open to this partner."""

    code = "biller_unknown"

    def __init__(self, biller: str) -> None:
        super().__init__(
            f"there is no biller '{biller}'; GET /v1/billers lists them",
            f"không có đơn vị cung cấp '{biller}'; GET /v1/billers liệt kê các đơn vị",
            biller=biller,
        )


class CustomerCodeInvalid(CallerError):
    """The code cannot be one of this biller's: wrong shape."""

    code = "customer_code_invalid"

    def __init__(self, biller: str, customer_code: str) -> None:
        super().__init__(
            f"'{customer_code}' is not a customer code of {biller}; "
            "check the code printed on the bill",
            f"'{customer_code}' không đúng dạng mã khách hàng của {biller}; "
            "hãy xem mã in trên hóa đơn",
        )


class CustomerUnknown(CallerError):
    """The code has the right shape but the biller has no such customer."""

    code = "customer_unknown"

    def __init__(self, biller: str, customer_code: str) -> None:
        super().__init__(
            f"{biller} has no customer '{customer_code}'; check the code printed on the bill",
            f"{biller} không có khách hàng '{customer_code}'; hãy xem mã in trên hóa đơn",
        )


class BillNotFound(CallerError):
    """The customer has no such bill."""

    code = "bill_not_found"

    def __init__(self, biller: str, bill_id: str) -> None:
        super().__init__(
            f"{biller} has no bill '{bill_id}' of this customer; look the bills up again",
            f"{biller} không có hóa đơn '{bill_id}' của khách hàng này; hãy tra cứu lại",
            bill_id=bill_id,
        )


class BillAlreadyPaid(CallerError):
    """The bill is paid, by this or another partner, over any channel."""

    code = "bill_already_paid"

    def __init__(self, bill_id: str) -> None:
        super().__init__(
            f"bill '{bill_id}' is already paid; give the payer's money back if you have taken it",
            f"hóa đơn '{bill_id}' đã được thanh toán; nếu đã thu tiền, hãy hoàn lại cho khách",
            bill_id=bill_id,
        )


class BillCancelled(CallerError):
    """The biller has withdrawn the bill."""

    code = "bill_cancelled"

    def __init__(self, bill_id: str) -> None:
        super().__init__(
            f"bill '{bill_id}' was cancelled by the biller; look the bills up again",
            f"hóa đơn '{bill_id}' đã bị đơn vị phát hành hủy; hãy tra cứu lại",
            bill_id=bill_id,
        )


class AmountMismatch(CallerError):
    """The amount is not what is due under the biller's rule."""

    code = "amount_mismatch"

    def __init__(self, bill_id: str, *, asked_dong: int, due_dong: int) -> None:
        super().__init__(
            f"bill '{bill_id}' has {due_dong} đồng due, not {asked_dong}; look the bills up again",
            f"hóa đơn '{bill_id}' còn nợ {due_dong} đồng, không phải {asked_dong}; hãy tra cứu lại",
            bill_id=bill_id,
            due_dong=due_dong,
        )


class OlderBillOpen(CallerError):
    """The biller wants the oldest bill paid first, and an older one is open."""

    code = "older_bill_open"

    def __init__(self, bill_id: str) -> None:
        super().__init__(
            f"the older bill '{bill_id}' must be paid first or in the same payment",
            f"hóa đơn cũ hơn '{bill_id}' phải được thanh toán trước hoặc cùng lúc",
            bill_id=bill_id,
        )


class ChannelNotAllowed(CallerError):
    """The biller does not accept this channel, or not this much over it."""

    code = "channel_not_allowed"

    def __init__(self, biller: str, channel: str, most_dong: int | None = None) -> None:
        limit = "" if most_dong is None else f" over {most_dong} đồng"
        limit_vi = "" if most_dong is None else f" quá {most_dong} đồng"
        super().__init__(
            f"{biller} does not accept channel '{channel}'{limit}; see its rules in /v1/billers",
            f"{biller} không nhận kênh '{channel}'{limit_vi}; xem quy tắc tại /v1/billers",
        )


class LookupTokenRequired(CallerError):
    """The biller wants each payment bound to a lookup."""

    code = "lookup_token_required"

    def __init__(self, biller: str) -> None:
        super().__init__(
            f"{biller} requires 'lookup_token'; look the bills up and send the token along",
            f"{biller} yêu cầu 'lookup_token'; hãy tra cứu hóa đơn và gửi kèm mã này",
        )


class LookupTokenInvalid(CallerError):
    """The token is not ours, is another partner's, or is for other bills or amounts."""

    code = "lookup_token_invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the lookup token does not fit: {reason}; look the bills up again",
            "mã tra cứu không khớp với yêu cầu; hãy tra cứu lại",
        )


class LookupTokenExpired(CallerError):
    """The token's time is over."""

    code = "lookup_token_expired"

    def __init__(self) -> None:
        super().__init__(
            "the lookup token has expired; look the bills up again",
            "mã tra cứu đã hết hạn; hãy tra cứu lại",
        )


class PaymentNotFound(CallerError):
    """This partner has no such payment."""

    code = "payment_not_found"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"you have no payment '{name}'", f"quý đối tác không có khoản thanh toán '{name}'"
        )


class AlreadyReversed(CallerError):
    """The payment has been reversed before."""

    code = "already_reversed"

    def __init__(self, payment_id: str) -> None:
        super().__init__(
            f"payment '{payment_id}' is already reversed",
            f"khoản thanh toán '{payment_id}' đã được hủy gạch nợ trước đó",
            payment_id=payment_id,
        )


class ReversalTooLate(CallerError):
    """The biller's cut-off, or the payment's business date, is past."""

    code = "reversal_too_late"

    def __init__(self, payment_id: str, until: str) -> None:
        super().__init__(
            f"payment '{payment_id}' could be reversed until {until}; ask for a refund instead",
            f"khoản thanh toán '{payment_id}' chỉ được hủy đến {until}; hãy yêu cầu hoàn tiền",
            payment_id=payment_id,
        )


class IdempotencyKeyMissing(CallerError):
    """A request that moves money came without the header."""

    code = "idempotency_key_missing"

    def __init__(self) -> None:
        super().__init__(
            "send an 'Idempotency-Key' header, new for each payment, the same on each retry",
            "gửi kèm tiêu đề 'Idempotency-Key': mới cho mỗi khoản, giữ nguyên khi gửi lại",
        )


class IdempotencyKeyInvalid(CallerError):
    """The header's value cannot be a key."""

    code = "idempotency_key_invalid"

    def __init__(self) -> None:
        super().__init__(
            "'Idempotency-Key' is 16 to 128 of A-Z a-z 0-9 _ - . : and sent once",
            "'Idempotency-Key' gồm 16 đến 128 ký tự A-Z a-z 0-9 _ - . : và chỉ gửi một lần",
        )


class IdempotencyKeyReused(CallerError):
    """The key was used before for a different request."""

    code = "idempotency_key_reused"

    def __init__(self, field: str) -> None:
        super().__init__(
            f"this Idempotency-Key was used for a request that differs in '{field}'; "
            "use a new key for a new payment",
            f"Idempotency-Key này đã dùng cho yêu cầu khác ở '{field}'; "
            "hãy dùng khóa mới cho khoản mới",
            faults=(Fault(field, "differs from the first request sent with this key"),),
        )


class StillProcessing(CallerError):
    """A request with this key is running at this moment."""

    code = "still_processing"

    def __init__(self) -> None:
        super().__init__(
            "a request with this Idempotency-Key is being processed; send it again in a second",
            "yêu cầu với Idempotency-Key này đang được xử lý; hãy gửi lại sau một giây",
        )


class PartnerReferenceUsed(CallerError):
    """The partner's own reference already names a payment."""

    code = "partner_reference_used"

    def __init__(self, partner_reference: str, payment_id: str) -> None:
        super().__init__(
            f"your reference '{partner_reference}' already names payment {payment_id}",
            f"mã tham chiếu '{partner_reference}' đã gắn với khoản thanh toán {payment_id}",
            payment_id=payment_id,
            payment=f"/v1/payments/{payment_id}",
        )


class AnswerNotFound(CallerError):
    """Nothing is stored under this key."""

    code = "answer_not_found"

    def __init__(self) -> None:
        super().__init__(
            "no answer is stored under this Idempotency-Key; if the request may still be on its "
            "way, send it again with the same key and body: it cannot pay twice",
            "chưa có kết quả nào lưu với Idempotency-Key này; nếu yêu cầu có thể còn trên đường "
            "truyền, hãy gửi lại với cùng khóa và nội dung: không thể trả hai lần",
        )
