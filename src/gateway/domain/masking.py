"""Masking: enough of a name for its owner to recognise it, not enough for a stranger to learn it.

Of a name each word keeps its first letter and the last word is kept whole when the name has three
or more words, for Vietnamese are called by the last. Of an address the house number and all words
before the ward are starred.
"""

STARS = "***"
WORDS_KEPT_FROM = 3


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
    """Mask an address: the parts after the street stay.

    >>> mask_address("12 Nguyễn Trãi, Phường 5, Cà Mau")
    '***, Phường 5, Cà Mau'
    >>> mask_address("12 Nguyễn Trãi")
    '***'
    """
    _, comma, rest = address.partition(",")
    return STARS + comma + rest
