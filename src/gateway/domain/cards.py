"""Card numbers, which may not be kept here in any form (PCI DSS 4.0.1, requirement 3)."""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

_GAP = r"(?:[ +.\u00a0-]|%2(?:0|[BbDd]))"
_RUN = re.compile(rf"(?<!\d)\d+(?:{_GAP}\d+)*", re.ASCII)
_GROUP = re.compile(rf"(?:^|{_GAP})(\d+)", re.ASCII)
_LEAST, _MOST = 13, 19
# Numbers begin where no digit stands before; most texts are done with here.
_MAYBE = re.compile(r"\d(?<!\d\d)(?:[ +.\u00a0-]?\d|%2[0BbDd]\d){12}", re.ASCII)
# Vietnam's own 9704; Visa 4; Mastercard 51-55 and 2221-2720; American Express 34, 37; Diners 36,
# 38, 30; JCB 3528-3589; UnionPay 62; Discover 6011, 644-65 (ISO/IEC 7812, as schemes publish).
_ISSUED = re.compile(
    r"9704\d{12}(\d{3})?|4(\d{12}|\d{15}|\d{18})|5[1-5]\d{14}"
    r"|2(22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(6|8|0[0-5])\d{11,12}"
    r"|35(2[89]|[3-8]\d)\d{12}|62\d{14,17}|(6011|64[4-9]\d|65\d\d)\d{12}",
    re.ASCII,
)
# Digits within them may look like a card's; a card's number is no part of so long a word.
_IDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-Za-z]{28,}", re.ASCII | re.I)

# Some providers wrap what they say; as a form has it, `+` and `=` may be written as %2B and %3D.
_WRAPPED = re.compile(r"(?:[0-9A-Za-z+/_-]|%2[BbFf]){24,}(?:=|%3[Dd]){0,2}", re.ASCII)


def without_card_numbers(text: str) -> str:
    """Put `[card]` in place of whatever may be a card number: 13 to 19 digits that pass Luhn.

    For what is kept and proves nothing; times and ids may go with it.

    >>> without_card_numbers("vpc_CardNum=4111111111111111&x=1234567890123")
    'vpc_CardNum=[card]&x=1234567890123'
    """
    text = _without_wrapped(text, _is_luhn)
    return _masked(text, _found(text, _is_luhn))


def mask_cards(text: str) -> str:
    """Put `[card]` in place of the numbers of issued cards, as `holds_card_number` tells them.

    >>> mask_cards("PAN 4111 1111 1111 1111 12/28 at 20261124101502")
    'PAN [card] 12/28 at 20261124101502'
    >>> mask_cards("data=eyJudW1iZXIiOiI0MTExMTExMTExMTExMTExIn0%3D&x=1")
    'data=[card]&x=1'
    """
    text = _without_wrapped(text, _is_issued)
    if not may_hold_card_number(text):
        return text
    return _masked(text, _found(_without_ids(text), _is_issued))


def holds_card_number(text: str) -> bool:
    """Say whether a text holds the number of a card that is issued: its brand, length and check.

    For refusing what comes in: stricter than `without_card_numbers`, since one long number in ten
    passes Luhn's check, and times, ids and amounts must not be refused by chance. UUIDs and runs
    of 28 letters and digits or more are ids.

    >>> holds_card_number("thẻ 9704 0000 0000 0018"), holds_card_number("20261124101502")
    (True, False)
    """
    if not may_hold_card_number(text):
        return False
    return any(True for _ in _found(_without_ids(text), _is_issued))


def may_hold_card_number(text: str) -> bool:
    """Say quickly whether a text is worth a closer look: false only if it surely holds none."""
    return _MAYBE.search(text) is not None


def where_a_card_is(value: Any, path: str = "") -> str | None:
    """Name the field of parsed JSON that holds a card's number, as `bills.0.id`; None if none.

    >>> where_a_card_is({"note": {"text": "4111-1111-1111-1111"}})
    'note.text'
    """
    if isinstance(value, dict):
        inner = [(f"{path}.{name}", part) for name, part in value.items()]
        if any(holds_card_number(str(name)) for name in value):
            return path.strip(".") or "body"
    elif isinstance(value, list):
        inner = [(f"{path}.{number}", part) for number, part in enumerate(value)]
    else:
        is_card = not isinstance(value, bool | None) and holds_card_number(str(value))
        return (path.strip(".") or "body") if is_card else None
    return next((found for name, part in inner if (found := where_a_card_is(part, name))), None)


def _found(text: str, is_card: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    """Give where numbers stand that are a card's, their digits in groups or together."""
    for run in _RUN.finditer(text):
        groups = list(_GROUP.finditer(run[0]))
        first = 0
        while first < len(groups):
            last = _last_of_card(groups, first, is_card)
            if last is not None:
                yield run.start() + groups[first].start(1), run.start() + groups[last].end(1)
            first = first + 1 if last is None else last + 1


def _last_of_card(
    groups: list[re.Match[str]], first: int, is_card: Callable[[str], bool]
) -> int | None:
    digits = ""
    for number in range(first, len(groups)):
        digits += groups[number][1]
        if len(digits) > _MOST:
            return None
        if len(digits) >= _LEAST and is_card(digits):
            return number
    return None


def _masked(text: str, places: Iterator[tuple[int, int]]) -> str:
    kept, end = [], 0
    for start, stop in places:
        kept += [text[end:start], "[card]"]
        end = stop
    return "".join([*kept, text[end:]])


def _without_wrapped(text: str, is_card: Callable[[str], bool]) -> str:
    """Put `[card]` in place of base64 that holds a card's number once it is opened."""

    def shown(found: re.Match[str]) -> str:
        packed = unquote(found[0]).replace("-", "+").replace("_", "/").rstrip("=")
        try:
            opened = b64decode(packed + "=" * (-len(packed) % 4)).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return found[0]
        return "[card]" if any(True for _ in _found(opened, is_card)) else found[0]

    return _WRAPPED.sub(shown, text)


def _without_ids(text: str) -> str:
    return _IDS.sub(lambda found: "x" * len(found[0]), text)


def _is_issued(digits: str) -> bool:
    return _ISSUED.fullmatch(digits) is not None and _is_luhn(digits)


def _is_luhn(text: str) -> bool:
    digits = [int(mark) for mark in reversed(text)]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2]]  # noqa: PLR2004
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
