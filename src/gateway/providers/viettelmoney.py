"""Viettel Money, "paybiz": the payer pays in the wallet, by page, QR or deeplink.

Units: đồng. Signature: ECDSA on P-256 with SHA-256 (DER, base64) in the header `Signature`, over
the exact JSON body. A bearer token comes with the contract.

Source, read 2026-11-24: authenhub's developer pages (hosts, signature, return types, addresses that
we expose). The field list is not public: paths, fields and codes are our proposed profile
`viettelmoney-paybiz/0.1`, which stands in docs/providers/viettelmoney.md.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl
from uuid import UUID

from pydantic import Field, SecretStr, field_validator

from gateway.domain.biller import Channel
from gateway.domain.evidence import Finding, Outcome
from gateway.kit import abilities, messages, p256
from gateway.kit.abilities import OrderAnswer, Payability, Question
from gateway.kit.forms import to_plain
from gateway.kit.messages import Acknowledgement, Call, Incoming, Order, RefundOrder, Reply, Verdict
from gateway.kit.payload import body_of, integer_of, read_object, text_of

PROFILE: Final = "viettelmoney-paybiz/0.1"
TRANS_STATUS = {
    "1": Outcome.SUCCEEDED,
    "0": Outcome.PENDING,
    "-1": Outcome.WAITING,
    "2": Outcome.FAILED,
    "5": Outcome.FAILED,
}
"""By transStatus, as payment_status of ViettelPay; 3 and whatever is absent are UNKNOWN."""
_REFUSED = "22 V02 V03 21 685 16 V06 M01 M02 M03 M04 V01 V05"
ERROR_CODES: Final = frozenset(_REFUSED.split())
"""By errorCode: a failed payment is believed with one of these, or none, beside its status."""
NOTHING_DONE: Final = dict.fromkeys(("01", "02", "06"), Outcome.FAILED)
"""By the code of a call: refused, so nothing was opened or given back; 03 and 04 are UNKNOWN."""
_NO_REFUND = "M01 M05 218 KG3 27 KG8 176 485 655 457 17 159"
REFUND_CODES = {**NOTHING_DONE, **dict.fromkeys(_NO_REFUND.split(), Outcome.FAILED)}
REFUND_STATUS = {"1": Outcome.SUCCEEDED, "0": Outcome.PENDING, "2": Outcome.FAILED}
_PLAIN = {Payability.PAYABLE: "00", Payability.TRY_LATER: "03"}
_NOT_OURS = dict.fromkeys((Payability.UNKNOWN_REFERENCE, Payability.AMOUNT_DIFFERS), "01")
ANSWERS: Final = {**dict.fromkeys(Payability, "02"), **_NOT_OURS, **_PLAIN}


class Config(abilities.Config):
    """`GATEWAY_VIETTELMONEY__…`; all but the base comes with the contract."""

    merchant_code: str = Field(pattern=r"^[0-9A-Za-z_]{1,32}$")
    access_token: SecretStr = Field(min_length=1)
    private_key: SecretStr
    """Ours, PEM, on P-256."""
    public_key: str
    """Viettel's, PEM, on P-256."""
    base: str = Field(
        default="https://api24cdn.vtmoney.vn/uatmm/paybiz/payment-gateway/public/api",
        pattern=r"^https?://[^\s?#@]+[^/\s?#@]$",
    )

    @field_validator("private_key")
    @classmethod
    def _is_private(cls, key: SecretStr) -> SecretStr:
        p256.private_key_of(key.get_secret_value())
        return key

    @field_validator("public_key")
    @classmethod
    def _is_public(cls, key: str) -> str:
        p256.public_key_of(key)
        return key


