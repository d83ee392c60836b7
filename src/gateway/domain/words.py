"""Amounts spelt out, as a receipt must show them: in Vietnamese as the South reads, in English.

Vietnamese reads in groups of three digits; within a group the unit changes its word with what
stands before it: mười một, hai mươi mốt; hai mươi tư; mười lăm; một trăm lẻ năm ("linh" in the
North). A group of zeros in the middle is left out, one under a hundred is read in full.
"""

from gateway.domain.errors import ensure

MOST = 10**15
_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_AFTER_TENS = {1: "mốt", 4: "tư", 5: "lăm"}
_THOUSANDS = ("", "nghìn", "triệu", "tỷ", "nghìn tỷ")
_UNDER_20 = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_TENS = ("", "", *["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"])
_THOUSANDS_EN = ("", "thousand", "million", "billion", "trillion")


def in_vietnamese(amount_dong: int) -> str:
    """Spell an amount of đồng.

    >>> in_vietnamese(351_000)
    'Ba trăm năm mươi mốt nghìn đồng'
    >>> in_vietnamese(1_000_105), in_vietnamese(24_015)
    ('Một triệu một trăm lẻ năm đồng', 'Hai mươi tư nghìn không trăm mười lăm đồng')
    """
    said = " ".join(_groups(amount_dong)) or _DIGITS[0]
    return f"{said[0].upper()}{said[1:]} đồng"


def in_english(amount_dong: int) -> str:
    """Spell an amount of đồng in English.

    >>> in_english(351_000), in_english(21)
    ('Three hundred and fifty-one thousand dong', 'Twenty-one dong')
    """
    parts = [
        f"{_group_en(group)} {_THOUSANDS_EN[power]}".strip()
        for power, group in reversed(list(enumerate(_split(amount_dong))))
        if group
    ]
    said = " ".join(parts) or _UNDER_20[0]
    return f"{said[0].upper()}{said[1:]} dong"


def _split(amount: int) -> list[int]:
    """Give the groups of three digits, the lowest first."""
    ensure(0 <= amount < MOST, "an amount that is spelt is not negative and under 10^15")
    groups = []
    while amount:
        amount, group = divmod(amount, 1000)
        groups.append(group)
    return groups


def _groups(amount: int) -> list[str]:
    groups = _split(amount)
    said: list[str] = []
    for power in range(len(groups) - 1, -1, -1):
        group, is_first = groups[power], not said
        if group:
            said += [*_group(group, is_first=is_first), _unit(power, groups)]
    return [part for part in said if part]


def _unit(power: int, groups: list[int]) -> str:
    # "nghìn tỷ" says tỷ once, after the group that ends it.
    return "nghìn" if power == len(_THOUSANDS) - 1 and groups[power - 1] else _THOUSANDS[power]


def _group(group: int, *, is_first: bool) -> list[str]:
    hundreds, rest = divmod(group, 100)
    tens, unit = divmod(rest, 10)
    said = [] if is_first and not hundreds else [_DIGITS[hundreds], "trăm"]
    if tens > 1:
        said += [_DIGITS[tens], "mươi", *([_AFTER_TENS.get(unit, _DIGITS[unit])] if unit else [])]
    elif tens:
        said += ["mười", *(["lăm" if unit == 5 else _DIGITS[unit]] if unit else [])]  # noqa: PLR2004
    elif unit:
        said += [*(["lẻ"] if said else []), _DIGITS[unit]]
    return said


def _group_en(group: int) -> str:
    hundreds, rest = divmod(group, 100)
    parts = [f"{_UNDER_20[hundreds]} hundred"] if hundreds else []
    if rest:
        parts.append(_under_100(rest))
    return " and ".join(parts)


def _under_100(rest: int) -> str:
    if rest < len(_UNDER_20):
        return _UNDER_20[rest]
    tens, unit = divmod(rest, 10)
    return f"{_TENS[tens]}-{_UNDER_20[unit]}" if unit else _TENS[tens]
