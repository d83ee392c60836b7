"""Card numbers, which may not be kept here in any form (PCI DSS 4.0.1, requirement 3)."""

import re

_DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)", re.ASCII)

# NAPAS 9704; Visa 4; Mastercard 51-55 and 2221-2720; American Express 34, 37; Diners 36, 38, 30;
# JCB 3528-3589; UnionPay 62; Discover 6011, 644-65 (ISO/IEC 7812 ranges, as the schemes publish).
_ISSUED = re.compile(
    r"9704\d{12}(\d{3})?|4(\d{12}|\d{15}|\d{18})|5[1-5]\d{14}"
    r"|2(22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(6|8|0[0-5])\d{11,12}"
    r"|35(2[89]|[3-8]\d)\d{12}|62\d{14,17}|(6011|64[4-9]\d|65\d\d)\d{12}",
    re.ASCII,
)


def without_card_numbers(text: str) -> str:
    """Put `[card]` in place of whatever may be a card number: 13 to 19 digits that pass Luhn.

    >>> without_card_numbers("vpc_CardNum=4111111111111111&x=1234567890123")
    'vpc_CardNum=[card]&x=1234567890123'
    """
    return _DIGITS.sub(lambda found: "[card]" if _is_luhn(found[0]) else found[0], text)


def holds_card_number(text: str) -> bool:
    """Say whether a text holds the number of a card that is issued: its brand, length and check.

    For refusing what comes in: stricter than `without_card_numbers`, since one long number in ten
    passes Luhn's check, and times, ids and amounts must not be refused by chance.

    >>> holds_card_number("thẻ 9704 0000 0000 0018"), holds_card_number("20261124101502")
    (True, False)
    """
    return any(_is_issued(found[0]) for found in _DIGITS.finditer(text))


def _is_issued(text: str) -> bool:
    return _ISSUED.fullmatch(re.sub("[ -]", "", text)) is not None and _is_luhn(text)


def _is_luhn(text: str) -> bool:
    digits = [int(mark) for mark in reversed(text) if mark.isdecimal()]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2]]  # noqa: PLR2004
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
