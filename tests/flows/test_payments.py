"""Payments under races: two processes on one database, and money that moves once."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence

import pytest
from httpx import AsyncClient, Response

from gateway.domain.errors import OutcomeUnknown
from gateway.runtime import Clock
from tests.conftest import client_of, open_runtime
from tests.world import BILLER, World, at_noon

Two = Sequence[AsyncClient]


@pytest.fixture
def clock() -> Clock:
    return at_noon()


@pytest.fixture
def two(api: AsyncClient, other_api: AsyncClient) -> Two:
    """Clients of two processes on one database."""
    return api, other_api


def told(answers: Sequence[Response]) -> Counter[tuple[int, str]]:
    """Count answers by status and code; a repetition's code is 'replayed'."""
    return Counter((a.status_code, code_of(a)) for a in answers)


def code_of(answer: Response) -> str:
    if answer.status_code >= 400:
        return str(answer.json()["code"])
    return "replayed" if "idempotent-replayed" in answer.headers else "first"


async def until_answered(client: AsyncClient, world: World, *bills: str, partner: str) -> Response:
    """Pay as a partner should: the same request again while `retry` says so."""
    key, order = world.new_key(), world.order(*bills)
    while True:
        answer = await client.post("/v1/payments", json=order, headers=world.headers(partner, key))
        if answer.is_success or answer.json()["retry"] == "never":
            return answer


@pytest.mark.parametrize("many", [20, 50])
async def test_the_same_request_many_times_at_once_pays_once(
    two: Two, world: World, many: int
) -> None:
    order = world.order(await world.add_bill())
    headers = world.headers("bank", world.new_key())
    answers = await asyncio.gather(
        *(two[n % 2].post("/v1/payments", json=order, headers=headers) for n in range(many))
    )
    counted = told(answers)
    assert counted[201, "first"] == 1
    assert set(counted) <= {(201, "first"), (201, "replayed"), (409, "still_processing")}
    assert len({a.content for a in answers if a.is_success}) == 1
    moved = await world.moved()
    assert [moved[n] for n in ("payments", "transfers", "events", "idempotency_keys")] == [1] * 4
    late = await two[0].post("/v1/payments", json=order, headers=headers)
    assert told([late]) == {(201, "replayed"): 1}


