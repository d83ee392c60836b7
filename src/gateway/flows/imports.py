"""Imports: a million lines of CSV with flat memory, each bad line refused by its number.

Lines are checked in a thread while the database merges the chunk before. Each chunk commits by
itself and every line is safe to send again, so an import that was cut off is simply run again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from gateway.domain.biller import Biller
from gateway.domain.csv_lines import (
    BILLS_HEADER,
    CUSTOMERS_HEADER,
    BillCheck,
    CustomerCheck,
    Refusal,
)
from gateway.domain.errors import DatabaseUnavailable
from gateway.flows import bills
from gateway.flows.access import find_biller
from gateway.flows.import_files import (
    Check,
    Chunk,
    FileRefused,
    RefusedLines,
    read_chunks,
    read_header,
)
from gateway.runtime import Runtime
from gateway.store import database, upkeep
from gateway.store import imports as store

SHOWN_MAX = 20
MERGES_MAX = 5
ANALYZED_FROM = 50_000
"""After so many lines the planner's statistics are renewed."""


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


Merge = Callable[[database.Raw, Chunk], Awaitable[tuple[int, list[Refusal]]]]


async def import_bills(
    rt: Runtime, biller_code: str, path: Path, *, actor: str, report: Path | None = None
) -> ImportReport:
    """Import bills from CSV; `report` receives every refused line.

    Raises:
        FileRefused: it or the report cannot be opened, its header is another, or reading broke off.
        BillerUnknown: there is no such biller.
        DatabaseUnavailable: it says how many lines are safely in; run it again.
    """
    biller = find_biller(rt, biller_code)

    async def merge(connection: database.Raw, chunk: Chunk) -> tuple[int, list[Refusal]]:
        codes = {_code_of(text) for text in chunk.good.values()}
        unknown = await store.unknown_customers(connection, biller.id, codes)
        known, refused = _of_known(chunk, unknown) if unknown else (chunk.good, [])
        written, told = await store.merge_bills(connection, biller.id, known)
        for line in told:
            why = bills.why_refused(line)
            refused.append(Refusal(chunk.numbers[line.id], line.id, *why))
        return written, refused

    job = ImportJob(rt, biller, path, report, actor, "bills.imported")
    check = BillCheck(biller.rules.customer_code_pattern)
    return await job.run(BILLS_HEADER, check, merge, ids_once=True)


async def import_customers(
    rt: Runtime, biller_code: str, path: Path, *, actor: str, report: Path | None = None
) -> ImportReport:
    """Import customers from CSV; of two lines with one code the later wins. Raises as above."""
    biller = find_biller(rt, biller_code)

    async def merge(connection: database.Raw, chunk: Chunk) -> tuple[int, list[Refusal]]:
        return await store.merge_customers(connection, biller.id, chunk.good.values()), []

    job = ImportJob(rt, biller, path, report, actor, "customers.imported")
    check = CustomerCheck(biller.rules.customer_code_pattern)
    return await job.run(CUSTOMERS_HEADER, check, merge, ids_once=False)


