from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import InvariantBroken
from gateway.kit.debit_files import (
    BankLine,
    RequestLine,
    read_results,
    request_name,
    result_name,
    write_debits,
)
from gateway.kit.messages import Unreadable

LINE = RequestLine("D1", "M1", "1900100200300", 150_000, "PB14010000123", "HD-2026.10/1", 1)
OTHER = replace(LINE, debit_id="D2", amount_dong=99_000, attempt=2)
BOOKED = "2026-11-24T09:00:00+07:00"


def a_result(*lines: str, sum_dong: int = 150_000, count: int | None = None) -> bytes:
    body = "".join(f"{line}\n" for line in lines).encode()
    number = len(lines) if count is None else count
    return body + f"T|{number}|{sum_dong}|{sha256(body).hexdigest()}\n".encode()


TRUE = a_result(f"R|D1|00|FT1|{BOOKED}", "R|D2|51||")


def test_a_request_file_is_written_as_the_contract_says() -> None:
    raw = write_debits([LINE, OTHER])
    body = (
        b"D|D1|M1|1900100200300|150000|PB14010000123|HD-2026.10/1|1\n"
        b"D|D2|M1|1900100200300|99000|PB14010000123|HD-2026.10/1|2\n"
    )
    assert raw == body + f"T|2|249000|{sha256(body).hexdigest()}\n".encode()
    assert raw == write_debits([LINE, OTHER])


def test_files_are_named_by_bank_day_and_number() -> None:
    name = request_name("970436", date(2026, 2, 1), 17)
    assert name == "AD_970436_20260201_017.REQ"
    assert result_name(name) == "AD_970436_20260201_017.RES"


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [LINE, LINE],
        [replace(LINE, amount_dong=0)],
        [replace(LINE, bill_id="a|b")],
        [replace(LINE, bill_id="a\nb")],
        [replace(LINE, attempt=0)],
    ],
    ids=["nothing", "a debit twice", "no amount", "a pipe", "a line feed", "no attempt"],
)
def test_what_would_break_the_file_is_never_written(lines: list[RequestLine]) -> None:
    with pytest.raises(InvariantBroken):
        write_debits(lines)


def test_results_are_read_line_by_line() -> None:
    (taken, refused), taken_dong = read_results(TRUE)
    assert taken_dong == 150_000
    assert taken == BankLine("D1", "00", "FT1", datetime(2026, 11, 24, 2, tzinfo=UTC))
    assert refused == BankLine("D2", "51", "", None)


def test_a_debit_that_the_file_lacks_is_not_in_the_results() -> None:
    results, _ = read_results(a_result(f"R|D1|00|FT1|{BOOKED}"))
    assert [result.debit_id for result in results] == ["D1"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        TRUE[:-3],
        TRUE.partition(b"T|")[0],
        TRUE.replace(b"R|D2|51", b"R|D2|00"),
        TRUE.replace(b"FT1", b"FT2"),
        a_result(f"R|D1|00|FT1|{BOOKED}", "R|D2|51||", count=3),
        a_result(f"R|D1|00|FT1|{BOOKED}", f"R|D1|00|FT1|{BOOKED}", sum_dong=300_000),
        a_result("R|D1|00||"),
        a_result("R|D1|00|FT1|2026-11-24"),
        a_result("R|D1|51||", "X", sum_dong=0),
        TRUE + b"R|D2|00|FT9|\n",
    ],
    ids=[
        "nothing",
        "cut",
        "no trailer",
        "another code",
        "another byte",
        "count",
        "a debit twice",
        "taken without number",
        "a time without zone",
        "no result line",
        "more after the trailer",
    ],
)
def test_a_result_file_that_is_not_whole_says_nothing(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        read_results(raw)


@given(st.binary(max_size=200), st.integers(0, len(TRUE)))
def test_no_bytes_raise_anything_else(noise: bytes, at: int) -> None:
    for raw in (noise, TRUE[:at] + noise + TRUE[at:]):
        with suppress(Unreadable):
            assert read_results(raw) == read_results(TRUE)
