"""Masking: enough of a name for its owner to recognise it, not enough for a stranger to learn it.

Of a name each word keeps its first letter; the last word is kept whole when the name has three or
more words, for Vietnamese are called by the last. A business, whose last words tell which one it
is, follows the same rule. Of an address everything before the ward or commune is starred, whatever
commas stand in it; where no ward is found, only the last of three or more parts (the city) stays.
"""

import re

STARS = "***"
WORDS_KEPT_FROM = 3
PARTS_KEPT_FROM = 3

# The first group is greedy, so the last ward wins: a street, too, may be called Xã Đàn.
_WARD = re.compile(r".*(,\s*(?:phường\s|p\.|p\s?\d|xã\s|x\.|thị trấn\s|tt\.).*)", re.I | re.S)


def mask_name(name: str) -> str:
    """Mask a customer's name.

    >>> mask_name("Nguyễn Văn An")
    'N*** V*** An'
    >>> mask_name("Lê An"), mask_name("An"), mask_name("")
    ('L*** A***', 'A***', '***')
    """
    words = name.split()
    if not words:
        return STARS
    masked = [word[0] + STARS for word in words]
    if len(words) >= WORDS_KEPT_FROM:
        masked[-1] = words[-1]
    return " ".join(masked)


def mask_address(address: str) -> str:
    """Mask an address: the ward and what follows it stay.

    >>> mask_address("12 Nguyễn Trãi, Phường 5, Cà Mau")
    '***, Phường 5, Cà Mau'
    >>> mask_address("Số 12, hẻm 3, Nguyễn Trãi, P.5, Cà Mau")
    '***, P.5, Cà Mau'
    >>> mask_address("12, Nguyễn Trãi, Cà Mau"), mask_address("12, Nguyễn Trãi")
    ('***, Cà Mau', '***')
    """
    if found := _WARD.match(address):
        return STARS + found[1]
    parts = address.split(",")
    return f"{STARS},{parts[-1]}" if len(parts) >= PARTS_KEPT_FROM else STARS
