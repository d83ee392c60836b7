"""Debits on a standing permission: by call, or by files that a bank takes and answers."""

from abc import abstractmethod
from collections.abc import Iterable
from datetime import time
from typing import ClassVar

from gateway.domain.evidence import Finding
from gateway.kit.abilities.provider import ConfigT, Provider
from gateway.kit.mandate_messages import (
    AfterFailure,
    DebitFile,
    DebitLine,
    FileNamed,
    Mandate,
    MandateSaid,
    Results,
)
from gateway.kit.messages import Call, Moment, Order, Reply, Unreadable


class DebitsMandates(Provider[ConfigT]):
    """Debits a payer by call, on a permission that is registered at the payer's bank.

    A debit's outcome is asked for by `AnswersQueries.query`, told by `Notifies`; mandates and late
    returns are told by `Notifies` too, as `MandateNews` and `Return`.
    """

    debits_until: ClassVar[time] = time(16)
    """The cut-off in Vietnamese time: what is not sent by then waits for the next business day."""

    @abstractmethod
    def register(self, mandate: Mandate, moment: Moment) -> Call:
        """Build the call that registers a mandate; safe to repeat with the same reference."""

    @abstractmethod
    def read_registered(self, mandate: Mandate, reply: Reply) -> MandateSaid:
        """Read the answer; a refusal from the documented table is REJECTED.

        Raises:
            Garbled: unreadable or wrongly signed; the mandate may be registered.
        """

    @abstractmethod
    def confirm(self, mandate: Mandate, otp: str, moment: Moment) -> Call:
        """Build the call that confirms a mandate with the password that the payer received."""

    @abstractmethod
    def read_confirmed(self, mandate: Mandate, reply: Reply) -> MandateSaid:
        """Read the answer; a wrong password is `is_refused`, the mandate stays as it is.

        Raises:
            Garbled: unreadable or wrongly signed; it may be confirmed.
        """

    @abstractmethod
    def cancel_mandate(self, mandate: Mandate, reason: str, moment: Moment) -> Call:
        """Build the call that cancels a mandate; safe to repeat."""

    @abstractmethod
    def read_mandate_cancelled(self, mandate: Mandate, reply: Reply) -> MandateSaid:
        """Read the answer: CANCELLED also if the bank no longer knows the mandate.

        Raises:
            Garbled: unreadable or wrongly signed.
        """

    @abstractmethod
    def query_mandate(self, mandate: Mandate, moment: Moment) -> Call:
        """Build the question how a mandate stands at the bank."""

    @abstractmethod
    def read_mandate_queried(self, mandate: Mandate, reply: Reply) -> MandateSaid:
        """Read the answer. A mandate that the bank does not know has no state.

        Raises:
            Garbled: unreadable or wrongly signed.
        """

    def prepare(self, line: DebitLine, moment: Moment) -> Call | None:
        """Build the call that must come before `debit`, if there is one; it takes no money."""
        return None

    def read_prepared(self, line: DebitLine, reply: Reply) -> DebitLine | Finding:
        """Read its answer: the line to give to `debit`, or a refusal as `read_debited`'s.

        Raises:
            Garbled: unreadable or wrongly signed; nothing was taken, but ask before trying again.
        """
        raise Unreadable(what="answer to a call that is never made")

    @abstractmethod
    def debit(self, line: DebitLine, moment: Moment) -> Call:
        """Build the call that debits the mandate; safe to repeat with the same order.

        Each try of a bill is an order with a reference of its own; `line.number` counts them.
        """

    @abstractmethod
    def read_debited(self, order: Order, reply: Reply) -> Finding:
        """Read the answer; "duplicate" is read as the first one's answer, or PENDING.

        Raises:
            Garbled: unreadable or wrongly signed; the money may be taken.
        """

    def after_failure(self, code: str) -> AfterFailure:
        """Say what follows a FAILED finding of this code; an unlisted one is not tried again."""
        return AfterFailure.GIVE_UP


class DebitsByFile(Provider[ConfigT]):
    """Takes debits as a file before its cut-off, and answers with a result file."""

    debits_until: ClassVar[time] = time(16)
    """The cut-off in Vietnamese time: what is in no file by then waits."""

    @abstractmethod
    def write_debits(self, named: FileNamed, lines: Iterable[DebitLine]) -> DebitFile:
        """Write the file and its name; equal lines give equal bytes."""

    @abstractmethod
    def read_results(self, raw: bytes) -> Results:
        """Read a result file whole: count, sum and hash of its trailer are checked first.

        Raises:
            Garbled: the file is not whole; nothing of it may be used.
        """

    def after_failure(self, code: str) -> AfterFailure:
        """Say what follows a FAILED line of this code; an unlisted one is not tried again."""
        return AfterFailure.GIVE_UP
