"""A customer's code at an EVN company: how it is typed, and what its parts say.

13 characters: `P` and a letter for the corporation, then 11 digits (province 2, unit 2, serial 7).
The first six name the managing unit. A meter point's number adds three digits. There is no check
digit. Cà Mau is `PB14`; Bạc Liêu, `PB19`, joined its province in 2025. Source: sheet
`payoo-viettel-banks-evn` d.1 (read 2026-11-24).
"""

import re
from dataclasses import dataclass

CA_MAU = re.compile(r"PB(?:14|19)[0-9]{9}", re.ASCII)
"""The pilot's biller: Cà Mau and, since 2025, Bạc Liêu."""
ANY_EVN = re.compile(r"P[A-Z][0-9]{11}", re.ASCII)
"""Any of EVN's five corporations."""
METER_POINT_DIGITS = 3
_UNIT = 6


@dataclass(frozen=True, slots=True)
class CustomerCode:
    """A code that has the shape of one; whether such a customer exists is another question."""

    text: str
    meter_point: str | None = None

    @property
    def unit(self) -> str:
        """The managing unit, `MA_DVIQLY`: `PB1401` is Cà Mau city."""
        return self.text[:_UNIT]


def normalise(typed: str) -> str:
    """Give a code as it is stored: upper case, no blanks.

    >>> normalise(" pb 1401 0000123 ")
    'PB14010000123'
    """
    return "".join(typed.split()).upper()


def read_code(typed: str, pattern: re.Pattern[str] = CA_MAU) -> CustomerCode | None:
    """Read what a person typed, with or without the meter point's digits; None when it is no code.

    >>> read_code("pb14010000123")
    CustomerCode(text='PB14010000123', meter_point=None)
    >>> read_code("PB14010000123001")
    CustomerCode(text='PB14010000123', meter_point='001')
    >>> read_code("PE01000123456") is None, read_code("PE01000123456", ANY_EVN).unit
    (True, 'PE0100')
    """
    code = normalise(typed)
    if pattern.fullmatch(code):
        return CustomerCode(code)
    head, tail = code[:-METER_POINT_DIGITS], code[-METER_POINT_DIGITS:]
    if pattern.fullmatch(head) and tail.isascii() and tail.isdigit():
        return CustomerCode(head, tail)
    return None
