"""Payoo (VietUnion): the payer pays on Payoo's page by wallet, card, bank account or QR.

Units: whole đồng; Payoo writes them as digits, or with zeros behind a point. Clocks: Vietnam.
Signature: plain SHA-512, hex in either case, over the checksum key and a text as it travels: the
order's XML, the raw `order` of an answer, `session.order_no.status`, or JSON within JSON, in a
notification with the sender's address behind it; notices.py says how the older XML is signed.

Sources, read 2026-11-24: Payoo's guide "HD Tich Hop Thanh Toan Payoo_Js_v2" and its library in
pamt0504/payoo-payment-gateway; dilab/omnipay-payoo. docs/providers/payoo.md says what is open.
"""

import json
from typing import Any
from urllib.parse import urlencode

from gateway.domain.biller import Channel
from gateway.domain.evidence import Finding, Outcome
from gateway.kit import messages
from gateway.kit.abilities import AnswersQueries, Cancels, Notifies, Refunds, TakesPayments
from gateway.kit.messages import Call, Incoming, Moment, Order, RefundOrder, Reply, Unreadable
from gateway.kit.payload import (
    check_signature,
    dong_of,
    integer_of,
    raw_member,
    read_exact,
    text_of,
)
from gateway.providers.payoo import codes, notices
from gateway.providers.payoo.config import Config
from gateway.providers.payoo.texts import order_xml, plain, sign, stamp

__all__ = ["Config", "Payoo", "plain", "sign"]

PAID, OPEN, BUSY = Outcome.SUCCEEDED, Outcome.WAITING, Outcome.PENDING
FAILED, ABSENT, UNKNOWN = Outcome.FAILED, Outcome.ABSENT, Outcome.UNKNOWN
# `errorcode` of the browser's return; 800 is a bank that is still at it.
_DECLINES = (500, 501, 503, 505, *range(507, 514), *range(521, 526), 599, 755)
RETURNED = {**dict.fromkeys(map(str, _DECLINES), FAILED), "800": BUSY}
# Of a refused order: no such merchant, bad amount, bad parameters. Payoo lists no other as final.
CREATED = dict.fromkeys(("503", "505", "755"), FAILED)
QUERIED = {8: ABSENT, 9: OPEN}  # 9, not paid: one client's word
CANCELLED = {0: FAILED, 12: FAILED, 8: ABSENT}  # 12: closed before; 11, a bad state, may be paid
_NO_REFUND = (3, 8, 9, 83, 91, 92, 96, 97, 98, 1001, 1002, 1003)
REFUNDED = {0: PAID, 94: BUSY, **dict.fromkeys(_NO_REFUND, FAILED)}

NOTIFY_RECEIVED = b"NOTIFY_RECEIVED"  # Payoo sends again until the body is exactly this.
NOT_TAKEN = {"refused": 400, "unknown_reference": 404, "try_later": 503}


