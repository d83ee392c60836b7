"""What travels between the house and a message centre about text messages; see `messages.py`."""

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class TextIn:
    """A customer's message. `id` is the centre's; the same message again has the same one.

    `text` may hold a one-time code: it is read, answered, and kept nowhere.
    """

    id: str
    sender: str = field(repr=False)
    to: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TextOut:
    """A message to a customer: 84 and nine digits, plain ASCII, 160 characters at most."""

    id: str
    to: str = field(repr=False)
    text: str = field(repr=False)
    report_url: str = ""


class Delivery(StrEnum):
    """What a delivery report says."""

    DELIVERED = "delivered"
    UNDERWAY = "underway"
    """With the telephone company, not yet on the telephone."""
    UNDELIVERED = "undelivered"


@dataclass(frozen=True, slots=True)
class Report:
    """An authentic delivery report; `centre_id` is the centre's number of the message."""

    centre_id: str
    delivery: Delivery
    code: str = ""
