"""Payments over HTTP: every refusal says what to do, and what is paid reads as it was answered."""

from datetime import date
from typing import Any

import pytest
from httpx import AsyncClient

from tests.world import BILLER, CUSTOMER, World

OTHER = "PB14010000002"
MISSING = "pay_" + "0" * 32
Params = dict[str, str | int]


async def refusal(
    api: AsyncClient, world: World, *bills: str, **changes: object
) -> tuple[int, str, dict[str, Any]]:
    """Pay, and give status and code of the refusal, and what it says more."""
    answer = await api.post(
        "/v1/payments",
        json=world.order(*bills) | changes,
        headers=world.headers("bank", world.new_key()),
    )
    problem = answer.json()
    assert problem["money_may_have_moved"] is False
    return answer.status_code, problem["code"], problem


async def test_an_unknown_biller_is_refused(api: AsyncClient, world: World) -> None:
    status, code, problem = await refusal(api, world, "HD-1", biller="nobody")
    assert (status, code, problem["biller"]) == (404, "biller_unknown", "nobody")


async def test_a_customer_code_of_the_wrong_shape_is_refused(
    api: AsyncClient, world: World
) -> None:
    bill = await world.add_bill()
    told = await refusal(api, world, bill, customer_code="PB15010000001")
    assert told[:2] == (422, "customer_code_invalid")


@pytest.mark.parametrize("whose", ["nobody's", "another customer's", "another biller's"])
async def test_a_bill_that_is_not_this_customers_is_refused(
    api: AsyncClient, world: World, whose: str
) -> None:
    await world.add_biller("evnspc-baclieu")
    await world.add_customer(OTHER)
    bill = "HD-NONE" if whose == "nobody's" else await world.add_bill(customer=OTHER)
    biller = "evnspc-baclieu" if whose == "another biller's" else BILLER
    status, code, problem = await refusal(api, world, bill, biller=biller)
    assert (status, code, problem["bill_id"]) == (404, "bill_not_found", bill)
    assert await world.count("payments") == 0


async def test_a_paid_bill_is_refused_and_takes_the_other_bills_along(
    api: AsyncClient, world: World
) -> None:
    paid, free = await world.add_bill(), await world.add_bill()
    await world.pay(api, paid, partner="wallet")
    status, code, problem = await refusal(api, world, free, paid)
    assert (status, code, problem["bill_id"]) == (409, "bill_already_paid", paid)
    rows = await world.rows("SELECT status FROM bills WHERE id = $1", free)
    assert rows[0]["status"] == "open"


async def test_a_cancelled_bill_is_refused(api: AsyncClient, world: World) -> None:
    bill = await world.add_bill()
    await world.cancel(api, bill)
    assert (await refusal(api, world, bill))[:2] == (409, "bill_cancelled")


@pytest.mark.parametrize("asked_dong", [149_999, 150_001, 1, 10**13])
async def test_another_amount_than_what_is_due_is_refused(
    api: AsyncClient, world: World, asked_dong: int
) -> None:
    bill = await world.add_bill()
    bills = [{"id": bill, "amount_dong": asked_dong}]
    status, code, problem = await refusal(api, world, bills=bills)
    assert (status, code, problem["due_dong"]) == (409, "amount_mismatch", 150_000)


@pytest.mark.parametrize(
    ("asked_dong", "is_taken"),
    [(9_999, False), (10_000, True), (149_999, True), (150_000, True), (150_001, False)],
)
async def test_under_the_range_rule_a_part_from_the_least_up_is_taken(
    api: AsyncClient, world: World, asked_dong: int, *, is_taken: bool
) -> None:
    await world.set_rules(amount_rule="range", partial_min_dong=10_000)
    answer = await world.pay(api, await world.add_bill(), amount_dong=asked_dong)
    assert (answer.status_code == 201) is is_taken


async def test_a_rest_below_the_least_part_may_be_paid_off(api: AsyncClient, world: World) -> None:
    await world.set_rules(amount_rule="range", partial_min_dong=10_000)
    bill = await world.add_bill()
    assert (await world.pay(api, bill, amount_dong=149_999)).status_code == 201
    last = await world.pay(api, bill, amount_dong=1)
    assert last.status_code == 201
    rows = await world.rows("SELECT status, paid_dong FROM bills")
    assert tuple(rows[0].values()) == ("paid", 150_000)


