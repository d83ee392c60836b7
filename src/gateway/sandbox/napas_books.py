"""What the simulated NAPAS keeps: refunds, tokens, switches, and what each test card does."""

import re
import secrets
import time
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from gateway.sandbox import napas_wire as wire
from gateway.sandbox.rail_orders import RailOrder

OTP = "123456"
CHALLENGE = "challenge"
CARDS = {
    "9704000000000018": wire.SUCCESS,
    "9704000000000026": CHALLENGE,
    "9704000000000034": "DECLINED/51",
    "9704000000000042": "DECLINED/54",
    "9704000000000059": "DECLINED/61",
    "9704000000000067": wire.TIMED_OUT,
    "9704000000000075": wire.PENDING,
    "9704000000000083": "DECLINED/91",
}
"""The first is NAPAS's own test card, without a challenge; any other number is DECLINED/5."""


class Switches(BaseModel):
    """What `POST /control/napas` changes."""

    model_config = ConfigDict(extra="forbid")

    declined: str = Field(default=wire.CANCELLED, pattern=r"^[A-Z_]{1,40}/[0-9]{0,2}$")
    """The code of a payer who declines on the plain page."""
    processing: str = Field(default=wire.PENDING, pattern=r"^(PENDING|TIMED_OUT)/$")
    refunded: str = Field(default=wire.SUCCESS, pattern=r"^(SUCCESS/0|PENDING/|REFUND_REFUSED/)$")
    """What a refund ends with; one that is pending is done when it is next asked for."""
    token_life_s: float = Field(default=3600.0, ge=0)


@dataclass
class Refund:
    """Money given back, or not, from one order."""

    order: RailOrder
    reference: str
    amount_dong: int
    number: str
    code: str
    asked: str

    @property
    def stands(self) -> bool:
        """Whether the money is given back, or may yet be."""
        return self.code != wire.REFUND_REFUSED

    def tell(self) -> str:
        """Give the code; one that is pending has ended when it is next asked for."""
        said, self.code = self.code, wire.SUCCESS if self.code == wire.PENDING else self.code
        return said


class Tokens:
    """The tokens that were given out, until they end."""

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}

    def give(self, life_s: float) -> str:
        """Give a new token; those before it stay good."""
        token = secrets.token_urlsafe(24)
        self._ends[token] = time.monotonic() + life_s
        return token

    def knows(self, authorization: str) -> bool:
        """Say whether a call carries a token that is good."""
        kind, _, token = authorization.partition(" ")
        ends = self._ends.get(token, 0.0)
        return kind.lower() == "bearer" and time.monotonic() < ends

    def forget(self) -> None:
        """End all tokens at once, as a restart of theirs does."""
        self._ends.clear()


def mask(number: str) -> str:
    """Keep six digits before and four behind: nothing else of a card is ever kept.

    >>> mask("9704000000000018")
    '970400xxxxxx0018'
    """
    return f"{number[:6]}{'x' * (len(number) - 10)}{number[-4:]}"


def number_of(text: str) -> str:
    """Give the digits of a card's number as somebody typed it; empty if it is none."""
    digits = re.sub(r"[ -]", "", text)
    return digits if re.fullmatch(r"[0-9]{16,19}", digits) else ""
