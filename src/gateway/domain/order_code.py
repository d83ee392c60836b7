"""The code by which money on an account finds its attempt, though banks mangle what a payer wrote.

Ten characters and one that checks them, out of 31 that look like no other: no 0, 1, I, L, O. Banks
put text in front, drop blanks and punctuation, change case and cut at the end, so it stands first
in a transfer's purpose and is looked for at every place of what comes back. A single wrong
character, or two that changed places, never gives another code.

Eleven, because a purpose of 25 then has room for a blank and a customer code of 13. Ten random
characters are 8 * 10**14 codes: among ten million attempts two share one in 6 of 100 deployments,
and the second is then refused by the database before anything is shown to a payer.
"""

import hashlib
import re
from uuid import UUID

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 11
PATTERN = rf"[{ALPHABET}]{{{LENGTH}}}"

_VALUES = {sign: value for value, sign in enumerate(ALPHABET)}
_BASE = len(ALPHABET)  # a prime: that is why the check misses no single mistake
_ROWS = re.compile(f"[{ALPHABET}]{{{LENGTH},}}")
_DROPPED = re.compile(r"[^0-9A-Z]")


def of_attempt(attempt_id: UUID) -> str:
    """Derive an attempt's code: the same for ever.

    >>> of_attempt(UUID(int=1))
    'P7XHXH5N2ND'
    """
    number = int.from_bytes(hashlib.sha256(attempt_id.bytes).digest())
    signs = []
    for _ in range(LENGTH - 1):
        number, value = divmod(number, _BASE)
        signs.append(ALPHABET[value])
    return _checked("".join(signs))


def is_code(text: str) -> bool:
    """Say whether a text is such a code, its check character included."""
    return len(text) == LENGTH and _VALUES.keys() >= set(text) and _checked(text[:-1]) == text


def candidates(text: str) -> list[str]:
    """Give all that may be a code in what a bank made of a purpose, in the order of the text.

    A chance text passes the check once in 31 times: only a code that is known here means anything.

    >>> candidates("MBVCB.123.p7xhxh5n2nd pb14010000123.CT tu 00123")
    ['P7XHXH5N2ND']
    """
    upper = text.upper()
    # With its blanks first: what stands between them is more likely to be the code.
    looked_at = (upper, _DROPPED.sub("", upper))
    found = (
        row[at : at + LENGTH]
        for way in looked_at
        for row in _ROWS.findall(way)
        for at in range(len(row) - LENGTH + 1)
    )
    return list(dict.fromkeys(code for code in found if is_code(code)))


def at_the_end(virtual_account: str) -> str | None:
    """Give the code with which a virtual account of ours ends, if it ends with one.

    >>> at_the_end("EVNCMP7XHXH5N2ND")
    'P7XHXH5N2ND'
    """
    code = virtual_account.upper()[-LENGTH:]
    return code if is_code(code) else None


def _checked(signs: str) -> str:
    weights = range(2, len(signs) + 2)
    total = sum(weight * _VALUES[sign] for weight, sign in zip(weights, signs, strict=True))
    return signs + ALPHABET[-total % _BASE]