class ViettelMoney(
    abilities.TakesPayments[Config],
    abilities.Notifies[Config],
    abilities.ConfirmsOrders[Config],
    abilities.AnswersQueries[Config],
    abilities.Refunds[Config],
):
    """Paybiz: create, order confirmation, IPN, query, refund of the whole; nothing cancels."""

    code, title = "viettelmoney", "Viettel Money"
    channels = frozenset({Channel.E_WALLET, Channel.QR})
    Config: ClassVar[type[abilities.Config]] = Config
    options = ("WEB", "QR", "DEEPLINK")

    @property
    def merchant(self) -> str:
        """Viettel's merchantCode."""
        return self.config.merchant_code

    def reference_of(self, attempt_id: UUID, created_at: datetime) -> str:
        """Give 32 hex digits; the profile allows 40 characters."""
        return attempt_id.hex

    def create(self, order: Order) -> Call:
        """Open the order; the same again is answered as it stands."""
        life = order.expires_at - order.created_at
        asked = {
            "orderId": order.reference,
            "transAmount": order.amount_dong,
            "description": to_plain(order.text, 100) or order.reference,
            "returnType": order.option or "WEB",
            "returnUrl": order.return_url,
            "cancelUrl": order.return_url,
            "expireAfter": min(max(-(-life // timedelta(minutes=1)), 1), 60),
        }
        return self._call("create", "/orders/create", asked)

    def read_created(self, order: Order, reply: Reply) -> messages.Opened | Finding:
        """Read where the payer goes on; 04, an id with another content, is UNKNOWN: query."""
        code, data = self._answered(reply)
        if code != "00":
            return Finding(NOTHING_DONE.get(code, Outcome.UNKNOWN), code)
        found = _found(data)
        if (found.reference, found.amount_dong) != (order.reference, order.amount_dong):
            return replace(found, outcome=Outcome.UNKNOWN)
        url, qr, deeplink = (text_of(data, name) or None for name in ("url", "qrData", "deeplink"))
        if not (url or qr or deeplink):
            raise messages.Unreadable(what="url, qrData or deeplink")
        action = messages.NextAction(redirect_url=url, deeplink=deeplink, qr_content=qr)
        return messages.Opened(action)

    def read_return(self, incoming: Incoming) -> Finding:
        """Read what the browser brought back: a signed query string, for display only."""
        text, mark, check = incoming.query.rpartition("&signature=")
        signed = text[max(text.find("merchantCode="), 0) :]
        pairs = dict(parse_qsl(f"signature={check}" if mark else ""))
        p256.check(
            self._theirs, signed.encode("utf-8", "surrogatepass"), pairs.get("signature", "")
        )
        return _found(dict(Incoming("GET", signed).query_pairs()))

    def read_notification(self, incoming: Incoming) -> messages.Notification:
        """Verify and read an IPN; `key` is order, transaction, status and error."""
        found = _found(self._verified(incoming.body, incoming.headers))
        if not (found.reference and found.merchant and found.code):
            raise messages.Unreadable(what="orderId, merchantCode or transStatus")
        key = f"{found.reference}:{found.provider_id or ''}:{found.code}"
        return messages.Notification(key, found)

    def acknowledge(self, verdict: Verdict) -> Acknowledgement:
        """Say 00 only if it is stored; 503 makes Viettel send again."""
        is_stored = verdict in {Verdict.RECORDED, Verdict.REPEATED}
        body = json.dumps({"code": "00" if is_stored else "01"}).encode()
        status = 503 if verdict is Verdict.TRY_LATER else 200
        return Acknowledgement(status, body, "application/json")

    def read_question(self, incoming: Incoming) -> Question:
        """Verify and read an order confirmation; it is signed whole."""
        found = _found(self._verified(incoming.body, incoming.headers))
        if not (found.reference and found.merchant and found.amount_dong):
            raise messages.Unreadable(what="orderId, merchantCode or transAmount")
        return Question(found.reference, found.amount_dong, found.merchant)

    def answer_question(self, question: Question | None, answer: OrderAnswer) -> Acknowledgement:
        """Answer 00 charge, 01 unknown or another amount, 02 refused, 03 our error."""
        about = {"merchantCode": self.merchant, "orderId": question.reference if question else ""}
        data = {**about, "transAmount": answer.amount_dong or 0}
        said = {"code": ANSWERS[answer.payability], "message": answer.payability.value}
        return Acknowledgement(200, json.dumps({**said, "data": data}).encode(), "application/json")

    def query(self, order: Order, moment: messages.Moment) -> Call:
        """Ask by our own reference."""
        asked = {"orderId": order.reference, "requestId": moment.request_id}
        return self._call("query", "/orders/query", asked)

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        """Read the answer: 05 is absent, any other code of the call says nothing of the money."""
        code, data = self._answered(reply)
        if code != "00":
            return Finding(Outcome.ABSENT if code == "05" else Outcome.UNKNOWN, code)
        return _found(data)

    def refund(self, refund: RefundOrder, moment: messages.Moment) -> Call:
        """Ask for money back; a part is asked for too, and refused by Viettel (KG8)."""
        asked = {
            "refundId": refund_id_of(refund),
            "originalOrderId": refund.order.reference,
            "originalTransId": refund.order.provider_id or "",
            "refundType": 0,
            "transAmount": refund.amount_dong,
            "description": to_plain(refund.reason, 100) or "Hoan tien",
        }
        return self._call("refund", "/refunds/create", asked)

    def read_refunded(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read the answer; the codes of a refusal are ViettelPay's."""
        return self._of_refund(refund, reply, REFUND_CODES)

    def query_refund(self, refund: RefundOrder, moment: messages.Moment) -> Call:
        """Ask what became of a refund."""
        asked = {"refundId": refund_id_of(refund), "requestId": moment.request_id}
        return self._call("query_refund", "/refunds/query", asked)

    def read_refund_queried(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read the answer; 05 is absent."""
        return self._of_refund(refund, reply, {"05": Outcome.ABSENT})

    def _of_refund(
        self, refund: RefundOrder, reply: Reply, codes: Mapping[str, Outcome]
    ) -> Finding:
        code, data = self._answered(reply)
        if code != "00":
            return Finding(codes.get(code, Outcome.UNKNOWN), code)
        status, ours = _word(data, "refundStatus"), text_of(data, "refundId")
        return Finding(
            REFUND_STATUS.get(status, Outcome.UNKNOWN),
            status,
            reference=refund.reference if ours == refund_id_of(refund) else ours or None,
            amount_dong=integer_of(data, "transAmount"),
            merchant=text_of(data, "merchantCode") or None,
            provider_id=text_of(data, "refundTransId") or None,
        )

    @cached_property
    def _ours(self) -> Any:
        return p256.private_key_of(self.config.private_key.get_secret_value())

    @cached_property
    def _theirs(self) -> Any:
        return p256.public_key_of(self.config.public_key)

    def _call(self, operation: str, path: str, asked: Mapping[str, object]) -> Call:
        body = json.dumps({"merchantCode": self.merchant, **asked}).encode()
        headers = {
            "content-type": "application/json",
            "authorization": f"Bearer {self.config.access_token.get_secret_value()}",
            "signature": p256.sign(self._ours, body),
        }
        return Call(operation, self.config.base + path, body, headers=headers)

    def _answered(self, reply: Reply) -> tuple[str, dict[str, Any]]:
        fields = self._verified(body_of(reply), reply.headers)
        code, data = text_of(fields, "code"), fields.get("data") or {}
        if not (code and isinstance(data, dict)):
            raise messages.Unreadable(what="code or data")
        return code, data

    def _verified(self, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        fields = read_object(body)
        p256.check(self._theirs, body, headers.get("signature", ""))
        return fields


def refund_id_of(refund: RefundOrder) -> str:
    """Derive the refundId: 32 hex digits, the same for ever."""
    return hashlib.sha256(refund.reference.encode()).hexdigest()[:32]


def _word(fields: Mapping[str, Any], name: str) -> str:
    """Give a status that may be written as a number or as text."""
    value = fields.get(name)
    return str(value) if type(value) is int and abs(value) < 10**6 else text_of(fields, name)


def _found(fields: Mapping[str, Any]) -> Finding:
    status, error = _word(fields, "transStatus"), text_of(fields, "errorCode")
    outcome, paid_at = TRANS_STATUS.get(status, Outcome.UNKNOWN), None
    # An end is believed only with an errorCode that agrees.
    agrees = error in {"", "00"} or (outcome is Outcome.FAILED and error in ERROR_CODES)
    with suppress(ValueError):
        at = datetime.strptime(f"{text_of(fields, 'paymentTime')}+0700", "%Y%m%d%H%M%S%z")
        paid_at = at.astimezone(UTC)
    return Finding(
        outcome if agrees else Outcome.UNKNOWN,
        status if error in {"", "00"} else f"{status}/{error}",
        reference=text_of(fields, "orderId") or None,
        amount_dong=integer_of(fields, "transAmount"),
        merchant=text_of(fields, "merchantCode") or None,
        provider_id=text_of(fields, "transId") or None,
        paid_at=paid_at,
    )
