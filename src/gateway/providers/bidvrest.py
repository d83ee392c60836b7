"""BIDV's bill collection over JSON: the bank asks `getbill` and pays `paybill` at our door.

Amounts are whole đồng. The fields are those of a partner's published C# interface (read
2026-11-24); the checksum, the channel and the reply's data are ours, profile
`bidv-billcollect-rest/0.1`. MD5 over `secret|trans_id|bill_id|amount` (getbill:
`secret|service_id|customer_id`), lower hex: customer, channel and date of a payment are not
signed, so nothing but statistics depends on them (a bill of another customer is refused).
Codes are the bank's list of reply codes.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
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
    InquiryConfig,
    Question,
    Result,
    Settled,
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

CHANNELS = {
    "MB": Channel.MOBILE_BANKING,
    "IB": Channel.INTERNET_BANKING,
    "SMS": Channel.SMS_BANKING,
    "QUAY": Channel.COUNTER_CASH,
}
_SUCCESS = ("000", "Thanh cong")
_DOUBT = ("100", "Chua xac dinh ket qua, cho doi soat")
ANSWERS: Mapping[Result, tuple[str, str]] = {
    Result.BILLS: _SUCCESS,
    Result.PAID: _SUCCESS,
    Result.PAID_BEFORE: ("001", "Hoa don da thanh toan"),
    Result.CUSTOMER_UNKNOWN: ("003", "Khong tim thay khach hang"),
    Result.NOT_ALLOWED: ("008", "Giao dich bi tu choi"),
    Result.NO_DEBT: ("025", "Khong co hoa don"),
    Result.AMOUNT_DIFFERS: ("026", "So tien khac so no"),
    Result.IN_PROGRESS: ("050", "Giao dich dang xu ly"),
    Result.LOCKED: ("056", "Khong gach no duoc: hoa don dang thanh toan noi khac"),
    Result.OLDER_FIRST: ("056", "Khong gach no duoc: con hoa don ky truoc"),
    Result.CHANGED: ("099", "Du lieu thanh toan bi thay doi"),
    Result.CANCELLED: ("105", "Giao dich da huy"),
    Result.DOUBT: _DOUBT,
}
# A question that cannot be answered now is asked again; it concerns no money.
ASK_AGAIN = ("096", "He thong ban, hoi lai sau")
WRONG_SERVICE, WRONG_SIGNATURE, WRONG_FORMAT = "006", "007", "101"


class Config(InquiryConfig):
    """What the bank and the biller agree on."""

    secret: SecretStr = Field(min_length=16)
    service_id: str = Field(min_length=1, max_length=20, pattern=r"^[^|]+$")
    default_channel: Channel = Channel.MOBILE_BANKING
    """Of a payment that names no channel."""


class ServiceWrong(Unreadable):
    """It is about another service than ours."""

    def __init__(self) -> None:
        super().__init__(what="service")


class BidvRest(AnswersInquiries[Config]):
    """BIDV as a partner that asks and pays over JSON."""

    code = "bidvrest"
    title = "BIDV (REST)"
    channels = frozenset(CHANNELS.values())
    Config = Config
    private_fields: ClassVar[frozenset[str]] = frozenset({"customer_name", "customer_addr"})

    @property
    def merchant(self) -> str:
        """The service's id at the bank."""
        return self.config.service_id

    def read_question(self, operation: str, incoming: Incoming, moment: Moment) -> Question:
        """Read `getbill` or `paybill`."""
        fields = read_object(incoming.body)
        if operation == "getbill":
            return self._inquiry(fields)
        if operation == "paybill":
            return self._collection(fields)
        raise Unreadable(what="operation")

    def _inquiry(self, fields: Mapping[str, Any]) -> Inquiry:
        service, customer = _plain(fields, "service_id"), _plain(fields, "customer_id")
        self._verify(fields, service, customer)
        self._check_service(service)
        return Inquiry(customer, _echo(fields))

    def _collection(self, fields: Mapping[str, Any]) -> Collection:
        trans_id, bill_id = _plain(fields, "trans_id"), _plain(fields, "bill_id")
        amount_dong = integer_of(fields, "amount") or 0
        # What is signed is the text of the amount, as a number or as digits: one form only.
        if str(amount_dong) != str(fields.get("amount")):
            raise Unreadable(what="amount")
        self._verify(fields, trans_id, bill_id, str(amount_dong))
        self._check_service(_plain(fields, "service_id"))
        return Collection(
            reference=trans_id,
            customer_code=_plain(fields, "customer_id"),
            bill_ids=(bill_id,),
            amount_dong=amount_dong,
            channel=self._channel(text_of(fields, "channel")),
            at=_instant(text_of(fields, "trans_date")),
            echo=_echo(fields),
        )

    def _verify(self, fields: Mapping[str, Any], *parts: str) -> None:
        due = checksum(self.config.secret.get_secret_value(), *parts)
        check_signature(due, text_of(fields, "checksum").lower())

    def _check_service(self, service: str) -> None:
        if service != self.config.service_id:
            raise ServiceWrong

    def _channel(self, name: str) -> Channel:
        if not name:
            return self.config.default_channel
        if name not in CHANNELS:
            raise Unreadable(what="channel")
        return CHANNELS[name]

    def write_answer(self, question: Question, settled: Settled) -> Acknowledgement:
        """Write result_code, result_desc and data."""
        if isinstance(question, Inquiry) and settled.result not in {
            *(Result.BILLS, Result.NO_DEBT, Result.CUSTOMER_UNKNOWN),
        }:
            return _reply(*ASK_AGAIN, {})
        code, text = ANSWERS.get(settled.result, _DOUBT)
        return _reply(code, text, _data(question, settled))

    def write_refusal(
        self, operation: str, incoming: Incoming, why: Garbled | None
    ) -> Acknowledgement:
        """Write why nothing was read."""
        if why is None:
            return _reply(*(ASK_AGAIN if operation == "getbill" else _DOUBT), {})
        if isinstance(why, SignatureWrong):
            return _reply(WRONG_SIGNATURE, "Sai chu ky", {})
        if isinstance(why, ServiceWrong):
            return _reply(WRONG_SERVICE, "Sai ma dich vu", {})
        return _reply(WRONG_FORMAT, "Sai dinh dang", {})


