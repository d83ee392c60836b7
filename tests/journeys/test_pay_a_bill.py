"""The main job from end to end: look up, pay, lose the answer, be refused, reverse, pay again."""

import json

import pytest
from httpx import AsyncClient

from gateway.runtime import Clock
from tests.world import BILLER, CUSTOMER, World, at_noon


@pytest.fixture
def clock() -> Clock:
    return at_noon()


async def test_a_bill_is_looked_up_paid_once_reversed_and_paid_by_another(
    api: AsyncClient, other_api: AsyncClient, world: World
) -> None:
    await world.set_rules(lookup_token_required=True)
    bill = await world.add_bill()

    shown = (await world.look_up(api)).json()
    assert [(b["id"], b["due_dong"]) for b in shown["bills"]] == [(bill, 150_000)]

    order = world.order(bill, lookup_token=shown["lookup_token"], partner_reference="VB-1")
    headers = world.headers("bank", "the-key-of-the-journey")
    paid = await api.post("/v1/payments", json=order, headers=headers)
    assert paid.status_code == 201

    again = await other_api.post("/v1/payments", json=order, headers=headers)
    assert (again.content, again.headers["idempotent-replayed"]) == (paid.content, "true")
    for path in ("/payments/by-key/the-key-of-the-journey", "/payments/by-reference/VB-1"):
        assert (await world.read(other_api, path)).content == paid.content

    late = (await world.look_up(api, partner="wallet")).json()
    assert late["bills"] == []
    refused = await world.pay(api, bill, partner="wallet", lookup_token=shown["lookup_token"])
    assert refused.json()["code"] == "lookup_token_invalid", "the bank's token is not the wallet's"
    await world.set_rules(lookup_token_required=False)
    refused = await world.pay(api, bill, partner="wallet")
    assert (refused.status_code, refused.json()["code"]) == (409, "bill_already_paid")
    assert refused.json()["money_may_have_moved"] is False

    undone = await world.reverse(api, paid.json()["id"])
    assert (undone.status_code, undone.json()["reversal_reason"]) == (201, "nhầm khách hàng")
    owed_again = (await world.look_up(api, partner="wallet")).json()
    assert owed_again["total_due_dong"] == 150_000

    second = await world.pay(
        api, bill, partner="wallet", channel="e_wallet", lookup_token=owed_again["lookup_token"]
    )
    assert second.status_code == 201
    assert [answer.json()["bills"][0]["sequence"] for answer in (paid, undone, second)] == [1, 2, 3]

    assert await pages(api, world) == {paid.json()["id"], second.json()["id"]}
    by_key = await world.read(api, "/payments/by-key/the-key-of-the-journey")
    by_reference = await world.read(api, "/payments/by-reference/VB-1")
    assert by_key.content == paid.content, "the first answer stays the first answer"
    assert by_reference.json() == undone.json(), "the payment reads as it stands"

    assert await world.balances() == {
        "receivable:bank": 0,
        "receivable:wallet": 150_000,
        f"payable:{BILLER}": -150_000,
    }
    events = [json.loads(row["body"]) for row in await world.rows("SELECT body FROM events")]
    told = {e["data"]["bills"][0]["sequence"]: (e["type"], e["data"]["partner"]) for e in events}
    assert told == {
        1: ("payment.succeeded", "bank"),
        2: ("payment.reversed", "bank"),
        3: ("payment.succeeded", "wallet"),
    }


async def pages(api: AsyncClient, world: World) -> set[str]:
    """List, as the biller's system, every payment of the customer, one a page."""
    seen: list[str] = []
    params = {"limit": "1", "customer_code": CUSTOMER}
    while True:
        headers = world.headers("utility")
        found = (await api.get("/v1/payments", params=params, headers=headers)).json()
        seen += [payment["id"] for payment in found["data"]]
        if found["next_cursor"] is None:
            break
        params["cursor"] = found["next_cursor"]
    assert len(seen) == len(set(seen))
    return set(seen)