class Payoo(
    TakesPayments[Config],
    Notifies[Config],
    AnswersQueries[Config],
    Cancels[Config],
    Refunds[Config],
):
    """Payoo's payment page and business API; the side that sells others' bills is another."""

    code, title = "payoo", "Payoo"
    channels = frozenset(
        map(Channel, ("e_wallet", "card", "internet_banking", "qr", "counter_cash"))
    )
    Config = Config
    options = ("", "Payoo-account", "CC", "Bank-account", "QRCode", codes.QR, codes.BILLING_CODE)
    private_fields = frozenset({"CardNumber"})

    @property
    def merchant(self) -> str:
        """The shop's number."""
        return str(self.config.shop_id)

    @property
    def choices(self) -> tuple[str, ...]:
        """Leave the code for shops out where notifications are JSON: of it Payoo tells in XML."""
        is_json = self.config.notifications == "json"
        return tuple(o for o in self.options if not (is_json and o == codes.BILLING_CODE))

    def create(self, order: Order) -> Call:
        """Ask Payoo to open the order; what is signed is the XML's very text."""
        if order.option in codes.CALLS:
            return self._call("create", codes.CALLS[order.option], codes.asked(self.config, order))
        data = order_xml(self.config, order)
        form = {"data": data, "checksum": self._sign(data), "refer": self.config.shop_domain}
        form |= {"payment_group": order.option} if order.option else {}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        url = f"{self.config.host}/v2/paynow/order/create"
        return Call("create", url, urlencode(form).encode(), headers=headers)

    def read_created(self, order: Order, reply: Reply) -> messages.Opened | Finding:
        """Read the answer; an opened order is signed, a refusal is not."""
        if order.option in codes.CALLS:
            fields, finding = self._read(reply, codes.OPENED)
            return codes.read(order, fields) if finding.code == "0" else finding
        answer = _answer(reply)
        if answer.get("result") == "fail":
            code, said = text_of(answer, "errorcode") or "fail", text_of(answer, "message")
            return Finding(CREATED.get(code, UNKNOWN), code, said)  # or a repetition of ours
        if answer.get("result") != "success":
            raise Unreadable(what="result")
        raw = raw_member(reply.body, "order")
        self._check(raw, answer.get("checksum"))
        opened = read_exact(raw.encode())
        reference, amount_dong = text_of(opened, "order_no"), dong_of(opened, "amount")
        url, secure = text_of(opened, "payment_url"), self.config.host.partition("//")[0]
        is_ours = (reference, amount_dong) == (order.reference, order.amount_dong)
        if is_ours and url.startswith(("https://", f"{secure}//")):
            return messages.Opened(messages.NextAction(redirect_url=url))
        return Finding(UNKNOWN, "success", "", reference, amount_dong)

    def read_return(self, incoming: Incoming) -> Finding:
        """Read the browser's return: order and status are signed, amount and errorcode are not."""
        pairs = incoming.query_pairs()
        fields: dict[str, Any] = dict(pairs)
        reference, status = text_of(fields, "order_no"), text_of(fields, "status")
        self._check(f"{fields.get('session')}.{reference}.{status}", fields.get("checksum"))
        # We send the reference as the session, so that no point in them can be read otherwise.
        if len(fields) != len(pairs) or not reference or fields["session"] != reference:
            raise Unreadable(what="browser return")
        error = text_of(fields, "errorcode")
        found = {"1": PAID, "-1": FAILED, "0": RETURNED.get(error, UNKNOWN)}.get(status, UNKNOWN)
        code = f"0/{error}" if status == "0" and error else status
        return Finding(found, code, text_of(fields, "errormsg"), reference)

    def read_notification(self, incoming: Incoming) -> messages.Notification:
        """Verify and read a notification, in the one form that our orders ask for."""
        if self.config.notifications == "xml":
            return notices.read_package(incoming.body, self._sign)
        # On a socket of both families an IPv4 address has a prefix that Payoo did not sign.
        peer, listed = incoming.peer.removeprefix("::ffff:"), self.config.notify_addresses
        return notices.read_json(incoming.body, (peer, *listed.split(",")), self._sign)

    def acknowledge(self, verdict: messages.Verdict) -> messages.Acknowledgement:
        """Answer NOTIFY_RECEIVED once it is written down, even if its amount was refused."""
        said = verdict.encode() if verdict in NOT_TAKEN else NOTIFY_RECEIVED
        return messages.Acknowledgement(NOT_TAKEN.get(verdict, 200), said, "text/plain")

    def query(self, order: Order, moment: Moment) -> Call:
        """Ask GetOrderInfo by our own reference."""
        fields = {"OrderId": order.reference, "ShopId": self.merchant, "PurchaseDate": _day(order)}
        return self._call("query", "GetOrderInfo", fields)

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        """Read the order's state by `payoo-orderinfo/0.1`, or by what one client saw of Payoo."""
        answer, finding = self._read(reply, QUERIED)
        if finding.code == "0":
            is_known = answer.get("OrderStatus") is not None
            return notices.payment(answer, "OrderStatus" if is_known else "PaymentStatus")
        spans_days = stamp(order.created_at)[:8] != stamp(order.expires_at)[:8]
        # We named one day, and it may be the other on which it was bought.
        is_unsure = finding.outcome is ABSENT and spans_days
        return Finding(UNKNOWN, finding.code) if is_unsure else finding

    def cancel(self, order: Order, moment: Moment) -> Call:
        """Ask Payoo to close the order; status 3 is cancelled."""
        about = {"ShopID": self.merchant, "OrderID": order.reference, "NewStatus": 3}
        return self._call("cancel", "CancelOrder", about | {"UpdateLog": "Cancelled by the shop"})

    def read_cancelled(self, order: Order, reply: Reply) -> Finding:
        """Read the answer: 0 is closed unpaid, 12 was closed before."""
        return self._read(reply, CANCELLED)[1]

    def refund(self, refund: RefundOrder, moment: Moment) -> Call:
        """Give money back; the refund's reference is its RefundId, which Payoo takes once."""
        ids = {"OrderNo": refund.order.reference, "RefundId": refund.reference, "ActionType": 2}
        what = {"Money": refund.amount_dong, "PurchaseDate": _day(refund.order)}
        text = {"Description": plain(refund.reason) or "Hoàn tiền"}
        return self._call("refund", "refund", {**ids, **what, **text})

    def read_refunded(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read the answer: 94 is under review; 99, a known RefundId, and 1000 prove nothing."""
        return self._read(reply, REFUNDED)[1]

    def query_refund(self, refund: RefundOrder, moment: Moment) -> Call:
        """Ask for the payment: Payoo has no call that tells of a refund."""
        return self.query(refund.order, moment)

    def read_refund_queried(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read the payment's state, which proves nothing of the refund."""
        return Finding(UNKNOWN, self._read(reply, {})[1].code)

    def _sign(self, text: str) -> str:
        return sign(self.config.checksum_key.get_secret_value(), text)

    def _check(self, text: str, given: object) -> None:
        check_signature(self._sign(text), given.lower() if isinstance(given, str) else given)

    def _call(self, operation: str, name: str, fields: dict[str, Any]) -> Call:
        config, data = self.config, json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        headers = {
            "content-type": "application/json; charset=utf-8",
            "APIUsername": config.api_username,
            "APIPassword": config.api_password.get_secret_value(),
            "APISignature": config.api_signature.get_secret_value(),
        }
        body = json.dumps({"RequestData": data, "Signature": self._sign(data)}, ensure_ascii=False)
        return Call(operation, f"{config.business_url}/{name}", body.encode(), headers=headers)

    def _read(self, reply: Reply, table: dict[int, Outcome]) -> tuple[dict[str, Any], Finding]:
        whole = _answer(reply)
        self._check(text_of(whole, "ResponseData"), whole.get("Signature"))
        answer = read_exact(text_of(whole, "ResponseData").encode())
        code = integer_of(answer, "ResponseCode")
        if code is None:
            raise Unreadable(what="ResponseCode")
        dong, number = dong_of(answer, "AmountRefunded"), text_of(answer, "TransferCode") or None
        outcome = table.get(code, UNKNOWN)
        return answer, Finding(outcome, str(code), amount_dong=dong, provider_id=number)


def _answer(reply: Reply) -> dict[str, Any]:
    if reply.status != 200:  # noqa: PLR2004
        raise Unreadable(what=f"HTTP status {reply.status}")
    return read_exact(reply.body)


def _day(order: Order) -> str:
    return order.memory.get("purchased_on", stamp(order.created_at)[:8])
