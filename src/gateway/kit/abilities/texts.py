"""Text messages of a bank's short number: customers write, the house answers."""

from abc import abstractmethod
from typing import ClassVar, TypeVar

from pydantic import Field

from gateway.kit.abilities.provider import Config, Provider
from gateway.kit.messages import Acknowledgement, Call, Incoming, Moment, Reply, Verdict
from gateway.kit.text_messages import Report, TextIn, TextOut


class TextsConfig(Config):
    """What every short number has: whose it is, and how much may be paid by it."""

    bank: str = Field(pattern=r"^[0-9A-Z]{2,10}$")
    """With what customers begin a message, as VBA."""
    biller: str
    mandates: str
    """The provider at which this bank's mandates are; they are what pays."""
    most_dong: int = Field(default=2_000_000, gt=0)
    payments_a_day: int = Field(default=5, ge=0)


TextsConfigT = TypeVar("TextsConfigT", bound=TextsConfig)


class CarriesMessages(Provider[TextsConfigT]):
    """Hands on what customers write to a short number, and carries what is answered."""

    answers_in_reply: ClassVar[bool]
    """Whether the answer travels in the reply to the message, or as a message of its own."""

    @abstractmethod
    def read_message(self, incoming: Incoming) -> TextIn:
        """Verify and read a customer's message.

        Raises:
            Garbled: not the centre's, or unreadable.
        """

    @abstractmethod
    def answer(self, message: TextIn, text: str) -> Acknowledgement:
        """Give the exact reply that says the message is taken, with the text if it travels so."""

    @abstractmethod
    def refuse(self, verdict: Verdict) -> Acknowledgement:
        """Give the reply to what is REFUSED, or must come again (TRY_LATER)."""

    @abstractmethod
    def send(self, message: TextOut, moment: Moment) -> Call:
        """Build the call that sends a message."""

    @abstractmethod
    def read_sent(self, reply: Reply) -> str:
        """Give the centre's number of the message that it took; empty if it reports nothing.

        Raises:
            Garbled: refused, or unreadable.
        """

    @abstractmethod
    def read_report(self, incoming: Incoming) -> Report:
        """Verify and read a delivery report.

        Raises:
            Garbled: not the centre's, or unreadable, or this centre reports nothing.
        """

    @abstractmethod
    def acknowledge_report(self, verdict: Verdict) -> Acknowledgement:
        """Give the exact reply to a delivery report."""
