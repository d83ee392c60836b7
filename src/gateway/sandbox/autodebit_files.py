"""The simulated bank's files: `AD_<bank>_<yyyyMMdd>_<seq>.REQ` in, `.RES` out, each whole or not.

A file of the same name and the same bytes again changes nothing; with other bytes it is refused.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from gateway.sandbox import autodebit_wire as wire
from gateway.sandbox.autodebit_books import Debit
from gateway.sandbox.autodebit_wire import DebitAsked
from gateway.sandbox.rail_faults import Fault

REQUEST_NAME = re.compile(r"AD_([0-9]{6})_([0-9]{8})_([0-9]{3})\.REQ", re.ASCII)
_DEBIT_LINE_PARTS = 8


class FileWrong(Exception):
    """A request file that is not whole, or a line of it that is not a debit."""


def read_request(raw: bytes) -> list[tuple[DebitAsked, Mapping[str, str]]]:
    """Read a request file: D lines and one trailer `T|count|sum|sha256`.

    The hash is of all bytes before the trailer. Each line is given with its account and customer.

    Raises:
        FileWrong: a line or the trailer is wrong; nothing of the file is booked then.
    """
    body, mark, trailer = raw.rpartition(b"T|")
    parts = trailer.removesuffix(b"\n").split(b"|")
    lines = [_debit(line) for line in body.decode("ascii", "replace").splitlines()]
    due = [str(len(lines)), str(sum(debit.amount for debit, _ in lines)), sha256(body).hexdigest()]
    if not mark or [part.decode("ascii", "replace") for part in parts] != due:
        raise FileWrong
    return lines


def _debit(line: str) -> tuple[DebitAsked, Mapping[str, str]]:
    parts = line.split("|")
    if len(parts) != _DEBIT_LINE_PARTS or parts[0] != "D":
        raise FileWrong
    _, debit_id, mandate_id, account, amount, customer, bill_id, attempt = parts
    try:
        fields = {"debit_id": debit_id, "mandate_id": mandate_id, "bill_id": bill_id}
        debit = DebitAsked.model_validate(
            {**fields, "amount": int(amount), "attempt": int(attempt)}
        )
    except ValueError as error:
        raise FileWrong from error
    return debit, {"account": account, "customer_code": customer}


def write_results(lines: Sequence[tuple[str, str, str, str]], sum_dong: int) -> bytes:
    """Write a result file of (debit_id, code, bank_ref, booked_at); the sum is of the 00 lines."""
    body = "".join(f"R|{'|'.join(line)}\n" for line in lines).encode()
    return body + f"T|{len(lines)}|{sum_dong}|{sha256(body).hexdigest()}\n".encode()


class ResultFiles:
    """Books request files through `book` and keeps which debits each one named."""

    def __init__(
        self, *, client: wire.Client, book: Callable[[DebitAsked], dict[str, Any]]
    ) -> None:
        self._client, self._book = client, book
        self._taken: dict[str, bytes] = {}
        self._lines: dict[str, list[tuple[str, str]]] = {}

    def take(self, name: str, raw: bytes) -> str:
        """Book a request file, all of it or nothing, and give the call's code."""
        if (before := self._taken.get(name)) is not None:
            return wire.DUPLICATE if before == raw else wire.BAD_DATA
        named = REQUEST_NAME.fullmatch(name)
        if named is None or named[1] != self._client.bank:
            return wire.BAD_DATA
        try:
            lines = read_request(raw)
        except FileWrong:
            return wire.BAD_DATA
        self._taken[name] = raw
        codes = [(debit.debit_id, str(self._book(debit)["code"])) for debit, _ in lines]
        self._lines[name.replace(".REQ", ".RES")] = codes
        return wire.DEBITED

    def lines(self, name: str) -> list[tuple[str, str]] | None:
        """Give (debit_id, code as answered) of a result file, or None if there is none."""
        return self._lines.get(name)


def results(lines: Sequence[tuple[str, Debit | None, str]], fault: Fault | None) -> bytes:
    """Write the result file as the books stand; a fault loses, doubles or corrupts."""
    rows = [_row(debit_id, debit, code) for debit_id, debit, code in lines]
    total = sum(d.asked.amount for _, d, _ in lines if d is not None and d.code == wire.DEBITED)
    if fault is Fault.MISSING:
        rows = rows[1:]
    if fault is Fault.DUPLICATE:
        rows = rows[:1] + rows
    if fault is Fault.OTHER_ORDER and rows:
        rows[0] = (rows[0][0] + "x", *rows[0][1:])
    whole = write_results(rows, total + (1_000 if fault is Fault.WRONG_AMOUNT else 0))
    return whole[:-2] + b"~\n" if fault is Fault.FORGED else whole


def _row(debit_id: str, debit: Debit | None, code: str) -> tuple[str, str, str, str]:
    """Write a line: what was unreachable or late is said as it was answered, else as it stands."""
    if debit is None or code in {wire.UNREACHABLE, wire.LATE}:
        return debit_id, code, "", ""
    return debit_id, debit.code, debit.bank_ref, wire.to_time(debit.booked_at)
