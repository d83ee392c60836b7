"""Bills: what a lookup tells whom, the token that binds it, and what a biller may write."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from httpx import AsyncClient

from gateway.runtime import Clock
from gateway.testing.clock import FrozenClock
from tests.world import BILLER, CUSTOMER, World

NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)
OTHER = "PB14010000002"


@pytest.fixture
def clock() -> Clock:
    return FrozenClock(NOON)


@pytest.fixture(autouse=True)
async def days(world: World) -> None:
    await world.open_days(NOON.date())


def line(bill_id: str, **changes: object) -> dict[str, object]:
    """Give a bill as a billing system sends it; equal to what `world.add_bill` makes."""
    return {
        "id": bill_id,
        "customer_code": CUSTOMER,
        "period": "2026-10",
        "kwh": 70,
        "net_dong": 150_000,
        "vat_dong": 0,
        "amount_dong": 150_000,
        "issued_on": "2026-11-02",
        "due_on": "2026-11-09",
    } | changes


async def put(
    api: AsyncClient, world: World, *lines: dict[str, object]
) -> tuple[int, int, list[tuple[int, str]]]:
    """Write bills; gives how many were written and unchanged, and index and code of the refused."""
    answer = await api.put(
        f"/v1/billers/{BILLER}/bills", json={"bills": lines}, headers=world.headers("utility")
    )
    assert answer.status_code == 200, answer.text
    out = answer.json()
    refused = [(refusal["index"], refusal["code"]) for refusal in out["refused"]]
    return out["written"], out["unchanged"], refused


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────


async def token_of(api: AsyncClient, world: World, partner: str = "bank") -> str:
    return str((await world.look_up(api, partner=partner)).json()["lookup_token"])


async def test_a_payment_that_carries_its_lookups_token_is_made(
    api: AsyncClient, world: World
) -> None:
    await world.set_rules(lookup_token_required=True)
    bill = await world.add_bill()
    paid = await world.pay(api, bill, lookup_token=await token_of(api, world))
    assert paid.status_code == 201


async def test_without_a_token_a_biller_that_requires_one_is_not_paid(
    api: AsyncClient, world: World
) -> None:
    await world.set_rules(lookup_token_required=True)
    refused = await world.pay(api, await world.add_bill())
    assert (refused.status_code, refused.json()["code"]) == (422, "lookup_token_required")
    assert sum((await world.moved()).values()) == 0


@pytest.mark.parametrize(
    "forge",
    [
        lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"),
        lambda t: "A" + t[1:],
        lambda t: t.partition(".")[0],
        lambda t: t.partition(".")[0] + ".",
        lambda t: "." + t.partition(".")[2],
        lambda t: t + "=",
        lambda t: t + ".",
        lambda t: t + " ",
        lambda t: "",
        lambda t: "no token",
        lambda t: "é" * 9,
        lambda t: "A" * 8_000,
    ],
)
async def test_a_forged_token_is_refused_and_nothing_is_kept(
    api: AsyncClient, world: World, forge: object
) -> None:
    assert callable(forge)
    bill = await world.add_bill()
    refused = await world.pay(api, bill, lookup_token=forge(await token_of(api, world)))
    assert refused.status_code == 422
    assert refused.json()["code"] in {"lookup_token_invalid", "request_invalid"}
    assert sum((await world.moved()).values()) == 0


async def test_the_token_of_another_partner_is_refused(api: AsyncClient, world: World) -> None:
    bill = await world.add_bill()
    refused = await world.pay(api, bill, lookup_token=await token_of(api, world, "wallet"))
    assert (refused.status_code, refused.json()["code"]) == (422, "lookup_token_invalid")


async def test_a_token_covers_only_the_bills_and_amounts_that_it_lists(
    api: AsyncClient, world: World
) -> None:
    listed = await world.add_bill()
    token = await token_of(api, world)
    later = await world.add_bill()
    both = await world.pay(api, listed, later, lookup_token=token)
    assert (both.status_code, both.json()["code"]) == (422, "lookup_token_invalid")
    await world.add_bill(listed, amount_dong=160_000)
    dearer = await world.pay(api, listed, amount_dong=160_000, lookup_token=token)
    assert (dearer.status_code, dearer.json()["code"]) == (422, "lookup_token_invalid")
    stale = await world.pay(api, listed, lookup_token=token)
    assert (stale.status_code, stale.json()["code"]) == (409, "amount_mismatch")
    assert await world.count("payments") == 0


async def test_a_token_of_another_customer_is_refused(api: AsyncClient, world: World) -> None:
    await world.add_customer(OTHER)
    bill = await world.add_bill(customer=OTHER)
    token = await token_of(api, world)
    refused = await world.pay(api, bill, customer_code=OTHER, lookup_token=token)
    assert (refused.status_code, refused.json()["code"]) == (422, "lookup_token_invalid")


@pytest.mark.parametrize(("seconds", "status"), [(899, 201), (900, 409), (901, 409)])
async def test_a_token_is_good_for_15_minutes(
    api: AsyncClient, world: World, clock: FrozenClock, seconds: int, status: int
) -> None:
    bill = await world.add_bill()
    token = await token_of(api, world)
    clock.move(timedelta(seconds=seconds))
    answer = await world.pay(api, bill, lookup_token=token)
    assert answer.status_code == status
    if status == 409:
        assert answer.json()["code"] == "lookup_token_expired"
        assert sum((await world.moved()).values()) == 0


# ── writing ──────────────────────────────────────────────────────────────────────────────────────


async def test_an_equal_line_is_unchanged_and_a_new_one_written(
    api: AsyncClient, world: World
) -> None:
    assert await put(api, world, line("B-1"), line("B-2")) == (2, 0, [])
    assert await put(api, world, line("B-1"), line("B-2"), line("B-3")) == (1, 2, [])
    assert await put(api, world, line("B-1", kwh=71)) == (1, 0, [])


@pytest.mark.parametrize("customer", [OTHER, "PB19999999999"], ids=["known", "unknown"])
async def test_a_bills_id_never_moves_to_another_customer(
    api: AsyncClient, world: World, customer: str
) -> None:
    await world.add_customer(OTHER)
    await put(api, world, line("B-1"))
    code = "bill_of_other_customer" if customer == OTHER else "customer_unknown"
    for changed in ({}, {"kwh": 71}):
        wrong = line("B-1", customer_code=customer, **changed)
        assert await put(api, world, wrong) == (0, 0, [(0, code)])
    own = await world.read(api, f"/billers/{BILLER}/bills/B-1", "utility")
    assert own.json()["customer_code"] == CUSTOMER


async def test_lines_that_cannot_be_kept_are_refused_alone_by_their_position(
    api: AsyncClient, world: World
) -> None:
    paid, cancelled, partly = "B-PAID", "B-CANCELLED", "B-PARTLY"
    await put(api, world, line(paid), line(cancelled), line(partly))
    await world.pay(api, paid)
    await world.cancel(api, cancelled)
    await world.set_rules(amount_rule="any")
    await world.pay(api, partly, amount_dong=1)
    lines = [
        line("B-GOOD"),
        line("B-NOBODY", customer_code="PB14019999999"),
        line(paid, kwh=1),
        line(cancelled, kwh=1),
        line(partly, kwh=1),
        line("B-SHAPE", customer_code="XX1401000000"),
        line("B-GOOD", kwh=1),
    ]
    assert await put(api, world, *lines) == (
        1,
        0,
        [
            (1, "customer_unknown"),
            (2, "bill_already_paid"),
            (3, "bill_cancelled"),
            (4, "bill_partly_paid"),
            (5, "customer_code_invalid"),
            (6, "repeated"),
        ],
    )
    as_they_stand = [line(paid), line(cancelled), line(partly)]
    assert await put(api, world, *as_they_stand) == (0, 3, [])


async def test_writers_of_the_same_bills_in_opposite_order_do_not_block_each_other(
    api: AsyncClient, other_api: AsyncClient, world: World
) -> None:
    lines = [line(f"B-{n:03}") for n in range(200)]
    changed = [line(f"B-{n:03}", kwh=1) for n in reversed(range(200))]
    await asyncio.gather(
        *(put(c, world, *b) for c in (api, other_api) for b in (lines, changed) for _ in range(3))
    )
    kwh = await world.rows("SELECT DISTINCT kwh FROM bills")
    assert [row["kwh"] for row in kwh] in ([70], [1])


async def test_a_cancelled_bill_is_not_owed_not_payable_and_cancelled_again_alike(
    api: AsyncClient, world: World
) -> None:
    bill = await world.add_bill()
    first = await world.cancel(api, bill)
    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    again = await world.cancel(api, bill)
    assert (again.status_code, again.content) == (200, first.content)
    assert (await world.look_up(api)).json()["bills"] == []
    refused = await world.pay(api, bill)
    assert (refused.status_code, refused.json()["code"]) == (409, "bill_cancelled")


@pytest.mark.parametrize("amount_dong", [150_000, 1], ids=["paid", "partly paid"])
async def test_a_bill_on_which_something_is_paid_cannot_be_cancelled(
    api: AsyncClient, world: World, amount_dong: int
) -> None:
    await world.set_rules(amount_rule="any")
    bill = await world.add_bill()
    await world.pay(api, bill, amount_dong=amount_dong)
    refused = await world.cancel(api, bill)
    assert (refused.status_code, refused.json()["code"]) == (409, "bill_already_paid")


async def test_what_is_written_and_cancelled_stands_in_the_audit_trail(
    api: AsyncClient, world: World
) -> None:
    await put(api, world, line("B-1"), line("B-2"))
    await world.cancel(api, "B-2")
    rows = await world.rows("SELECT actor, action, subject FROM audit_log ORDER BY id DESC LIMIT 2")
    assert [tuple(row.values()) for row in rows] == [
        ("partner:utility", "bill.cancelled", "B-2"),
        ("partner:utility", "bills.written", BILLER),
    ]


async def test_the_oldest_bill_comes_first_and_must_be_paid_first_where_the_biller_says_so(
    api: AsyncClient, world: World
) -> None:
    await world.set_rules(oldest_first=True)
    new = await world.add_bill(period=date(2026, 10, 1))
    old = await world.add_bill(period=date(2026, 9, 1))
    listed = (await world.look_up(api)).json()
    assert [bill["id"] for bill in listed["bills"]] == [old, new]
    refused = await world.pay(api, new)
    assert (refused.json()["code"], refused.json()["bill_id"]) == ("older_bill_open", old)
    assert (await world.pay(api, new, old)).status_code == 201
