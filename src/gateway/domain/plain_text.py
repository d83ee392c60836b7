"""Vietnamese without its marks, for wires that carry only ASCII."""

import unicodedata

# Đ has no decomposition; Ð (eth) is what some keyboards send for it.
_STROKES = str.maketrans("đĐð\u00d0", "dDdD")


def plain(text: str) -> str:
    """Write a text in printable ASCII: marks dropped, blanks single, other signs left out.

    >>> plain("Nguyễn  Văn Đặng ✓")
    'Nguyen Van Dang'
    """
    apart = unicodedata.normalize("NFKD", text.translate(_STROKES))
    kept = "".join(c if c.isprintable() else " " for c in apart if c.isascii())
    return " ".join(kept.split())
