"""Hand-over lists: whose bills, how many, until when; each bill on one list."""

import asyncio
from datetime import date, timedelta

import pytest
from httpx import AsyncClient

from gateway.domain.cash_phase_out import Schedule
from gateway.domain.clock import business_date
from gateway.store import cash_phase_out, database
from tests.cash.round import AREA, Round
from tests.world import BILLER, World


async def plan(tour: Round, **changes: object) -> None:
    """Give the area a schedule that was announced ten days ago."""
    today = business_date(tour.now())
    dates: dict[str, object] = {
        "announced_on": today - timedelta(days=10),
        "without_phone_from": today + timedelta(days=30),
        "ends_on": today + timedelta(days=60),
    }
    figures = {"caps_step_percent": 0, "complaints_max": 5, "arrears_percent_max": 100}
    schedule = Schedule(AREA, **(dates | figures | changes))  # type: ignore[arg-type]
    async with database.borrow(tour.rt.pool) as connection:
        await cash_phase_out.put(connection, 1, schedule)


async def test_a_list_holds_the_areas_open_bills_masked(tour: Round) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    assert [bill["id"] for bill in given["bills"]] == ["HD-A"]
    assert given["bills"][0]["name"] == "N*** V*** Án"
    read = await tour.world.read(tour.api, f"/hand-over-lists/{given['id']}")
    assert read.json()["bills"] == given["bills"]


async def test_a_bill_stands_on_one_live_list_however_many_are_asked_at_once(
    tour: Round, other_api: AsyncClient
) -> None:
    for number in range(5):
        await tour.world.add_bill(f"HD-{number}Y")
    answers = await asyncio.gather(*(tour.ask_list() for _ in range(20)))
    made = [answer.json() for answer in answers if answer.status_code == 201]
    handed = [bill["id"] for given in made for bill in given["bills"]]
    assert sorted(handed) == [f"HD-{number}Y" for number in range(5)]
    refused = {answer.json()["code"] for answer in answers if answer.status_code != 201}
    assert refused == {"nothing_to_hand_over"}


async def test_a_repeated_request_makes_one_list(tour: Round) -> None:
    await tour.world.add_bill()
    until = (tour.now() + timedelta(days=1)).isoformat(timespec="seconds")
    first = await tour.ask_list("a-list-asked-for-twice", valid_until=until)
    again = await tour.ask_list("a-list-asked-for-twice", valid_until=until)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert await tour.world.count("hand_over_lists") == 1


async def test_bills_of_a_list_that_is_over_are_handed_over_again(tour: Round) -> None:
    await tour.world.add_bill("HD-A")
    past = (tour.now() - timedelta(seconds=1)).isoformat(timespec="seconds")
    await tour.hand_over(valid_until=past)
    assert len((await tour.hand_over())["bills"]) == 1


async def test_caps_hold_for_a_list_and_for_a_day(world: World, api: AsyncClient) -> None:
    tour = await Round.begin(world, api, per_list_dong=300_000, per_day_dong=450_000)
    for number in range(6):
        await world.add_bill(f"HD-{number}Z")
    assert (await tour.hand_over())["amount_dong"] == 300_000
    assert (await tour.hand_over())["amount_dong"] == 150_000
    assert (await tour.ask_list()).json()["code"] == "nothing_to_hand_over"


async def test_caps_shrink_as_the_area_has_planned(world: World, api: AsyncClient) -> None:
    tour = await Round.begin(world, api, per_list_dong=600_000)
    for number in range(6):
        await world.add_bill(f"HD-{number}W")
    announced = business_date(tour.now()) - timedelta(days=60)
    await plan(tour, announced_on=announced, caps_step_percent=25)
    assert (await tour.hand_over())["amount_dong"] == 300_000


async def test_an_area_that_has_ended_cash_refuses_new_lists_and_takes_old_ones(
    tour: Round,
) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    await tour.world.add_bill("HD-B")
    today = business_date(tour.now())
    await plan(tour, without_phone_from=today, ends_on=today)
    refused = await tour.ask_list()
    assert (refused.status_code, refused.json()["code"]) == (409, "new_lists_ended")
    assert refused.json()["ended_on"] == today.isoformat()
    assert await tour.results(given, tour.collect(given)) == ["ACCEPTED"]


async def test_lists_hold_only_customers_without_a_phone_when_the_plan_says_so(
    tour: Round,
) -> None:
    await tour.world.add_bill("HD-A")
    await tour.world.add_customer("PB14010000002")
    await tour.world.add_bill("HD-B", customer="PB14010000002")
    await tour.world.rows(
        "INSERT INTO cash_contacts (biller_id, customer_code, phone, consent_basis)"
        " VALUES (1, 'PB14010000001', '0912345678', 'consent')"
    )
    await plan(tour, without_phone_from=business_date(tour.now()))
    assert [bill["id"] for bill in (await tour.hand_over())["bills"]] == ["HD-B"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"collector": "nobody"}, 404, "collector_unknown"),
        ({"area_code": "32xyz"}, 422, "request_invalid"),
        ({"valid_until": "2026-11-24"}, 422, "request_invalid"),
        ({"valid_until": "2026-13-41T08:00:00Z"}, 422, "request_invalid"),
        ({"customer_codes": []}, 422, "request_invalid"),
    ],
    ids=["collector", "area", "a-day", "no-day", "nobody"],
)
async def test_a_list_that_cannot_be_is_refused(
    tour: Round, changes: dict[str, object], status: int, code: str
) -> None:
    answer = await tour.ask_list(**changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_biller_without_cash_at_home_hands_nothing_over(tour: Round) -> None:
    await tour.world.add_bill()
    await tour.world.set_rules(channels=["qr", "mobile_banking"])
    assert (await tour.ask_list()).json()["code"] == "channel_not_allowed"


async def test_another_partner_sees_no_list_and_fills_none(tour: Round) -> None:
    await tour.world.add_bill()
    given = await tour.hand_over()
    read = await tour.world.read(tour.api, f"/hand-over-lists/{given['id']}", "wallet")
    assert read.json()["code"] == "hand_over_list_not_found"
    tour.world.keys["bank"] = tour.world.keys["wallet"]
    filled = await tour.upload(given, [tour.collect(given)])
    assert filled.json()["code"] == "hand_over_list_not_found"
    page = await tour.world.read(tour.api, "/hand-over-lists", "wallet")
    assert page.json() == {"data": [], "next_cursor": None}


async def test_lists_are_paged_from_the_newest(tour: Round) -> None:
    made = []
    for _ in range(3):
        await tour.world.add_bill(period=date(2026, 10, 1))
        made.append((await tour.hand_over())["id"])
    first = (await tour.world.read(tour.api, "/hand-over-lists?limit=2")).json()
    cursor = first["next_cursor"]
    rest = (await tour.world.read(tour.api, f"/hand-over-lists?cursor={cursor}")).json()
    assert [row["id"] for row in [*first["data"], *rest["data"]]] == sorted(made, reverse=True)
    assert BILLER not in first["next_cursor"]
