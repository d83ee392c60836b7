"""Reversals: on the payment's own business date, before the cut-off, by who paid, once."""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from httpx import AsyncClient

from gateway.domain.clock import VIETNAM
from gateway.runtime import Clock
from gateway.testing.clock import FrozenClock
from tests.world import BILLER, World

NOON = datetime(2026, 11, 24, 12, tzinfo=VIETNAM).astimezone(UTC)
MISSING = "pay_" + "0" * 32


@pytest.fixture
def clock() -> Clock:
    return FrozenClock(NOON)


@pytest.fixture(autouse=True)
async def days(world: World) -> None:
    await world.open_days(NOON.date() - timedelta(days=1))


def local(hour: int, minute: int = 0, second: int = 0, *, day: int = 24) -> datetime:
    """Give a time of day in Vietnam."""
    return datetime(2026, 11, day, hour, minute, second, tzinfo=VIETNAM)


async def pay_at(api: AsyncClient, world: World, clock: FrozenClock, at: datetime) -> str:
    """Pay a fresh bill at an instant; gives the payment's id."""
    clock.move(at - clock.now())
    paid = await world.pay(api, await world.add_bill())
    assert paid.status_code == 201
    return str(paid.json()["id"])


@pytest.mark.parametrize(
    ("cutoff", "paid_at", "asked_at"),
    [
        ("23:59", local(23, 58), local(23, 59, 1)),
        ("23:59", local(23, 59, 30), local(23, 59, 31)),
        ("23:59", local(12), local(0, 0, 0, day=25)),
        ("23:59", local(12), local(12, day=25)),
        ("16:30", local(9), local(16, 30, 1)),
        ("16:30", local(16, 31), local(16, 32)),
        ("16:30", local(9), local(9, day=25)),
    ],
)
async def test_a_reversal_after_the_cut_off_is_refused_and_moves_nothing(
    api: AsyncClient,
    world: World,
    clock: FrozenClock,
    cutoff: str,
    paid_at: datetime,
    asked_at: datetime,
) -> None:
    await world.set_rules(reversal_cutoff=cutoff)
    payment = await pay_at(api, world, clock, paid_at)
    before = await world.moved()
    clock.move(asked_at - clock.now())
    refused = await world.reverse(api, payment)
    assert (refused.status_code, refused.json()["code"]) == (409, "reversal_too_late")
    assert refused.json()["payment_id"] == payment
    assert await world.moved() == before | {"idempotency_keys": 2}


@pytest.mark.parametrize(
    ("cutoff", "paid_at", "asked_at"),
    [
        ("23:59", local(0, 0, 0), local(23, 58, 59)),
        ("16:30", local(9), local(16, 29, 59)),
        ("23:59", local(23, 58), local(23, 58, 30)),
    ],
)
async def test_a_reversal_before_the_cut_off_of_its_own_day_is_made(
    api: AsyncClient,
    world: World,
    clock: FrozenClock,
    cutoff: str,
    paid_at: datetime,
    asked_at: datetime,
) -> None:
    await world.set_rules(reversal_cutoff=cutoff)
    payment = await pay_at(api, world, clock, paid_at)
    clock.move(asked_at - clock.now())
    made = await world.reverse(api, payment)
    assert made.status_code == 201
    assert made.json()["reversed_at"] == asked_at.astimezone(UTC).isoformat(
        timespec="microseconds"
    ).replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("at", "business_date"),
    [
        (datetime(2026, 11, 24, 16, 59, 59, 999_999, tzinfo=UTC), "2026-11-24"),
        (datetime(2026, 11, 24, 17, 0, tzinfo=UTC), "2026-11-25"),
        (datetime(2026, 11, 25, 0, 30, tzinfo=UTC), "2026-11-25"),
        (datetime(2026, 11, 30, 23, 0, tzinfo=UTC), "2026-12-01"),
    ],
)
async def test_the_business_date_begins_at_17_o_clock_utc(
    api: AsyncClient, world: World, clock: FrozenClock, at: datetime, business_date: str
) -> None:
    payment = await pay_at(api, world, clock, at)
    read = await world.read(api, f"/payments/{payment}")
    assert read.json()["business_date"] == business_date
    day = {"from_date": business_date, "to_date": business_date}
    listed = await api.get("/v1/payments", params=day, headers=world.headers("bank"))
    assert [p["id"] for p in listed.json()["data"]] == [payment]


@pytest.mark.parametrize("payment", ["of the bank", MISSING, "pay_1", "evt_" + "0" * 32, "%00"])
async def test_a_payment_of_somebody_else_and_one_that_is_not_there_are_refused_alike(
    api: AsyncClient, world: World, payment: str
) -> None:
    paid = (await world.pay(api, await world.add_bill())).json()["id"]
    before = await world.moved()
    asked = paid if payment == "of the bank" else payment
    for partner in ("wallet", "utility"):
        refused = await world.reverse(api, asked, partner=partner)
        assert (refused.status_code, refused.json()["code"]) == (404, "payment_not_found")
        assert refused.json()["detail"].startswith("you have no payment '")
    assert await world.moved() == before


