"""How a simulated provider misbehaves: by control call, by words in the order's text, by seed.

A fault names an operation (`create`, `query`, `cancel`, `refund`, `notify`, `pay`, or `verify`, the
question before a charge) and what goes wrong there. `…_before` happens instead of the effect,
`…_after` once the effect has been had.
"""

import random
import re
from collections import deque
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Fault(StrEnum):
    """What goes wrong once."""

    HANG_BEFORE = "hang_before"
    HANG_AFTER = "hang_after"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    ERROR_BEFORE = "error_before"
    """HTTP 500 without effect."""
    ERROR_AFTER = "error_after"
    """HTTP 500 though the effect was had."""
    HTML_BEFORE = "html_before"
    """HTTP 200 with a page of HTML, without effect."""
    HTML_AFTER = "html_after"
    WRONG_AMOUNT = "wrong_amount"
    """The answer or notification says another amount."""
    OTHER_ORDER = "other_order"
    """The answer is for another order."""
    BAD_SIGNATURE = "bad_signature"
    UNSIGNED = "unsigned"
    RATE_LIMITED = "rate_limited"
    SKEWED_CLOCK = "skewed_clock"
    """The provider's clock is twenty minutes ahead for this answer."""
    MISSING = "missing"
    """A notification that is never sent."""
    DUPLICATE = "duplicate"
    """A notification that is sent three times at once."""
    REORDERED = "reordered"
    """A notification of an earlier state arrives after the last one."""
    LATE = "late"
    """A notification that is sent only when the control call flushes it, or at the end."""
    FORGED = "forged"
    """A forged twin is sent before the true notification."""


CALL_FAULTS = (
    Fault.HANG_BEFORE,
    Fault.HANG_AFTER,
    Fault.DROP_BEFORE,
    Fault.DROP_AFTER,
    Fault.ERROR_BEFORE,
    Fault.ERROR_AFTER,
    Fault.HTML_BEFORE,
    Fault.HTML_AFTER,
    Fault.OTHER_ORDER,
    Fault.WRONG_AMOUNT,
    Fault.BAD_SIGNATURE,
)
NOTICE_FAULTS = (
    Fault.MISSING,
    Fault.DUPLICATE,
    Fault.REORDERED,
    Fault.LATE,
    Fault.FORGED,
    Fault.WRONG_AMOUNT,
)
# A word that is no fault is a payer's own text.
_IN_TEXT = re.compile(rf"\[(create|query|cancel|refund|notify|pay|verify):({'|'.join(Fault)})\]")


class Planned(BaseModel):
    """A fault that a control call orders for the next `times` requests of one operation."""

    model_config = ConfigDict(extra="forbid")

    operation: str
    fault: Fault
    times: int = Field(default=1, ge=1, le=1_000_000)
    reference: str | None = None


class Faults:
    """The faults in force. One seed gives one sequence of faults, for the same requests in order.

    `rate` is the share of requests of each operation that go wrong by themselves.
    """

    def __init__(self, *, seed: int = 0, rate: float = 0.0) -> None:
        self.rate = rate
        self._random = random.Random(seed)  # noqa: S311 (a replayable bad day, not a secret)
        self._planned: deque[Planned] = deque()
        self._said: set[tuple[str, str]] = set()

    def plan(self, planned: Planned) -> None:
        """Order a fault."""
        self._planned.append(planned)

    def forget(self) -> None:
        """Drop what was ordered, and the rate."""
        self._planned.clear()
        self.rate = 0.0

    def take(self, operation: str, *, reference: str, text: str = "") -> Fault | None:
        """Give the fault for this request, if any; one named in the text strikes once an order."""
        for planned in self._planned:
            if planned.operation == operation and planned.reference in {None, reference}:
                planned.times -= 1
                if planned.times == 0:
                    self._planned.remove(planned)
                return planned.fault
        for named, fault in _IN_TEXT.findall(text):
            if named == operation and (operation, reference) not in self._said:
                self._said.add((operation, reference))
                return Fault(fault)
        if self._random.random() < self.rate:
            return self._random.choice(NOTICE_FAULTS if operation == "notify" else CALL_FAULTS)
        return None
