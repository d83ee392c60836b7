"""AppotaPay's bill API, served by us: a partner checks a bill, pays it, and asks what became of it.

Amounts are whole đồng. Fields, the bearer JWT (HS256: iss, jti, api_key, exp), the signature
(HMAC-SHA256, lower hex, over the fields sorted by name as `k=v` joined by `&`) and the general
codes are those of docs.appotapay.com (bill, security, errors; read 2026-11-24). The codes from 201
on are ours, profile `appotapay-bill/0.1`: no table of the bill API is public. `billDetail` of a
payment is the text of the array as the check gave it; the signature is over that very text.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, ClassVar

import orjson
from pydantic import Field, SecretStr

from gateway.domain.biller import Channel
from gateway.domain.clock import VIETNAM
from gateway.kit.abilities import AnswersInquiries
from gateway.kit.abilities import inquiries as ask
from gateway.kit.abilities.inquiries import (
    Collection,
    Inquiry,
    Question,
    Result,
    Settled,
    StatusAsked,
)
from gateway.kit.messages import (
    Acknowledgement,
    Garbled,
    Incoming,
    Moment,
    SignatureWrong,
    Unreadable,
)
from gateway.kit.payload import check_signature, integer_of, read_object, text_of

_DOUBT = (99, "Undefined error, please check the transaction again later")
ANSWERS: Mapping[Result, tuple[int, str]] = {
    Result.BILLS: (0, "Success"),
    Result.PAID: (0, "Success"),
    Result.IN_PROGRESS: (35, "Transaction is being processed"),
    Result.NOT_FOUND: (36, "Transaction is not found"),
    Result.DOUBT: _DOUBT,
    Result.CUSTOMER_UNKNOWN: (201, "Bill code is not found"),
    Result.NO_DEBT: (202, "There is no bill to pay"),
    Result.PAID_BEFORE: (203, "Bill is paid already"),
    Result.AMOUNT_DIFFERS: (204, "Amount is not what is due"),
    Result.LOCKED: (205, "Bill is being paid elsewhere"),
    Result.OLDER_FIRST: (206, "An older bill must be paid first"),
    Result.NOT_ALLOWED: (207, "Payment is not allowed"),
    Result.CANCELLED: (208, "Transaction is cancelled"),
    Result.CHANGED: (209, "partnerRefId was used for another payment"),
}
BUSY = (91, "The system is busy, please try again later")
WRONG_FORMAT = (1, "Missing or Invalid Params")
WRONG_SIGNATURE = (2, "Invalid signature")
UNAUTHORIZED = (401, "Unauthorized")


class Config(ask.InquiryConfig):
    """What the partner is given."""

    partner_code: str = Field(min_length=1, max_length=64)
    api_key: str = Field(min_length=1, max_length=128)
    secret_key: SecretStr = Field(min_length=16)
    service_code: str = Field(min_length=1, max_length=64)
    channel: Channel = Channel.E_WALLET
    """The protocol names no channel."""


class NotTheirs(SignatureWrong):
    """The bearer token is missing, forged, expired, or another partner's."""


class AppotaBill(AnswersInquiries[Config]):
    """A partner that asks and pays by AppotaPay's bill API."""

    code = "appotabill"
    title = "AppotaPay bill API"
    channels = frozenset({Channel.E_WALLET, Channel.MOBILE_BANKING, Channel.INTERNET_BANKING})
    Config = Config
    private_fields: ClassVar[frozenset[str]] = frozenset({"customerInfo", "authorization"})

    @property
    def merchant(self) -> str:
        """The partner's code."""
        return self.config.partner_code

    def read_question(self, operation: str, incoming: Incoming, moment: Moment) -> Question:
        """Read `bill/check`, `bill/pay` or `bill/transaction/{partnerRefId}`."""
        self._authorize(incoming, moment)
        if operation.startswith("bill/transaction/"):
            reference = operation.removeprefix("bill/transaction/")
            return StatusAsked(reference, {"partnerRefId": reference})
        fields = read_object(incoming.body)
        names = ("billCode", "partnerRefId", "serviceCode")
        if operation == "bill/check":
            self._verify(fields, {name: text_of(fields, name) for name in names})
            reference = text_of(fields, "partnerRefId")
            if not reference.isascii():
                raise Unreadable(what="partnerRefId")
            return Inquiry(text_of(fields, "billCode"), {"partnerRefId": reference})
        if operation == "bill/pay":
            return self._collection(fields)
        raise Unreadable(what="operation")

    def _collection(self, fields: Mapping[str, Any]) -> Collection:
        amount_dong = integer_of(fields, "amount")
        names = ("billCode", "billDetail", "partnerRefId", "serviceCode")
        signed = {name: text_of(fields, name) for name in names}
        self._verify(fields, {"amount": str(amount_dong), **signed})
        bills = _bills(signed["billDetail"])
        if amount_dong is None or sum(bills.values()) != amount_dong:
            raise Unreadable(what="billDetail: its sum is not the amount")
        return Collection(
            reference=signed["partnerRefId"],
            customer_code=signed["billCode"],
            bill_ids=tuple(bills),
            amount_dong=amount_dong,
            channel=self.config.channel,
            echo={"partnerRefId": signed["partnerRefId"], "billDetail": signed["billDetail"]},
        )

    def _authorize(self, incoming: Incoming, moment: Moment) -> None:
        scheme, _, token = incoming.headers.get("x-appotapay-auth", "").partition(" ")
        if scheme.lower() != "bearer":
            raise NotTheirs
        claims = read_token(self._secret, token)
        expires_at = claims.get("exp")
        is_theirs = (
            claims.get("iss") == self.config.partner_code
            and claims.get("api_key") == self.config.api_key
            and type(expires_at) is int
            and expires_at > moment.now.timestamp()
        )
        if not is_theirs:
            raise NotTheirs

    def _verify(self, fields: Mapping[str, Any], signed: Mapping[str, str]) -> None:
        check_signature(sign(self._secret, signed), text_of(fields, "signature").lower())
        if signed["serviceCode"] != self.config.service_code:
            raise Unreadable(what="serviceCode")

    @property
    def _secret(self) -> str:
        return self.config.secret_key.get_secret_value()

    def write_answer(self, question: Question, settled: Settled) -> Acknowledgement:
        """Write errorCode, message and what was found or paid."""
        code, message = ANSWERS.get(settled.result, _DOUBT)
        if isinstance(question, Inquiry) and settled.result is Result.DOUBT:
            code, message = BUSY
        said: dict[str, object] = {"errorCode": code, "message": message}
        said["partnerRefId"] = question.echo.get("partnerRefId", "")
        if settled.result is Result.BILLS:
            said["billDetail"] = [_shown(bill) for bill in settled.bills]
            said["customerInfo"] = {
                "customerName": settled.customer_name,
                "customerAddress": settled.customer_address,
            }
        if settled.result is Result.PAID:
            said |= _paid(question, settled)
        return _reply(200, said)

    def write_refusal(
        self, operation: str, incoming: Incoming, why: Garbled | None
    ) -> Acknowledgement:
        """Write why nothing was read."""
        if isinstance(why, NotTheirs):
            status, (code, message) = 401, UNAUTHORIZED
        elif isinstance(why, SignatureWrong):
            status, (code, message) = 400, WRONG_SIGNATURE
        elif why is not None:
            status, (code, message) = 400, WRONG_FORMAT
        else:
            status, (code, message) = 200, BUSY if operation == "bill/check" else _DOUBT
        return _reply(status, {"errorCode": code, "message": message})


