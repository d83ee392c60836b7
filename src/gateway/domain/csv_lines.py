"""Lines of the biller's CSV files: what a good one looks like, and why a bad one is refused.

A line is one physical line: a field cannot hold a line break. Checked lines come back as COPY takes
them; the first column is the id, which is never quoted.
"""

import csv
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

BILLS_HEADER = (
    *("bill_id", "customer_code", "period", "kwh", "net_dong", "vat_dong", "amount_dong"),
    *("issued_on", "due_on"),
)
CUSTOMERS_HEADER = ("customer_code", "name", "address", "area_code", "segment", "agency")
MEMBERS_HEADER = ("customer_code", "agency_code", "agency_name")
SEGMENTS = frozenset({"household", "public_employee", "business"})
AMOUNT_MAX_DONG = 10**13

CUSTOMER_CODE = "[A-Z0-9]{4,20}"
"""What any biller's customer code looks like, in the API too."""
_DAY, _DONG = "[0-9]{4}-[0-9]{2}-[0-9]{2}", "[0-9]{1,14}"
BILL_COLUMNS = (
    "[A-Za-z0-9][A-Za-z0-9._-]{0,39}",
    CUSTOMER_CODE,
    "20[0-9]{2}-(?:0[1-9]|1[0-2])",
    "[0-9]{0,9}",
    *(_DONG, _DONG, _DONG),
    *(_DAY, _DAY),
)
_CODE = re.compile(CUSTOMER_CODE, re.ASCII)
BILL = re.compile(",".join(f"({column})" for column in BILL_COLUMNS), re.ASCII)
_AGENCY = re.compile("[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that was not kept, by its number in the file (the header is line 1)."""

    line: int
    id: str
    code: str
    reason: str


class BillCheck:
    """Checks a line of bills; a good one comes back with its period as a day, the first."""

    def __init__(self, customer_codes: re.Pattern[str]) -> None:
        self._pattern = customer_codes
        self._days: set[str] = set()

    def __call__(self, number: int, text: str) -> str | Refusal:
        """Check one line."""
        match = BILL.fullmatch(text)
        if match is None:
            fields = _fields(text)
            if len(fields) != len(BILLS_HEADER):
                return _columns(number, fields, BILLS_HEADER)
            text = ",".join(fields)
            match = BILL.fullmatch(text)
            if match is None:
                return Refusal(number, fields[0][:40], "malformed", _which(fields))
        name, code, _, _, net, vat, amount, issued_on, due_on = match.groups()
        if int(net) + int(vat) != int(amount) or not 0 < int(amount) <= AMOUNT_MAX_DONG:
            return Refusal(number, name, "amount_wrong", "net + vat must be the amount, above 0")
        if not self._pattern.fullmatch(code):
            return Refusal(number, name, "customer_code_invalid", "not a code of this biller")
        if not (self._is_day(issued_on) and self._is_day(due_on)):
            return Refusal(number, name, "malformed", "a day that no calendar has")
        return f"{text[: match.end(3)]}-01{text[match.end(3) :]}"

    def _is_day(self, text: str) -> bool:
        if text not in self._days:
            try:
                date.fromisoformat(text)
            except ValueError:
                return False
            self._days.add(text)
        return True


class CustomerCheck:
    """Checks a line of customers; a good one comes back composed (NFC) and quoted."""

    def __init__(self, customer_codes: re.Pattern[str]) -> None:
        self._pattern = customer_codes

    def __call__(self, number: int, text: str) -> str | Refusal:
        """Check one line."""
        fields = [unicodedata.normalize("NFC", part.strip()) for part in _fields(text)]
        if len(fields) != len(CUSTOMERS_HEADER):
            return _columns(number, fields, CUSTOMERS_HEADER)
        code, name, address, area, segment, agency = fields
        if not (_CODE.fullmatch(code) and self._pattern.fullmatch(code)):
            return Refusal(number, code[:40], "customer_code_invalid", "not a code of this biller")
        if not all(_is_plain(part) for part in (name, address)) or (
            agency and not _is_plain(agency)
        ):
            return Refusal(number, code, "malformed", "name, address or agency")
        if not re.fullmatch("[0-9]{2,5}", area, re.ASCII) or segment not in SEGMENTS:
            return Refusal(number, code, "malformed", "area_code or segment")
        quoted = ",".join(f'"{part.replace(chr(34), chr(34) * 2)}"' for part in fields[1:5])
        agency = f'"{agency.replace(chr(34), chr(34) * 2)}"' if agency else ""
        return f"{code},{quoted},{agency}"


class MemberCheck:
    """Checks a line of an agency's people; a good one comes back with the name as it is, last."""

    def __init__(self, customer_codes: re.Pattern[str]) -> None:
        self._pattern = customer_codes

    def __call__(self, number: int, text: str) -> str | Refusal:
        """Check one line."""
        fields = [unicodedata.normalize("NFC", part.strip()) for part in _fields(text)]
        if len(fields) != len(MEMBERS_HEADER):
            return _columns(number, fields, MEMBERS_HEADER)
        code, agency, name = fields
        if not (_CODE.fullmatch(code) and self._pattern.fullmatch(code)):
            return Refusal(number, code[:40], "customer_code_invalid", "not a code of this biller")
        if not _AGENCY.fullmatch(agency) or not _is_plain(name):
            return Refusal(number, code, "malformed", "agency_code or agency_name")
        return f"{code},{agency},{name}"


def _fields(text: str) -> list[str]:
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error:
        return []
    return rows[0] if rows else []


def _columns(number: int, fields: list[str], header: Sequence[str]) -> Refusal:
    name = fields[0][:40] if fields else ""
    return Refusal(number, name, "malformed", f"must have {len(header)} columns, has {len(fields)}")


def _which(fields: list[str]) -> str:
    """Name the first column of a bill whose text is out of shape."""
    columns = zip(BILLS_HEADER, BILL_COLUMNS, fields, strict=True)
    wrong = (name for name, shape, text in columns if not re.fullmatch(shape, text, re.ASCII))
    return next(wrong, "line")


def _is_plain(text: str) -> bool:
    return 0 < len(text) <= 200 and not any(  # noqa: PLR2004
        unicodedata.category(character) in _HIDDEN for character in text
    )
