"""How often something may be asked: GCRA, a bucket that leaks at an even pace.

One instant for each key says all: when the bucket will be empty again. An asking adds one share of
time to it; it is refused while the bucket would be fuller than it is large.
"""

from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.errors import CallerError


class TooManyRequests(CallerError):
    """Somebody asked too often; nothing was looked at."""

    code = "too_many_requests"

    def __init__(self, wait_s: int) -> None:
        super().__init__(
            f"too many requests; ask again in {wait_s} seconds",
            f"quá nhiều yêu cầu; hãy thử lại sau {wait_s} giây",
        )
        self.retry_after_s = wait_s


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `burst` at once, and `burst` in `period` over time."""

    name: str
    burst: int
    period: timedelta

    @property
    def share(self) -> timedelta:
        """The time that one asking fills.

        >>> Limit("lookups", 10, timedelta(minutes=5)).share
        datetime.timedelta(seconds=30)
        """
        return self.period / self.burst


# Of one address: a household looks up its own bills and its parents'; a shop behind one address
# some more. Of one code: whoever asks for it, from however many addresses.
LOOKUPS_OF_ADDRESS = Limit("lookup:address", 20, timedelta(minutes=10))
LOOKUPS_OF_CODE = Limit("lookup:code", 10, timedelta(minutes=10))
CHECKS_OF_ADDRESS = Limit("verify:address", 30, timedelta(minutes=10))
