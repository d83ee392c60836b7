"""The contract: what a provider can do is what it inherits; there is no second list.

An adapter is pure. It builds a `Call` and reads a `Reply`; it never sends, waits, stores, or asks
the time. The house sends (`kit/wire.py`), remembers, decides (`domain/attempt.py`) and repeats.

Three rules make an adapter safe:

1. A decline is a value (`Finding`), never an exception. Only codes of the adapter's own table, from
   the provider's documents, are FAILED; anything else is UNKNOWN.
2. What cannot be read, or whose signature is wrong, raises `Garbled`: the attempt stays in doubt.
3. An answer for another reference, another merchant or another amount is handed on as it is; the
   house compares and refuses it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from gateway.domain.biller import Channel
from gateway.domain.evidence import Finding
from gateway.domain.ids import to_public
from gateway.kit.messages import (
    Acknowledgement,
    Call,
    Incoming,
    Moment,
    Notification,
    Opened,
    Order,
    OwedBill,
    RefundOrder,
    Reply,
    StatementLine,
    Unreadable,
    Verdict,
)


class Config(BaseModel):
    """What every provider's configuration holds, read from `GATEWAY_<CODE>__<FIELD>`.

    Secrets are `SecretStr`; hosts default to the provider's sandbox, never to its production.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    connect_timeout_s: float = Field(default=5.0, gt=0, le=30)
    deadline_s: float = Field(default=30.0, gt=0, le=120)
    concurrency: int = Field(default=32, ge=1, le=1000)
    query_spacing_s: float = Field(default=0.0, ge=0, le=3600)
    """Least time between two queries of the whole deployment, for providers with a quota."""
    visibility_s: float = Field(default=120.0, ge=0, le=86400)
    """How long the provider may need until a query sees what a payer did."""


ConfigT = TypeVar("ConfigT", bound=Config)


class Provider(ABC, Generic[ConfigT]):
    """What every provider has: a code, a title, its channels, its configuration.

    `private_fields` names JSON and form fields that must not be stored or logged though they are
    no secret of the configuration; secrets of the configuration are redacted wherever they appear.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    channels: ClassVar[frozenset[Channel]]
    Config: ClassVar[type[Config]]
    options: ClassVar[tuple[str, ...]] = ()
    """What a caller may choose as `option`, the default first; empty if there is no choice."""
    private_fields: ClassVar[frozenset[str]] = frozenset()
    amount_min_dong: ClassVar[int] = 1
    amount_max_dong: ClassVar[int] = 2**53

    def __init__(self, config: ConfigT) -> None:
        self.config = config

    @property
    @abstractmethod
    def merchant(self) -> str:
        """The merchant's code at the provider; messages that name another are not ours."""

    def reference_of(self, attempt_id: UUID, created_at: datetime) -> str:
        """Derive our reference at the provider from the attempt: the same for ever.

        Override where the provider wants a date in it or allows fewer than 36 characters.
        """
        return to_public("att", attempt_id)


class TakesPayments(Provider[ConfigT]):
    """Opens an order that the payer then pays at the provider."""

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
    def read_notification(self, incoming: Incoming) -> Notification:
        """Verify and read a notification.

        Raises:
            Garbled: not authentic or unreadable; nothing may be concluded from it.
        """

    @abstractmethod
    def acknowledge(self, verdict: Verdict) -> Acknowledgement:
        """Give the exact answer that this provider expects; TRY_LATER makes it send again."""


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


class GivesStatements(Provider[ConfigT]):
    """Gives a settlement file for a business day."""

    @abstractmethod
    def read_statement(self, file: Iterable[bytes]) -> Iterable[StatementLine]:
        """Read the lines; count and sum are checked against the file's own totals.

        Raises:
            Garbled: the file is not whole.
        """


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


ABILITIES: tuple[type[Provider[Config]], ...] = (
    TakesPayments,
    Notifies,
    AnswersQueries,
    Cancels,
    Captures,
    Refunds,
    GivesStatements,
    LooksUpBills,
    ClearsDebt,
    DebitsMandates,
)
"""In the order of the ability matrix."""