@pytest.mark.parametrize("many", [20, 50])
async def test_one_bill_paid_by_many_at_once_under_different_keys_is_paid_once(
    two: Two, world: World, many: int
) -> None:
    bill = await world.add_bill()
    partners = ("bank", "wallet")
    answers = await asyncio.gather(
        *(world.pay(two[n % 2], bill, partner=partners[n // 2 % 2]) for n in range(many))
    )
    assert told(answers) == {(201, "first"): 1, (409, "bill_already_paid"): many - 1}
    moved = await world.moved()
    assert (moved["payments"], moved["transfers"], moved["paid_dong"]) == (1, 1, 150_000)
    assert moved["idempotency_keys"] == many


@pytest.mark.parametrize("many", [20])
async def test_one_reference_many_times_at_once_under_different_keys_names_one_payment(
    two: Two, world: World, many: int
) -> None:
    bills = [await world.add_bill() for _ in range(many)]
    answers = await asyncio.gather(
        *(
            world.pay(two[n % 2], bill, partner_reference="ONE-AND-ONLY")
            for n, bill in enumerate(bills)
        )
    )
    assert told(answers) == {(201, "first"): 1, (409, "partner_reference_used"): many - 1}
    assert (await world.moved())["paid_dong"] == 150_000


async def test_one_key_for_many_requests_at_once_pays_one_of_them(two: Two, world: World) -> None:
    bills = [await world.add_bill() for _ in range(20)]
    key = world.new_key()
    answers = await asyncio.gather(
        *(world.pay(two[n % 2], bill, key=key) for n, bill in enumerate(bills))
    )
    counted = told(answers)
    assert counted[201, "first"] == 1
    refused = {(422, "idempotency_key_reused"), (409, "still_processing")}
    assert set(counted) <= {(201, "first")} | refused
    assert (await world.moved())["paid_dong"] == 150_000


async def test_payments_that_overlap_in_a_ring_pay_no_bill_twice_and_none_by_half(
    two: Two, world: World
) -> None:
    for _ in range(5):
        a, b, c = [await world.add_bill() for _ in range(3)]
        rings = [(a, b), (b, c), (c, a), (b, a), (c, b), (a, c)]
        answers = await asyncio.gather(
            *(
                until_answered(two[n % 2], world, *ring, partner=("bank", "wallet")[n % 2])
                for n, ring in enumerate(rings)
            )
        )
        assert told(answers) == {(201, "first"): 1, (409, "bill_already_paid"): 5}
        paid = await world.rows("SELECT status FROM bills WHERE id = ANY ($1)", [a, b, c])
        assert Counter(row["status"] for row in paid) == {"paid": 2, "open": 1}
    assert await world.balances() == await expected_balances(world)


async def expected_balances(world: World) -> dict[str, int]:
    """Give what the ledger must say, from the payments alone."""
    rows = await world.rows(
        "SELECT p.code, sum(amount_dong)::bigint AS dong FROM payments"
        " JOIN partners p ON p.id = partner_id WHERE reversed_at IS NULL GROUP BY p.code"
    )
    owed = {f"receivable:{row['code']}": int(row["dong"]) for row in rows}
    return owed | {f"payable:{BILLER}": -sum(owed.values())}


async def test_a_bill_is_paid_or_cancelled_at_the_same_instant_never_both(
    two: Two, world: World
) -> None:
    outcomes: Counter[str] = Counter()
    for turn in range(20):
        bill = await world.add_bill()
        acts = [world.pay(two[0], bill), world.cancel(two[1], bill)]
        paid, cancelled = await asyncio.gather(*acts)
        stands = (await world.rows("SELECT status FROM bills WHERE id = $1", bill))[0]["status"]
        if paid.is_success:
            assert (stands, code_of(cancelled)) == ("paid", "bill_already_paid"), turn
        else:
            assert (stands, code_of(paid)) == ("cancelled", "bill_cancelled"), turn
            assert cancelled.json()["status"] == "cancelled"
        outcomes[stands] += 1
    assert await world.count("payments") == outcomes["paid"]


async def test_a_bill_is_paid_at_the_amount_that_was_asked_or_not_at_all_while_it_changes(
    two: Two, world: World
) -> None:
    for _ in range(10):
        bill = await world.add_bill()
        paid, _ = await asyncio.gather(
            world.pay(two[0], bill), world.add_bill(bill, amount_dong=170_000)
        )
        row = (await world.rows("SELECT * FROM bills WHERE id = $1", bill))[0]
        if paid.is_success:
            assert (row["amount_dong"], row["paid_dong"]) == (150_000, 150_000)
        else:
            assert (code_of(paid), row["paid_dong"]) == ("amount_mismatch", 0)


async def test_parts_paid_at_once_never_exceed_the_bill(two: Two, world: World) -> None:
    """The other process may still go by the old rule, and then refuses every part."""
    await world.set_rules(amount_rule="any")
    bill = await world.add_bill()
    answers = await asyncio.gather(
        *(world.pay(two[n % 2], bill, amount_dong=40_000) for n in range(20))
    )
    assert told(answers)[201, "first"] == 3
    assert {code_of(a) for a in answers} == {"first", "amount_mismatch"}
    assert (await world.moved())["paid_dong"] == 120_000


async def test_sequences_of_a_bill_have_no_gap_whoever_pays_and_reverses(
    two: Two, world: World
) -> None:
    bill = await world.add_bill()
    seen = []
    for turn in range(6):
        partner = ("bank", "wallet")[turn % 2]
        paid = await world.pay(two[turn % 2], bill, partner=partner)
        reversed_ = await world.reverse(two[1 - turn % 2], paid.json()["id"], partner=partner)
        seen += [answer.json()["bills"][0]["sequence"] for answer in (paid, reversed_)]
    assert seen == list(range(1, 13))
    events = [json.loads(row["body"]) for row in await world.rows("SELECT body FROM events")]
    told = sorted((event["data"]["bills"][0]["sequence"], event["type"]) for event in events)
    assert told == list(zip(seen, ["payment.succeeded", "payment.reversed"] * 6, strict=True))


async def test_without_a_database_a_payment_is_unknown_and_a_lookup_certain(world: World) -> None:
    """The directory is in memory, so the request gets as far as the move itself."""
    away = open_runtime("postgresql://nobody@127.0.0.1:1/none", world.rt.clock)
    away.directory = world.rt.directory
    order = world.order(await world.add_bill())
    async with client_of(away) as client:
        unknown = await client.post(
            "/v1/payments", json=order, headers=world.headers("bank", world.new_key())
        )
        read = await world.look_up(client)
        listed = await world.read(client, "/payments")
    assert told([unknown]) == {(503, OutcomeUnknown.code): 1}
    assert unknown.json()["money_may_have_moved"] is True
    assert told([read, listed]) == {(503, "database_unavailable"): 2}
    assert read.json()["money_may_have_moved"] is False
    await away.stop()
