"""VNPAY 2.1.0: the payer pays on VNPAY's page by QR, domestic account or card.

Units: hundredths of a đồng on the wire, đồng inside; clocks in Vietnam time, 14 digits. No call
opens an order: we sign a URL and the payer's browser carries it. Signature: HMAC-SHA512, lowercase
hex; in pay URL, notification and return over all `vnp_` parameters sorted by name, form-encoded; in
query and refund over a fixed list of raw values joined by `|`, another list for the answers.

Sources, read 2026-11-24: sandbox.vnpayment.vn/apis/docs, pages thanh-toan-pay/pay.html,
truy-van-hoan-tien/querydr&refund.html, huong-dan-tich-hop; VNPAY's PHP and Node demos.
docs/providers/vnpay.md says what none of them confirms.
"""

import hashlib
import hmac
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import quote_plus

import orjson
from pydantic import Field, SecretStr

from gateway.domain.biller import Channel
from gateway.domain.clock import VIETNAM
from gateway.domain.evidence import Finding, Outcome
from gateway.domain.folding import plain_words
from gateway.kit import abilities, messages
from gateway.kit.abilities import AnswersQueries, Notifies, Refunds, TakesPayments
from gateway.kit.messages import Call, Incoming, Moment, Order, RefundOrder, Reply, Unreadable
from gateway.kit.payload import check_signature, read_object, text_of

# vnp_ResponseCode of a notification: proves nothing without the status. 02 to 08: an older list.
_DECLINES = (2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 24, 51, 65, 75, 79)
_DECLINED = {f"{number:02}": Outcome.FAILED for number in _DECLINES}
RESULT_CODES = {"00": Outcome.SUCCEEDED, "07": Outcome.HELD, **_DECLINED}
# vnp_TransactionStatus of a payment (vnp_TransactionType 01), and of a refund (02, 03).
_UNPAID = dict.fromkeys(("02", "08", "11"), Outcome.FAILED)  # 08, 11: older, still answered
_SUSPECT = dict.fromkeys(("04", "07"), Outcome.HELD)  # 04: debited, yet not successful
STATUSES = {"00": Outcome.SUCCEEDED, "01": Outcome.PENDING, **_UNPAID, **_SUSPECT}
QUERIED = {**STATUSES, "01": Outcome.WAITING}
_REFUND = {"05": Outcome.PENDING, "06": Outcome.PENDING, "09": Outcome.FAILED}
REFUND_STATUSES = {**_REFUND, "00": Outcome.SUCCEEDED}
REFUND_ACCEPTED = {**_REFUND, "00": Outcome.PENDING, "": Outcome.PENDING}
# 02, 04, 13 and 93 mean something else in an older list; in both nothing is refunded.
REFUND_REFUSALS = frozenset({"02", "03", "04", "13", "91", "93", "95", "97"})
PAYMENT, FULL_REFUND, PARTIAL_REFUND = "01", "02", "03"
MAY_BE_UNSIGNED = frozenset({"91", "94", "97"})
REQUIRED = {f"vnp_{n}" for n in ("TmnCode", "TxnRef", "ResponseCode", "TransactionStatus")}
_ANSWER = """ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate
    TransactionNo TransactionType TransactionStatus OrderInfo"""
SIGNED_ANSWER = {"querydr": f"{_ANSWER} PromotionCode PromotionAmount", "refund": _ANSWER}
SIGNED_REQUEST = {
    "querydr": "RequestId Version Command TmnCode TxnRef TransactionDate CreateDate IpAddr"
    " OrderInfo",
    "refund": "RequestId Version Command TmnCode TransactionType TxnRef Amount TransactionNo"
    " TransactionDate CreateBy CreateDate IpAddr OrderInfo",
}
# VNPAY stops after 00 and 02; after anything else it calls again, ten times, 5 minutes apart.
ACKNOWLEDGED = {
    messages.Verdict.RECORDED: ("00", "Confirm Success"),
    messages.Verdict.REPEATED: ("02", "Order already confirmed"),
    messages.Verdict.UNKNOWN_REFERENCE: ("01", "Order not found"),
    messages.Verdict.AMOUNT_DIFFERS: ("04", "Invalid amount"),
    messages.Verdict.REFUSED: ("97", "Invalid signature"),
    messages.Verdict.TRY_LATER: ("99", "Unknown error"),
}
# VNPAY's own demos encode these differently, so no value of ours holds any.
_DISPUTED = {ord(mark): f"%{ord(mark):02X}" for mark in "!'()*~"}


