"""Fingerprints of requests: whether a repeated key repeats the request, and where it differs.

The fingerprint is SHA-256 over the operation and the canonical parsed fields, so blanks and the
order of keys do not matter. Beside it stands a four-byte digest of each field, in the fields'
order: enough to name the first field that differs, never enough to decide that none does.
"""

import hashlib
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

_DIGEST_BYTES = 4


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What identifies a request under its idempotency key."""

    sha256: bytes
    field_digests: bytes


def fingerprint_of(operation: str, fields: Mapping[str, object]) -> Fingerprint:
    """Take the fingerprint of an operation's parsed fields, all of them, in a fixed order.

    >>> a = fingerprint_of("pay", {"amount": 1, "channel": "qr"})
    >>> b = fingerprint_of("pay", {"amount": 1, "channel": "pos"})
    >>> a.sha256 == b.sha256, first_difference(a.field_digests, b, ["amount", "channel"])
    (False, 'channel')
    """
    values = [orjson.dumps(value, option=orjson.OPT_SORT_KEYS) for value in fields.values()]
    whole = b"\x1f".join([operation.encode(), *values])
    digests = struct.pack(f">{len(values)}I", *map(zlib.crc32, values))
    return Fingerprint(hashlib.sha256(whole).digest(), digests)


def first_difference(stored_digests: bytes, fresh: Fingerprint, names: list[str]) -> str:
    """Name the first field in which a request differs from the stored one."""
    for position, name in enumerate(names):
        part = slice(position * _DIGEST_BYTES, (position + 1) * _DIGEST_BYTES)
        if stored_digests[part] != fresh.field_digests[part]:
            return name
    return names[-1]
