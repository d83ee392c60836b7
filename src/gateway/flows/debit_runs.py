"""Debit runs: a day's debits planned and announced, looked at for the last time, and sent.

Whoever runs it again goes on where the last one ended, wherever that died: a bill is planned once a
month, claimed hard by the statement that writes its attempt, and an attempt whose sender died is
asked about by the resolver, never sent again.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from gateway.domain import receipt
from gateway.domain.biller import Biller
from gateway.domain.calendar import (
    days_drawn_on,
    first_noticed,
    is_after_cutoff,
    is_business_day,
    next_business_day,
)
from gateway.domain.clock import business_date
from gateway.domain.ids import stamp_of
from gateway.domain.mandate_refusals import DayRefused
from gateway.domain.partner import Mode
from gateway.flows.access import find_biller
from gateway.flows.concluding import conclude
from gateway.flows.debiting import debit_all
from gateway.flows.mandates import check_provider
from gateway.flows.minting import DEBIT_LIFE, SENT_MARGIN_S
from gateway.flows.waking import wake
from gateway.kit.abilities import DebitsByFile, DebitsMandates
from gateway.kit.logs import log
from gateway.runtime import Runtime
from gateway.store import database, debit_plans, debits, imports
from gateway.store.debit_plans import Planned
from gateway.store.debits import Drawing, Minted

FILE_LIFE_DAYS = 3
"""Business days within which a bank answers a file."""
FILE_CHUNK = 200
TEXT = "Thanh toán hóa đơn điện "


@dataclass(frozen=True, slots=True)
class Run:
    """Which run. `rehearses`, in test mode alone, knows no notice, no day and no cut-off."""

    biller: str
    provider: str
    day: date
    rehearses: bool = False
    by_file: bool = False
    """Draw for a file, though the bank can be called."""


@dataclass(slots=True)
class Sent:
    """What became of the day's debits when they were sent."""

    looked: int = 0
    sent: int = 0
    skipped: int = 0
    put_off: int = 0
    unreachable: bool = False
    last: tuple[date, UUID] = debits.START

    def __str__(self) -> str:
        """Say it in one sentence."""
        text = f"{self.sent} sent, {self.skipped} skipped, {self.put_off} put off"
        more = "; the bank cannot be reached: run it again" if self.unreachable else ""
        return text + more


async def prepare(rt: Runtime, run: Run) -> Planned:
    """Plan a day's debits and announce them; again plans only what has come since.

    Raises:
        DayRefused: banks do not book on it, or the payers would not be told in time.
        ProviderNotOffered, BillerUnknown: there is no such bank or biller here.
    """
    biller = _checked(rt, run)
    now = rt.clock.now()
    soonest = first_noticed(business_date(now))
    if run.day < soonest and not run.rehearses:
        raise DayRefused(
            run.day,
            f"payers are told two days before; the next day is {soonest}",
            f"phải báo trước hai ngày; ngày gần nhất là {soonest}",
        )
    async with database.borrow(rt.pool) as connection, connection.transaction():
        await connection.execute(imports.BULK)
        return await debit_plans.plan(
            connection,
            biller.id,
            run.provider,
            day=run.day,
            days_of_month=days_drawn_on(run.day),
            run_id=rt.new_id_at(now),
            now=now,
            oldest_first=biller.rules.oldest_first,
            head=receipt.event_head("debit.announced", now) + "{",
            stamp=stamp_of(now),
        )


def _checked(rt: Runtime, run: Run) -> Biller:
    biller = find_biller(rt, run.biller)
    check_provider(rt, run.provider)
    if run.rehearses and rt.mode is not Mode.TEST:
        raise DayRefused(run.day, "a live gateway rehearses nothing", "chỉ diễn tập ở chế độ thử")
    if not is_business_day(run.day):
        raise DayRefused(run.day, "banks do not book on it", "ngân hàng không làm việc")
    return biller


