"""A bank's short number by `sms-banking/0.1`: signed JSON, the answer travels in the reply.

No message gateway of a Vietnamese bank is documented in public, so this profile is the gateway's
own proposal (docs/providers/smsbanking.md, stated 2026-11-24). Signature of every message either
way: `X-Signature` = hex HMAC-SHA256(secret, `X-Timestamp` + "." + raw body).
"""

import hmac
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from pydantic import Field, SecretStr

from gateway.domain.biller import Channel
from gateway.kit import abilities
from gateway.kit.messages import Acknowledgement, Call, Incoming, Moment, Reply, Unreadable, Verdict
from gateway.kit.payload import check_signature, read_object, read_ok, text_of
from gateway.kit.text_messages import Delivery, Report, TextIn, TextOut

DELIVERIES: Final[Mapping[str, Delivery]] = {
    "DELIVRD": Delivery.DELIVERED,
    "ACCEPTD": Delivery.UNDERWAY,
    "ENROUTE": Delivery.UNDERWAY,
    **dict.fromkeys(("EXPIRED", "DELETED", "UNDELIV", "REJECTD"), Delivery.UNDELIVERED),
}
"""SMPP 3.4's states; UNKNOWN and anything absent proves no delivery and no failure."""


class Config(abilities.TextsConfig):
    """The agreement with one bank about its short number."""

    host: str = Field(pattern=r"^https?://[^\s?#@]+$")
    secret: SecretStr = Field(min_length=16)


class SmsBanking(abilities.CarriesMessages[Config]):
    """A short number whose centre speaks `sms-banking/0.1`."""

    code, title = "smsbanking", "SMS Banking"
    channels = frozenset({Channel.SMS_BANKING})
    Config = Config
    private_fields = frozenset({"text", "reply", "from", "to"})
    answers_in_reply = True

    @property
    def merchant(self) -> str:
        """The bank's prefix."""
        return self.config.bank

    def read_message(self, incoming: Incoming) -> TextIn:
        """Verify and read `POST /mo`."""
        self._check(incoming.headers, incoming.body)
        fields = read_object(incoming.body)
        message = TextIn(
            text_of(fields, "id"),
            text_of(fields, "from"),
            text_of(fields, "to"),
            text_of(fields, "text"),
        )
        if not message.id or not message.sender:
            raise Unreadable(what="id or from")
        return message

    def answer(self, message: TextIn, text: str) -> Acknowledgement:
        """Answer 200 with the text; signed over the id, so that no old answer fits."""
        body = json.dumps({"id": message.id, "reply": text}).encode()
        return Acknowledgement(200, body, "application/json")

    def refuse(self, verdict: Verdict) -> Acknowledgement:
        """Answer 400 to what is not the bank's, 503 to what must come again."""
        return Acknowledgement(503 if verdict is Verdict.TRY_LATER else 400)

    def send(self, message: TextOut, moment: Moment) -> Call:
        """Build `POST /mt`; the same id again is one message."""
        fields = {"id": message.id, "to": message.to, "text": message.text}
        body = json.dumps({**fields, "report_url": message.report_url}).encode()
        stamp = str(int(moment.now.timestamp()))
        signature = sign(self.config.secret, stamp, body)
        headers = {"x-timestamp": stamp, "x-signature": signature}
        headers["content-type"] = "application/json"
        return Call("send", f"{self.config.host}/mt", body, headers=headers)

    def read_sent(self, reply: Reply) -> str:
        """Read the centre's number."""
        self._check(reply.headers, reply.body)
        if not (number := text_of(read_ok(reply), "message_id")):
            raise Unreadable(what="message_id")
        return number

    def read_report(self, incoming: Incoming) -> Report:
        """Verify and read a report {message_id, stat}."""
        self._check(incoming.headers, incoming.body)
        fields = read_object(incoming.body)
        number, stat = text_of(fields, "message_id"), text_of(fields, "stat")
        if not number or stat not in DELIVERIES:
            raise Unreadable(what="message_id or stat")
        return Report(number, DELIVERIES[stat], stat)

    def acknowledge_report(self, verdict: Verdict) -> Acknowledgement:
        """Answer 200 to what is written, else as `refuse`."""
        is_kept = verdict in {Verdict.RECORDED, Verdict.REPEATED, Verdict.UNKNOWN_REFERENCE}
        return Acknowledgement(200) if is_kept else self.refuse(verdict)

    def _check(self, headers: Mapping[str, str], body: bytes) -> None:
        due = sign(self.config.secret, headers.get("x-timestamp", ""), body)
        check_signature(due, headers.get("x-signature", "").lower())


def sign(secret: SecretStr, timestamp: str, body: bytes) -> str:
    """Give the signature of a message, in lower hex."""
    text = timestamp.encode("utf-8", "surrogatepass") + b"." + body
    return hmac.new(secret.get_secret_value().encode(), text, sha256).hexdigest()
