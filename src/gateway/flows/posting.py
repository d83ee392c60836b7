"""Posting: clear at the biller's own service what was paid here, and undo it with a reversal.

Due postings are leased and fenced. What may leave is written down before, what was heard after,
each in a short transaction; a process that dies between them leaves a bill in doubt, and the biller
is asked what became of it before it is sent again.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from gateway.domain import posting
from gateway.domain.posting import Line, LineState, Step
from gateway.flows.calling import moment_of, note_failed, storable
from gateway.flows.posting_books import Books, open_books
from gateway.kit import metrics
from gateway.kit.abilities import ClearsDebt
from gateway.kit.exchange import Exchange, Fate
from gateway.kit.logs import log
from gateway.kit.messages import Call, Cleared, Garbled, Reply, Undone
from gateway.runtime import Runtime
from gateway.store import database
from gateway.store import postings as store
from gateway.store.postings import PostingRow

ABREAST = 16
LEASE_MARGIN_S = 15.0
CALLS_MAX = 8
"""How many bills of one posting are asked about in one turn."""


@dataclass(frozen=True, slots=True)
class Question:
    """One call about some bills of a posting."""

    lines: tuple[Line, ...]
    build: Callable[[], Call]
    read: Callable[[Reply], Sequence[Cleared | Undone]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call brought: what is said of each bill, or None where nothing can be concluded."""

    question: Question
    exchange: Exchange | None
    said: Sequence[Cleared | Undone] | None

    @property
    def was_sent(self) -> bool:
        """Whether the biller may have it."""
        return self.exchange is not None and self.exchange.fate is not Fate.NOT_SENT


async def post_due(rt: Runtime, code: str) -> int:
    """Take one turn for each posting that is due at a provider; gives how many there were."""
    provider = rt.providers[code].provider
    if not isinstance(provider, ClearsDebt):
        return 0
    lease = timedelta(seconds=provider.config.deadline_s + LEASE_MARGIN_S)
    async with database.borrow(rt.pool) as connection:
        leased = await store.claim_due(connection, code, lease=lease, most=ABREAST)
    turns = (post(rt, row, lease) for row in leased)
    results = await asyncio.gather(*turns, return_exceptions=True)
    for row, result in zip(leased, results, strict=True):
        if isinstance(result, BaseException):
            # The lease runs out and somebody goes on.
            log.warning("posting.unfinished", payment=row.payment_id.hex, error=repr(result)[:80])
    return len(leased)


async def post(rt: Runtime, leased: PostingRow, lease: timedelta) -> None:
    """Do what is next for one leased posting, and write down what is heard."""
    books = await open_books(rt, leased)
    step, chosen = posting.next_step(books.lines)
    if step in {Step.CLEAR, Step.UNDO}:
        now = rt.clock.now()
        most = books.provider.lines_max if step is Step.CLEAR else CALLS_MAX
        chosen = chosen[:most]
        sent = tuple(posting.as_sent(line, step, now) for line in chosen)
        if not await books.mark(sent, lease):
            return
        chosen = sent
    answers = await asyncio.gather(
        *(_ask(rt, leased.source, question) for question in _questions(rt, books, step, chosen))
    )
    after = [line for answer in answers for line in _weighed(rt, leased.source, step, answer)]
    await books.land(after, [a.exchange for a in answers if a.exchange is not None])


def _questions(rt: Runtime, books: Books, step: Step, chosen: tuple[Line, ...]) -> list[Question]:
    provider, moment = books.provider, moment_of(rt)
    if step is Step.CLEAR:
        told = books.told(chosen)
        return [
            Question(
                chosen,
                lambda: provider.clear(told, moment),
                lambda reply: provider.read_cleared(told, reply),
            )
        ]
    if step is Step.REST:
        return []
    ask = _check if step is Step.CHECK else _undo
    return [ask(rt, books, line) for line in chosen[:CALLS_MAX]]


def _check(rt: Runtime, books: Books, line: Line) -> Question:
    provider, told, moment = books.provider, books.told([line]), moment_of(rt)
    one = told.lines[0]
    return Question(
        (line,),
        lambda: provider.check(told, one, moment),
        lambda reply: [provider.read_checked(told, one, reply)],
    )


def _undo(rt: Runtime, books: Books, line: Line) -> Question:
    provider, told, moment = books.provider, books.told([line]), moment_of(rt)
    one = told.lines[0]
    return Question(
        (line,),
        lambda: provider.undo(told, one, moment),
        lambda reply: [provider.read_undone(told, one, reply)],
    )


async def _ask(rt: Runtime, code: str, question: Question) -> Answer:
    try:
        call = question.build()
    except Exception as error:
        note_failed(code, error)
        return Answer(question, None, None)
    exchange = await rt.providers[code].wire.send(call)
    if exchange.reply is None:
        return Answer(question, exchange, None)
    try:
        said = question.read(exchange.reply)
    except Garbled as error:
        log.warning("posting.garbled", provider=code, reason=error.reason)
        return Answer(question, exchange, None)
    except Exception as error:
        note_failed(code, error)
        return Answer(question, exchange, None)
    return Answer(question, exchange, said)


def _weighed(rt: Runtime, code: str, step: Step, answer: Answer) -> list[Line]:
    lines = answer.question.lines
    if answer.said is None or len(answer.said) != len(lines):
        return [_unheard(line, step, was_sent=answer.was_sent) for line in lines]
    window = timedelta(seconds=rt.providers[code].provider.config.visibility_s)
    return [
        _after(rt, line, step, said, window) for line, said in zip(lines, answer.said, strict=True)
    ]


def _unheard(line: Line, step: Step, *, was_sent: bool) -> Line:
    if step is Step.CHECK:
        return line
    if not was_sent:
        return posting.not_sent(line, step)
    if step is Step.UNDO:
        return replace(line, undo=LineState.UNKNOWN)
    return replace(line, state=LineState.UNKNOWN)


def _after(rt: Runtime, line: Line, step: Step, said: Cleared | Undone, window: timedelta) -> Line:
    code = storable(said.code)[:64]
    if isinstance(said, Undone):
        return posting.after_undo(line, said.said, code)
    if step is Step.CHECK:
        now = rt.clock.now()
        return posting.after_check(line, said.said, code, now=now, window=window)
    return posting.after_clear(line, said.said, code)


async def measure_postings(rt: Runtime) -> None:
    """Set the gauges of what is paid here and not yet cleared at its biller."""
    async with database.borrow(rt.pool) as connection:
        found = {source: (n, age) for source, n, age in await store.waiting(connection)}
    sources = {b.rules.bills_source for b in rt.directory.billers.values()} | set(found)
    for source in sources - {None}:
        count, age_s = found.get(source or "", (0, 0.0))
        metrics.POSTINGS_WAITING.labels(source).set(count)
        metrics.OLDEST_POSTING_SECONDS.labels(source).set(max(age_s, 0.0))