@dataclass(frozen=True, slots=True)
class ImportJob:
    """One file on its way in; `action` names it in the audit trail."""

    rt: Runtime
    biller: Biller
    path: Path
    report: Path | None
    actor: str
    action: str

    async def run(
        self, header: Sequence[str], check: Check, merge: Merge, *, ids_once: bool
    ) -> ImportReport:
        """Check and merge chunk after chunk; `merge` gives how many were written, and refusals.

        Raises as `import_bills` does.
        """
        done = ImportReport()
        with ExitStack() as files:
            file, refusals = await asyncio.to_thread(self._open, files, header)
            chunks = read_chunks(file, check, ids_once=ids_once)
            upcoming = await self._next(chunks, done)
            while upcoming is not None:
                # The next chunk is checked in a thread while the database merges this one.
                following = asyncio.create_task(self._next(chunks, done))
                try:
                    await self._merge(upcoming, merge, done, refusals)
                except BaseException:
                    # The thread must let go of the file before it is closed.
                    await asyncio.gather(following, return_exceptions=True)
                    raise
                upcoming = await following
        await self._conclude(done)
        return done

    def _open(self, files: ExitStack, header: Sequence[str]) -> tuple[BinaryIO, RefusedLines]:
        try:
            file = files.enter_context(self.path.open("rb"))
            read_header(file, header)
        except OSError as error:
            message = f"'{self.path}' cannot be read: {error.strerror}"
            raise FileRefused(message) from error
        if self.report is None:
            return file, RefusedLines(None, header[0])
        try:
            if self.report.exists() and self.report.samefile(self.path):
                message = f"the report would overwrite '{self.path}'; give it another name"
                raise FileRefused(message)
            out = files.enter_context(self.report.open("w", encoding="utf-8", newline=""))
        except OSError as error:
            message = f"'{self.report}' cannot be written: {error.strerror}"
            raise FileRefused(message) from error
        return file, RefusedLines(out, header[0])

    async def _next(self, chunks: Iterator[Chunk], done: ImportReport) -> Chunk | None:
        try:
            return await asyncio.to_thread(next, chunks, None)
        except OSError as error:
            message = (
                f"'{self.path}' cannot be read further: {error.strerror}; the first {done.lines} "
                "lines are safely in"
            )
            raise FileRefused(message) from error

    async def _merge(
        self, chunk: Chunk, merge: Merge, done: ImportReport, refusals: RefusedLines
    ) -> None:
        try:
            written, standing = await self._merge_chunk(chunk, merge)
        except Exception as error:
            if database.broke(error) or database.is_contention(error):
                raise _gone(done) from error
            raise
        refused = sorted([*chunk.refused, *standing], key=lambda refusal: refusal.line)
        refusals.write(refused)
        done.lines += chunk.lines
        done.written += written
        done.refused += len(refused)
        done.first += refused[: SHOWN_MAX - len(done.first)]

    async def _merge_chunk(self, chunk: Chunk, merge: Merge) -> tuple[int, list[Refusal]]:
        if not chunk.good:
            return 0, []
        for _ in range(MERGES_MAX - 1):
            # Others may write or pay the same bills at this moment: nothing is kept, merge anew.
            try:
                return await self._merge_once(chunk, merge)
            except Exception as error:
                if not database.is_contention(error):
                    raise
        return await self._merge_once(chunk, merge)

    async def _merge_once(self, chunk: Chunk, merge: Merge) -> tuple[int, list[Refusal]]:
        async with database.borrow(self.rt.pool) as connection, connection.transaction():
            return await merge(connection, chunk)

    async def _conclude(self, done: ImportReport) -> None:
        detail: dict[str, object] = {
            "lines": done.lines,
            "written": done.written,
            "refused": done.refused,
        }
        entry = upkeep.AuditEntry(self.actor, self.action, self.biller.code, detail)
        try:
            async with database.borrow(self.rt.pool) as connection:
                await upkeep.audit(connection, entry)
                if done.lines >= ANALYZED_FROM:
                    await store.analyze(connection)
        except Exception as error:
            if database.broke(error):
                raise _gone(done) from error
            raise


def _gone(done: ImportReport) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"the database broke off; the first {done.lines} lines are safely in: run the import again",
        f"mất kết nối cơ sở dữ liệu; {done.lines} dòng đầu đã được lưu: hãy chạy lại lệnh nhập",
    )


def _of_known(chunk: Chunk, unknown: set[str]) -> tuple[dict[str, str], list[Refusal]]:
    """Part the lines of customers that are there from the others, which are refused."""
    known = {id_: text for id_, text in chunk.good.items() if _code_of(text) not in unknown}
    return known, [
        Refusal(number, id_, *bills.CUSTOMER_UNKNOWN)
        for id_, number in chunk.numbers.items()
        if id_ not in known
    ]


def _code_of(text: str) -> str:
    """Give the customer code of a bill's checked line."""
    return text.split(",", 2)[1]
