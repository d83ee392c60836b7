"""Banks, wallets and portals that ask *us* for bills and pay them in their own apps.

Here the partner's own protocol comes to our door. The adapter reads one request into a question,
or refuses it, and writes the exact answer of that wire from what became of it. The house asks
nothing of the wire, and the adapter decides nothing of the money.
"""

import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from pydantic import Field

from gateway.domain.biller import Channel
from gateway.kit.abilities.provider import Config, ConfigT, Provider
from gateway.kit.messages import Acknowledgement, Garbled, Incoming, Moment, Unreadable

_CUSTOMER = re.compile(r"[A-Za-z0-9]{4,20}", re.ASCII)
_BILL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}", re.ASCII)
AMOUNT_MAX_DONG = 10**12
BILLS_MAX = 50


class InquiryConfig(Config):
    """In whose name, and for which biller, a partner's own protocol asks and pays here."""

    partner: str = Field(min_length=1, max_length=40)
    """The partner's code: its payments, its receivable account, its statement."""
    biller: str = Field(min_length=1, max_length=40)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What does this customer owe, or what is due on this bill? One of the two is given.

    `echo` is what the adapter wants back for its answer.
    """

    customer_code: str = ""
    echo: Mapping[str, str] = field(default_factory=dict)
    bill_id: str = ""

    def __post_init__(self) -> None:
        """Refuse what can be no customer code, nor the id of a bill."""
        if self.bill_id and not self.customer_code:
            _must(_BILL, self.bill_id, what="bill id")
        else:
            _must(_CUSTOMER, self.customer_code, what="customer code")


@dataclass(frozen=True, slots=True)
class Collection:
    """The partner has debited its customer and pays these bills with it; the amount is in đồng.

    `reference` is the partner's own number of the payment, unique for ever: a repetition has the
    same. `at` (aware) is the partner's own time of it.
    """

    reference: str
    customer_code: str
    bill_ids: tuple[str, ...]
    amount_dong: int
    channel: Channel
    at: datetime | None = None
    echo: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what names no payment of anything."""
        _must(_REFERENCE, self.reference, what="transaction id")
        _must(_CUSTOMER, self.customer_code, what="customer code")
        for bill_id in self.bill_ids:
            _must(_BILL, bill_id, what="bill id")
        if not 0 < len(set(self.bill_ids)) == len(self.bill_ids) <= BILLS_MAX:
            raise Unreadable(what="list of bills")
        if not 0 < self.amount_dong <= AMOUNT_MAX_DONG:
            raise Unreadable(what="amount")


@dataclass(frozen=True, slots=True)
class StatusAsked:
    """What became of the payment with this number of the partner's?"""

    reference: str
    echo: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what can be no number."""
        _must(_REFERENCE, self.reference, what="transaction id")


@dataclass(frozen=True, slots=True)
class Undo:
    """Take the payment with this number back, on the same day."""

    reference: str
    echo: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what can be no number."""
        _must(_REFERENCE, self.reference, what="transaction id")


Question = Inquiry | Collection | StatusAsked | Undo


class Result(StrEnum):
    """What became of a question."""

    BILLS = "bills"
    """Bills are owed, and here they are."""
    PAID = "paid"
    """Paid by this very number, now or when it came first; committed."""
    UNDONE = "undone"
    """Taken back; committed, now or before."""

    # ── definite: nothing was paid by this number, and it will not be ────────────────────────
    PAID_BEFORE = "paid_before"
    """The bill is paid, by another number or another partner."""
    AMOUNT_DIFFERS = "amount_differs"
    CUSTOMER_UNKNOWN = "customer_unknown"
    NO_DEBT = "no_debt"
    """Nothing is owed, or there is no such bill."""
    LOCKED = "locked"
    """Another payment's money may be moving: give the payer's money back."""
    OLDER_FIRST = "older_first"
    NOT_ALLOWED = "not_allowed"
    """This channel, or this much over it, is not for these bills."""
    CHANGED = "changed"
    """This number was used before for something else."""
    CANCELLED = "cancelled"
    """It was taken back, or an undoing of it came first."""
    NOT_FOUND = "not_found"
    """No payment has this number (of a status or an undoing)."""
    TOO_LATE = "too_late"
    """It cannot be taken back any more; it stays paid."""

    # ── nobody knows yet ─────────────────────────────────────────────────────────────────────
    IN_PROGRESS = "in_progress"
    """The same number is being worked on at this moment."""
    DOUBT = "doubt"
    """We could not say: ask again with the same number, or leave it to reconciliation."""


UNDECIDED = frozenset({Result.IN_PROGRESS, Result.DOUBT})
RESULTS: Mapping[type[Question], frozenset[Result]] = {
    Inquiry: frozenset(
        {Result.BILLS, Result.NO_DEBT, Result.CUSTOMER_UNKNOWN, Result.LOCKED, Result.DOUBT}
    ),
    Collection: frozenset(Result)
    - {Result.BILLS, Result.UNDONE, Result.NOT_FOUND, Result.TOO_LATE},
    StatusAsked: frozenset(Result) - {Result.BILLS, Result.UNDONE, Result.TOO_LATE, Result.CHANGED},
    Undo: frozenset(
        {Result.UNDONE, Result.NOT_FOUND, Result.TOO_LATE, Result.IN_PROGRESS, Result.DOUBT}
    ),
}
"""Which results a question may have; an adapter has an answer to each."""


@dataclass(frozen=True, slots=True)
class BillShown:
    """A bill as a partner shows it: what is due, in đồng; `period` is the first of its month."""

    id: str
    period: date
    amount_dong: int
    issued_on: date
    due_on: date


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a question, for the adapter to write. Names and addresses are masked."""

    result: Result
    customer_name: str = ""
    customer_address: str = ""
    bills: tuple[BillShown, ...] = ()
    payment_id: str = ""
    """Ours, of what is PAID or UNDONE."""
    amount_dong: int = 0
    paid_at: datetime | None = None
    """When it was committed here (aware UTC)."""


class AnswersInquiries(Provider[ConfigT]):
    """Lets a partner ask for bills and pay them in a protocol of its own."""

    config: ConfigT

    @abstractmethod
    def read_question(self, operation: str, incoming: Incoming, moment: Moment) -> Question:
        """Read one authentic request; `operation` is the end of its path.

        Raises:
            Garbled: not authentic, or not what the documents describe; nothing was asked.
        """

    @abstractmethod
    def write_answer(self, question: Question, settled: Settled) -> Acknowledgement:
        """Write the exact answer; equal bytes for equal arguments.

        UNDECIDED results become the code that says "unknown": neither success nor failure.
        """

    @abstractmethod
    def write_refusal(
        self, operation: str, incoming: Incoming, why: Garbled | None
    ) -> Acknowledgement:
        """Write the answer to a request that was not read; None is a failure of ours, a doubt."""


def _must(pattern: re.Pattern[str], text: str, *, what: str) -> None:
    if not pattern.fullmatch(text):
        raise Unreadable(what=what)