async def test_an_older_open_bill_must_be_paid_first_where_the_biller_says_so(
    api: AsyncClient, world: World
) -> None:
    await world.set_rules(oldest_first=True)
    old = await world.add_bill(period=date(2026, 9, 1))
    new = await world.add_bill(period=date(2026, 10, 1))
    status, code, problem = await refusal(api, world, new)
    assert (status, code, problem["bill_id"]) == (409, "older_bill_open", old)
    assert (await world.pay(api, old)).status_code == 201
    assert (await world.pay(api, new)).status_code == 201


async def test_a_payment_on_a_mandate_names_the_mandate(api: AsyncClient, world: World) -> None:
    told = await refusal(api, world, await world.add_bill(), method="mandate")
    assert told[:2] == (422, "request_invalid")


async def test_a_payment_through_a_provider_names_the_provider_and_where_the_payer_is(
    api: AsyncClient, world: World
) -> None:
    told = await refusal(api, world, await world.add_bill(), method="provider")
    assert told[:2] == (422, "request_invalid")
    missing = {fault["field"] for fault in told[2]["errors"]}
    assert missing == {"provider", "return_url", "payer_ip"}


async def test_a_collected_payment_that_names_a_provider_is_refused(
    api: AsyncClient, world: World
) -> None:
    told = await refusal(api, world, await world.add_bill(), provider="anybody")
    assert told[:2] == (422, "request_invalid")
    assert [fault["field"] for fault in told[2]["errors"]] == ["provider"]


async def test_a_collected_payment_may_hold_the_word_provider(
    api: AsyncClient, world: World
) -> None:
    paid = await world.pay(api, await world.add_bill(), partner_reference="provider")
    assert (paid.status_code, paid.json()["method"]) == (201, "collected")


async def test_a_channel_that_the_biller_does_not_take_is_refused(
    api: AsyncClient, world: World
) -> None:
    await world.set_rules(channels=["portal"])
    told = await refusal(api, world, await world.add_bill())
    assert told[:2] == (422, "channel_not_allowed")


async def test_more_than_a_channel_may_carry_is_refused_over_all_bills(
    api: AsyncClient, world: World
) -> None:
    await world.set_rules(channel_max_dong={"mobile_banking": 299_999})
    bills = [await world.add_bill(), await world.add_bill()]
    assert (await refusal(api, world, *bills))[:2] == (422, "channel_not_allowed")
    assert (await world.pay(api, bills[0])).status_code == 201


async def test_a_bill_named_twice_is_refused(api: AsyncClient, world: World) -> None:
    bill = await world.add_bill()
    status, code, problem = await refusal(api, world, bill, bill)
    assert (status, code) == (422, "request_invalid")
    assert problem["errors"] == [{"field": "bills", "message": f"names bill '{bill}' twice"}]


async def test_fifty_bills_are_paid_at_once_and_fifty_one_refused(
    api: AsyncClient, world: World
) -> None:
    bills = [await world.add_bill() for _ in range(51)]
    assert (await refusal(api, world, *bills))[:2] == (422, "request_invalid")
    paid = await world.pay(api, *bills[:50])
    assert (paid.status_code, paid.json()["amount_dong"]) == (201, 50 * 150_000)
    assert len(paid.json()["bills"]) == 50


async def test_a_payment_is_answered_as_it_was_asked(api: AsyncClient, world: World) -> None:
    bills = sorted([await world.add_bill(), await world.add_bill()])
    paid = (await world.pay(api, *bills, partner_reference="REF:1/a", channel="portal")).json()
    del paid["id"], paid["created_at"], paid["business_date"]
    assert paid == {
        "status": "succeeded",
        "method": "collected",
        "biller": BILLER,
        "customer_code": CUSTOMER,
        "partner": "bank",
        "partner_reference": "REF:1/a",
        "channel": "portal",
        "amount_dong": 300_000,
        "reversed_at": None,
        "reversal_reason": None,
        "bills": [
            {"id": bill, "period": "2026-10", "amount_dong": 150_000, "sequence": 1}
            for bill in bills
        ],
    }


