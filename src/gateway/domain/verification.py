"""The code on a receipt by which anybody can check it, and nobody can find others.

It is the payment's instant (45 bits of milliseconds) and 44 bits of a MAC over its id, written in
18 characters that look like no other, as `order_code` has them. Nothing of it is stored: the
instant finds the few payments that it can be of, the MAC says which, if any.
"""

import hmac
import re
from dataclasses import dataclass
from uuid import UUID

from gateway.domain.order_code import ALPHABET

LENGTH = 18
GROUP = 6
MAC_BITS = 44
ID_BITS_BELOW_TIME = 80
_BASE = len(ALPHABET)
_VALUES = {sign: value for value, sign in enumerate(ALPHABET)}
_DROPPED = re.compile(r"[\s.-]+")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a code claims: that a payment was made at this millisecond, with this proof."""

    at_ms: int
    proof: int

    @property
    def between(self) -> tuple[UUID, UUID]:
        """The ids among which the payment is: from the first, before the second."""
        low, high = (UUID(int=ms << ID_BITS_BELOW_TIME) for ms in (self.at_ms, self.at_ms + 1))
        return low, high

    def is_of(self, key: bytes, payment_id: UUID) -> bool:
        """Say whether it is this payment's code."""
        return _number(key, payment_id) == self.at_ms << MAC_BITS | self.proof


def code_of(key: bytes, payment_id: UUID) -> str:
    """Give a payment's code, in groups to be read aloud.

    >>> code = code_of(b"k" * 32, UUID(int=0x019A3C84F400_7000_8000_000000000001))
    >>> code, read_code(code.lower().replace("-", " ")).is_of(
    ...     b"k" * 32, UUID(int=0x019A3C84F400_7000_8000_000000000001))
    ('3DMYP2-XUBEMG-4SEEXC', True)
    """
    number, signs = _number(key, payment_id), []
    for _ in range(LENGTH):
        number, value = divmod(number, _BASE)
        signs.append(ALPHABET[value])
    text = "".join(reversed(signs))
    return "-".join(text[at : at + GROUP] for at in range(0, LENGTH, GROUP))


def read_code(typed: str) -> Claim | None:
    """Read a code as people type it: blanks, hyphens and small letters do not matter."""
    text = _DROPPED.sub("", typed).upper()
    if len(text) != LENGTH or not _VALUES.keys() >= set(text):
        return None
    number = 0
    for sign in text:
        number = number * _BASE + _VALUES[sign]
    at_ms, proof = divmod(number, 1 << MAC_BITS)
    return Claim(at_ms, proof) if at_ms < 1 << 45 else None


def mask_code(customer_code: str) -> str:
    """Mask a customer code: its owner knows it again.

    >>> mask_code("PB14010000040"), mask_code("PB14")
    ('PB14******040', '****')
    """
    head, tail = 4, 3
    if len(customer_code) <= head + tail:
        return "*" * len(customer_code)
    stars = "*" * (len(customer_code) - head - tail)
    return customer_code[:head] + stars + customer_code[-tail:]


def _number(key: bytes, payment_id: UUID) -> int:
    at_ms = (payment_id.int >> ID_BITS_BELOW_TIME) & ((1 << 45) - 1)
    digest = hmac.digest(key, b"receipt/" + payment_id.bytes, "sha256")
    return at_ms << MAC_BITS | int.from_bytes(digest[:6]) >> (48 - MAC_BITS)
