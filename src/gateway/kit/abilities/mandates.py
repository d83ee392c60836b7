"""Debits on a standing permission."""

from abc import abstractmethod

from gateway.domain.evidence import Finding
from gateway.kit.abilities.provider import ConfigT, Provider
from gateway.kit.messages import Call, Moment, Order, Reply


class DebitsMandates(Provider[ConfigT]):
    """Debits a payer on a standing permission."""

    @abstractmethod
    def debit(self, order: Order, mandate: str, moment: Moment) -> Call:
        """Build the call that debits the mandate; safe to repeat with the same order."""

    @abstractmethod
    def read_debited(self, order: Order, reply: Reply) -> Finding:
        """Read the answer.

        Raises:
            Garbled: unreadable or wrongly signed; the money may be taken.
        """
