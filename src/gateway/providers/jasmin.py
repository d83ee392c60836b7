"""A short number behind Jasmin, the SMS gateway: its HTTP API, answers as messages of their own.

Jasmin signs nothing, so its messages are believed by a secret path word (`?key=…` of the address
that it is given) over TLS. Long messages arrive joined; UCS-2 as hex in `binary`.

Source: jookies/jasmin misc/doc/sources/apis/http (read 2026-11-24).
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode

from pydantic import Field, SecretStr

from gateway.domain.biller import Channel
from gateway.kit import abilities
from gateway.kit.messages import Acknowledgement, Call, Incoming, Moment, Reply, Unreadable, Verdict
from gateway.kit.payload import check_signature
from gateway.kit.text_messages import Delivery, Report, TextIn, TextOut

# Jasmin repeats, three times 30 s apart, until the status is 200 and the body exactly this.
TAKEN: Final = Acknowledgement(200, b"ACK/Jasmin", "text/plain")
UCS2: Final = "8"
FINAL_LEVELS: Final = frozenset({"2", "3"})
DELIVERIES: Final[Mapping[str, Delivery]] = {
    "DELIVRD": Delivery.DELIVERED,
    **dict.fromkeys(("ACCEPTD", "ENROUTE", "ESME_ROK"), Delivery.UNDERWAY),
    **dict.fromkeys(("EXPIRED", "DELETED", "UNDELIV", "REJECTD"), Delivery.UNDELIVERED),
}
_SUCCESS = re.compile(rb'\s*Success "([0-9A-Za-z-]{1,64})"\s*')


class Config(abilities.TextsConfig):
    """An account of Jasmin's HTTP API, and the word by which its calls to us are known."""

    host: str = Field(pattern=r"^https?://[^\s?#@]+$")
    username: str = Field(min_length=1)
    password: SecretStr = Field(min_length=1)
    word: SecretStr = Field(min_length=16)
    """`key` in the addresses that Jasmin calls: `/v1/texts/jasmin?key=…`."""
    short_number: str = Field(pattern=r"^[0-9A-Za-z]{3,11}$")


class Jasmin(abilities.CarriesMessages[Config]):
    """A short number whose messages Jasmin carries."""

    code, title = "jasmin", "SMS Banking (Jasmin)"
    channels = frozenset({Channel.SMS_BANKING})
    Config = Config
    private_fields = frozenset({"content", "binary", "from", "to", "password"})
    answers_in_reply = False

    @property
    def merchant(self) -> str:
        """The bank's prefix."""
        return self.config.bank

    def read_message(self, incoming: Incoming) -> TextIn:
        """Read a message of a customer (MO), sent as a form or in the query."""
        fields = self._fields(incoming)
        text = fields.get("content", "")
        if fields.get("coding") == UCS2:
            try:
                text = bytes.fromhex(fields.get("binary", "")).decode("utf-16-be")
            except ValueError as error:
                raise Unreadable(what="binary") from error
        message = TextIn(fields.get("id", ""), fields.get("from", ""), fields.get("to", ""), text)
        if not message.id or not message.sender:
            raise Unreadable(what="id or from")
        return message

    def answer(self, message: TextIn, text: str) -> Acknowledgement:
        """Say that it is taken; the text is a message of its own."""
        return TAKEN

    def refuse(self, verdict: Verdict) -> Acknowledgement:
        """Answer anything else, and Jasmin sends again."""
        return Acknowledgement(503 if verdict is Verdict.TRY_LATER else 400)

    def send(self, message: TextOut, moment: Moment) -> Call:
        """Build `POST /send` in the default alphabet, with reports of the telephone itself."""
        fields = {
            "username": self.config.username,
            "password": self.config.password.get_secret_value(),
            "to": message.to,
            "from": self.config.short_number,
            "content": message.text,
            "coding": "0",
            "dlr": "yes" if message.report_url else "no",
        }
        if message.report_url:
            key = urlencode({"key": self.config.word.get_secret_value()})
            report = {"dlr-url": f"{message.report_url}?{key}", "dlr-level": "3"}
            fields |= {**report, "dlr-method": "POST"}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return Call("send", f"{self.config.host}/send", urlencode(fields).encode(), headers=headers)

    def read_sent(self, reply: Reply) -> str:
        """Read `Success "<uuid>"`; `Error "…"` and all else is no proof that it was taken."""
        found = _SUCCESS.fullmatch(reply.body)
        if found is None:
            raise Unreadable(what=f"answer of status {reply.status}")
        return found[1].decode()

    def read_report(self, incoming: Incoming) -> Report:
        """Read a delivery report; level 1 is the telephone company's, 2 and 3 the telephone's."""
        fields = self._fields(incoming)
        number, stat = fields.get("id", ""), fields.get("message_status", "")
        if not number or stat not in DELIVERIES:
            raise Unreadable(what="id or message_status")
        delivery = DELIVERIES[stat]
        if delivery is Delivery.DELIVERED and fields.get("level") not in FINAL_LEVELS:
            delivery = Delivery.UNDERWAY
        return Report(number, delivery, stat)

    def acknowledge_report(self, verdict: Verdict) -> Acknowledgement:
        """Answer as to a message."""
        is_kept = verdict in {Verdict.RECORDED, Verdict.REPEATED, Verdict.UNKNOWN_REFERENCE}
        return TAKEN if is_kept else self.refuse(verdict)

    def _fields(self, incoming: Incoming) -> dict[str, str]:
        query = incoming.query_pairs()
        check_signature(self.config.word.get_secret_value(), dict(query).get("key"))
        try:
            form = parse_qsl(
                incoming.body.decode(), keep_blank_values=True, errors="strict", max_num_fields=100
            )
        except ValueError as error:
            raise Unreadable(what="form") from error
        pairs = query + form
        if len(dict(pairs)) != len(pairs):
            raise Unreadable(what="form, a field is repeated,")
        return dict(pairs)