class Config(abilities.Config):
    """`GATEWAY_VNPAY__…`; production addresses are given by VNPAY under contract."""

    tmn_code: str = Field(pattern=r"^[A-Za-z0-9]{8}$")
    hash_secret: SecretStr = Field(min_length=1)
    pay_url: str = "https://sandbox.vnpayment.vn/paymentv2/vpcpay.html"
    api_url: str = "https://sandbox.vnpayment.vn/merchant_webapi/api/transaction"
    server_ip: str = Field("127.0.0.1", min_length=7, max_length=45)  # ours, in API calls
    query_spacing_s: float = Field(default=300.0, ge=0, le=3600)
    visibility_s: float = Field(default=900.0, ge=0, le=86400)  # banks may end after the order


class Vnpay(TakesPayments[Config], Notifies[Config], AnswersQueries[Config], Refunds[Config]):
    """VNPAY's payment page, its notifications, `querydr` and `refund`."""

    code, title = "vnpay", "VNPAY"
    channels = frozenset(map(Channel, ("qr", "card", "internet_banking", "mobile_banking")))
    Config = Config
    options = ("", "VNPAYQR", "VNBANK", "INTCARD")
    amount_min_dong, amount_max_dong = 5_000, 999_999_999  # the page's limits (third-party)

    @property
    def merchant(self) -> str:
        """The terminal code."""
        return self.config.tmn_code

    def create(self, order: Order) -> messages.Opened:
        """Sign the URL of the payment page; nothing is sent, so VNPAY knows nothing yet."""
        fields = {
            "vnp_Version": "2.1.0",
            "vnp_Command": "pay",
            "vnp_TmnCode": self.merchant,
            "vnp_TxnRef": order.reference,
            "vnp_CreateDate": to_vnpay_time(order.created_at),
            "vnp_ExpireDate": to_vnpay_time(order.expires_at),
            "vnp_Amount": to_vnpay_amount(order.amount_dong),
            "vnp_CurrCode": "VND",
            "vnp_IpAddr": ip_address(order.payer_ip).exploded,  # 7 characters at least, even ::1
            "vnp_Locale": "en" if order.locale == "en" else "vn",
            "vnp_OrderInfo": fold(order.text) or f"Thanh toan {order.reference}",
            "vnp_OrderType": "other",
            "vnp_ReturnUrl": order.return_url.translate(_DISPUTED),
            **({"vnp_BankCode": order.option} if order.option else {}),
        }
        signed = canonical(fields)
        url = f"{self.config.pay_url}?{signed}&vnp_SecureHash={self._sign(signed)}"
        return messages.Opened(messages.NextAction(redirect_url=url))

    def read_created(self, order: Order, reply: Reply) -> messages.Opened | Finding:
        """Refuse: no call opens an order here, so there is no answer to one."""
        raise Unreadable(what="the answer to a call that VNPAY does not have")

    def read_return(self, incoming: Incoming) -> Finding:
        """Read what the browser brought back: the fields and hash of the notification."""
        # Other names belong to the address that we registered; VNPAY signs its own only.
        pairs = [pair for pair in incoming.query_pairs() if pair[0].startswith("vnp_")]
        fields = dict(pairs)
        if len(fields) != len(pairs) or not "".join(map("".join, pairs)).isprintable():
            raise Unreadable(what="query string")
        given, _ = fields.pop("vnp_SecureHash", ""), fields.pop("vnp_SecureHashType", "")
        # The demos disagree whether an empty field is hashed; either way it takes the secret.
        written = {name: value for name, value in fields.items() if value}
        due = [self._sign(canonical(each)).encode() for each in (fields, written)]
        if not any(hmac.compare_digest(each, given.encode()) for each in due):
            raise messages.SignatureWrong
        if not written.keys() >= REQUIRED:
            raise Unreadable(what="one of vnp_TmnCode, TxnRef, ResponseCode, TransactionStatus")
        answer = {name.removeprefix("vnp_"): value for name, value in written.items()}
        return _found(of_codes(answer["ResponseCode"], answer["TransactionStatus"]), answer)

    def read_notification(self, incoming: Incoming) -> messages.Notification:
        """Verify and read a notification; `key` is order, transaction and both codes."""
        finding = self.read_return(incoming)
        key = (finding.reference, finding.provider_id, finding.code)
        return messages.Notification(":".join(map(str, key)), finding)

    def acknowledge(self, verdict: messages.Verdict) -> messages.Acknowledgement:
        """Answer HTTP 200 and JSON; a failed payment that was recorded is 00 as well."""
        body = orjson.dumps(dict(zip(("RspCode", "Message"), ACKNOWLEDGED[verdict], strict=True)))
        return messages.Acknowledgement(200, body, "application/json")

    def query(self, order: Order, moment: Moment) -> Call:
        """Ask `querydr` about the order."""
        more = {"vnp_RequestId": moment.request_id, "vnp_OrderInfo": f"Query {order.reference}"}
        return self._call("querydr", order, moment, more)

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        """Read `querydr`: paid only if signed, call 00, type 01 and status 00.

        91 is ABSENT even unsigned, as VNPAY may leave it, resting on TLS alone; 01, not completed,
        is WAITING, for a page that was left stays so for ever. The house takes either for the end
        only after the order's end and twice, and money that comes even then is late money.
        """
        answer = self._read_answer(reply, "querydr")
        outcome = Outcome.ABSENT if answer["ResponseCode"] == "91" else Outcome.UNKNOWN
        if answer["ResponseCode"] == "00" and answer["TransactionType"] == PAYMENT:
            outcome = QUERIED.get(answer["TransactionStatus"], Outcome.UNKNOWN)
        return _found(outcome, answer)

    def spacing_of(self, finding: Finding) -> timedelta | None:
        """After a 94 nobody of this terminal is answered for about five minutes."""
        return timedelta(minutes=5) if finding.code.partition("/")[0] == "94" else None

    def refund(self, refund: RefundOrder, moment: Moment) -> Call:
        """Ask for a refund; VNPAY sees a repetition on the same day only, so query first."""
        order, is_full = refund.order, refund.amount_dong == refund.order.amount_dong
        more = {
            "vnp_RequestId": hashlib.sha256(refund.reference.encode()).hexdigest()[:32],
            "vnp_TransactionType": FULL_REFUND if is_full else PARTIAL_REFUND,
            "vnp_Amount": to_vnpay_amount(refund.amount_dong),
            "vnp_TransactionNo": order.provider_id or "0",
            "vnp_CreateBy": "gateway",
            "vnp_OrderInfo": fold(refund.reason) or f"Hoan tien {order.reference}",
        }
        return self._call("refund", order, moment, more)

    def read_refunded(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read the answer: 00 is accepted, never refunded; an unsigned refusal is UNKNOWN."""
        answer = self._read_answer(reply, "refund")
        outcome = Outcome.UNKNOWN
        if answer["ResponseCode"] == "00":
            outcome = REFUND_ACCEPTED.get(answer["TransactionStatus"], Outcome.UNKNOWN)
        elif answer["ResponseCode"] in REFUND_REFUSALS and answer["SecureHash"]:
            outcome = Outcome.FAILED
        return _found(outcome, answer, refund)

    def query_refund(self, refund: RefundOrder, moment: Moment) -> Call:
        """Ask `querydr` of the payment: a refund has no reference of ours at VNPAY."""
        return self.query(refund.order, moment)

    def read_refund_queried(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read `querydr`: only an answer about a refund (type 02 or 03) says anything of it."""
        answer = self._read_answer(reply, "querydr")
        outcome, kind = Outcome.UNKNOWN, answer["TransactionType"]
        if answer["ResponseCode"] == "00" and kind in {FULL_REFUND, PARTIAL_REFUND}:
            outcome = REFUND_STATUSES.get(answer["TransactionStatus"], Outcome.UNKNOWN)
        return _found(outcome, answer, refund)

    def _sign(self, text: str) -> str:
        return sign(self.config.hash_secret.get_secret_value(), text)

    def _call(self, command: str, order: Order, moment: Moment, more: dict[str, str]) -> Call:
        fields = more | {
            "vnp_Version": "2.1.0",
            "vnp_Command": command,
            "vnp_TmnCode": self.merchant,
            "vnp_TxnRef": order.reference,
            # The vnp_CreateDate of the pay URL: derived again, never stored.
            "vnp_TransactionDate": to_vnpay_time(order.created_at),
            "vnp_CreateDate": to_vnpay_time(moment.now),
            "vnp_IpAddr": self.config.server_ip,
        }
        names = SIGNED_REQUEST[command].split()
        fields["vnp_SecureHash"] = self._sign("|".join(fields[f"vnp_{name}"] for name in names))
        operation, headers = command.removesuffix("dr"), {"content-type": "application/json"}
        return Call(operation, self.config.api_url, orjson.dumps(fields), headers=headers)

    def _read_answer(self, reply: Reply, command: str) -> dict[str, str]:
        if reply.status != 200:  # noqa: PLR2004
            raise Unreadable(what=f"HTTP status {reply.status}")
        raw, names = read_object(reply.body), SIGNED_ANSWER[command].split()
        answer = {name: text_of(raw, f"vnp_{name}") for name in [*names, "SecureHash"]}
        if not answer["SecureHash"] and answer["ResponseCode"] in MAY_BE_UNSIGNED:
            return answer
        values = [answer[name] for name in names]
        # A pipe inside a value would let text move from one field into the next unseen.
        if "|" in "".join(values) or answer["Command"] != command:
            raise Unreadable(what="answer")
        check_signature(self._sign("|".join(values)), answer["SecureHash"])
        return answer


def sign(secret: str, text: str) -> str:
    """HMAC-SHA512 in lowercase hex over the UTF-8 of `text`."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha512).hexdigest()


def canonical(fields: dict[str, str]) -> str:
    """Write the pay URL's query, which is also what is signed."""
    return "&".join(f"{name}={quote_plus(fields[name])}" for name in sorted(fields))


def of_codes(response: str, status: str) -> Outcome:
    """Read both codes of a notification; they must agree to prove anything, but one can hold."""
    said = {RESULT_CODES.get(response, Outcome.UNKNOWN), STATUSES.get(status, Outcome.UNKNOWN)}
    if Outcome.HELD in said:
        return Outcome.HELD
    if said == {Outcome.SUCCEEDED, Outcome.PENDING}:
        return Outcome.PENDING
    return said.pop() if len(said) == 1 else Outcome.UNKNOWN


def fold(text: str) -> str:
    """Write Vietnamese without diacritics or special characters, 255 at most."""
    return plain_words(text)[:255].rstrip()


def to_vnpay_amount(amount_dong: int) -> str:
    """VNPAY counts in hundredths of a đồng."""
    return str(amount_dong * 100)


def to_vnpay_time(moment: datetime) -> str:
    """Write an aware instant as yyyyMMddHHmmss in Vietnam time."""
    return moment.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")


def _found(outcome: Outcome, answer: dict[str, str], refund: RefundOrder | None = None) -> Finding:
    reference, number, paid = (answer.get(name) for name in ("TxnRef", "TransactionNo", "PayDate"))
    if refund and reference == refund.order.reference:
        reference = refund.reference  # VNPAY names the payment, the house knows the refund
    amount = re.fullmatch(r"([0-9]{1,13})00|0?", answer.get("Amount", ""))
    if amount is None:
        raise Unreadable(what="vnp_Amount")
    paid_at = None
    with suppress(OverflowError, ValueError):
        paid_at = datetime.strptime(f"{paid}+0700", "%Y%m%d%H%M%S%z").astimezone(UTC)
    return Finding(
        outcome,
        code="/".join(filter(None, (answer["ResponseCode"], answer.get("TransactionStatus")))),
        message=answer.get("Message", ""),
        reference=reference or None,
        amount_dong=int(amount[1]) if amount[1] else None,
        merchant=answer["TmnCode"] or None,
        provider_id=number if number not in {"", "0"} else None,
        paid_at=paid_at,
    )
