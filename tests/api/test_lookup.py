"""The lookup: who is unknown, who owes nothing, and how little of a customer is shown."""

import asyncio
from datetime import date

import pytest
from httpx import AsyncClient

from gateway.domain.masking import mask_address, mask_name
from tests.world import BILLER, CUSTOMER, World

NAME, ADDRESS = "Nguyễn Văn Án", "12 Nguyễn Trãi, Phường 5"
OTHER = "PB14010000002"


async def test_a_code_that_names_nobody_is_no_customer(api: AsyncClient, world: World) -> None:
    unknown = await world.look_up(api, customer="PB14019999999")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "customer_unknown")


@pytest.mark.parametrize("code", ["PB15010000001", "PB1401000000", "PB140100000012", "XXXX"])
async def test_a_code_of_the_wrong_shape_is_none_of_this_biller(
    api: AsyncClient, world: World, code: str
) -> None:
    wrong = await world.look_up(api, customer=code)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "customer_code_invalid")


async def test_a_known_customer_without_debt_is_answered_with_no_bills(
    api: AsyncClient, world: World
) -> None:
    found = await world.look_up(api)
    assert found.status_code == 200
    assert (found.json()["bills"], found.json()["total_due_dong"]) == ([], 0)


async def test_a_biller_that_is_not_there_is_unknown(api: AsyncClient, world: World) -> None:
    params = {"biller": "nobody", "customer_code": CUSTOMER}
    answer = await api.get("/v1/bills", params=params, headers=world.headers("bank"))
    assert (answer.status_code, answer.json()["code"]) == (404, "biller_unknown")


async def test_a_customer_of_one_biller_is_unknown_to_another(
    api: AsyncClient, world: World
) -> None:
    await world.add_biller("evnspc-baclieu")
    params = {"biller": "evnspc-baclieu", "customer_code": CUSTOMER}
    answer = await api.get("/v1/bills", params=params, headers=world.headers("bank"))
    assert (answer.status_code, answer.json()["code"]) == (404, "customer_unknown")


async def test_name_and_address_are_masked(api: AsyncClient, world: World) -> None:
    answer = await world.look_up(api)
    customer = answer.json()["customer"]
    assert customer["name"] == mask_name(NAME) != NAME
    assert customer["address"] == mask_address(ADDRESS) != ADDRESS
    assert NAME not in answer.text
    assert "12 Nguyễn Trãi" not in answer.text


async def test_bills_are_shown_whole_oldest_first_and_summed(
    api: AsyncClient, world: World
) -> None:
    new = await world.add_bill(period=date(2026, 10, 1), amount_dong=70_000)
    old = await world.add_bill(period=date(2026, 9, 1), amount_dong=50_000)
    found = (await world.look_up(api)).json()
    assert [(b["id"], b["period"], b["due_dong"]) for b in found["bills"]] == [
        (old, "2026-09", 50_000),
        (new, "2026-10", 70_000),
    ]
    assert found["total_due_dong"] == 120_000
    assert (found["biller"], found["customer"]["code"]) == (BILLER, CUSTOMER)
    assert found["bills"][0] == {
        "id": old,
        "period": "2026-09",
        "kwh": 70,
        "net_dong": 50_000,
        "vat_dong": 0,
        "amount_dong": 50_000,
        "due_dong": 50_000,
        "issued_on": "2026-11-02",
        "due_on": "2026-11-09",
        "is_being_paid": False,
    }


async def test_after_a_part_is_paid_the_rest_is_due(api: AsyncClient, world: World) -> None:
    await world.set_rules(amount_rule="any")
    bill = await world.add_bill()
    await world.pay(api, bill, amount_dong=100_000)
    found = (await world.look_up(api)).json()
    assert (found["bills"][0]["amount_dong"], found["bills"][0]["due_dong"]) == (150_000, 50_000)
    assert (found["total_due_dong"], found["amount_rule"]) == (50_000, "any")


async def test_a_paid_bill_is_owed_no_more_and_a_reversed_one_again(
    api: AsyncClient, world: World
) -> None:
    bill = await world.add_bill()
    payment = (await world.pay(api, bill)).json()["id"]
    assert (await world.look_up(api)).json()["bills"] == []
    await world.reverse(api, payment)
    assert [b["id"] for b in (await world.look_up(api)).json()["bills"]] == [bill]


async def test_lookups_at_once_get_each_their_own_customer(api: AsyncClient, world: World) -> None:
    await world.add_customer(OTHER)
    mine = await world.add_bill()
    other = await world.add_bill(customer=OTHER)
    asked = [CUSTOMER, OTHER, "PB14019999999"] * 20
    answers = await asyncio.gather(*(world.look_up(api, customer=code) for code in asked))
    expected = {CUSTOMER: [mine], OTHER: [other]}
    for code, answer in zip(asked, answers, strict=True):
        if code in expected:
            assert [bill["id"] for bill in answer.json()["bills"]] == expected[code]
        else:
            assert answer.status_code == 404
