"""The files of `vn-autodebit/0.1`: debits out (`.REQ`), results in (`.RES`), each whole or not.

No bank publishes its direct-debit file; this is our own proposal (stated 2026-11-24).
Amounts are whole đồng, text is ASCII, lines end with a line feed, and the last line is a trailer
`T|count|sum|sha256`, the hash over all bytes before it. The sum of a result file is that of the
debits that were taken (code 00), for its lines carry no amounts. A file whose trailer does not hold
says nothing about any line.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256

from gateway.domain.errors import ensure
from gateway.kit.messages import Unreadable

TAKEN = "00"
_FIELD = re.compile(r"[0-9A-Za-z_.:/-]{1,64}", re.ASCII)
_BANK = re.compile(r"[0-9]{6}", re.ASCII)
_RESULT = re.compile(
    r"R\|([0-9A-Za-z_.-]{1,64})\|([0-9A-Z]{2})\|([ -{}~]{0,64})\|([0-9T:+-]{0,25})"
)
_TRAILER = re.compile(rb"T\|([0-9]{1,9})\|([0-9]{1,18})\|([0-9a-f]{64})\n?")
_SEQUENCE_MAX = 999


@dataclass(frozen=True, slots=True)
class RequestLine:
    """One debit of a request file; a later attempt has the same `debit_id` and a higher number."""

    debit_id: str
    mandate_id: str
    account_no: str
    amount_dong: int
    customer_code: str
    bill_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class BankLine:
    """One debit's result as the bank wrote it; `booked_at` is None where nothing was booked."""

    debit_id: str
    code: str
    bank_ref: str
    booked_at: datetime | None


def request_name(bank_bin: str, day: date, sequence: int) -> str:
    """Name a request file; its result file has the same name with `.RES`.

    >>> request_name("970405", date(2026, 11, 24), 1)
    'AD_970405_20261124_001.REQ'
    """
    ensure(bool(_BANK.fullmatch(bank_bin)), "a bank's BIN has six digits")
    ensure(1 <= sequence <= _SEQUENCE_MAX, "a day has at most 999 request files a bank")
    return f"AD_{bank_bin}_{day:%Y%m%d}_{sequence:03d}.REQ"


def result_name(request: str) -> str:
    """Name the result file of a request file."""
    return request.removesuffix(".REQ") + ".RES"


def write_debits(lines: Sequence[RequestLine]) -> bytes:
    """Write a request file: equal bytes for equal lines, so that sending it again is safe."""
    ensure(bool(lines), "a request file has a debit")
    ensure(len({line.debit_id for line in lines}) == len(lines), "a debit stands in a file once")
    body = "".join(_written(line) for line in lines).encode("ascii")
    return body + _trailer(len(lines), sum(line.amount_dong for line in lines), body)


def read_results(raw: bytes) -> tuple[list[BankLine], int]:
    """Read a result file: its lines, and the sum in đồng that was taken by them.

    The lines carry no amounts, so the sum is the trailer's word: whoever asked for the debits holds
    it against them. Debits that the file lacks are not proved anything.

    Raises:
        Unreadable: the trailer does not hold, a line is not a result, or a debit stands twice.
            Nothing may be concluded from any line.
    """
    at = raw.rfind(b"T|")
    body, said = raw[: max(at, 0)], _TRAILER.fullmatch(raw[max(at, 0) :])
    if at < 0 or said is None:
        raise Unreadable(what="trailer of the result file")
    if said[3].decode() != sha256(body).hexdigest():
        raise Unreadable(what="hash of the result file")
    results = [_result(line) for line in _lines_of(body)]
    if int(said[1]) != len(results):
        raise Unreadable(what="count of the result file")
    if len({result.debit_id for result in results}) != len(results):
        raise Unreadable(what="result file, a debit stands in it twice,")
    return results, int(said[2])


def read_time(text: str) -> datetime | None:
    """Read an instant with its offset, as `2026-11-24T09:00:00+07:00`; empty is None.

    Raises:
        Unreadable: it is no instant.
    """
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Unreadable(what="booked_at") from error
    if at.tzinfo is None:
        raise Unreadable(what="booked_at")
    return at


def _written(line: RequestLine) -> str:
    ensure(line.amount_dong > 0, "a debit takes a positive amount")
    ensure(line.attempt > 0, "attempts are counted from 1")
    texts = (line.debit_id, line.mandate_id, line.account_no, line.customer_code, line.bill_id)
    ensure(all(_FIELD.fullmatch(text) for text in texts), "a debit's fields keep the file's lines")
    debit_id, mandate_id, account, customer, bill = texts
    first = f"D|{debit_id}|{mandate_id}|{account}|{line.amount_dong}"
    return f"{first}|{customer}|{bill}|{line.attempt}\n"


def _trailer(count: int, sum_dong: int, body: bytes) -> bytes:
    return f"T|{count}|{sum_dong}|{sha256(body).hexdigest()}\n".encode()


def _lines_of(body: bytes) -> list[str]:
    text = body.decode("ascii", "replace")
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []


def _result(line: str) -> BankLine:
    found = _RESULT.fullmatch(line)
    if found is None:
        raise Unreadable(what="line of the result file")
    booked_at = read_time(found[4])
    if found[2] == TAKEN and not (found[3] and booked_at):
        raise Unreadable(what="line of the result file, number or time of booking,")
    return BankLine(found[1], found[2], found[3], booked_at)
