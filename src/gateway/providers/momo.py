"""MoMo, the e-wallet: AIO v2 gateway, one-time payments.

Units: whole đồng, as JSON numbers. Text: NFC. Signature: HMAC-SHA256 in lower hex over `key=value`
joined by `&`, keys a-z, raw values, the access key among them. Answers but that of `create` carry
no signature: they are believed over TLS when their order, merchant and amount are ours.

Sources, all read 2026-11-24: developers.momo.vn/v3 (one-time payments, query, refund, confirm
payment, payment notification, result codes, test instructions); MoMo's samples momo-wallet/payment
and momo-wallet/java; MoMo's Postman collections. docs/providers/momo.md says what they leave open.
"""

import hmac
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from pydantic import Field, SecretStr

from gateway.domain.biller import Channel
from gateway.domain.errors import ensure
from gateway.domain.evidence import Finding, Outcome
from gateway.kit import abilities, messages
from gateway.kit.messages import Call, Incoming, Moment, Order, RefundOrder, Reply, Unreadable
from gateway.kit.payload import check_signature, integer_of, read_object, text_of

API: Final = "/v2/gateway/api/"

_IN_WORK = dict.fromkeys((7000, 7002), Outcome.PENDING)
# 9000 is money held, not taken, whatever `auto_capture` says; 8200 wants a code from the payer.
_AT_WORK = {**_IN_WORK, 8200: Outcome.PENDING, 9000: Outcome.PENDING}
_DECLINED = (1001, 1002, 1003, 1004, 1005, 1006, 1007, 1017, 1026, 4001, 4002, 4100)
# Refused, so nothing was opened: set-up (11 12 13 2019), fields (20 21 22 42 45 47), no QR (98).
_REFUSED = (11, 12, 13, 20, 21, 22, 42, 45, 47, 98, 2019)
_NO_REFUND = (11, 12, 13, 20, 21, 22, 47, 1081, 1088)
_ENDED = {**_AT_WORK, **dict.fromkeys(_DECLINED, Outcome.FAILED)}
_ORDER = {**_ENDED, 0: Outcome.SUCCEEDED, 1000: Outcome.WAITING}
_LIFTED = {**_AT_WORK, 1003: Outcome.FAILED, 1017: Outcome.FAILED}

RESULT_CODES: Final[Mapping[str, Mapping[int, Outcome]]] = {
    # 0 is not here: with a payUrl it is `Opened`, without one it proves nothing.
    "create": {**_ENDED, 1000: Outcome.WAITING, **dict.fromkeys(_REFUSED, Outcome.FAILED)},
    "notification": _ORDER,
    "query": {**_ORDER, 42: Outcome.ABSENT},
    "capture": {**_LIFTED, 0: Outcome.SUCCEEDED},
    # The trap of `confirm`: 0 answers a cancel too, and then says that nothing was taken.
    "cancel": {**_LIFTED, 0: Outcome.FAILED},
    "refund": {**_IN_WORK, 0: Outcome.SUCCEEDED, **dict.fromkeys(_NO_REFUND, Outcome.FAILED)},
}
"""By message, MoMo's documented resultCode; anything absent is UNKNOWN, so query: also 10, 40, 41,
43, 99 (MoMo calls it final; never take it for unpaid), 1080 (no refund now, ask again later)."""

SIGNED: Final = {
    "create": "accessKey amount extraData ipnUrl orderId orderInfo partnerCode redirectUrl"
    " requestId requestType",
    "created": "accessKey amount orderId partnerCode payUrl requestId responseTime resultCode",
    "query": "accessKey orderId partnerCode requestId",
    "refund": "accessKey amount description orderId partnerCode requestId transId",
    "confirm": "accessKey amount description orderId partnerCode requestId requestType",
    "notification": "accessKey amount extraData message orderId orderInfo orderType partnerCode"
    " payType requestId responseTime resultCode transId",
}

# The HTTP statuses that carry a resultCode; 422: an equal request is in flight.
ANSWERED, IN_FLIGHT = frozenset({200, 201, 400, 422}), 422
# MoMo takes 200 characters; ours must leave room for `-capture` in the 50 of a requestId.
ORDER_ID: Final = re.compile(r"(?=.{1,42}\Z)[0-9A-Za-z]+([-_.]+[0-9A-Za-z]+)*", re.ASCII)


class Config(abilities.Config):
    """The account at MoMo; with `auto_capture` false, `capture` or `release` ends each payment."""

    partner_code: str = Field(pattern=r"^[0-9A-Za-z_]{1,50}$")
    access_key: SecretStr = Field(min_length=1)
    secret_key: SecretStr = Field(min_length=1)
    host: str = Field(default="https://test-payment.momo.vn", pattern=r"^https?://[^\s/?#@]+$")
    auto_capture: bool = True


