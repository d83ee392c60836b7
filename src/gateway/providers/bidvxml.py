"""BIDV's bill collection as ISO 8583-like XML: the bank asks 1100, pays and takes back by 1200.

Fields, their numbers, f4 in hundredths of a đồng, the channels of f22, the signed text and the
reply codes are those of a public multi-bank gateway (read 2026-11-24). The envelope, f12 as
yyyyMMddHHmmss, f56 as the original's f12 followed by its f11, and the counter's channel are ours,
profile `bidv-billcollect-xml/0.1`. RSA-SHA1 (PKCS#1 v1.5) over 19 fields joined by `|`, base64 in
f63, both ways. **The MTI is not signed**, so a request is what its signed fields make it: with f56
it takes back; with f4, f12 and f62 it pays; with none of them it asks. One whose MTI says otherwise
is refused. f11 is unique for a day, so a payment's number is its day and its f11.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import ClassVar, Self
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import Field, SecretStr, model_validator

from gateway.domain.biller import Channel
from gateway.domain.clock import VIETNAM
from gateway.kit.abilities import AnswersInquiries
from gateway.kit.abilities import inquiries as ask
from gateway.kit.abilities.inquiries import Collection, Inquiry, Question, Result, Settled, Undo
from gateway.kit.messages import (
    Acknowledgement,
    Garbled,
    Incoming,
    Moment,
    SignatureWrong,
    Unreadable,
)
from gateway.kit.rsa_keys import read_private_key, read_public_key, sign, verify
from gateway.kit.xml_payload import read_flat

SHA1 = hashes.SHA1()  # noqa: S303 (theirs)
SIGNED = (
    *("f2", "f3", "f4", "f7", "f11", "f12", "f22", "f24", "f32", "f34"),
    *("f39", "f41", "f44", "f48", "f49", "f53", "f56", "f61", "f62"),
)
"""The fields that are signed, in this order; an absent one is empty."""
KNOWN = {*SIGNED, "mti", "f63"}
CHANNELS = {
    "211701": Channel.MOBILE_BANKING,
    "211601": Channel.INTERNET_BANKING,
    "211901": Channel.SMS_BANKING,
}
CODES: Mapping[Result, str] = {
    **dict.fromkeys((Result.BILLS, Result.PAID, Result.UNDONE), "000"),
    Result.PAID_BEFORE: "001",
    Result.CUSTOMER_UNKNOWN: "003",
    Result.NOT_ALLOWED: "008",
    Result.TOO_LATE: "016",
    Result.NOT_FOUND: "018",
    Result.NO_DEBT: "025",
    Result.AMOUNT_DIFFERS: "026",
    Result.IN_PROGRESS: "050",
    **dict.fromkeys((Result.LOCKED, Result.OLDER_FIRST), "056"),
    Result.CHANGED: "099",
    Result.CANCELLED: "105",
    Result.DOUBT: "100",
}
ASK_AGAIN, WRONG_SERVICE, WRONG_SIGNATURE = "096", "006", "007"
WRONG_FORMAT, WRONG_CURRENCY = "101", "102"
ASKS, PAYS = "1100", "1200"
_ANSWERS = {ASKS: "1110", PAYS: "1210"}
_BILLS = re.compile(r"(?:\[[^\[\]|]{1,40}\|\|[0-9]{1,12}\|[^\[\]|]*\])+")
_BILL = re.compile(r"\[([^\[\]|]+)\|\|([0-9]+)\|")
_HUNDREDTHS = re.compile(r"[1-9][0-9]{0,12}00")
_TIME = re.compile(r"[0-9]{14}", re.ASCII)
_ORIGINAL = re.compile(r"([0-9]{8})[0-9]{6}([0-9A-Za-z]{1,20})", re.ASCII)
_TRACE = re.compile(r"[0-9A-Za-z]{1,20}", re.ASCII)


class Config(ask.InquiryConfig):
    """What the bank and the biller agree on; both keys are PEM."""

    bank_public_key: str
    private_key: SecretStr
    service_id: str = Field(min_length=1, max_length=20, pattern=r"^[^|]+$")
    sender_id: str = Field(default="BIDV", pattern=r"^[^|]+$")
    counter_channel: str = Field(default="211101", pattern=r"^[0-9]{6}$")
    """f22 of a payment at the bank's counter; the sources name only the other three."""

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        read_public_key(self.bank_public_key)
        read_private_key(self.private_key.get_secret_value())
        return self