def sign(secret: str, fields: Mapping[str, str]) -> str:
    """Sign fields: sorted by name, `k=v` joined by `&`.

    >>> sign("k", {"b": "2", "a": "1"})[:16]
    'acaa976e19626988'
    """
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    return _mac(secret, text.encode("utf-8", "surrogatepass")).hex()


def read_token(secret: str, token: str) -> dict[str, Any]:
    """Read the claims of a JWT that was signed with the secret, by HS256 and nothing else.

    Raises:
        NotTheirs: any other.
    """
    try:
        head, claims, mac = token.encode("ascii").split(b".")
        given = _decode(mac)
        is_signed = hmac.compare_digest(_mac(secret, head + b"." + claims), given)
        if not is_signed or read_object(_decode(head)).get("alg") != "HS256":
            raise NotTheirs
        return read_object(_decode(claims))
    except (ValueError, binascii.Error, Unreadable) as error:
        raise NotTheirs from error


def _decode(part: bytes) -> bytes:
    return base64.b64decode(part + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _mac(secret: str, text: bytes) -> bytes:
    return hmac.new(secret.encode(), text, hashlib.sha256).digest()


def _bills(detail: str) -> dict[str, int]:
    """Read the bills of a billDetail: number → amount in đồng."""
    try:
        raw = detail.encode()
        orjson.loads(raw)  # what is read is answered with: it must be writable too
    except ValueError as error:
        raise Unreadable(what="billDetail") from error
    listed = read_object(b'{"bills":' + raw + b"}").get("bills")
    if not isinstance(listed, list) or not all(isinstance(bill, dict) for bill in listed):
        raise Unreadable(what="billDetail")
    bills = {text_of(bill, "billNumber"): integer_of(bill, "amount") or 0 for bill in listed}
    if len(bills) != len(listed) or not all(amount > 0 for amount in bills.values()):
        raise Unreadable(what="billDetail")
    return bills


def _shown(bill: ask.BillShown) -> dict[str, object]:
    return {
        "billNumber": bill.id,
        "period": f"{bill.period.month}/{bill.period.year}",
        "amount": bill.amount_dong,
        "billCreated": bill.issued_on.isoformat(),
        "billExpiry": bill.due_on.isoformat(),
        "billType": "TD",
        "billOtherInfo": "",
        "isPartialPaymentAllowed": False,
        "extraInfo": "",
    }


def _paid(question: Question, settled: Settled) -> dict[str, object]:
    at = settled.paid_at.astimezone(VIETNAM) if settled.paid_at else None
    transaction = {
        "appotapayTransId": settled.payment_id,
        "amount": settled.amount_dong,
        "billAmount": settled.amount_dong,
        "time": f"{at:%Y-%m-%d %H:%M:%S}" if at else "",
    }
    detail = question.echo.get("billDetail")
    known = {} if detail is None else {"billDetail": orjson.loads(detail)}
    return {**known, "transaction": transaction}


def _reply(status: int, said: Mapping[str, object]) -> Acknowledgement:
    return Acknowledgement(status, orjson.dumps(said), "application/json")