class MoMo(
    abilities.TakesPayments[Config],
    abilities.Notifies[Config],
    abilities.AnswersQueries[Config],
    abilities.Captures[Config],
    abilities.Refunds[Config],
):
    """MoMo cannot close an order that the payer has not paid: that ends by itself (1005)."""

    code, title = "momo", "MoMo"
    channels = frozenset({Channel.E_WALLET, Channel.QR})
    Config: ClassVar[type[abilities.Config]] = Config
    options = ("captureWallet", "payWithMethod")
    private_fields = frozenset({"partnerUserId", "userInfo"})
    amount_min_dong, amount_max_dong = 1_000, 50_000_000

    @property
    def merchant(self) -> str:
        """MoMo's partnerCode."""
        return self.config.partner_code

    def create(self, order: Order) -> Call:
        """Ask MoMo to open the order; equal bytes on every repetition."""
        option = order.option or self.options[0]
        ensure(option in self.options, "MoMo is asked for a way to pay that it has")
        fields = {
            **self._about(order, order.request_id),
            "amount": order.amount_dong,
            "orderInfo": to_momo_text(order.text) or order.reference,
            "redirectUrl": order.return_url,
            "ipnUrl": order.notify_url,
            "requestType": option,
            "extraData": "",
            "autoCapture": self.config.auto_capture,
        }
        return self._call("create", "create", fields)

    def read_created(self, order: Order, reply: Reply) -> messages.Opened | Finding:
        """Read the answer: opened is resultCode 0 for this very request, with a payUrl."""
        fields, finding = _read(reply, "create", order.request_id)
        url, secure = text_of(fields, "payUrl"), self.config.host.partition("//")[0]
        asked = ("0", order.reference, self.merchant, order.amount_dong, order.request_id)
        said = (finding.code, finding.reference, finding.merchant, finding.amount_dong)
        is_ours = asked == (*said, fields.get("requestId"))
        if not is_ours or not url.startswith(("https://", f"{secure}//")):
            return finding
        # The documents sign this answer; recorded answers of MoMo's sandbox come without.
        if fields.get("signature"):
            check_signature(self._signature(fields, "created"), fields["signature"])
        link, qr = text_of(fields, "deeplink"), text_of(fields, "qrCodeUrl")
        app = link if link.startswith(("momo://", "https://")) else None
        return messages.Opened(messages.NextAction(url, app, qr or None))

    def read_return(self, incoming: Incoming) -> Finding:
        """Read the browser's return: the same fields and signature as a notification."""
        pairs = incoming.query_pairs()
        if len(dict(pairs)) != len(pairs):
            raise Unreadable(what="browser return, a field is repeated,")
        return self._read_signed(dict(pairs))

    def read_notification(self, incoming: Incoming) -> messages.Notification:
        """Verify and read the IPN; MoMo notifies failures too."""
        finding = self._read_signed(read_object(incoming.body))
        if finding.reference is None:
            raise Unreadable(what="orderId")
        moved = finding.provider_id or finding.reference
        return messages.Notification(f"{moved}:{finding.code}", finding)

    def acknowledge(self, verdict: messages.Verdict) -> messages.Acknowledgement:
        """Answer 204 with no body; MoMo undoes nothing for any answer, and may not repeat."""
        statuses = {messages.Verdict.REFUSED: 400, messages.Verdict.TRY_LATER: 503}
        return messages.Acknowledgement(statuses.get(verdict, 204))

    def query(self, order: Order, moment: Moment) -> Call:
        """Ask for the order's state."""
        return self._call("query", "query", self._about(order, moment.request_id))

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        """Read the order's state; a refund does not show in it."""
        return _read(reply, "query")[1]

    def capture(self, order: Order, moment: Moment) -> Call:
        """Take the authorised amount; equal on every repetition."""
        return self._confirm(order, "capture")

    def read_captured(self, order: Order, reply: Reply) -> Finding:
        """Read the answer; 22 (another amount) leaves the hold standing, so it is UNKNOWN."""
        return _read(reply, "capture", f"{order.reference}-capture")[1]

    def release(self, order: Order, moment: Moment) -> Call:
        """Lift the hold on the authorised amount; equal on every repetition."""
        return self._confirm(order, "cancel")

    def read_released(self, order: Order, reply: Reply) -> Finding:
        """Read the answer: 0 to a cancel says that nothing was taken."""
        return _read(reply, "cancel", f"{order.reference}-cancel")[1]

    def refund(self, refund: RefundOrder, moment: Moment) -> Call:
        """Give money back; the refund's reference is its orderId and its requestId."""
        ensure((refund.order.provider_id or "").isdecimal(), "a refund names MoMo's transId")
        fields = {
            **self._about(replace(refund.order, reference=refund.reference), refund.reference),
            "amount": refund.amount_dong,
            "transId": int(refund.order.provider_id or 0),
            "description": to_momo_text(refund.reason),
        }
        return self._call("refund", "refund", fields)

    def read_refunded(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read the answer; a repetition gets the first one's again."""
        return _read(reply, "refund", refund.reference)[1]

    def query_refund(self, refund: RefundOrder, moment: Moment) -> Call:
        """Ask for the payment, which lists its refunds; MoMo's /refund/query is unconfirmed."""
        return self._call("query_refund", "query", self._about(refund.order, moment.request_id))

    def read_refund_queried(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Find the refund among those of the payment: ABSENT if a known order lacks it."""
        fields, order = _read(reply, "query")
        if (order.reference, order.merchant) != (refund.order.reference, self.merchant):
            return replace(order, outcome=Outcome.UNKNOWN)
        listed = fields.get("refundTrans") or []
        if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
            raise Unreadable(what="refundTrans")
        ours = [_finding(i, "refund") for i in listed if i.get("orderId") == refund.reference]
        if ours and ours.count(ours[0]) == len(ours):  # MoMo's own sample lists one twice, alike
            return ours[0]
        is_lacking = not ours and order.outcome not in {Outcome.ABSENT, Outcome.UNKNOWN}
        outcome = Outcome.ABSENT if is_lacking else Outcome.UNKNOWN
        return Finding(outcome, order.code, order.message, refund.reference)

    def _about(self, order: Order, request_id: str) -> dict[str, Any]:
        ensure(bool(ORDER_ID.fullmatch(order.reference)), "MoMo takes every reference of ours")
        ids = {"partnerCode": self.merchant, "requestId": request_id, "orderId": order.reference}
        return {**ids, "lang": "en" if order.locale.startswith("en") else "vi"}

    def _confirm(self, order: Order, asked: str) -> Call:
        about = self._about(order, f"{order.reference}-{asked}")
        fields = {"requestType": asked, "amount": order.amount_dong, "description": ""}
        return self._call(asked, "confirm", {**about, **fields})

    def _call(self, operation: str, path: str, fields: dict[str, Any]) -> Call:
        signed = {**fields, "signature": self._signature(fields, path)}
        body = json.dumps(signed, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"content-type": "application/json; charset=UTF-8"}
        return Call(operation, self.config.host + API + path, body, headers=headers)

    def _signature(self, fields: Mapping[str, Any], message: str) -> str:
        whole = {**fields, "accessKey": self.config.access_key.get_secret_value()}
        return sign(self.config.secret_key.get_secret_value(), canonical(whole, SIGNED[message]))

    def _read_signed(self, fields: Mapping[str, Any]) -> Finding:
        check_signature(self._signature(fields, "notification"), fields.get("signature"))
        return _finding(fields, "notification")


def canonical(fields: Mapping[str, Any], signed: str) -> str:
    """Write the base string of the fields named in `signed`; Unreadable if one is not there.

    >>> canonical({"orderId": "att_1", "amount": 1000, "lang": "vi"}, "amount orderId")
    'amount=1000&orderId=att_1'
    """
    for name in signed.split():
        if not isinstance(fields.get(name), str) and type(fields.get(name)) is not int:
            raise Unreadable(what=name)
    return "&".join(f"{name}={fields[name]}" for name in signed.split())


def sign(secret: str, base: str) -> str:
    """Give the HMAC-SHA256 of a base string, in lower hex."""
    return hmac.new(secret.encode(), base.encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def to_momo_text(text: str) -> str:
    """Normalise to NFC, keep `&` and `=` out of base strings, and cut to 255 bytes.

    >>> to_momo_text("Tiền điện & phí = 10/2026")
    'Tiền điện phí 10/2026'
    """
    clean = "".join(c if c.isprintable() and c not in "&=" else " " for c in text)
    whole = unicodedata.normalize("NFC", " ".join(clean.split()))
    kept = whole.encode()[:255].decode(errors="ignore")
    while kept and unicodedata.combining(whole[len(kept) : len(kept) + 1] or " "):
        kept = kept[:-1]
    return kept.rstrip()


def _read(reply: Reply, operation: str, request_id: str = "") -> tuple[dict[str, Any], Finding]:
    if reply.status not in ANSWERED:
        raise Unreadable(what=f"HTTP status {reply.status}")
    fields = read_object(reply.body)
    finding = _finding(fields, operation)
    is_other = bool(request_id) and text_of(fields, "requestId") not in {"", request_id}
    if operation in {"capture", "cancel"} and finding.code == "0":
        is_other = is_other or fields.get("requestType") != operation
    if is_other or reply.status == IN_FLIGHT:
        return fields, replace(finding, outcome=Outcome.UNKNOWN)
    return fields, finding


def _finding(fields: Mapping[str, Any], message: str) -> Finding:
    code = integer_of(fields, "resultCode")
    if code is None:
        raise Unreadable(what="resultCode")
    at_ms = integer_of(fields, "responseTime") or 0
    is_paid = message == "notification" and code == 0 and 0 < at_ms < 10**14
    # MoMo writes 0 for an amount or a transId that there is none of.
    return Finding(
        RESULT_CODES[message].get(code, Outcome.UNKNOWN),
        str(code),
        text_of(fields, "message"),
        reference=text_of(fields, "orderId") or None,
        amount_dong=integer_of(fields, "amount") or None,
        merchant=text_of(fields, "partnerCode") or None,
        provider_id=str(integer_of(fields, "transId") or "") or None,
        paid_at=datetime.fromtimestamp(at_ms / 1000, UTC) if is_paid else None,
    )
