"""Who is who: billers, partners and API keys as one immutable snapshot.

A process holds a snapshot and replaces it whole when the database's directory version moves, so
no request reads any of this from the database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.domain.biller import Biller
from gateway.domain.partner import Caller, Partner


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything that changes by hand and is asked for on each request."""

    version: int
    billers: Mapping[str, Biller]
    billers_by_id: Mapping[int, Biller]
    partners_by_id: Mapping[int, Partner]
    callers: Mapping[bytes, Caller]
    """By the digest of the API key."""
    provider_accounts: Mapping[str, int] = field(default_factory=dict)
    """The receivable account of each provider, by its code."""
    suspense_account: int = 0
    switches: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    """Circuit breakers tripped (or reset) by hand, by provider and operation."""

    @property
    def biller_ids(self) -> list[int]:
        """All billers; reads by a payment's id alone pass these for the leading key column."""
        return list(self.billers_by_id)


EMPTY = Directory(0, {}, {}, {}, {})
