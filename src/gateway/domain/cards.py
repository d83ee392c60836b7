"""Card numbers, which may not be kept here in any form (PCI DSS 4.0.1, requirement 3)."""

import re

_DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)", re.ASCII)


def without_card_numbers(text: str) -> str:
    """Put `[card]` in place of whatever may be a card number: 13 to 19 digits that pass Luhn.

    >>> without_card_numbers("vpc_CardNum=4111111111111111&x=1234567890123")
    'vpc_CardNum=[card]&x=1234567890123'
    """
    return _DIGITS.sub(lambda found: "[card]" if _is_luhn(found[0]) else found[0], text)


def _is_luhn(text: str) -> bool:
    digits = [int(mark) for mark in reversed(text) if mark.isdecimal()]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2]]  # noqa: PLR2004
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
