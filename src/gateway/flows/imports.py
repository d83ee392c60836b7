"""Imports: a million lines of CSV with flat memory, each bad line refused by its number.

Lines are checked in a thread while the database merges the chunk before. Each chunk commits by
itself and every line is safe to send again, so an import that was cut off is simply run again.
"""

import asyncio
import csv
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

from gateway.domain.biller import Biller
from gateway.domain.csv_lines import (
    BILLS_HEADER,
    CUSTOMERS_HEADER,
    BillCheck,
    CustomerCheck,
    Refusal,
)
from gateway.domain.errors import DatabaseUnavailable
from gateway.flows.access import find_biller
from gateway.runtime import Runtime
from gateway.store import database, upkeep
from gateway.store import imports as store

CHUNK_LINES = 50_000
LINE_MAX_BYTES = 4_096
SHOWN_MAX = 20


class FileRefused(ValueError):
    """The file as a whole cannot be imported; nothing was written."""


@dataclass(slots=True)
class ImportReport:
    """What became of a file."""

    lines: int = 0
    written: int = 0
    refused: int = 0
    first: list[Refusal] = field(default_factory=list)

    @property
    def unchanged(self) -> int:
        """Lines that stood there already just so, or that a later line replaced."""
        return self.lines - self.written - self.refused

    def __str__(self) -> str:
        """Say it in one sentence, and name the first refused lines."""
        counts = (
            f"{self.lines} lines: {self.written} written, {self.unchanged} unchanged, "
            f"{self.refused} refused"
        )
        shown = [f"  line {r.line} {r.id!r} {r.code}: {r.reason}" for r in self.first]
        return "\n".join([counts, *shown])


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines that were checked, as COPY takes them, and those that were refused."""

    lines: int
    good: int
    blob: bytes
    refused: list[Refusal]


Check = Callable[[int, str], str | Refusal]
_Merge = Callable[[database.Raw, Chunk], Awaitable[tuple[int, list[Refusal]]]]


async def import_bills(
    rt: Runtime, biller_code: str, path: Path, *, actor: str, report: Path | None = None
) -> ImportReport:
    """Import bills from CSV; `report` receives every refused line.

    Raises:
        FileRefused: it cannot be read or its header is another.
        BillerUnknown: there is no such biller.
        DatabaseUnavailable: it says how many lines are safely in; run it again.
    """
    biller = find_biller(rt, biller_code)

    async def merge(connection: database.Raw, chunk: Chunk) -> tuple[int, list[Refusal]]:
        written, standing = await store.merge_bills(connection, biller.id, chunk.blob)
        return written, [_refusal_of(line) for line in standing]

    job = _Job(rt, biller, path, report, actor, "bills.imported")
    return await job.run(BILLS_HEADER, BillCheck(biller.rules.customer_code_pattern), merge)


async def import_customers(
    rt: Runtime, biller_code: str, path: Path, *, actor: str, report: Path | None = None
) -> ImportReport:
    """Import customers from CSV; of two lines with one code the later wins. Raises as above."""
    biller = find_biller(rt, biller_code)

    async def merge(connection: database.Raw, chunk: Chunk) -> tuple[int, list[Refusal]]:
        return await store.merge_customers(connection, biller.id, chunk.blob), []

    job = _Job(rt, biller, path, report, actor, "customers.imported")
    return await job.run(CUSTOMERS_HEADER, CustomerCheck(biller.rules.customer_code_pattern), merge)


@dataclass(frozen=True, slots=True)
class _Job:
    rt: Runtime
    biller: Biller
    path: Path
    report: Path | None
    actor: str
    action: str

    async def run(self, header: Sequence[str], check: Check, merge: _Merge) -> ImportReport:
        done = ImportReport()
        with ExitStack() as files:
            file, refusals = await asyncio.to_thread(self._open, files, header)
            chunks = _chunks(file, check)
            upcoming = await asyncio.to_thread(next, chunks, None)
            while upcoming is not None:
                # The next chunk is checked in a thread while the database merges this one.
                following = asyncio.create_task(asyncio.to_thread(next, chunks, None))
                await self._merge(upcoming, merge, done, refusals)
                upcoming = await following
        await self._conclude(done)
        return done

    def _open(self, files: ExitStack, header: Sequence[str]) -> "tuple[BinaryIO, _Refusals]":
        try:
            file = files.enter_context(self.path.open("rb"))
        except OSError as error:
            message = f"'{self.path}' cannot be read: {error.strerror}"
            raise FileRefused(message) from error
        _read_header(file, header)
        out = None
        if self.report is not None:
            out = files.enter_context(self.report.open("w", encoding="utf-8", newline=""))
        return file, _Refusals(out)

    async def _merge(
        self, chunk: Chunk, merge: _Merge, done: ImportReport, refusals: "_Refusals"
    ) -> None:
        try:
            written, standing = 0, list[Refusal]()
            if chunk.good:
                async with (
                    database.borrow(self.rt.engine) as connection,
                    connection.transaction(),
                ):
                    written, standing = await merge(connection, chunk)
        except Exception as error:
            if database.broke(error):
                message = (
                    f"the database went away; the first {done.lines} lines are safely in: "
                    "run the import again"
                )
                raise DatabaseUnavailable(message) from error
            raise
        refused = sorted([*chunk.refused, *standing], key=lambda refusal: refusal.line)
        refusals.write(refused)
        done.lines += chunk.lines
        done.written += written
        done.refused += len(refused)
        done.first += refused[: SHOWN_MAX - len(done.first)]

    async def _conclude(self, done: ImportReport) -> None:
        detail: dict[str, object] = {
            "lines": done.lines,
            "written": done.written,
            "refused": done.refused,
        }
        entry = upkeep.AuditEntry(self.actor, self.action, self.biller.code, detail)
        async with database.borrow(self.rt.engine) as connection:
            await upkeep.audit(connection, entry)
            if done.lines >= CHUNK_LINES:
                await store.analyze(connection)


class _Refusals:
    def __init__(self, out: TextIO | None) -> None:
        self._writer = csv.writer(out) if out is not None else None
        if self._writer is not None:
            self._writer.writerow(["line", "id", "code", "reason"])

    def write(self, refused: list[Refusal]) -> None:
        if self._writer is not None:
            self._writer.writerows((r.line, r.id, r.code, r.reason) for r in refused)


def _read_header(file: BinaryIO, header: Sequence[str]) -> None:
    first = file.readline(LINE_MAX_BYTES)
    named = first.decode("utf-8-sig", errors="replace").strip().replace('"', "").split(",")
    if named != list(header):
        message = f"the header must be '{','.join(header)}', not '{','.join(named)[:200]}'"
        raise FileRefused(message)


def _chunks(file: BinaryIO, check: Check) -> Iterator[Chunk]:
    good: list[str] = []
    refused: list[Refusal] = []
    for number, raw in enumerate(_lines(file), start=2):
        checked = _checked(number, raw, check)
        if isinstance(checked, Refusal):
            refused.append(checked)
        else:
            good.append(checked)
        if len(good) + len(refused) >= CHUNK_LINES:
            yield _chunk(good, refused)
            good, refused = [], []
    if good or refused:
        yield _chunk(good, refused)


def _chunk(good: list[str], refused: list[Refusal]) -> Chunk:
    """Pack a chunk; of two lines with one id the first stays, COPY's merge takes each id once."""
    lines, ids = [], set[str]()
    for text in good:
        number, name, _ = text.split(",", 2)
        if name in ids:
            refused.append(Refusal(int(number), name, "repeated", "the same id stands above"))
        else:
            ids.add(name)
            lines.append(text)
    blob = "\n".join(lines).encode() + b"\n"
    return Chunk(len(lines) + len(refused), len(lines), blob, refused)


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
        return check(number, raw.decode().rstrip("\r\n"))
    except UnicodeDecodeError:
        return Refusal(number, "", "not_utf8", "is not UTF-8")


def _refusal_of(line: store.Standing) -> Refusal:
    code, reason = _why(line)
    return Refusal(line.line, line.id, code, reason)


def _why(line: store.Standing) -> tuple[str, str]:
    if not line.has_customer:
        return "customer_unknown", "write the customer first"
    if line.same_customer is False:
        return "bill_of_other_customer", "this id belongs to another customer's bill"
    if line.status == "paid":
        return "bill_already_paid", "a paid bill cannot change"
    if line.status == "cancelled":
        return "bill_cancelled", "a cancelled bill cannot change; use a new id"
    return "bill_partly_paid", "a bill with payments cannot change"
