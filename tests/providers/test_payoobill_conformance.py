"""The adapter against the simulated bill side over real HTTP; each was written from the sheet."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from gateway.domain.posting import Clearing, Undoing
from gateway.kit.breaker import Breakers
from gateway.kit.exchange import Fate
from gateway.kit.messages import Call, Garbled, Moment, Owed, Posting, PostingLine, Reply
from gateway.kit.wire import Wire
from gateway.providers.payoobill import Config, PayooBill
from gateway.sandbox.payoobill import BillSide
from gateway.testing.served import served
from tests.providers.payoobill import CUSTOMER, SETTINGS

BILLS = {"HD9": 99_000, "HD10": 150_000}


def a_moment() -> Moment:
    return Moment(datetime.now(UTC), "0" * 32)


def a_posting(bill: str = "HD9") -> Posting:
    line = PostingLine(bill, BILLS[bill], f"pst_{bill}")
    return Posting(CUSTOMER, datetime.now(UTC), (line,))


@dataclass
class Line:
    """Our adapter on its wire, and the simulator that it talks to."""

    provider: PayooBill
    wire: Wire
    http: httpx.AsyncClient

    async def ask(self, call: Call, read: Callable[[Reply], Any]) -> Any:
        exchange = await self.wire.send(call)
        assert exchange.reply is not None, exchange
        return read(exchange.reply)

    async def owed(self, customer: str = CUSTOMER) -> Owed | None:
        call = self.provider.look_up(customer, a_moment())
        found: Owed | None = await self.ask(
            call, lambda reply: self.provider.read_looked_up(customer, reply)
        )
        return found

    async def clear(self, posting: Posting) -> Clearing:
        call = self.provider.clear(posting, a_moment())
        [said] = await self.ask(call, lambda reply: self.provider.read_cleared(posting, reply))
        return Clearing(said.said)

    async def check(self, posting: Posting) -> Clearing:
        line = posting.lines[0]
        call = self.provider.check(posting, line, a_moment())
        said = await self.ask(call, lambda r: self.provider.read_checked(posting, line, r))
        return Clearing(said.said)

    async def undo(self, posting: Posting) -> Undoing:
        line = posting.lines[0]
        call = self.provider.undo(posting, line, a_moment())
        said = await self.ask(call, lambda r: self.provider.read_undone(posting, line, r))
        return Undoing(said.said)

    async def control(self, path: str, **fields: object) -> None:
        answer = await self.http.post(f"/control/{path}", json=fields)
        assert answer.status_code == 204, answer.text

    async def books(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.http.get("/control/books")).json()
        return found


@pytest.fixture
def side() -> BillSide:
    return BillSide()


@pytest.fixture
async def line(side: BillSide) -> AsyncIterator[Line]:
    async with served(side.application()) as host:
        config = Config.model_validate_strings(SETTINGS | {"url": host, "deadline_s": "5"})
        provider = PayooBill(config)
        wire = Wire.of(provider, Breakers())
        async with httpx.AsyncClient(base_url=host, trust_env=False) as http:
            found = Line(provider, wire, http)
            bills = [
                {"code": bill, "amount_dong": dong, "month": int(bill[2:]), "year": 2026}
                for bill, dong in BILLS.items()
            ]
            await found.control("owe", customers=[{"code": CUSTOMER, "bills": bills}])
            yield found
        await wire.aclose()


async def test_what_is_owed_is_read_until_it_is_paid_and_then_nothing_is(line: Line) -> None:
    owed = await line.owed()
    assert owed is not None
    assert {bill.id: bill.amount_dong for bill in owed.bills} == BILLS
    for bill in BILLS:
        assert await line.clear(a_posting(bill)) is Clearing.CLEARED
    assert await line.owed() == Owed("", "", ())
    assert await line.owed("PB14019999999") is None


async def test_a_bill_is_paid_once_however_often_it_is_sent(line: Line) -> None:
    for _ in range(3):
        assert await line.clear(a_posting()) is Clearing.CLEARED
    books = await line.books()
    assert [paid["trace"] for paid in books["payments"]] == ["pst_HD9"]
    assert books["paid_twice"] == []


async def test_code_one_is_pending_until_the_status_says_that_the_debt_is_cleared(
    line: Line,
) -> None:
    await line.control("next-pay", code=1, asks=2)
    assert await line.clear(a_posting()) is Clearing.PENDING
    said = [await line.check(a_posting()) for _ in range(3)]
    assert said == [Clearing.PENDING, Clearing.PENDING, Clearing.CLEARED]


async def test_code_one_that_fails_after_all_is_refused(line: Line) -> None:
    await line.control("next-pay", code=1, asks=0, ends_as=5)
    assert await line.clear(a_posting()) is Clearing.PENDING
    assert await line.check(a_posting()) is Clearing.REFUSED
    owed = await line.owed()
    assert owed is not None
    assert len(owed.bills) == 2


@pytest.mark.parametrize(
    ("is_made", "found"), [(True, Clearing.CLEARED), (False, Clearing.NOT_CLEARED)]
)
async def test_a_time_out_at_payoo_is_found_or_not_by_asking(
    line: Line, *, is_made: bool, found: Clearing
) -> None:
    await line.control("next-pay", code=-3, is_made=is_made)
    assert await line.clear(a_posting()) is Clearing.UNKNOWN
    assert await line.check(a_posting()) is found
    assert await line.clear(a_posting()) is Clearing.CLEARED
    assert len((await line.books())["payments"]) == 1


@pytest.mark.parametrize(
    ("fault", "found"),
    [("drop_after", Clearing.CLEARED), ("error_before", Clearing.NOT_CLEARED)],
)
async def test_after_a_lost_answer_the_status_says_what_became_of_it(
    line: Line, fault: str, found: Clearing
) -> None:
    await line.control("faults", operation="pay", fault=fault)
    exchange = await line.wire.send(line.provider.clear(a_posting(), a_moment()))
    assert exchange.fate is Fate.SILENT
    assert await line.check(a_posting()) is found


async def test_a_locked_bill_is_not_paid_now_and_its_customer_cannot_be_looked_up(
    line: Line,
) -> None:
    await line.control("lock", bill="HD9")
    assert await line.clear(a_posting()) is Clearing.LOCKED
    with pytest.raises(Garbled):
        await line.owed()
    await line.control("lock", bill="HD9", is_on=False)
    assert await line.clear(a_posting()) is Clearing.CLEARED


async def test_an_empty_deposit_pays_nothing_and_a_full_one_pays_the_same_number(
    line: Line,
) -> None:
    await line.control("float", dong=98_999)
    assert await line.clear(a_posting()) is Clearing.FLOAT_EMPTY
    assert await line.check(a_posting()) is Clearing.NOT_CLEARED
    await line.control("float", dong=99_000)
    assert await line.clear(a_posting()) is Clearing.CLEARED
    assert (await line.books())["float_dong"] == 0


async def test_a_bill_that_was_paid_elsewhere_or_costs_another_amount_is_refused(
    line: Line,
) -> None:
    await line.control("pay-elsewhere", bill="HD9")
    assert await line.clear(a_posting()) is Clearing.PAID_BY_OTHER
    other = a_posting("HD10")
    cheaper = replace(other, lines=(replace(other.lines[0], amount_dong=1),))
    assert await line.clear(cheaper) is Clearing.REFUSED


async def test_what_is_paid_is_not_undone(line: Line) -> None:
    await line.clear(a_posting())
    assert await line.undo(a_posting()) is Undoing.TOO_LATE
    assert (await line.books())["payments"][0]["status"] == 1


@pytest.mark.parametrize("fault", ["bad_signature", "html_before", "other_order"])
async def test_an_answer_that_is_not_payoos_or_not_ours_proves_nothing(
    line: Line, fault: str
) -> None:
    await line.control("faults", operation="pay", fault=fault)
    with pytest.raises(Garbled):
        await line.clear(a_posting())


async def test_unsigned_answers_are_read(line: Line, side: BillSide) -> None:
    side.is_signed = False
    assert await line.clear(a_posting()) is Clearing.CLEARED


async def test_a_clock_that_is_wrong_is_a_matter_of_our_set_up(line: Line) -> None:
    late = Moment(datetime(2026, 1, 1, tzinfo=UTC), "0" * 32)
    posting = a_posting()
    call = line.provider.clear(posting, late)
    [said] = await line.ask(call, lambda reply: line.provider.read_cleared(posting, reply))
    assert said.said is Clearing.SET_UP_WRONG
    assert (await line.books())["payments"] == []


async def test_a_call_that_is_not_signed_by_us_is_refused(line: Line) -> None:
    posting = a_posting()
    call = line.provider.clear(posting, a_moment())
    changed = replace(call, body=call.body.replace(b"99000", b"99001"))
    [said] = await line.ask(changed, lambda reply: line.provider.read_cleared(posting, reply))
    assert (said.said, said.code) == (Clearing.SET_UP_WRONG, "2004")