class FieldWrong(Unreadable):
    """A field says what cannot be taken; `code` is the bank's own for it."""

    def __init__(self, code: str, *, what: str) -> None:
        super().__init__(what=what)
        self.code = code


class BidvXml(AnswersInquiries[Config]):
    """BIDV as a partner that asks and pays in ISO 8583-like XML."""

    code = "bidvxml"
    title = "BIDV (XML)"
    channels = frozenset({*CHANNELS.values(), Channel.COUNTER_CASH})
    Config = Config
    private_fields: ClassVar[frozenset[str]] = frozenset({"f48"})

    @property
    def merchant(self) -> str:
        """The service's id at the bank."""
        return self.config.service_id

    @cached_property
    def _theirs(self) -> rsa.RSAPublicKey:
        return read_public_key(self.config.bank_public_key)

    @cached_property
    def _ours(self) -> rsa.RSAPrivateKey:
        return read_private_key(self.config.private_key.get_secret_value())

    def read_question(self, operation: str, incoming: Incoming, moment: Moment) -> Question:
        """Read a message; its signed fields say what it is."""
        if operation != "message":
            raise Unreadable(what="operation")
        fields = read_fields(incoming.body)
        verify(self._theirs, fields.get("f63", ""), signed_text(fields), SHA1)
        self._check(fields)
        if fields.get("f56"):
            return _undo(fields)
        if any(fields.get(name) for name in ("f4", "f12", "f62")):
            return self._collection(fields)
        if fields["mti"] != ASKS:
            raise Unreadable(what="MTI")
        return Inquiry(fields.get("f2", ""), _echo(fields))

    def _check(self, fields: Mapping[str, str]) -> None:
        """Hold a message against what pins its fields, since `|` joins them unescaped."""
        pipes = {name: fields.get(name, "").count("|") for name in SIGNED if name != "f62"}
        if pipes.pop("f48") > 1 or any(pipes.values()):
            raise Unreadable(what="field with '|'")
        if fields.get("f49") not in {"VND", "704"}:
            raise FieldWrong(WRONG_CURRENCY, what="f49")
        if fields.get("f3") != self.config.service_id:
            raise FieldWrong(WRONG_SERVICE, what="f3")
        if fields.get("f32") != self.config.sender_id:
            raise Unreadable(what="f32")
        if not _TRACE.fullmatch(fields.get("f11", "")):
            raise Unreadable(what="f11")

    def _collection(self, fields: Mapping[str, str]) -> Collection:
        if fields["mti"] != PAYS:
            raise Unreadable(what="MTI")
        at, amount_dong = _instant(fields.get("f12", "")), from_hundredths(fields.get("f4", ""))
        bills = _bills(fields.get("f62", ""))
        if sum(bills.values()) != amount_dong:
            raise Unreadable(what="f62: its sum is not f4")
        return Collection(
            reference=f"{at:%Y%m%d}-{fields['f11']}",
            customer_code=fields.get("f2", ""),
            bill_ids=tuple(bills),
            amount_dong=amount_dong,
            channel=self._channel(fields.get("f22", "")),
            at=at,
            echo=_echo(fields),
        )

    def _channel(self, code: str) -> Channel:
        known = {**CHANNELS, self.config.counter_channel: Channel.COUNTER_CASH}
        if code not in known:
            raise Unreadable(what="f22")
        return known[code]

    def write_answer(self, question: Question, settled: Settled) -> Acknowledgement:
        """Write the signed answer: the request's fields, f39, and what was found."""
        code = CODES[settled.result]
        if isinstance(question, Inquiry) and settled.result in {Result.LOCKED, Result.DOUBT}:
            code = ASK_AGAIN
        fields = {**question.echo, "f39": code}
        if settled.result is Result.BILLS:
            fields["f4"] = to_hundredths(settled.amount_dong)
            fields["f48"] = f"{_safe(settled.customer_name)}|{_safe(settled.customer_address)}"
            fields["f62"] = "".join(_shown(bill) for bill in settled.bills)
        if settled.payment_id:
            fields["f61"] = settled.payment_id
        return self._signed(fields)

    def write_refusal(
        self, operation: str, incoming: Incoming, why: Garbled | None
    ) -> Acknowledgement:
        """Write why nothing was read, with what of the request can be read."""
        try:
            echo = _echo(read_fields(incoming.body))
        except Garbled:
            echo = {"mti": ASKS}
        if why is None:
            code = ASK_AGAIN if echo["mti"] == ASKS else CODES[Result.DOUBT]
        else:
            is_forged = isinstance(why, SignatureWrong)
            code = WRONG_SIGNATURE if is_forged else getattr(why, "code", WRONG_FORMAT)
        return self._signed({**echo, "f39": code})

    def _signed(self, fields: Mapping[str, str]) -> Acknowledgement:
        answer = {**fields, "mti": _ANSWERS.get(fields["mti"], "1110")}
        answer["f63"] = sign(self._ours, signed_text(answer), SHA1)
        inside = "".join(
            f"<{name}>{escape(answer[name])}</{name}>"
            for name in ("mti", *SIGNED, "f63")
            if answer.get(name)
        )
        body = f'<?xml version="1.0" encoding="UTF-8"?><message>{inside}</message>'
        return Acknowledgement(200, body.encode(), "text/xml")


