"""A biller's CSV file: its header, its lines in checked chunks, and the report of those refused."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, TextIO

from gateway.domain.cards import holds_card_number
from gateway.domain.csv_lines import Refusal

CHUNK_LINES = 20_000
LINE_MAX_BYTES = 4_096

Check = Callable[[int, str], str | Refusal]


class FileRefused(ValueError):
    """The file as a whole cannot be imported; unless it says how many lines are in, none is."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some lines: those that may be kept, as COPY takes them, and those refused.

    Only texts and numbers: an object for each line would keep the garbage collector busy.
    """

    lines: int
    good: dict[str, str]
    """By the id of the bill or customer."""
    numbers: dict[str, int]
    refused: list[Refusal]


class RefusedLines:
    """The report: every refused line as CSV, or nothing where none is wanted."""

    def __init__(self, out: TextIO | None, id_name: str) -> None:
        self._writer = csv.writer(out) if out is not None else None
        if self._writer is not None:
            self._writer.writerow(["line", id_name, "code", "reason"])

    def write(self, refused: list[Refusal]) -> None:
        """Add lines."""
        if self._writer is not None:
            self._writer.writerows((r.line, _cell(r.id), r.code, r.reason) for r in refused)


def _cell(text: str) -> str:
    """Show a bad line's id so that a spreadsheet neither runs it nor breaks on it.

    >>> _cell("=1+1")
    "'=1+1"
    """
    shown = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    return f"'{shown}" if shown.startswith(("=", "+", "-", "@")) else shown


def read_header(file: BinaryIO, header: Sequence[str]) -> None:
    """Read the first line, which must name these columns in this order.

    Raises:
        FileRefused: it does not; the message names the column.
    """
    first = file.readline(LINE_MAX_BYTES)
    named = first.decode("utf-8-sig", errors="replace").strip().replace('"', "").split(",")
    if named != list(header):
        message = f"{_difference(named, header)}; the header must be '{','.join(header)}'"
        raise FileRefused(message)


def _difference(named: Sequence[str], header: Sequence[str]) -> str:
    missing = [name for name in header if name not in named]
    strange = [name for name in named if name not in header]
    if missing:
        return f"column '{missing[0]}' is missing" + (
            f", '{strange[0][:40]}' is not known" if strange else ""
        )
    if strange or len(named) > len(header):
        return f"column '{(strange or named[len(header) :])[0][:40]}' is one too many"
    place, name = next((n, name) for n, name in enumerate(named, 1) if name != header[n - 1])
    return f"column {place} is '{name}' where '{header[place - 1]}' belongs"


def read_chunks(file: BinaryIO, check: Check, *, ids_once: bool) -> Iterator[Chunk]:
    """Check the lines after the header, some ten thousand at a time.

    Of two lines with one id in a chunk the later stays; with `ids_once` the first does, and the
    later is refused. A statement that writes the chunk can take an id but once.
    """
    lines, first = _lines(file), 2
    while chunk := _chunk(first, islice(lines, CHUNK_LINES), check, ids_once=ids_once):
        yield chunk
        first += chunk.lines


def _chunk(
    first: int, lines: Iterable[bytes | None], check: Check, *, ids_once: bool
) -> Chunk | None:
    good: dict[str, str] = {}
    numbers: dict[str, int] = {}
    refused: list[Refusal] = []
    number = first - 1
    for number, raw in enumerate(lines, start=first):
        checked = _checked(number, raw, check)
        if isinstance(checked, Refusal):
            refused.append(checked)
            continue
        name = checked[: checked.index(",")]
        if ids_once and name in good:
            refused.append(Refusal(number, name, "repeated", "the same id stands above"))
        else:
            good[name], numbers[name] = checked, number
    read = number - first + 1
    return Chunk(read, good, numbers, refused) if read else None


def _lines(file: BinaryIO) -> Iterator[bytes | None]:
    """Give line after line; None for one that is too long, whose rest is skipped."""
    while raw := file.readline(LINE_MAX_BYTES):
        if len(raw) == LINE_MAX_BYTES and not raw.endswith(b"\n"):
            while (rest := file.readline(LINE_MAX_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield None
        else:
            yield raw


def _checked(number: int, raw: bytes | None, check: Check) -> str | Refusal:
    if raw is None:
        return Refusal(number, "", "line_too_long", f"is over {LINE_MAX_BYTES} bytes")
    try:
        text = raw.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        return Refusal(number, "", "not_utf8", "is not UTF-8")
    if holds_card_number(text):
        return Refusal(number, "", "card_number", "holds a card's number, which is not kept here")
    return check(number, text)