async def test_a_payment_reads_as_it_was_answered_to_who_paid_and_to_the_biller(
    api: AsyncClient, world: World
) -> None:
    paid = await world.pay(api, await world.add_bill(), await world.add_bill())
    for partner in ("bank", "utility"):
        read = await world.read(api, f"/payments/{paid.json()['id']}", partner)
        assert (read.status_code, read.content) == (200, paid.content)


@pytest.mark.parametrize("payment", [MISSING, "pay_1", MISSING.upper(), "evt" + MISSING[3:], "%00"])
async def test_a_payment_that_is_not_there_is_not_found(
    api: AsyncClient, world: World, payment: str
) -> None:
    answer = await world.read(api, f"/payments/{payment}")
    assert (answer.status_code, answer.json()["code"]) == (404, "payment_not_found")


# ── lists ────────────────────────────────────────────────────────────────────────────────────────


async def page(
    api: AsyncClient, world: World, partner: str = "bank", params: Params | None = None
) -> dict[str, object]:
    answer = await api.get("/v1/payments", params=params, headers=world.headers(partner))
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


async def test_pages_follow_each_other_without_gap_or_overlap_newest_first(
    api: AsyncClient, world: World
) -> None:
    made = [(await world.pay(api, await world.add_bill())).json() for _ in range(7)]
    seen: list[object] = []
    cursor: Params = {"limit": 3}
    while True:
        found = await page(api, world, params=cursor)
        assert isinstance(found["data"], list)
        seen += found["data"]
        if found["next_cursor"] is None:
            break
        assert len(found["data"]) == 3
        cursor["cursor"] = str(found["next_cursor"])
    assert seen == sorted(made, key=lambda payment: str(payment["id"]), reverse=True)


async def test_the_last_page_says_so_when_it_is_just_full(api: AsyncClient, world: World) -> None:
    for _ in range(3):
        await world.pay(api, await world.add_bill())
    found = await page(api, world, params={"limit": 3})
    assert isinstance(found["data"], list)
    assert (len(found["data"]), found["next_cursor"]) == (3, None)


@pytest.mark.parametrize("cursor", ["", "x", "pay_1", "evt" + MISSING[3:], MISSING + "0"])
async def test_a_cursor_that_the_list_did_not_give_is_refused(
    api: AsyncClient, world: World, cursor: str
) -> None:
    answer = await api.get("/v1/payments", params={"cursor": cursor}, headers=world.headers("bank"))
    assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")


async def test_a_list_holds_only_what_was_asked_for(api: AsyncClient, world: World) -> None:
    await world.add_customer(OTHER)
    mine = (await world.pay(api, await world.add_bill())).json()
    other = await world.pay(
        api, await world.add_bill(customer=OTHER), customer_code=OTHER, channel="qr"
    )
    await world.reverse(api, mine["id"])
    day = mine["business_date"]
    asked: list[tuple[Params, list[str]]] = [
        ({"customer_code": CUSTOMER}, [mine["id"]]),
        ({"channel": "qr"}, [other.json()["id"]]),
        ({"is_reversed": "true"}, [mine["id"]]),
        ({"is_reversed": "false"}, [other.json()["id"]]),
        ({"from_date": day, "to_date": day, "channel": "qr"}, [other.json()["id"]]),
        ({"to_date": "2020-01-01"}, []),
        ({"from_date": "2099-01-01"}, []),
        ({"customer_code": CUSTOMER, "channel": "qr"}, []),
    ]
    for params, expected in asked:
        data = (await page(api, world, params=params))["data"]
        assert isinstance(data, list)
        assert [payment["id"] for payment in data] == expected, params


async def test_a_partner_lists_its_own_and_the_biller_all_of_its_bills(
    api: AsyncClient, world: World
) -> None:
    by = {p: (await world.pay(api, await world.add_bill(), partner=p)).json()["id"]
          for p in ("bank", "wallet")}  # fmt: skip
    seen = {}
    for partner in ("bank", "wallet", "utility"):
        data = (await page(api, world, partner))["data"]
        assert isinstance(data, list)
        seen[partner] = {payment["id"] for payment in data}
    assert seen == {"bank": {by["bank"]}, "wallet": {by["wallet"]}, "utility": set(by.values())}
