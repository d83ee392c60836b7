"""A customer code as people type it, or as a paper bill's QR holds it."""

import re

_DROPPED = re.compile(r"[\s.,/_-]+")
_LIKE_DIGITS = str.maketrans({"O": "0", "I": "1", "L": "1"})
TYPED_MAX = 300


def read_typed(text: str, pattern: re.Pattern[str]) -> str:
    """Give the code that somebody meant; what holds none comes back tidied, to be refused.

    Blanks, points and small letters do not matter, and O is read as 0, I and L as 1, where that
    makes a code. A QR's text may hold more than the code.

    >>> codes = re.compile("PB(14|19)[0-9]{9}")
    >>> [read_typed(t, codes) for t in (" pb14 0100 OOO4O ", "https://x.vn/?c=PB14010000040&k")]
    ['PB14010000040', 'PB14010000040']
    >>> read_typed("<b>", codes)
    '<B>'
    """
    upper = text[:TYPED_MAX].upper()
    tidy = _DROPPED.sub("", upper)
    for meant in (tidy, tidy.translate(_LIKE_DIGITS)):
        if pattern.fullmatch(meant):
            return meant
    found = pattern.search(upper)
    return found[0] if found else tidy[:20]
