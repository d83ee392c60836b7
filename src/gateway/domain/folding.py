"""Vietnamese without its diacritics, for networks and banks that carry ASCII only."""

import re
import unicodedata

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]")
_NOT_PRINTABLE_ASCII = re.compile(r"[^ -~]")


def without_marks(text: str) -> str:
    """Take the diacritics off, đ's bar too; whatever is no letter of ours stays as it is.

    >>> without_marks("Điện lực Cà Mau")
    'Dien luc Ca Mau'
    """
    plain = unicodedata.normalize("NFD", text).replace("đ", "d").replace("Đ", "D")
    return "".join(mark for mark in plain if not unicodedata.combining(mark))


def plain_words(text: str) -> str:
    """Give words of ASCII letters, digits, point, hyphen and low line, with one blank between.

    >>> plain_words("Tiền điện 11/2026: (đợt 1)")
    'Tien dien 11 2026 dot 1'
    """
    return " ".join(_NOT_PLAIN.sub(" ", without_marks(text)).split())


def printable(text: str) -> str:
    """Give printable ASCII, punctuation kept, with one blank between words.

    >>> printable("Tiền điện 11/2026…")
    'Tien dien 11/2026'
    """
    return " ".join(_NOT_PRINTABLE_ASCII.sub(" ", without_marks(text)).split())
