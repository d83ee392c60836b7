"""Tables for people with a spreadsheet: one XLSX workbook, or CSV files in a ZIP; flat in memory.

No cell can be a formula: what begins like one is written with an apostrophe before it (OWASP, "CSV
Injection", read 2026-11-24), in workbooks too, for people save those as CSV.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeAlias

Value: TypeAlias = "str | int | float | bool | date | None"
Row: TypeAlias = Sequence[Value]

ROWS_MAX = 1_000_000
"""Of one sheet, a little below what Excel holds (1,048,576); what is over goes on in another."""
WIDTH = 18
_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n")


class Form(StrEnum):
    """What file to make."""

    XLSX = "xlsx"
    CSV = "csv"
    """CSV files in a ZIP, each in UTF-8 with a byte order mark, as Excel needs it."""


MEDIA_TYPES = {
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Form.CSV: "application/zip",
}
SUFFIXES = {Form.XLSX: ".xlsx", Form.CSV: ".zip"}


def plain(value: Value) -> str | int | float:
    """Give a cell that no spreadsheet runs.

    >>> plain("=1+1"), plain(-5), plain(True), plain(None), plain(date(2026, 10, 1))
    ("'=1+1", -5, 1, '', '2026-10-01')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(_BEGINS) else text


class Book(Protocol):
    """A file of several tables, written one after another, each from its first row to its last."""

    def begin(self, name: str, header: Sequence[str]) -> None:
        """Begin a table; the one before is finished."""

    def add(self, rows: Iterable[Row]) -> None:
        """Add rows to the table that was begun last."""


@contextmanager
def open_book(path: Path, form: Form) -> Iterator[Book]:
    """Write a file of tables; it is whole when the context ends without an error."""
    if form is Form.CSV:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            book = _Zip(archive)
            yield book
            book.close()
        return
    # A process that makes no workbook need not carry its writer.
    from xlsxwriter import Workbook  # type: ignore[import-untyped]  # noqa: PLC0415

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "tmpdir": str(path.parent),
    }
    workbook = Workbook(str(path), options)
    yield _Xlsx(workbook)
    workbook.close()


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._out: io.TextIOWrapper | None = None

    def begin(self, name: str, header: Sequence[str]) -> None:
        self.close()
        raw = self._archive.open(f"{name}.csv", "w", force_zip64=True)
        self._out = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
        self.add([header])

    def add(self, rows: Iterable[Row]) -> None:
        csv.writer(self._out).writerows([plain(value) for value in row] for row in rows)  # type: ignore[arg-type]  # begun before

    def close(self) -> None:
        if self._out is not None:
            self._out.close()


class _Xlsx:
    def __init__(self, workbook: Any) -> None:
        self._workbook = workbook
        self._bold = workbook.add_format({"bold": True})
        self._sheet: Any = None
        self._name, self._header = "", list[str]()
        self._part = self._next = 0

    def begin(self, name: str, header: Sequence[str]) -> None:
        self._name, self._header, self._part = name, list(header), 0
        self._turn_page()

    def _turn_page(self) -> None:
        self._part += 1
        name = self._name if self._part == 1 else f"{self._name} {self._part}"
        self._sheet = self._workbook.add_worksheet(name)
        self._sheet.set_column(0, len(self._header) - 1, WIDTH)
        self._sheet.freeze_panes(1, 0)
        self._sheet.write_row(0, 0, self._header, self._bold)
        self._next = 1

    def add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if self._next > ROWS_MAX:
                self._turn_page()
            self._sheet.write_row(self._next, 0, [plain(value) for value in row])
            self._next += 1
