"""A short number of Viettel: customers' messages by SOAP, the reply travels in the answer.

Operation messageReceiver(RequestID, UserID, ReceiverID, ServiceID, CommandCode, Info, ReceiveTime)
answers CommandCode, MessageType and MessageContent; messages of ours go out by wsCpMt (bulk MT).
Viettel signs nothing: trust is the private line, and a secret word in the address (`?key=…`).

Source: VietOpenCPS/opencps-v2 opencps-smsprocess, one source (read 2026-11-24); the names of the
envelope's namespaces and of wsCpMt's answer are unconfirmed: docs/providers/viettelmo.md.
"""

import re
from typing import Final
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.sax.saxutils import escape

from pydantic import Field, SecretStr

from gateway.domain.biller import Channel
from gateway.kit import abilities
from gateway.kit.messages import Acknowledgement, Call, Incoming, Moment, Reply, Unreadable, Verdict
from gateway.kit.payload import check_signature
from gateway.kit.text_messages import Report, TextIn, TextOut

XML: Final = "text/xml; charset=utf-8"
TEXT_REPLY, TAKEN, BULK = "1", "1", "bulksms"
_BODY_MAX = 65_536


class Config(abilities.TextsConfig):
    """An account of Viettel's bulk messages, and the word by which its calls to us are known."""

    host: str = Field(pattern=r"^https?://[^\s?#@]+$")
    username: str = Field(min_length=1)
    password: SecretStr = Field(min_length=1)
    cp_code: str = Field(min_length=1)
    brand: str = Field(pattern=r"^[0-9A-Za-z._-]{3,11}$")
    word: SecretStr = Field(min_length=16)


class ViettelMo(abilities.CarriesMessages[Config]):
    """A short number whose messages Viettel hands on."""

    code, title = "viettelmo", "SMS Banking (Viettel)"
    channels = frozenset({Channel.SMS_BANKING})
    Config = Config
    private_fields = frozenset({"Info", "UserID", "Content", "Password", "MessageContent"})
    answers_in_reply = True

    @property
    def merchant(self) -> str:
        """The bank's prefix."""
        return self.config.bank

    def read_message(self, incoming: Incoming) -> TextIn:
        """Read a messageReceiver call."""
        word = dict(incoming.query_pairs()).get("key")
        check_signature(self.config.word.get_secret_value(), word)
        fields = read_fields(incoming.body)
        message = TextIn(
            fields.get("RequestID", ""),
            fields.get("UserID", ""),
            fields.get("ServiceID", ""),
            fields.get("Info", ""),
        )
        if not message.id or not message.sender:
            raise Unreadable(what="RequestID or UserID")
        return message

    def answer(self, message: TextIn, text: str) -> Acknowledgement:
        """Answer with the text; CommandCode is the message's first word."""
        command = next(iter(message.text.split()), "")
        return Acknowledgement(200, _answer(command, text), XML)

    def refuse(self, verdict: Verdict) -> Acknowledgement:
        """Answer 503 to what must come again, 403 to what is not Viettel's."""
        return Acknowledgement(503 if verdict is Verdict.TRY_LATER else 403)

    def send(self, message: TextOut, moment: Moment) -> Call:
        """Build a wsCpMt call; ContentType 0 is the plain alphabet."""
        fields = {
            "User": self.config.username,
            "Password": self.config.password.get_secret_value(),
            "CPCode": self.config.cp_code,
            "RequestID": "1",
            "UserID": message.to,
            "ReceiverID": message.to,
            "ServiceID": self.config.brand,
            "CommandCode": BULK,
            "Content": message.text,
            "ContentType": "0",
        }
        headers = {"content-type": XML, "soapaction": "wsCpMt"}
        body = _envelope("wsCpMt", fields)
        return Call("send", f"{self.config.host}/bulkapi", body, headers=headers)

    def read_sent(self, reply: Reply) -> str:
        """Read the answer: result 1 is taken; it has no number, and nothing will be reported."""
        if read_fields(reply.body).get("result") != TAKEN:
            raise Unreadable(what="result")
        return ""

    def read_report(self, incoming: Incoming) -> Report:
        """Viettel's bulk interface reports nothing."""
        raise Unreadable(what="delivery report")

    def acknowledge_report(self, verdict: Verdict) -> Acknowledgement:
        """Refuse: there are none."""
        return Acknowledgement(404)


def read_fields(body: bytes) -> dict[str, str]:
    """Read the leaf elements of an envelope by their local names; one that is twice is refused.

    Raises:
        Unreadable: no XML, too long, or with entities.
    """
    if len(body) > _BODY_MAX:
        raise Unreadable(what="envelope, too long,")
    try:
        text = body.decode("utf-8")
        if "<!DOCTYPE" in text:
            raise Unreadable(what="envelope with a document type")
        # Without a document type there are no entities to expand; it is text, so of one encoding.
        root: Element = fromstring(text)  # noqa: S314
    except (ParseError, ValueError) as error:
        raise Unreadable(what="envelope") from error
    leaves = [element for element in root.iter() if len(element) == 0]
    fields = {re.sub(r"^\{.*\}", "", str(leaf.tag)): (leaf.text or "").strip() for leaf in leaves}
    if len(fields) != len(leaves):
        raise Unreadable(what="envelope, a field is repeated,")
    return fields


def _answer(command: str, text: str) -> bytes:
    fields = {"CommandCode": command, "MessageType": TEXT_REPLY, "MessageContent": text}
    return _envelope("messageReceiverResponse", fields)


def _envelope(operation: str, fields: dict[str, str]) -> bytes:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    soap = "http://schemas.xmlsoap.org/soap/envelope/"
    whole = f"<{operation}>{inner}</{operation}>"
    head = '<?xml version="1.0" encoding="utf-8"?>'
    body = f'<s:Envelope xmlns:s="{soap}"><s:Body>{whole}</s:Body></s:Envelope>'
    return f"{head}{body}".encode()
