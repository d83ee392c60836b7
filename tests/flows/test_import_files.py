import csv
import io
import re
import tracemalloc

import pytest

from gateway.domain.csv_lines import BILLS_HEADER, BillCheck, CustomerCheck, Refusal
from gateway.flows import import_files
from gateway.flows.import_files import FileRefused, RefusedLines, read_chunks, read_header

CHECK = BillCheck(re.compile("PB14[0-9]{9}"))
REST = "PB14010000001,2026-10,45,92593,7407,100000,2026-11-02,2026-11-09"


def read(*lines: str) -> tuple[list[str], list[tuple[int, str]]]:
    """Give the ids that were kept, and number and code of the refused lines."""
    file = io.BytesIO("\n".join(["header", *lines]).encode())
    file.readline()
    chunks = list(read_chunks(file, CHECK, ids_once=True))
    kept = [text.split(",")[0] for chunk in chunks for text in chunk.good.values()]
    assert kept == [name for chunk in chunks for name in chunk.numbers]
    refused = [refusal for chunk in chunks for refusal in chunk.refused]
    assert sum(chunk.lines for chunk in chunks) == len(kept) + len(refused)
    return kept, [(refusal.line, refusal.code) for refusal in refused]


def test_a_line_break_inside_a_field_does_not_shift_the_numbers_after_it() -> None:
    broken = f'"HD-1\n",{REST}'
    assert read(broken, f"HD-2,{REST}", "rubbish") == (
        ["HD-2"],
        [(2, "malformed"), (3, "malformed"), (5, "malformed")],
    )


def test_a_quote_that_is_never_closed_costs_its_own_line_only() -> None:
    assert read(f'"HD-1,{REST}', f"HD-2,{REST}") == (["HD-2"], [(2, "malformed")])
    assert read(f"HD-1,{REST}", f'HD-2,"{REST}') == (["HD-1"], [(3, "malformed")])


def test_an_empty_line_is_refused_and_a_missing_last_line_end_is_not() -> None:
    assert read(f"HD-1,{REST}", "", f"HD-2,{REST}") == (["HD-1", "HD-2"], [(3, "malformed")])


def test_of_two_lines_with_one_id_in_a_chunk_the_first_stays() -> None:
    assert read(f"HD-1,{REST}", f"HD-2,{REST}", f"HD-1,{REST}") == (
        ["HD-1", "HD-2"],
        [(4, "repeated")],
    )


def test_of_two_customers_with_one_code_the_later_stays() -> None:
    lines = b"header\nPB14010000001,An,1,32008,household,\nPB14010000001,Ba,1,32008,household,\n"
    file = io.BytesIO(lines)
    file.readline()
    check = CustomerCheck(re.compile("PB14[0-9]{9}"))
    [chunk] = read_chunks(file, check, ids_once=False)
    assert chunk.good == {"PB14010000001": 'PB14010000001,"Ba","1","32008","household",'}
    assert (chunk.lines, chunk.numbers, chunk.refused) == (2, {"PB14010000001": 3}, [])


def test_a_refused_line_does_not_take_its_id_from_a_good_one() -> None:
    assert read("HD-1,rubbish", f"HD-1,{REST}") == (["HD-1"], [(2, "malformed")])


def test_a_line_is_as_long_as_4096_bytes_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_files, "LINE_MAX_BYTES", len(f"HD-1,{REST}\n"))
    assert read(f"HD-1,{REST}", f"HD-22,{REST}", f"HD-3,{REST}") == (
        ["HD-1", "HD-3"],
        [(3, "line_too_long")],
    )


def test_memory_does_not_grow_with_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_files, "CHUNK_LINES", 500)

    def peak_of(lines: int) -> int:
        file = io.BytesIO("\n".join(f"HD-{n},{REST}" for n in range(lines)).encode())
        tracemalloc.start()
        assert sum(len(chunk.good) for chunk in read_chunks(file, CHECK, ids_once=True)) == lines
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak_of(20_000) < 1.5 * peak_of(1_000)


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("bill_id,customer_code", "column 'period' is missing;"),
        (",".join(BILLS_HEADER).replace("kwh", "KWH"), "'kwh' is missing, 'KWH' is not known;"),
        (",".join(BILLS_HEADER) + ",note", "column 'note' is one too many;"),
        (",".join(BILLS_HEADER) + ",kwh", "column 'kwh' is one too many;"),
        (
            ",".join(BILLS_HEADER).replace("net_dong,vat_dong", "vat_dong,net_dong"),
            "column 5 is 'vat_dong' where 'net_dong' belongs;",
        ),
        (",".join(BILLS_HEADER).replace(",", ";"), "column 'bill_id' is missing,"),
        ("", "column 'bill_id' is missing"),
    ],
)
def test_another_header_is_refused_by_the_name_of_its_column(named: str, sentence: str) -> None:
    with pytest.raises(FileRefused, match=re.escape(sentence)):
        read_header(io.BytesIO(f"{named}\n".encode()), BILLS_HEADER)


def test_a_spreadsheet_that_opens_the_report_runs_nothing_of_it() -> None:
    out = io.StringIO(newline="")
    names = ["=1+1", "+1", "-1", "@a", "HD\x00\r", "HD-1"]
    RefusedLines(out, "bill_id").write([Refusal(2, name, "malformed", "why") for name in names])
    rows = list(csv.reader(out.getvalue().splitlines()))
    assert rows[0] == ["line", "bill_id", "code", "reason"]
    assert [row[1] for row in rows[1:]] == ["'=1+1", "'+1", "'-1", "'@a", "HD\ufffd\ufffd", "HD-1"]