async def send(rt: Runtime, run: Run) -> Sent:
    """Draw what is due up to the run's day, and send it, by call or for a file.

    Raises:
        DayRefused: the day has not come.
    """
    biller, done = _checked(rt, run), Sent()
    today = run.day if run.rehearses else business_date(rt.clock.now())
    if today < run.day:
        raise DayRefused(run.day, "it has not come yet", "chưa đến ngày")
    await conclude(rt, biller.id, run.provider, today=today)
    while not done.unreachable:
        if _is_too_late(rt, run, today):
            done.put_off += await _put_off(rt, biller, run, today)
            break
        if not await _send_some(rt, biller, run, today, done):
            break
    await conclude(rt, biller.id, run.provider, today=today)
    log.info("debit_run.sent", provider=run.provider, day=str(run.day), sent=done.sent)
    return done


def _is_too_late(rt: Runtime, run: Run, today: date) -> bool:
    provider = _bank(rt, run.provider)
    return not run.rehearses and is_after_cutoff(rt.clock.now(), today, provider.debits_until)


async def _put_off(rt: Runtime, biller: Biller, run: Run, today: date) -> int:
    until, count = next_business_day(today), 0
    async with database.borrow(rt.pool) as connection:
        while some := await debits.put_off(
            connection, biller.id, run.provider, day=today, until=until
        ):
            count += some
    return count


def _bank(rt: Runtime, code: str) -> DebitsMandates[Any] | DebitsByFile[Any]:
    provider = rt.providers[code].provider
    if not isinstance(provider, DebitsMandates | DebitsByFile):
        check_provider(rt, code)
    return provider  # type: ignore[return-value]  # just proved


async def _send_some(rt: Runtime, biller: Biller, run: Run, today: date, done: Sent) -> bool:
    """Draw one chunk and send it; False if nothing was due any more."""
    chunk = _drawing(rt, biller, run, today)
    provider = _bank(rt, run.provider)
    count = FILE_CHUNK
    by_call = isinstance(provider, DebitsMandates) and not run.by_file
    if by_call:
        count = min(FILE_CHUNK, 4 * provider.config.concurrency)
    async with database.borrow(rt.pool) as connection:
        drawn = await debits.draw(connection, chunk, _minted(rt, provider, count), done.last)
    if drawn is None:
        return False
    if drawn.outbid:
        await wake(rt, biller.id, drawn.outbid)
    done.last = drawn.last
    done.looked += drawn.looked
    done.skipped += drawn.skipped
    done.put_off += drawn.put_off
    done.sent += len(drawn.attempts)
    if by_call and drawn.attempts:
        arrived = await debit_all(rt, biller.id, run.provider, list(drawn.attempts))
        done.unreachable = not arrived
        if not arrived:
            done.sent -= len(drawn.attempts)
    return True


def _minted(
    rt: Runtime, provider: DebitsMandates[Any] | DebitsByFile[Any], count: int
) -> list[Minted]:
    now, found = rt.clock.now(), []
    for n in range(1, count + 1):
        attempt_id = rt.new_id_at(now)
        reference = provider.reference_of(attempt_id, now)
        found.append(Minted(n, rt.new_id_at(now), attempt_id, reference))
    return found


def _drawing(rt: Runtime, biller: Biller, run: Run, today: date) -> Drawing:
    now, provider = rt.clock.now(), _bank(rt, run.provider)
    expires_at = now + DEBIT_LIFE
    due_at = now + timedelta(seconds=provider.config.deadline_s + SENT_MARGIN_S)
    if run.by_file or not isinstance(provider, DebitsMandates):
        days = next_business_day(today, FILE_LIFE_DAYS) - today
        expires_at = due_at = now + days
    return Drawing(
        biller_id=biller.id,
        provider=run.provider,
        day=today,
        today=today,
        next_day=next_business_day(today),
        now=now,
        due_at=due_at,
        expires_at=expires_at,
        visibility_s=int(provider.config.visibility_s),
        notify_url=f"{rt.public_url}/v1/notifications/{run.provider}",
        oldest_first=biller.rules.oldest_first,
        text=TEXT,
        skipped_head=receipt.event_head("debit.skipped", now) + "{",
        stamp=stamp_of(now),
    )
