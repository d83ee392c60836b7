"""The adapter against the simulated service over real HTTP; each was written apart from the other.

`ProviderConformance` is about payers' orders; this is what a biller's service promises instead.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.domain.clock import business_date
from gateway.domain.posting import Clearing, Undoing
from gateway.kit.breaker import Breakers
from gateway.kit.exchange import Fate
from gateway.kit.messages import Call, Cleared, Garbled, Moment, Owed, Posting, PostingLine, Reply
from gateway.kit.wire import Wire
from gateway.providers.evnspc import Config, EvnSpc
from gateway.sandbox.evnspc import PaymentService
from gateway.testing.served import served

CUSTOMER = "PB14010000001"
BILLS = {"HD9": (99_000, 9), "HD10": (150_000, 10)}


@dataclass(frozen=True, slots=True)
class Line:
    """Our adapter on its wire, and the simulator's control calls."""

    provider: EvnSpc
    wire: Wire
    http: httpx.AsyncClient

    async def ask(self, call: Call, read: Callable[[Reply], Any]) -> Any:
        exchange = await self.wire.send(call)
        assert exchange.reply is not None, exchange
        return read(exchange.reply)

    async def owed(self) -> Owed | None:
        call = self.provider.look_up(CUSTOMER, a_moment())
        return await self.ask(call, lambda r: self.provider.read_looked_up(CUSTOMER, r))  # type: ignore[no-any-return]

    async def clear(self, posting: Posting) -> list[Clearing]:
        call = self.provider.clear(posting, a_moment())
        said: Sequence[Cleared] = await self.ask(
            call, lambda r: self.provider.read_cleared(posting, r)
        )
        return [each.said for each in said]

    async def check(self, posting: Posting, number: int = 0) -> Clearing:
        line = posting.lines[number]
        call = self.provider.check(posting, line, a_moment())
        said = await self.ask(call, lambda r: self.provider.read_checked(posting, line, r))
        return said.said  # type: ignore[no-any-return]

    async def undo(self, posting: Posting) -> Undoing:
        line = posting.lines[0]
        call = self.provider.undo(posting, line, a_moment())
        said = await self.ask(call, lambda r: self.provider.read_undone(posting, line, r))
        return said.said  # type: ignore[no-any-return]

    async def control(self, path: str, **fields: object) -> None:
        answer = await self.http.post(f"/control/{path}", json=fields)
        assert answer.status_code < 300, answer.text

    async def clearings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.http.get("/control/books")).json()["clearings"]
        return found


def a_moment() -> Moment:
    return Moment(datetime.now(UTC), "0" * 32)


def a_posting(*bills: str, prefix: str = "pst") -> Posting:
    lines = (PostingLine(b, BILLS[b][0], f"{prefix}_{b}") for b in bills)
    return Posting(CUSTOMER, datetime.now(UTC), tuple(lines))


@asynccontextmanager
async def served_line(deadline_s: float = 5.0) -> AsyncIterator[Line]:
    async with served(PaymentService().application()) as host:
        url = f"{host}/PaymentEVNSPC/PaymentService.svc"
        provider = EvnSpc(Config(service_url=url, bank_id="CGTT", deadline_s=deadline_s))
        wire = Wire.of(provider, Breakers())
        async with httpx.AsyncClient(base_url=host, trust_env=False) as http:
            line = Line(provider, wire, http)
            bills = [
                {"code": b, "amount_dong": dong, "month": month, "year": 2026}
                for b, (dong, month) in BILLS.items()
            ]
            await line.control("owe", customers=[{"code": CUSTOMER, "bills": bills}])
            yield line
        await wire.aclose()


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with served_line() as found:
        yield found


@pytest.mark.parametrize("switch", [{}, {"is_older": True}, {"as_text": True}])
async def test_every_form_of_the_answer_says_the_same(line: Line, switch: dict[str, bool]) -> None:
    if switch:
        await line.control("evnspc", **switch)
    owed = await line.owed()
    assert owed is not None
    assert {b.id: (b.amount_dong, b.period.month) for b in owed.bills} == BILLS


