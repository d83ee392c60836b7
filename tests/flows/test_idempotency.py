"""The idempotency table of the design (section 7), row by row."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from httpx import AsyncClient

from gateway.domain.partner import Scope
from gateway.runtime import Clock
from gateway.testing.clock import FrozenClock
from tests.world import World

KEY = "a-key-that-names-one-request"
NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return FrozenClock(NOON)


@pytest.fixture(autouse=True)
async def days(world: World) -> None:
    await world.open_days(NOON.date())


async def send(
    api: AsyncClient, world: World, body: object, *, key: str = KEY, partner: str = "bank"
) -> tuple[int, bytes, str | None]:
    """POST a payment; give what a repetition must equal: status, bytes, and the replay mark."""
    answer = await api.post("/v1/payments", json=body, headers=world.headers(partner, key))
    return answer.status_code, answer.content, answer.headers.get("idempotent-replayed")


async def test_the_first_use_writes_key_payment_ledger_and_event_at_once(
    api: AsyncClient, world: World
) -> None:
    status, body, mark = await send(api, world, world.order(await world.add_bill()))
    assert (status, mark) == (201, None)
    moved = await world.moved()
    assert [moved[n] for n in ("payments", "transfers", "idempotency_keys", "events")] == [1] * 4
    kept = (await world.rows("SELECT status_code, body FROM idempotency_keys"))[0]
    assert (kept["status_code"], kept["body"].encode()) == (201, body)


async def test_a_repetition_gets_the_first_status_and_the_same_bytes(
    api: AsyncClient, world: World
) -> None:
    order = world.order(await world.add_bill())
    first = await send(api, world, order)
    before = await world.moved()
    assert await send(api, world, order) == (201, first[1], "true")
    assert await world.moved() == before


async def test_a_repetition_in_another_process_gets_the_same_bytes(
    api: AsyncClient, other_api: AsyncClient, world: World
) -> None:
    order = world.order(await world.add_bill())
    first = await send(api, world, order)
    assert await send(other_api, world, order) == (201, first[1], "true")


async def test_a_repetition_after_the_reversal_still_gets_the_first_bytes(
    api: AsyncClient, world: World
) -> None:
    order = world.order(await world.add_bill())
    first = await send(api, world, order)
    assert (await world.reverse(api, json.loads(first[1])["id"])).status_code == 201
    before = await world.moved()
    assert await send(api, world, order) == (201, first[1], "true")
    assert await world.moved() == before


async def test_a_kept_refusal_is_repeated_even_when_the_bill_could_be_paid_by_now(
    api: AsyncClient, world: World
) -> None:
    bill = await world.add_bill()
    paid = await world.pay(api, bill, partner="wallet")
    order = world.order(bill)
    refused = await send(api, world, order)
    assert refused[0] == 409
    assert json.loads(refused[1])["code"] == "bill_already_paid"
    assert (await world.reverse(api, paid.json()["id"], partner="wallet")).status_code == 201
    before = await world.moved()
    assert await send(api, world, order) == (409, refused[1], "true")
    assert await world.moved() == before


async def test_blanks_and_the_order_of_members_and_bills_do_not_make_another_request(
    api: AsyncClient, world: World
) -> None:
    order = world.order(await world.add_bill(), await world.add_bill())
    first = await send(api, world, order)
    bills = order["bills"]
    assert isinstance(bills, list)
    turned = dict(reversed((order | {"bills": bills[::-1]}).items()))
    again = await api.post(
        "/v1/payments",
        content=json.dumps(turned, indent=3),
        headers=world.headers("bank", KEY) | {"content-type": "application/json; charset=utf-8"},
    )
    assert (again.status_code, again.content) == first[:2]
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("biller", {"biller": "evnspc-baclieu"}),
        ("customer_code", {"customer_code": "PB14010000002"}),
        ("partner_reference", {"partner_reference": "ANOTHER-1"}),
        ("channel", {"channel": "sms_banking"}),
        ("bills", {"bills": [{"id": "HD-OF-THIS-TEST", "amount_dong": 149_999}]}),
        ("channel", {"bills": [{"id": "ELSE", "amount_dong": 1}], "channel": "qr"}),
        ("customer_code", {"channel": "qr", "customer_code": "PB14010000002"}),
    ],
)
async def test_another_request_under_a_used_key_is_refused_naming_the_first_field_that_differs(
    api: AsyncClient, world: World, field: str, changes: dict[str, object]
) -> None:
    await world.add_biller("evnspc-baclieu")
    order = world.order(await world.add_bill("HD-OF-THIS-TEST"))
    first = await send(api, world, order)
    before = await world.moved()
    status, body, mark = await send(api, world, order | changes)
    problem = json.loads(body)
    assert (status, problem["code"], mark) == (422, "idempotency_key_reused", None)
    assert [fault["field"] for fault in problem["errors"]] == [field]
    assert problem["money_may_have_moved"] is False
    assert await world.moved() == before
    assert await send(api, world, order) == (201, first[1], "true")


async def test_another_request_under_the_key_of_a_refusal_is_refused_too(
    api: AsyncClient, world: World
) -> None:
    order = world.order(await world.add_bill(), amount_dong=1)
    assert (await send(api, world, order))[0] == 409
    right = order | {"bills": [{"id": "HD-9", "amount_dong": 150_000}]}
    status, body, _ = await send(api, world, right)
    assert (status, json.loads(body)["code"]) == (422, "idempotency_key_reused")
    assert await world.count("payments") == 0


async def test_a_used_reference_under_a_new_key_is_refused_with_a_link_to_the_payment(
    api: AsyncClient, world: World
) -> None:
    order = world.order(await world.add_bill())
    _, body, _ = await send(api, world, order)
    before = await world.moved()
    status, refusal, _ = await send(api, world, order, key=world.new_key())
    problem = json.loads(refusal)
    assert (status, problem["code"]) == (409, "partner_reference_used")
    assert await world.moved() == before
    linked = await api.get(problem["payment"], headers=world.headers("bank"))
    assert linked.json() == json.loads(body)
    assert problem["payment_id"] == json.loads(body)["id"]


async def test_a_used_reference_is_used_for_ever_for_another_bill_and_after_a_reversal_too(
    api: AsyncClient, world: World, clock: FrozenClock
) -> None:
    order = world.order(await world.add_bill())
    _, body, _ = await send(api, world, order)
    await world.reverse(api, json.loads(body)["id"])
    clock.move(timedelta(days=400))
    await world.open_days(clock.now().date())
    other = order | {"bills": [{"id": await world.add_bill(), "amount_dong": 150_000}]}
    status, refusal, _ = await send(api, world, other, key=world.new_key())
    assert (status, json.loads(refusal)["code"]) == (409, "partner_reference_used")
    assert await world.count("payments") == 1


async def test_the_reference_of_another_partner_is_free(api: AsyncClient, world: World) -> None:
    order = world.order(await world.add_bill())
    assert (await send(api, world, order))[0] == 201
    other = order | {"bills": [{"id": await world.add_bill(), "amount_dong": 150_000}]}
    assert (await send(api, world, other, partner="wallet"))[0] == 201


async def test_the_same_key_of_another_partner_is_another_key(
    api: AsyncClient, world: World
) -> None:
    first = await send(api, world, world.order(await world.add_bill()))
    other = await send(api, world, world.order(await world.add_bill()), partner="wallet")
    assert [first[0], other[0], other[2]] == [201, 201, None]
    assert await world.count("payments") == 2


async def test_the_same_key_names_a_payment_and_apart_from_it_a_reversal(
    api: AsyncClient, world: World
) -> None:
    paid = await world.pay(api, await world.add_bill(), key=KEY)
    reversed_ = await world.reverse(api, paid.json()["id"], key=KEY)
    assert reversed_.status_code == 201
    assert "idempotent-replayed" not in reversed_.headers
    again = await world.reverse(api, paid.json()["id"], key=KEY)
    assert (again.content, again.headers["idempotent-replayed"]) == (reversed_.content, "true")


async def test_a_key_survives_the_rotation_of_the_api_key(api: AsyncClient, world: World) -> None:
    order = world.order(await world.add_bill())
    first = await send(api, world, order)
    await world.add_key("bank, rotated", "bank", Scope.PAY)
    assert await send(api, world, order, partner="bank, rotated") == (201, first[1], "true")


async def test_a_repetition_is_answered_45_days_later(
    api: AsyncClient, world: World, clock: FrozenClock
) -> None:
    order = world.order(await world.add_bill())
    first = await send(api, world, order)
    clock.move(timedelta(days=45))
    await world.open_days(clock.now().date())
    assert await send(api, world, order) == (201, first[1], "true")


async def test_a_repetition_is_answered_after_its_lookup_token_has_expired(
    api: AsyncClient, world: World, clock: FrozenClock
) -> None:
    bill = await world.add_bill()
    token = (await world.look_up(api)).json()["lookup_token"]
    order = world.order(bill, lookup_token=token)
    first = await send(api, world, order)
    assert first[0] == 201
    clock.move(timedelta(minutes=16))
    assert await send(api, world, order) == (201, first[1], "true")


@pytest.mark.parametrize(
    "rules",
    [
        {"channels": ["portal"]},
        {"channel_max_dong": {"mobile_banking": 1}},
        {"customer_code_pattern": "XX[0-9]{9}"},
        {"lookup_token_required": True},
    ],
    ids=lambda rules: next(iter(rules)),
)
async def test_a_repetition_is_answered_as_before_under_the_billers_new_rules(
    api: AsyncClient, world: World, rules: dict[str, object]
) -> None:
    order = world.order(await world.add_bill())
    first = await send(api, world, order)
    await world.set_rules(**rules)
    assert await send(api, world, order) == (201, first[1], "true")


async def test_a_reversal_is_repeated_after_the_cut_off(
    api: AsyncClient, world: World, clock: FrozenClock
) -> None:
    paid = await world.pay(api, await world.add_bill())
    first = await world.reverse(api, paid.json()["id"], key=KEY)
    clock.move(timedelta(days=1))
    again = await world.reverse(api, paid.json()["id"], key=KEY)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_reversal_of_another_payment_under_a_used_key_is_refused(
    api: AsyncClient, world: World
) -> None:
    one = (await world.pay(api, await world.add_bill())).json()["id"]
    two = (await world.pay(api, await world.add_bill())).json()["id"]
    assert (await world.reverse(api, one, key=KEY)).status_code == 201
    refused = await world.reverse(api, two, key=KEY)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "payment_id")
    other_reason = await world.reverse(api, one, key=KEY, reason="khác")
    assert other_reason.json()["errors"][0]["field"] == "reason"
    assert await world.count("transfers") == 3


async def test_an_unknown_biller_leaves_nothing_under_the_key(
    api: AsyncClient, world: World
) -> None:
    order = world.order(await world.add_bill())
    wrong = await send(api, world, order | {"biller": "nobody"})
    assert (wrong[0], json.loads(wrong[1])["code"]) == (404, "biller_unknown")
    assert (await send(api, world, order))[0] == 201


async def test_an_overloaded_gateway_keeps_nothing_and_the_key_stays_free(
    api: AsyncClient, world: World
) -> None:
    order = world.order(await world.add_bill())
    room, world.rt.payments._queue_max = world.rt.payments._queue_max, 0
    status, body, _ = await send(api, world, order)
    problem = json.loads(body)
    assert (status, problem["code"], problem["retry"]) == (503, "overloaded", "same_request")
    assert problem["money_may_have_moved"] is True, "an earlier try may have paid"
    assert sum((await world.moved()).values()) == 0
    world.rt.payments._queue_max = room
    assert (await send(api, world, order))[::2] == (201, None)
