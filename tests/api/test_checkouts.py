"""POST /v1/checkouts: one link for one reference, and no money moves."""

from typing import Any

import pytest
from httpx import AsyncClient, Response

from gateway.domain.partner import Scope
from tests.world import BILLER, CUSTOMER, World


async def ask(api: AsyncClient, world: World, *bills: str, **changes: object) -> Response:
    name = str(changes.pop("partner", "wallet"))
    body: dict[str, Any] = {
        "biller": BILLER,
        "customer_code": CUSTOMER,
        "partner_reference": "SMS-1",
        "bills": [{"id": bill, "amount_dong": 150_000} for bill in bills],
    } | changes
    return await api.post("/v1/checkouts", json=body, headers=world.headers(name))


async def test_the_same_request_gives_the_same_link_again(api: AsyncClient, world: World) -> None:
    bill = await world.add_bill()
    first, again = [await ask(api, world, bill) for _ in range(2)]
    assert first.status_code == 201
    assert first.json() == again.json()
    assert first.json()["amount_dong"] == 150_000
    assert CUSTOMER not in first.json()["url"]


async def test_a_link_can_be_asked_for_again_when_its_bill_is_paid(
    api: AsyncClient, world: World
) -> None:
    bill = await world.add_bill()
    first = await ask(api, world, bill)
    await world.pay(api, bill)
    assert (await ask(api, world, bill)).json() == first.json()


async def test_a_reference_names_one_checkout_for_ever_but_of_one_partner(
    api: AsyncClient, world: World
) -> None:
    bill, other = await world.add_bill(), await world.add_bill()
    first = await ask(api, world, bill)
    refused = await ask(api, world, other)
    assert (refused.status_code, refused.json()["code"]) == (409, "checkout_reference_used")
    others = await ask(api, world, bill, partner="bank")
    assert others.status_code == 201
    assert others.json()["url"] != first.json()["url"]


async def test_a_reference_of_a_payment_makes_no_link(api: AsyncClient, world: World) -> None:
    await world.pay(api, await world.add_bill(), partner="wallet", partner_reference="SMS-1")
    refused = await ask(api, world, await world.add_bill())
    assert (refused.status_code, refused.json()["code"]) == (409, "partner_reference_used")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"bills": [{"id": "NONE-1", "amount_dong": 1}]}, "bill_not_found"),
        ({"customer_code": "PB14019999999"}, "customer_unknown"),
        ({"customer_code": "PB99"}, "customer_code_invalid"),
        ({"biller": "evn-nowhere"}, "biller_unknown"),
        ({"bills": []}, "request_invalid"),
        ({"expires_in_s": 1}, "request_invalid"),
        ({"return_url": "javascript:alert(1)"}, "request_invalid"),
    ],
)
async def test_what_cannot_be_paid_makes_no_link(
    api: AsyncClient, world: World, changes: dict[str, object], code: str
) -> None:
    refused = await ask(api, world, await world.add_bill(), **changes)
    assert refused.json()["code"] == code


async def test_another_amount_and_a_paid_bill_are_refused(api: AsyncClient, world: World) -> None:
    bill = await world.add_bill()
    wrong = await ask(api, world, bill, bills=[{"id": bill, "amount_dong": 1}])
    assert wrong.json()["code"] == "amount_mismatch"
    await world.pay(api, bill)
    assert (await ask(api, world, bill)).json()["code"] == "bill_already_paid"


async def test_a_key_that_may_not_pay_makes_no_link(api: AsyncClient, world: World) -> None:
    await world.add_key("reader", "wallet", Scope.READ, Scope.LOOKUP)
    refused = await ask(api, world, await world.add_bill(), partner="reader")
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
