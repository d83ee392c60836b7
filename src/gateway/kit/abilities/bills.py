"""A biller's own service: what is owed, and that it is paid."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import date
from typing import ClassVar

from gateway.kit.abilities.provider import ConfigT, Provider
from gateway.kit.messages import (
    Call,
    Cleared,
    ListedBill,
    Moment,
    Owed,
    Posting,
    PostingLine,
    Reply,
    Undone,
)


class LooksUpBills(Provider[ConfigT]):
    """Knows a biller's bills: a live source instead of our own tables."""

    @abstractmethod
    def look_up(self, customer_code: str, moment: Moment) -> Call:
        """Build the question what a customer owes."""

    @abstractmethod
    def read_looked_up(self, customer_code: str, reply: Reply) -> Owed | None:
        """Read the answer; no bills means no debt, None that there is no such customer.

        Raises:
            Garbled: unreadable or wrongly signed; nothing may be concluded.
        """


class ClearsDebt(Provider[ConfigT]):
    """Lets us clear a debt at the biller itself after the money was taken.

    `clear` is told apart by each line's own reference, the same on every repetition: the biller
    takes it once.
    """

    lines_max: ClassVar[int] = 50
    """How many bills one call clears; the oldest go first."""

    @abstractmethod
    def clear(self, posting: Posting, moment: Moment) -> Call:
        """Build the call that clears these bills; safe to repeat with the same references."""

    @abstractmethod
    def read_cleared(self, posting: Posting, reply: Reply) -> Sequence[Cleared]:
        """Read the answer: one for each line, in their order; UNKNOWN where it says nothing.

        Raises:
            Garbled: unreadable or wrongly signed; each debt may be cleared.
        """

    @abstractmethod
    def check(self, posting: Posting, line: PostingLine, moment: Moment) -> Call:
        """Build the question whether a bill is paid there, and by whom."""

    @abstractmethod
    def read_checked(self, posting: Posting, line: PostingLine, reply: Reply) -> Cleared:
        """Read the answer.

        Raises:
            Garbled: unreadable or wrongly signed; nothing may be concluded.
        """

    @abstractmethod
    def undo(self, posting: Posting, line: PostingLine, moment: Moment) -> Call:
        """Build the call that undoes the clearing of one bill; safe to repeat."""

    @abstractmethod
    def read_undone(self, posting: Posting, line: PostingLine, reply: Reply) -> Undone:
        """Read the answer.

        Raises:
            Garbled: unreadable or wrongly signed; the bill may be owed again.
        """

    def posting_reference_of(self, line_id: str) -> str:
        """Derive our number of one bill's clearing from the line's id (32 hex digits)."""
        return f"pst_{line_id}"


class ListsPaid(Provider[ConfigT]):
    """Gives the biller's own list of what we have paid on a day."""

    @abstractmethod
    def list_paid(self, day: date, unit: str) -> Call:
        """Build the question what we have paid on a business day at one unit of the biller."""

    @abstractmethod
    def read_listed(self, reply: Reply) -> Sequence[ListedBill]:
        """Read the list.

        Raises:
            Garbled: unreadable or wrongly signed.
        """

    def units_of(self, customer_codes: Sequence[str]) -> tuple[str, ...]:
        """Name the units that are asked for their lists; one without a name unless overridden."""
        return ("",)