def checksum(secret: str, *parts: str) -> str:
    """Hash the secret and the parts, joined by `|`; lower hex.

    >>> checksum("k", "T1", "HD1", "99000")
    '57bf847d2fe5fbd193e82895ce86b19e'
    """
    return hashlib.md5("|".join((secret, *parts)).encode()).hexdigest()  # noqa: S324 (theirs)


def _data(question: Question, settled: Settled) -> dict[str, object]:
    if settled.result is Result.BILLS and isinstance(question, Inquiry):
        return {
            "customer_id": question.customer_code,
            "customer_name": settled.customer_name,
            "customer_addr": settled.customer_address,
            "amount": settled.amount_dong,
            "bills": [_bill(bill) for bill in settled.bills],
        }
    if not isinstance(question, Collection):
        return {}
    said: dict[str, object] = {"trans_id": question.reference, **question.echo}
    if settled.result is Result.PAID:
        said |= {"amount": settled.amount_dong, "biller_trans_id": settled.payment_id}
    return said


def _bill(bill: ask.BillShown) -> dict[str, object]:
    return {
        "bill_id": bill.id,
        "period": f"{bill.period:%m/%Y}",
        "amount": bill.amount_dong,
        "due_date": f"{bill.due_on:%Y%m%d}",
    }


def _reply(code: str, text: str, data: Mapping[str, object]) -> Acknowledgement:
    body = orjson.dumps({"result_code": code, "result_desc": text, "data": data or None})
    return Acknowledgement(200, body, "application/json")


def _plain(fields: Mapping[str, Any], name: str) -> str:
    """Give a text without the sign that joins what is signed."""
    text = text_of(fields, name)
    if not text or "|" in text:
        raise Unreadable(what=name)
    return text


def _echo(fields: Mapping[str, Any]) -> dict[str, str]:
    """Keep the bank's own number for the answer."""
    number = text_of(fields, "trans_bidv")
    if not number.isascii() or len(number) > 64:  # noqa: PLR2004 (more is no number)
        raise Unreadable(what="trans_bidv")
    return {"trans_bidv": number} if number else {}


def _instant(text: str) -> datetime:
    """Read yyyyMMddHHmmss of Vietnam."""
    if len(text) != 14 or not text.isdecimal():  # noqa: PLR2004
        raise Unreadable(what="trans_date")
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=VIETNAM)
    except ValueError as error:
        raise Unreadable(what="trans_date") from error
