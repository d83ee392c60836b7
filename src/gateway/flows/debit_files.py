"""Debits by file: what was drawn is written once and kept; a bank's answer settles line by line.

A file is kept in the transaction that marks its debits, so it is whole or not there, and whoever
asks for it again gets equal bytes.
"""

from dataclasses import dataclass, replace
from datetime import date

from gateway.domain.attempt import OPEN, AttemptState
from gateway.domain.clock import business_date
from gateway.domain.evidence import Finding, Outcome, Rank
from gateway.flows.access import find_biller
from gateway.flows.calling import fact_of, landing
from gateway.flows.concluding import conclude
from gateway.flows.debit_returns import take_return
from gateway.flows.debiting import lines_of
from gateway.flows.settling import Settled, Source, settle
from gateway.kit.abilities import DebitsByFile
from gateway.kit.mandate_messages import FileNamed, ResultLine, Results
from gateway.runtime import Runtime
from gateway.store import attempts, database, debit_files, imports
from gateway.store.attempts import AttemptRow
from gateway.store.database import Raw

LINES_MAX = 100_000
SOURCE = "result_file"


@dataclass(slots=True)
class Taken:
    """What became of a result file's lines; `unknown` names lines of debits that are not ours."""

    lines: int = 0
    settled: int = 0
    failed: int = 0
    returned: int = 0
    open: int = 0
    repeated: int = 0
    unknown: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Say it in one sentence, and name the lines that are not ours."""
        text = (
            f"{self.lines} lines: {self.settled} settled, {self.failed} failed, "
            f"{self.returned} returned, {self.open} open, {self.repeated} known before"
        )
        ours = "".join(f"\n  line {number}: no debit of ours" for number in self.unknown)
        return text + ours


async def write_file(rt: Runtime, biller_code: str, code: str, day: date) -> dict[str, bytes]:
    """Put what was drawn into a file of the day; gives all files of the day by name.

    Raises:
        ProviderNotOffered: this bank takes no files here.
    """
    provider, _ = rt.provider(code, DebitsByFile)
    biller = find_biller(rt, biller_code)
    while True:
        async with database.borrow(rt.pool) as connection, connection.transaction():
            await connection.execute(imports.BULK)
            ids = await debit_files.unfiled(connection, biller.id, code, LINES_MAX)
            if not ids:
                return await debit_files.files(connection, biller.id, code, day)
            number = await debit_files.next_number(connection, code, day)
            lines = await lines_of(rt, biller.id, ids)
            file = provider.write_debits(FileNamed(day, number), lines)
            await debit_files.keep_file(
                connection,
                file_id=rt.new_id(),
                biller_id=biller.id,
                provider=code,
                day=day,
                number=number,
                name=file.name,
                body=file.body,
                at=rt.clock.now(),
                attempts=ids,
            )


async def take_results(
    rt: Runtime, biller_code: str, code: str, raw: bytes, *, today: date | None = None
) -> Taken:
    """Settle every line of a result file; the same file again changes nothing.

    Raises:
        Garbled: the file is not whole; nothing of it was used.
        ProviderNotOffered: this bank takes no files here.
    """
    provider, _ = rt.provider(code, DebitsByFile)
    biller = find_biller(rt, biller_code)
    done = Taken()
    results = provider.read_results(raw)
    for line in await _with_amounts(rt, code, results):
        done.lines += 1
        await _take(rt, code, line, done)
    await conclude(rt, biller.id, code, today=today or business_date(rt.clock.now()))
    return done


async def _with_amounts(rt: Runtime, code: str, results: Results) -> list[ResultLine]:
    """Give each line its order's amount, if the file says the sum of what was taken and it agrees.

    Where it does not, no success carries an amount, and so none settles: a person has to look.
    """
    if results.taken_dong is None:
        return list(results.lines)
    amounts: dict[str, int] = {}
    async with database.borrow(rt.pool) as connection:
        for line in results.lines:
            known = await attempts.by_reference(connection, code, line.finding.reference or "")
            if known is not None:
                amounts[known.reference] = known.amount_dong
    lines = [replace(line, finding=_priced(line.finding, amounts)) for line in results.lines]
    taken = sum(
        line.finding.amount_dong or 0 for line in lines if line.finding.outcome is Outcome.SUCCEEDED
    )
    return lines if taken == results.taken_dong else list(results.lines)


def _priced(finding: Finding, amounts: dict[str, int]) -> Finding:
    return replace(finding, amount_dong=amounts.get(finding.reference or ""))


async def _take(rt: Runtime, code: str, line: ResultLine, done: Taken) -> None:
    reference = line.finding.reference or ""
    async with database.borrow(rt.pool) as connection:
        known = await attempts.by_reference(connection, code, reference)
    if known is None:
        done.unknown += (line.number,)
        return
    if not line.is_return and _says_nothing_new(known, line):
        done.repeated += 1
        return
    before = await _is_reversed(rt, known)

    async def write(connection: Raw) -> Settled | None:
        held = await attempts.hold(connection, known.biller_id, known.id)
        if held is None:
            return None
        provider = rt.providers[code].provider
        fact = fact_of(rt, held, provider, _rank(line.finding), line.finding)
        settle_by = take_return if line.is_return else settle
        return await settle_by(rt, connection, held, fact, Source(SOURCE))

    settled = await landing(rt, write, known.biller_id)
    if line.is_return and settled is None:
        done.repeated += before
        done.returned += not before
    elif settled is not None:
        _count(done, settled.judgement.standing.state)


def _rank(finding: Finding) -> Rank:
    """Rank a line as an answer; a success of a file that is not sure of its sum decides nothing.

    It asks the bank at once, and leaves room for the corrected file.
    """
    if finding.outcome is Outcome.UNKNOWN:
        return Rank.GUESS
    is_doubtful = finding.outcome is Outcome.SUCCEEDED and finding.amount_dong is None
    return Rank.NOTIFICATION if is_doubtful else Rank.QUERY


async def _is_reversed(rt: Runtime, attempt: AttemptRow) -> bool:
    async with database.borrow(rt.pool) as connection:
        return await debit_files.is_returned(connection, attempt.biller_id, attempt.payment_id)


def _says_nothing_new(known: AttemptRow, line: ResultLine) -> bool:
    said = {Outcome.SUCCEEDED: AttemptState.SUCCEEDED, Outcome.FAILED: AttemptState.FAILED}
    return known.state not in OPEN and said.get(line.finding.outcome) == known.state


def _count(done: Taken, state: AttemptState) -> None:
    if state is AttemptState.SUCCEEDED:
        done.settled += 1
    elif state in OPEN or state is AttemptState.CONFLICTED:
        done.open += 1  # nothing is proved: a question is under way, or a person has to look
    else:
        done.failed += 1
