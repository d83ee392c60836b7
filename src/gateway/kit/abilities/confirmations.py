"""Orders that a provider asks us about while the payer waits, before it charges."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.kit.abilities.provider import ConfigT, Provider
from gateway.kit.messages import Acknowledgement, Incoming


class Payability(StrEnum):
    """What the house knows of the order that a provider asks about."""

    PAYABLE = "payable"
    """Open here, its bills unpaid and still its own; the provider may charge the payer."""
    UNKNOWN_REFERENCE = "unknown_reference"
    """We never made such an order."""
    NOT_PAYABLE = "not_payable"
    """Paid, cancelled, expired, its attempt ended, or its bills paid or taken otherwise."""
    AMOUNT_DIFFERS = "amount_differs"
    """The provider would charge another amount than ours."""
    NOT_AUTHENTIC = "not_authentic"
    """The question proves nothing of who asks."""
    TRY_LATER = "try_later"
    """We cannot say at this moment; the payer must not be charged."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a provider asks. `fields` is what the adapter wants back to check and to answer it.

    `amount_dong` is what the provider says it would charge, None where its protocol does not say.
    """

    reference: str
    amount_dong: int | None = None
    merchant: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """What the house answers; `amount_dong` is our own amount, None if there is no such order."""

    payability: Payability
    amount_dong: int | None = None


class ConfirmsOrders(Provider[ConfigT]):
    """Asks us whether an order is right before it charges the payer; refused is never taken.

    In three steps, because some providers sign the amount that **we** have and do not send it: the
    adapter names the reference, the house looks the order up and changes nothing, the adapter
    checks the question against our amount. The same question has the same answer while nothing
    has changed.
    """

    @abstractmethod
    def read_question(self, incoming: Incoming) -> Question:
        """Read what is asked, and verify what can be verified without our amount.

        Raises:
            Garbled: not authentic or unreadable.
        """

    def check_question(self, question: Question, amount_dong: int) -> None:
        """Verify what is signed together with our amount; nothing, where all was verified before.

        Raises:
            Garbled: another sender, or another amount; no charge may follow.
        """

    @abstractmethod
    def answer_question(self, question: Question | None, answer: OrderAnswer) -> Acknowledgement:
        """Give the exact answer that this provider expects; only PAYABLE may let it charge.

        `question` is None if it could not be read.
        """