async def test_two_bills_are_cleared_once_however_often_they_are_sent(line: Line) -> None:
    posting = a_posting("HD9", "HD10")
    for _ in range(2):
        assert await line.clear(posting) == [Clearing.CLEARED, Clearing.CLEARED]
    found = {(c["transaction_code"], c["amount_dong"]) for c in await line.clearings()}
    assert found == {("pst_HD9", 99_000), ("pst_HD10", 150_000)}
    owed = await line.owed()
    assert owed is not None
    assert owed.bills == ()


async def test_a_partial_success_is_read_bill_by_bill(line: Line) -> None:
    await line.control("pay-elsewhere", bill="HD9")
    said = await line.clear(a_posting("HD9", "HD10"))
    assert said == [Clearing.PAID_BY_OTHER, Clearing.CLEARED]
    assert await line.check(a_posting("HD9")) is Clearing.PAID_BY_OTHER


async def test_an_older_period_is_paid_first(line: Line) -> None:
    assert await line.clear(a_posting("HD10")) == [Clearing.OLDER_UNPAID]


async def test_a_bill_that_another_collector_holds_is_not_cleared_and_not_lost(line: Line) -> None:
    posting = a_posting("HD9")
    await line.control("lock", bill="HD9")
    [said] = await line.clear(posting)
    assert said is Clearing.UNKNOWN  # no published status says it: the house asks, and tries again
    assert await line.check(posting) is Clearing.NOT_CLEARED
    await line.control("lock", bill="HD9", held_by=None)
    assert await line.clear(posting) == [Clearing.CLEARED]


@pytest.mark.parametrize(
    ("fault", "found"),
    [("drop_after", Clearing.CLEARED), ("error_before", Clearing.NOT_CLEARED)],
)
async def test_after_a_lost_answer_the_check_says_what_became_of_it(
    line: Line, fault: str, found: Clearing
) -> None:
    posting = a_posting("HD9")
    await line.control("faults", operation="pay", fault=fault)
    exchange = await line.wire.send(line.provider.clear(posting, a_moment()))
    assert exchange.fate is Fate.SILENT
    assert await line.check(posting) is found
    assert await line.clear(posting) == [Clearing.CLEARED]
    assert len(await line.clearings()) == 1


async def test_a_call_that_hangs_is_in_doubt() -> None:
    async with served_line(deadline_s=0.5) as line:
        await line.control("faults", operation="pay", fault="hang_after")
        exchange = await line.wire.send(line.provider.clear(a_posting("HD9"), a_moment()))
    assert exchange.fate is Fate.SILENT


async def test_a_maintenance_page_with_status_200_is_garbled(line: Line) -> None:
    await line.control("faults", operation="look_up", fault="html_before")
    with pytest.raises(Garbled):
        await line.owed()


async def test_undoing_opens_the_bill_and_again_finds_nothing(line: Line) -> None:
    posting = a_posting("HD9")
    await line.clear(posting)
    assert await line.undo(posting) is Undoing.UNDONE
    assert await line.undo(posting) is Undoing.NOTHING_TO_UNDO
    assert await line.check(posting) is Clearing.NOT_CLEARED


async def test_undoing_on_another_day_is_too_late(line: Line) -> None:
    posting = a_posting("HD9")
    await line.clear(posting)
    await line.control("evnspc", ahead_s=86_400)
    assert await line.undo(posting) is Undoing.TOO_LATE
    assert await line.check(posting) is Clearing.CLEARED


async def test_the_list_of_the_day_holds_each_clearing_and_marks_what_was_undone(
    line: Line,
) -> None:
    await line.clear(a_posting("HD9", "HD10"))
    await line.undo(a_posting("HD10"))
    today = business_date(datetime.now(UTC))
    provider = line.provider
    listed = await line.ask(provider.list_paid(today, "PB1401"), provider.read_listed)
    assert {(x.reference, x.bill_id, x.amount_dong, x.is_undone) for x in listed} == {
        ("pst_HD9", "HD9", 99_000, False),
        ("pst_HD10", "HD10", 150_000, True),
    }
    before = today - timedelta(days=1)
    assert await line.ask(provider.list_paid(before, "PB1401"), provider.read_listed) == []
