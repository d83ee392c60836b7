"""Money that arrives on an account by bank transfer, told by credit notices."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.kit.abilities.provider import ConfigT, Provider
from gateway.kit.messages import Acknowledgement, Incoming, Verdict


@dataclass(frozen=True, slots=True)
class Credit:
    """One movement into an account, in đồng, as a notice tells it; nothing in it is guessed.

    `key` names the notice's movement at this provider and is the same when it is told again.
    `bank_reference` is the bank's own number, which other sources tell too. `text` is the content
    as it arrived, mangled by banks. `order_code` is one that the provider itself has recognised.
    `at` is the booking time, aware UTC.
    """

    key: str
    amount_dong: int
    account: str
    virtual_account: str | None
    bank_reference: str | None
    text: str
    order_code: str | None
    at: datetime


class NotifiesCredits(Provider[ConfigT]):
    """Tells of money that came into an account, whether or not anybody had asked for it."""

    @abstractmethod
    def read_credits(self, incoming: Incoming) -> Sequence[Credit]:
        """Verify and read a notice; empty if it is authentic but nothing came in.

        Raises:
            Garbled: not authentic or unreadable; nothing may be concluded from it.
        """

    @abstractmethod
    def acknowledge_credits(self, verdict: Verdict) -> Acknowledgement:
        """Give the exact answer that this provider expects; TRY_LATER makes it send again."""