def signed_text(fields: Mapping[str, str]) -> bytes:
    """Join the signed fields.

    >>> signed_text({"f2": "PB14010012345", "f49": "VND"})
    b'PB14010012345||||||||||||||VND||||'
    """
    return "|".join(fields.get(name, "") for name in SIGNED).encode("utf-8", "surrogatepass")


def read_fields(body: bytes) -> dict[str, str]:
    """Read a message's fields: no document type, no nesting, nothing twice, nothing unknown.

    Raises:
        Unreadable: it is none.
    """
    fields = read_flat(body, "message")
    if not fields.keys() <= KNOWN:
        raise Unreadable(what="message")
    if fields.get("mti") not in _ANSWERS:
        raise Unreadable(what="MTI")
    return fields


def from_hundredths(text: str) -> int:
    """Read f4, which counts in hundredths of a đồng.

    >>> from_hundredths("9900000")
    99000

    Raises:
        Unreadable: no whole number of đồng.
    """
    if not _HUNDREDTHS.fullmatch(text):
        raise Unreadable(what="f4")
    return int(text) // 100


def to_hundredths(amount_dong: int) -> str:
    """Write f4.

    >>> to_hundredths(99_000)
    '9900000'
    """
    return str(amount_dong * 100)


def _undo(fields: Mapping[str, str]) -> Undo:
    original = _ORIGINAL.fullmatch(fields["f56"])
    if original is None or fields["mti"] != PAYS:
        raise Unreadable(what="f56")
    return Undo(f"{original[1]}-{original[2]}", _echo(fields))


def _bills(text: str) -> dict[str, int]:
    if not _BILLS.fullmatch(text):
        raise Unreadable(what="f62")
    found = _BILL.findall(text)
    bills = {bill_id: int(amount) for bill_id, amount in found}
    if len(bills) != len(found):
        raise Unreadable(what="f62: a bill twice")
    return bills


def _shown(bill: ask.BillShown) -> str:
    return f"[{bill.id}||{bill.amount_dong}|Ky {bill.period:%m/%Y}]"


def _safe(text: str) -> str:
    return re.sub(r"[|\[\]\x00-\x1f]", " ", text)


def _echo(fields: Mapping[str, str]) -> dict[str, str]:
    """Keep what an answer repeats; a `|` in it could move f39 within what we sign."""
    kept = ("mti", "f2", "f3", "f4", "f7", "f11", "f12", "f22", "f24", "f32", "f34", "f41", "f49")
    return {name: fields[name] for name in kept if fields.get(name) and "|" not in fields[name]}


def _instant(text: str) -> datetime:
    given = text if _TIME.fullmatch(text) else ""
    try:
        return datetime.strptime(given, "%Y%m%d%H%M%S").replace(tzinfo=VIETNAM)
    except ValueError as error:
        raise Unreadable(what="f12") from error
