"""A biller's own service: what is owed, and that it is paid."""

from abc import abstractmethod
from collections.abc import Sequence

from gateway.domain.evidence import Finding
from gateway.kit.abilities.provider import ConfigT, Provider
from gateway.kit.messages import Call, Moment, Order, OwedBill, Reply


class LooksUpBills(Provider[ConfigT]):
    """Knows a biller's bills: a live source instead of our own tables."""

    @abstractmethod
    def look_up(self, customer_code: str, moment: Moment) -> Call:
        """Build the question what a customer owes."""

    @abstractmethod
    def read_looked_up(self, customer_code: str, reply: Reply) -> Sequence[OwedBill]:
        """Read the answer; no bills means no debt.

        Raises:
            Garbled: unreadable or wrongly signed; nothing may be concluded.
        """


class ClearsDebt(Provider[ConfigT]):
    """Lets us clear a debt at the biller itself after the money was taken."""

    @abstractmethod
    def clear(self, order: Order, bill_ids: Sequence[str], moment: Moment) -> Call:
        """Build the call that clears these bills; safe to repeat with the same order."""

    @abstractmethod
    def read_cleared(self, order: Order, reply: Reply) -> Finding:
        """Read the answer: SUCCEEDED cleared, FAILED refused for good.

        Raises:
            Garbled: unreadable or wrongly signed; the debt may be cleared.
        """
