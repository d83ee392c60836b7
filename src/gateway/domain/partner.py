"""A partner, its API keys and what they may do."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache


class Mode(StrEnum):
    """Whether a gateway moves real money. One deployment has one mode; data is never mixed."""

    TEST = "test"
    LIVE = "live"


class Scope(StrEnum):
    """What an API key may do."""

    LOOKUP = "lookup"
    PAY = "pay"
    REVERSE = "reverse"
    READ = "read"
    BILLS = "bills"
    """Write bills and customers; only for the partner that is the biller itself."""
    REPORTS = "reports"
    """Read how its customers pay, counted together; only for the partner that is the biller."""
    CASH = "cash"
    """Hand-over lists, receipts and deposits of one's own collectors."""
    OUTREACH = "outreach"
    """See, masked, who still pays cash; only for the partner that is the biller itself."""


@dataclass(frozen=True, slots=True)
class Partner:
    """A company that calls our API.

    `biller_id` is set when the partner is a biller's own system: it may then write that biller's
    bills and sees every payment of them. `receivable_account` is what the partner owes us.
    """

    id: int
    code: str
    name: str
    biller_id: int | None
    receivable_account: int


@dataclass(frozen=True, slots=True)
class Purse:
    """In whose name bills are paid, and the ledger account where the money stands."""

    partner: Partner
    account: int


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling: the partner behind an accepted API key, and the key's rights."""

    partner: Partner
    key_prefix: str
    scopes: frozenset[Scope]
    expires_at: datetime | None

    def has_expired(self, now: datetime) -> bool:
        """Say whether the key's time is over at `now` (aware)."""
        return self.expires_at is not None and now >= self.expires_at


@cache
def key_prefix(mode: Mode) -> str:
    """Give the text that every API key of this mode starts with.

    >>> key_prefix(Mode.TEST)
    'sk_test_'
    """
    return f"sk_{mode}_"


def digest_key(api_key: str) -> bytes:
    """Give the form in which an API key is stored: SHA-256, for a random key needs no slow hash."""
    return hashlib.sha256(api_key.encode()).digest()
