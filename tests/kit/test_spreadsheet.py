"""Workbooks and zipped CSV hold what was written, in order, and nothing that runs."""

import csv
import io
import zipfile
from datetime import date
from pathlib import Path

import pytest

from gateway.kit import spreadsheet
from gateway.kit.spreadsheet import Form, open_book, plain
from gateway.sandbox.recompute import tables

ROWS = [("Phường 5", 3, 0.5, None, date(2026, 10, 1)), ("=HYPERLINK(1)", -1, 2.5, True, "x")]
HEADER = ("a", "b", "c", "d", "e")


@pytest.fixture(params=list(Form))
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"book{spreadsheet.SUFFIXES[request.param]}"
    with open_book(path, request.param) as made:
        made.begin("first", HEADER)
        made.add(ROWS[:1])
        made.add(ROWS[1:])
        made.begin("second", ("only",))
        made.add([("row",)])
    return path


def test_what_was_written_is_read_in_its_order(book: Path) -> None:
    found = [tuple(row.values()) for row in tables(str(book), "first")]
    assert found == [
        ("Phường 5", "3", "0.5", "", "2026-10-01"),
        ("'=HYPERLINK(1)", "-1", "2.5", "1", "x"),
    ]
    assert [row["only"] for row in tables(str(book), "second")] == ["row"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_text_begins_like_a_formula(text: str) -> None:
    assert plain(text) == f"'{text}"


def test_a_workbook_holds_no_formula_and_no_link(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with open_book(path, Form.XLSX) as made:
        made.begin("s", ("a", "b"))
        made.add([("=1+1", "http://example.test/")])
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet.lower()


def test_csv_begins_with_the_mark_by_which_excel_knows_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "book.zip"
    with open_book(path, Form.CSV) as made:
        made.begin("s", ("tên",))
        made.add([("có, dấu phẩy",)])
    with zipfile.ZipFile(path) as archive:
        raw = archive.read("s.csv")
    assert raw.startswith(b"\xef\xbb\xbf")
    assert list(csv.reader(io.StringIO(raw.decode("utf-8-sig")))) == [["tên"], ["có, dấu phẩy"]]


def test_a_sheet_that_is_full_goes_on_in_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheet, "ROWS_MAX", 3)
    path = tmp_path / "book.xlsx"
    with open_book(path, Form.XLSX) as made:
        made.begin("raw", ("n",))
        made.add([(n,) for n in range(8)])
    assert [row["n"] for row in tables(str(path), "raw")] == [str(n) for n in range(8)]