async def test_many_reversals_at_once_under_different_keys_reverse_once(
    api: AsyncClient, other_api: AsyncClient, world: World
) -> None:
    payment = (await world.pay(api, await world.add_bill())).json()["id"]
    two = (api, other_api)
    answers = await asyncio.gather(*(world.reverse(two[n % 2], payment) for n in range(50)))
    codes = Counter(a.json().get("code", "made") for a in answers)
    assert codes == {"made": 1, "already_reversed": 49}
    moved = await world.moved()
    assert (moved["transfers"], moved["events"], moved["paid_dong"]) == (2, 2, 0)


async def test_the_same_reversal_many_times_at_once_reverses_once(
    api: AsyncClient, other_api: AsyncClient, world: World
) -> None:
    payment = (await world.pay(api, await world.add_bill())).json()["id"]
    two, key = (api, other_api), world.new_key()
    answers = await asyncio.gather(
        *(world.reverse(two[n % 2], payment, key=key) for n in range(50))
    )
    made = [a for a in answers if a.is_success]
    assert sum("idempotent-replayed" not in a.headers for a in made) == 1
    assert len({a.content for a in made}) == 1
    assert {a.json()["code"] for a in answers if a.is_error} <= {"still_processing"}
    assert (await world.moved())["transfers"] == 2


async def test_a_payment_is_reversed_once_and_a_second_time_is_refused(
    api: AsyncClient, world: World
) -> None:
    payment = (await world.pay(api, await world.add_bill())).json()["id"]
    assert (await world.reverse(api, payment)).status_code == 201
    refused = await world.reverse(api, payment)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_reversed")


async def test_a_reversed_bill_can_be_paid_by_another_partner_and_each_event_is_numbered(
    api: AsyncClient, world: World, clock: FrozenClock
) -> None:
    bill = await world.add_bill()
    first = await world.pay(api, bill)
    clock.move(timedelta(seconds=1))
    undone = await world.reverse(api, first.json()["id"])
    clock.move(timedelta(seconds=1))
    second = await world.pay(api, bill, partner="wallet")
    assert second.status_code == 201
    answers = (first, undone, second)
    assert [a.json()["bills"][0]["sequence"] for a in answers] == [1, 2, 3]
    events = await world.rows("SELECT type, body FROM events ORDER BY id")
    types = ["payment.succeeded", "payment.reversed", "payment.succeeded"]
    assert [e["type"] for e in events] == types
    for event, answer in zip(events, answers, strict=True):
        body = json.loads(event["body"])
        assert (body["type"], body["data"]) == (event["type"], answer.json())


async def test_a_reversal_turns_the_ledger_back(api: AsyncClient, world: World) -> None:
    payment = await world.pay(api, await world.add_bill(), await world.add_bill())
    payable, receivable = f"payable:{BILLER}", "receivable:bank"
    assert await world.balances() == {payable: -300_000, receivable: 300_000}
    await world.reverse(api, payment.json()["id"])
    assert await world.balances() == {payable: 0, receivable: 0}
    rows = await world.rows("SELECT kind FROM transfers ORDER BY id")
    assert [row["kind"] for row in rows] == ["payment", "reversal"]


async def test_a_reversed_part_leaves_the_other_part_paid(api: AsyncClient, world: World) -> None:
    await world.set_rules(amount_rule="any")
    bill = await world.add_bill()
    part = await world.pay(api, bill, amount_dong=50_000)
    rest = await world.pay(api, bill, amount_dong=100_000, partner="wallet")
    await world.reverse(api, part.json()["id"])
    due = (await world.look_up(api)).json()["bills"][0]
    assert (due["amount_dong"], due["due_dong"]) == (150_000, 50_000)
    own = (await world.read(api, f"/billers/{BILLER}/bills/{bill}", "utility")).json()
    assert (own["status"], own["paid_dong"]) == ("open", 100_000)
    assert own["payment_id"] == rest.json()["id"]


async def test_the_reason_is_kept_and_shown_in_one_normal_form(
    api: AsyncClient, world: World
) -> None:
    payment = (await world.pay(api, await world.add_bill())).json()["id"]
    key = world.new_key()
    composed, decomposed = "nhầm hộ", "nha\u0302\u0300m ho\u0323\u0302"
    made = await world.reverse(api, payment, key=key, reason=decomposed)
    assert made.json()["reversal_reason"] == composed
    stored = await world.rows("SELECT reversal_reason FROM payments")
    assert stored[0]["reversal_reason"] == composed
    twin = await world.reverse(api, payment, key=key, reason=composed)
    assert twin.content == made.content
    assert twin.headers["idempotent-replayed"] == "true"


async def test_a_reversed_payment_reads_as_its_reversal_said(
    api: AsyncClient, world: World
) -> None:
    payment = (await world.pay(api, await world.add_bill(), await world.add_bill())).json()["id"]
    made = await world.reverse(api, payment)
    read = await world.read(api, f"/payments/{payment}")
    assert read.content == made.content
