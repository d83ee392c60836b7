"""SMS banking: what a customer's message asks, and whether a code confirms what was quoted.

Grammar of `sms-banking/0.1` (our own proposal after the commands of Vietnamese banks; stated
2026-11-24): `<BANK> TT EVN <customer code> [mm/yyyy]` pay, `<BANK> NO EVN <customer code>` debt,
`<BANK> XN <otp>` confirm, `<BANK> HUY [ref]` give up. People type on telephones: any case, with or
without diacritics, several blanks or full stops between words, the letter O for a nought.

A code is bound to sender, customer, bills and amount, lives three minutes and takes three tries.
"""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from gateway.domain.payment import Line
from gateway.domain.plain_text import plain

OTP_DIGITS = 6
OTP_LIFE = timedelta(minutes=3)
OTP_TRIES = 3
LETTERS_KEPT = 2
"""A customer code begins with two letters (`PB…`); after them an O is a nought."""

_PERIOD = re.compile(r"(?:KY/?)?(?:[1-3]/)?(0?[1-9]|1[0-2])/(20[0-9]{2}|[0-9]{2})", re.ASCII)
_NOT_TYPED = re.compile(r"[^0-9A-Z/]+", re.ASCII)
_NOUGHT = str.maketrans("O", "0")


class Command(StrEnum):
    """What a message asks, as customers type it."""

    PAY = "TT"
    DEBT = "NO"
    CONFIRM = "XN"
    GIVE_UP = "HUY"


@dataclass(frozen=True, slots=True)
class Asked:
    """One message, understood; `period` is the first day of a month."""

    command: Command
    customer_code: str = ""
    period: date | None = None
    otp: str = ""
    reference: str = ""


def read(text: str, *, bank: str) -> Asked | None:
    """Read a customer's message to `bank` (its prefix, in capitals); None if it is no command.

    >>> read("vba  tt evn pb14O1OOOO123", bank="VBA").customer_code
    'PB14010000123'
    >>> read("VBA xn 12345O", bank="VBA").otp
    '123450'
    >>> read("Xin chào", bank="VBA") is None
    True
    """
    words = _words(text)
    if words[:1] == [bank]:
        words = words[1:]
    if not words or words[0] not in set(Command):
        return None
    command, rest = Command(words[0]), words[1:]
    if command is Command.CONFIRM:
        return _confirmation(rest)
    if command is Command.GIVE_UP:
        return Asked(command, reference="".join(rest))
    return _about_bills(command, rest)


@dataclass(frozen=True, slots=True)
class Quote:
    """What was quoted to a sender and waits for a code; nothing of the code but its keyed hash."""

    sender: str
    customer_code: str
    lines: tuple[Line, ...]
    otp_hash: bytes
    expires_at: datetime
    tries_left: int = OTP_TRIES

    @property
    def amount_dong(self) -> int:
        """The sum that the code confirms."""
        return sum(line.amount_dong for line in self.lines)


class Answer(StrEnum):
    """What a code that came for a quote is worth."""

    CONFIRMED = "confirmed"
    WRONG = "wrong"
    """Not this code, and there are tries left."""
    USED_UP = "used_up"
    """Not this code, and it was the last try."""
    EXPIRED = "expired"
    CHANGED = "changed"
    """The right code, but what is owed is no longer what was quoted: quote again."""


def judge(key: bytes, quote: Quote, otp: str, *, now: datetime, due: Sequence[Line]) -> Answer:
    """Hold a code against a quote and against what is owed at this moment.

    An expired quote is not compared, so that it tells nobody whether the code was right.
    """
    if now >= quote.expires_at or quote.tries_left <= 0:
        return Answer.EXPIRED
    if not hmac.compare_digest(_hash_for(key, quote, otp), quote.otp_hash):
        return Answer.WRONG if quote.tries_left > 1 else Answer.USED_UP
    return Answer.CONFIRMED if _sorted(due) == _sorted(quote.lines) else Answer.CHANGED


def hash_otp(
    key: bytes, otp: str, *, sender: str, customer_code: str, lines: Sequence[Line]
) -> bytes:
    """Give the keyed hash of a code, bound to whose it is and to what it pays.

    A million codes are soon tried, so the hash is worth no more than the key that is not stored
    with it.
    """
    bills = "\x1f".join(f"{line.bill_id}\x1e{line.amount_dong}" for line in _sorted(lines))
    bound = "\x1d".join((otp, sender, customer_code, bills))
    return hmac.digest(key, bound.encode(), sha256)


def sender_hash(key: bytes, sender: str) -> bytes:
    """Give what stands for a telephone number where it is not kept."""
    return hmac.digest(key, sender.encode(), sha256)


def otp_of(number: int) -> str:
    """Write a random number below a million as a code.

    >>> otp_of(42)
    '000042'
    """
    return f"{number:0{OTP_DIGITS}d}"


def _hash_for(key: bytes, quote: Quote, otp: str) -> bytes:
    return hash_otp(
        key, otp, sender=quote.sender, customer_code=quote.customer_code, lines=quote.lines
    )


def _sorted(lines: Sequence[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: line.bill_id)


def _words(text: str) -> list[str]:
    return _NOT_TYPED.sub(" ", plain(text).upper()).split()


def _confirmation(rest: list[str]) -> Asked | None:
    otp = "".join(rest).translate(_NOUGHT)
    is_code = len(otp) == OTP_DIGITS and otp.isdecimal()
    return Asked(Command.CONFIRM, otp=otp) if is_code else None


def _about_bills(command: Command, rest: list[str]) -> Asked | None:
    if rest[:1] == ["EVN"]:
        rest = rest[1:]
    period = None
    if rest and "/" in rest[-1]:
        found = _PERIOD.fullmatch(rest.pop())
        if found is None:
            return None
        period = date(2000 + int(found[2]) % 100, int(found[1]), 1)
    whole = "".join(word for word in rest if word != "KY")
    if not whole or "/" in whole:
        return None
    code = whole[:LETTERS_KEPT] + whole[LETTERS_KEPT:].translate(_NOUGHT)
    return Asked(command, customer_code=code, period=period)
