"""ViettelPay, gateway 2.0: the payer pays on Viettel's page, and Viettel asks us before it charges.

Units: đồng. No call opens an order: we sign a URL and the payer's browser carries it. Signature:
HMAC-SHA1 over the access code and the values of fixed fields, one after the other without anything
between them, in the order of their names; base64, and hex at one integration.

Sources, read 2026-11-24: duclong1997/portal-payment 1d38c79e, VietOpenCPS/opencps-v2 2c719850, a
public multi-bank Java gateway, vendor samples. docs/providers/viettelpay.md: what none confirms.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar, Final, Literal
from urllib.parse import urlencode
from uuid import UUID

from pydantic import Field, SecretStr

from gateway.domain.biller import Channel
from gateway.domain.evidence import Finding, Outcome
from gateway.kit import abilities, messages
from gateway.kit.abilities import OrderAnswer, Payability, Question
from gateway.kit.forms import basic, post_form, read_form, to_plain
from gateway.kit.messages import Acknowledgement, Call, Incoming, Order, RefundOrder, Reply, Verdict
from gateway.kit.payload import body_of, check_signatures, read_texts

PAY, POST_DATA = "/PaymentGateway/payment", "/PaymentAPI/webresources/postData"

_OPEN = {"0": Outcome.PENDING, "-1": Outcome.WAITING}  # -1: no transaction yet
PAYMENT_STATUS = {"1": Outcome.SUCCEEDED, "2": Outcome.FAILED, "5": Outcome.FAILED, **_OPEN}
"""By payment_status; absent is UNKNOWN, and so is 3, by name."""
_REFUSED = "22 V02 V03 21 685 16 V06 M01 M02 M03 M04 V01 V05"
RESULT_CODES: Final = dict.fromkeys(_REFUSED.split(), Outcome.FAILED)
"""By error_code of a failed payment; absent, as W04, V04, 99, 813 and S_MAINTAIN, is UNKNOWN."""
_NO_REFUND = "M01 M05 218 KG3 27 KG8 485 655 457 17 159"
REFUND_CODES = {"00": Outcome.SUCCEEDED, **dict.fromkeys(_NO_REFUND.split(), Outcome.FAILED)}
"""By error_code of a refund; 176, 813 and 927 are UNKNOWN: the same may be sent again."""

NOTICE: Final = (
    *("billcode", "cust_msisdn", "error_code", "merchant_code", "order_id", "payment_status"),
    *("trans_amount", "vt_transaction_id"),
)
# An answer of TRANS_INQUIRY is signed over all of it, or in one newer client over these four.
INQUIRED: Final = (
    ("error_code", "merchant_code", "order_id", "payment_status", "version", "vt_transaction_id"),
    ("merchant_code", "order_id", "payment_status", "version"),
)
_SAID = {Payability.PAYABLE: "00", Payability.UNKNOWN_REFERENCE: "01", Payability.TRY_LATER: "03"}
ANSWERS: Final = {**dict.fromkeys(Payability, "02"), **_SAID}
VERIFIED: Final = {Payability.PAYABLE, Payability.NOT_PAYABLE, Payability.AMOUNT_DIFFERS}
TEXT_MAX = 100
_AMOUNT = re.compile("[1-9][0-9]{0,14}", re.ASCII)


class Config(abilities.Config):
    """`GATEWAY_VIETTELPAY__…`; all but the host comes with the contract."""

    merchant_code: str = Field(pattern=r"^[0-9A-Za-z_]{1,32}$")
    access_code: SecretStr = Field(min_length=1)
    hash_key: SecretStr = Field(min_length=1)
    host: str = Field(default="https://sandbox.viettel.vn", pattern=r"^https?://[^\s/?#@]+$")
    encoding: Literal["base64", "hex"] = "base64"
    """How check_sum is written; hex (lower case) at one public-sector integration."""
    basic_user: str = Field(default="", pattern=r"^[^:\s]*$")
    basic_password: SecretStr = SecretStr("")
    """HTTP Basic on top of the calls, which one merchant has; left out if there is no user."""


class ViettelPay(
    abilities.TakesPayments[Config],
    abilities.Notifies[Config],
    abilities.ConfirmsOrders[Config],
    abilities.AnswersQueries[Config],
    abilities.Refunds[Config],
):
    """Viettel's page, its question before a charge, its results, query and refund."""

    code, title = "viettelpay", "ViettelPay"
    channels = frozenset({Channel.E_WALLET, Channel.QR})
    Config: ClassVar[type[abilities.Config]] = Config
    options = ("", "QR")
    private_fields = frozenset({"cust_msisdn", "login_msisdn"})

    @property
    def merchant(self) -> str:
        """Viettel's merchant_code."""
        return self.config.merchant_code

    def reference_of(self, attempt_id: UUID, created_at: datetime) -> str:
        """Give 32 hex digits; Viettel's limit is not published."""
        return attempt_id.hex

    def create(self, order: Order) -> messages.Opened:
        """Sign the URL of the payment page; nothing is sent, so Viettel knows nothing yet."""
        who = {"merchant_code": self.merchant, "order_id": order.reference}
        signed = {"billcode": order.reference, "command": "PAYMENT", **who}
        signed |= {"trans_amount": str(order.amount_dong), "version": "2.0"}
        more = {"return_url": order.return_url, "desc": to_plain(order.text, TEXT_MAX)}
        more["locale"] = "En" if order.locale == "en" else "Vi"
        url = f"{self.config.host}{PAY}?{urlencode(self._signed(signed, more))}"
        qr = to_qr(signed) if order.option == "QR" else None
        return messages.Opened(messages.NextAction(redirect_url=url, qr_content=qr))

    def read_created(self, order: Order, reply: Reply) -> messages.Opened | Finding:
        """Refuse: no call opens an order here, so there is no answer to one."""
        raise messages.Unreadable(what="the answer to a call that ViettelPay does not have")

    def read_return(self, incoming: Incoming) -> Finding:
        """Read what the browser brought back: the fields and check_sum of a result."""
        fields = read_form(incoming)
        self._check([_values(fields, NOTICE)], fields.get("check_sum"))
        return _found(fields)

    def read_notification(self, incoming: Incoming) -> messages.Notification:
        """Verify and read a result; `key` is order, transaction, status and error."""
        finding = self.read_return(incoming)
        if not (finding.reference and finding.merchant and finding.code):
            raise messages.Unreadable(what="order_id, merchant_code or payment_status")
        key = f"{finding.reference}:{finding.provider_id or ''}:{finding.code}"
        return messages.Notification(key, finding)

    def acknowledge(self, verdict: Verdict, reference: str = "") -> Acknowledgement:
        """Say whether it is stored, signed, with the order's id; 503 makes Viettel try again."""
        code = "00" if verdict in {Verdict.RECORDED, Verdict.REPEATED} else "01"
        said = {"error_code": code, "merchant_code": self.merchant, "order_id": reference}
        return _answer(503 if verdict is Verdict.TRY_LATER else 200, self._signed(said, {}))

    def acknowledge_of(self, told: messages.Notification, verdict: Verdict) -> Acknowledgement:
        """Name the order in the answer."""
        return self.acknowledge(verdict, told.finding.reference or "")

    def read_question(self, incoming: Incoming) -> Question:
        """Read "verify data"; its check_sum covers our own amount, so it is checked later."""
        fields = read_form(incoming)
        reference, merchant = fields.get("order_id"), fields.get("merchant_code")
        if not (reference and merchant):
            raise messages.Unreadable(what="order_id or merchant_code")
        return Question(reference, _amount(fields), merchant, fields)

    def check_question(self, question: Question, amount_dong: int) -> None:
        """Verify check_sum over the amount that we hold: another amount is another signature."""
        asked = {**question.fields, "trans_amount": str(amount_dong)}
        names = ("billcode", "merchant_code", "order_id", "trans_amount")
        self._check([_values(asked, names)], asked.get("check_sum"))

    def answer_question(self, question: Question | None, answer: OrderAnswer) -> Acknowledgement:
        """Answer in JSON: 00 charge, 01 unknown, 02 refused or not authentic, 03 our error.

        It is signed only if the question was. The values stand in the signed text without anything
        between them: who could have a billcode of his own signed would have a result signed.
        """
        said = {
            "billcode": question.fields.get("billcode", "") if question else "",
            "error_code": ANSWERS[answer.payability],
            "merchant_code": self.merchant,
            "order_id": question.reference if question else "",
            "trans_amount": str(answer.amount_dong or 0),
        }
        signed = self._signed(said, {}) if answer.payability in VERIFIED else said
        return _answer(200, {"check_sum": "", **signed})

    def query(self, order: Order, moment: messages.Moment) -> Call:
        """Ask TRANS_INQUIRY by our own reference."""
        return self._inquire("query", order.reference)

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        """Read the answer: paid if payment_status is 1, error_code 00, and it is signed.

        It names no amount: that was signed by us with this very order_id, and confirmed by "verify
        data" before the charge, so it is the order's own.
        """
        return self._inquired(reply, order.reference, order.amount_dong)

    def refund(self, refund: RefundOrder, moment: messages.Moment) -> Call:
        """Ask for the whole amount back; a part is asked for too, and refused by Viettel."""
        is_whole = refund.amount_dong == refund.order.amount_dong
        signed = {"cmd": "REFUND_PAYMENT", "merchant_code": self.merchant}
        signed |= {"order_id": refund_id_of(refund)}
        signed |= {"originalRequestId": refund.order.provider_id or ""}
        signed |= {"refundType": "0" if is_whole else "1", "trans_amount": str(refund.amount_dong)}
        reason = to_plain(refund.reason, TEXT_MAX) or "Hoan tien"
        return self._post("refund", {**signed, "version": "2.0"}, trans_content=reason)

    def read_refunded(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read the answer. 176 proves nothing: a refund whose answer was lost is refused so too."""
        fields, ours = read_texts(body_of(reply)), refund_id_of(refund)
        known = {"merchant_code": self.merchant, "order_id": ours, "version": "2.0", **fields}
        names = ("error_code", "merchant_code", "order_id", "version")
        self._check([_values(known, names)], fields.get("check_sum"))
        code = fields.get("error_code", "")
        return Finding(
            REFUND_CODES.get(code, Outcome.UNKNOWN),
            code,
            fields.get("error_msg", ""),
            reference=refund.reference if known["order_id"] == ours else known["order_id"],
            merchant=known["merchant_code"],
            amount_dong=refund.amount_dong,
            provider_id=fields.get("refund_request_id") or None,
        )

    def query_refund(self, refund: RefundOrder, moment: messages.Moment) -> Call:
        """Ask TRANS_INQUIRY by the refund's own id (unconfirmed: it may know payments only)."""
        return self._inquire("query_refund", refund_id_of(refund))

    def read_refund_queried(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read the answer; only that it is done, or at work, is believed."""
        ours = refund_id_of(refund)
        found = self._inquired(reply, ours, refund.amount_dong)
        if found.outcome not in {Outcome.SUCCEEDED, Outcome.PENDING}:
            return replace(found, outcome=Outcome.UNKNOWN)
        return replace(found, reference=refund.reference) if found.reference == ours else found

    def _inquire(self, operation: str, reference: str) -> Call:
        asked = {"cmd": "TRANS_INQUIRY", "merchant_code": self.merchant, "order_id": reference}
        return self._post(operation, {**asked, "version": "2.0"})

    def _inquired(self, reply: Reply, ours: str, amount_dong: int) -> Finding:
        fields = read_texts(body_of(reply))
        texts = [_values(fields, names) for names in INQUIRED]
        self._check(texts, fields.get("check_sum") or fields.get("secure_hash"))
        found = _found(fields)
        is_ours = found.reference == ours and found.amount_dong is None
        return replace(found, amount_dong=amount_dong) if is_ours else found

    def _post(self, operation: str, signed: dict[str, str], **more: str) -> Call:
        call = post_form(operation, self.config.host + POST_DATA, self._signed(signed, more))
        user, password = self.config.basic_user, self.config.basic_password.get_secret_value()
        who = {"authorization": basic(user, password)} if user else {}
        return replace(call, headers={**call.headers, **who})

    def _signed(self, signed: dict[str, str], more: dict[str, str]) -> dict[str, str]:
        return {**signed, **more, "check_sum": self._sign("".join(signed.values()))}

    def _sign(self, values: str) -> str:
        text = self.config.access_code.get_secret_value() + values
        return sign(self.config.hash_key.get_secret_value(), text, self.config.encoding)

    def _check(self, texts: Sequence[str], given: str | None) -> None:
        """Accept the signature of any of the texts; a decoder may have made blanks of its `+`."""
        said = given or ""
        said = said.lower() if self.config.encoding == "hex" else said.replace(" ", "+")
        check_signatures([self._sign(text) for text in texts], said)


def sign(key: str, text: str, encoding: str = "base64") -> str:
    """HMAC-SHA1 of the UTF-8 of `text`; base64, or lower hex.

    >>> sign("Jefe", "what do ya want for nothing?", "hex")
    'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79'
    """
    mac = hmac.new(key.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha1).digest()
    return mac.hex() if encoding == "hex" else base64.b64encode(mac).decode()


def refund_id_of(refund: RefundOrder) -> str:
    """Derive the order_id of a refund: 32 hex digits, the same for ever."""
    return hashlib.sha256(refund.reference.encode()).hexdigest()[:32]


def to_qr(signed: Mapping[str, str]) -> str:
    """Write the content of the QR variant: JSON with capital keys, unsigned."""
    head = {"PRIORITY": "BankPlus", "VERSION": "1.0", "TYPE": "PAY_BILL"}
    order = {name.upper(): signed[name] for name in ("billcode", "order_id", "merchant_code")}
    return json.dumps({**head, **order, "AMOUNT": signed["trans_amount"]})


def _answer(status: int, said: Mapping[str, str]) -> Acknowledgement:
    return Acknowledgement(status, json.dumps(said).encode(), "application/json")


def _values(fields: Mapping[str, str], names: Sequence[str]) -> str:
    return "".join(fields.get(name, "") for name in names)


def _amount(fields: Mapping[str, str]) -> int | None:
    text = fields.get("trans_amount", "")
    if text and not _AMOUNT.fullmatch(text):
        raise messages.Unreadable(what="trans_amount")
    return int(text) if text else None


def _found(fields: Mapping[str, str]) -> Finding:
    status, error = fields.get("payment_status", ""), fields.get("error_code", "")
    outcome = PAYMENT_STATUS.get(status, Outcome.UNKNOWN)
    # An end is believed only with an error_code that agrees.
    agrees = error == "00" or (outcome is Outcome.FAILED and error in RESULT_CODES)
    return Finding(
        outcome if agrees else Outcome.UNKNOWN,
        status if error == "00" else f"{status}/{error}",
        reference=fields.get("order_id") or None,
        amount_dong=_amount(fields),
        merchant=fields.get("merchant_code") or None,
        provider_id=fields.get("vt_transaction_id") or None,
    )
