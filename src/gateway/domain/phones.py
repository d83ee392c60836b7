"""Mobile numbers of Vietnam, in one form: 84 and nine digits."""

import re

_MOBILE = re.compile(r"(?:\+?84|0)([1-9][0-9]{8})", re.ASCII)


def normalise_phone(number: str) -> str | None:
    """Write a mobile number as 84 and nine digits; None if it is none.

    >>> normalise_phone("0912 345 678"), normalise_phone("+84912345678"), normalise_phone("8149")
    ('84912345678', '84912345678', None)
    """
    found = _MOBILE.fullmatch(re.sub(r"[ .-]", "", number))
    return f"84{found[1]}" if found else None
