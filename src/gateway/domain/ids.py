"""Public ids: a type prefix and the 32 hex digits of a UUIDv7, so that an id says what it names.

>>> to_public("pay", UUID("01936b2e-0000-7000-8000-000000000001"))
'pay_01936b2e000070008000000000000001'
>>> from_public("pay", "pay_01936b2e000070008000000000000001")
UUID('01936b2e-0000-7000-8000-000000000001')
>>> from_public("pay", "evt_01936b2e000070008000000000000001") is None
True
"""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PUBLIC = re.compile(r"([a-z]{2,5})_([0-9a-f]{32})", re.ASCII)


def to_public(prefix: str, value: UUID) -> str:
    """Write `value` as callers see it: `pay_…`, `evt_…`, `whe_…`."""
    return f"{prefix}_{value.hex}"


def from_public(prefix: str, text: str) -> UUID | None:
    """Read an id that a caller sent; None when it is not an id of this kind."""
    match = _PUBLIC.fullmatch(text)
    if match is None or match[1] != prefix:
        return None
    return UUID(hex=match[2])


def floor_of(moment: datetime) -> UUID:
    """Give the smallest UUIDv7 of an instant (aware); rows are partitioned and paged by it.

    >>> floor_of(datetime(2026, 11, 1, tzinfo=UTC))
    UUID('01a19467-e800-0000-0000-000000000000')
    """
    return UUID(int=(moment - EPOCH) // timedelta(milliseconds=1) << 80)


def stamp_of(moment: datetime) -> str:
    """Give what the text of every UUIDv7 of an instant (aware) begins with, its version too.

    >>> stamp_of(datetime(2026, 11, 1, tzinfo=UTC))
    '01a19467-e800-7'
    """
    return f"{str(floor_of(moment))[:14]}7"
