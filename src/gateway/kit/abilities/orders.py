"""Payments that a payer makes at a provider: opened, told, asked about, closed, given back."""

from abc import abstractmethod
from datetime import timedelta
from typing import ClassVar

from gateway.domain.evidence import Finding
from gateway.kit.abilities.provider import ConfigT, Provider
from gateway.kit.mandate_messages import MandateNews, Return
from gateway.kit.messages import (
    Acknowledgement,
    Call,
    Incoming,
    Moment,
    Notification,
    Opened,
    Order,
    RefundOrder,
    Reply,
    Unreadable,
    Verdict,
)


class TakesPayments(Provider[ConfigT]):
    """Opens an order that the payer then pays at the provider."""

    is_paid_by_credits: ClassVar[bool] = False
    """Whether an order stands in no books but ours: it is unpaid as long as no credit came for it,
    and what comes after its end is late money. Only for an adapter that nobody can be asked for."""

    @abstractmethod
    def create(self, order: Order) -> Call | Opened:
        """Build the call that opens the order, or the opened order where no call is needed."""

    @abstractmethod
    def read_created(self, order: Order, reply: Reply) -> Opened | Finding:
        """Read the answer to `create`.

        An opened order is `Opened`. A refusal from the documented table is a FAILED finding: no
        money moved and none will. A repeated id, or an unlisted code, is UNKNOWN: query.

        Raises:
            Garbled: unreadable or wrongly signed; the order may be open.
        """

    def read_return(self, incoming: Incoming) -> Finding:
        """Read what the payer's browser brought back; for display only, it never settles.

        Raises:
            Garbled: unreadable or wrongly signed.
        """
        raise Unreadable(what="browser return")


class Notifies(Provider[ConfigT]):
    """Tells us by itself what became of an order."""

    @abstractmethod
    def read_notification(self, incoming: Incoming) -> Notification | MandateNews | Return:
        """Verify and read a notification; only who debits mandates tells of them and of returns.

        Raises:
            Garbled: not authentic or unreadable; nothing may be concluded from it.
        """

    @abstractmethod
    def acknowledge(self, verdict: Verdict) -> Acknowledgement:
        """Give the exact answer that this provider expects; TRY_LATER makes it send again."""

    def acknowledge_of(self, told: Notification, verdict: Verdict) -> Acknowledgement:
        """Give it where the answer names the order; `acknowledge` unless a provider wants that."""
        return self.acknowledge(verdict)


class AnswersQueries(Provider[ConfigT]):
    """Says what became of an order when we ask by our own reference."""

    @abstractmethod
    def query(self, order: Order, moment: Moment) -> Call:
        """Build the question."""

    @abstractmethod
    def read_queried(self, order: Order, reply: Reply) -> Finding:
        """Read the answer. A code of the call itself (quota, maintenance) is UNKNOWN.

        Raises:
            Garbled: unreadable or wrongly signed.
        """

    def spacing_of(self, finding: Finding) -> timedelta | None:
        """Say how long nobody of this deployment should ask again, after this finding."""
        return None


class Cancels(Provider[ConfigT]):
    """Closes an order that the payer has not paid, so that it cannot be paid any more."""

    @abstractmethod
    def cancel(self, order: Order, moment: Moment) -> Call:
        """Build the call."""

    @abstractmethod
    def read_cancelled(self, order: Order, reply: Reply) -> Finding:
        """Read the answer: FAILED only if the order is proved closed unpaid; else what it says.

        Raises:
            Garbled: unreadable or wrongly signed.
        """


class Captures(Provider[ConfigT]):
    """Takes, or releases, money that the payer has only authorised so far (two-step payments)."""

    @abstractmethod
    def capture(self, order: Order, moment: Moment) -> Call:
        """Build the call that takes the authorised amount, all of it."""

    @abstractmethod
    def read_captured(self, order: Order, reply: Reply) -> Finding:
        """Read the answer.

        Raises:
            Garbled: unreadable or wrongly signed.
        """

    @abstractmethod
    def release(self, order: Order, moment: Moment) -> Call:
        """Build the call that gives the authorised amount back to the payer, all of it."""

    @abstractmethod
    def read_released(self, order: Order, reply: Reply) -> Finding:
        """Read the answer, as `read_captured`: FAILED if the hold is lifted; never SUCCEEDED."""


class Refunds(Provider[ConfigT]):
    """Gives money back to the payer, all or a part."""

    @abstractmethod
    def refund(self, refund: RefundOrder, moment: Moment) -> Call:
        """Build the call; equal ids on every repetition."""

    @abstractmethod
    def read_refunded(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read the answer: SUCCEEDED refunded, PENDING accepted, FAILED refused for good.

        Raises:
            Garbled: unreadable or wrongly signed.
        """

    @abstractmethod
    def query_refund(self, refund: RefundOrder, moment: Moment) -> Call:
        """Build the question what became of a refund."""

    @abstractmethod
    def read_refund_queried(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read the answer, as `read_refunded`.

        Raises:
            Garbled: unreadable or wrongly signed.
        """
