"""Billers: their rules as partners read them."""

from httpx import AsyncClient

from tests.world import BILLER, PATTERN, World


async def test_an_unknown_biller_is_not_found(api: AsyncClient, world: World) -> None:
    for code in ("nobody", "x" * 300, "%00", "EVNSPC-CAMAU"):
        answer = await world.read(api, f"/billers/{code}")
        assert (answer.status_code, answer.json()["code"]) == (404, "biller_unknown")


async def test_a_biller_shows_its_rules(api: AsyncClient, world: World) -> None:
    await world.set_rules(
        amount_rule="range",
        partial_min_dong=10_000,
        channels=["qr", "portal"],
        channel_max_dong={"qr": 5_000_000},
        reversal_cutoff="16:30",
        oldest_first=True,
        lookup_token_required=True,
    )
    biller = (await world.read(api, f"/billers/{BILLER}")).json()
    assert (biller["code"], biller["name"], biller["version"]) == (BILLER, "Điện lực Cà Mau", 2)
    assert biller["rules"] == {
        "customer_code_pattern": PATTERN,
        "amount_rule": "range",
        "whole_bill_only": False,
        "partial_min_dong": 10_000,
        "oldest_first": True,
        "channels": ["portal", "qr"],
        "channel_max_dong": {"qr": 5_000_000},
        "lookup_token_required": True,
        "reversal_cutoff": "16:30",
    }


async def test_under_the_exact_rule_no_least_part_is_shown(api: AsyncClient, world: World) -> None:
    rules = (await world.read(api, f"/billers/{BILLER}")).json()["rules"]
    assert (rules["whole_bill_only"], rules["partial_min_dong"]) == (True, None)


async def test_the_list_holds_every_biller_as_it_reads_alone(
    api: AsyncClient, world: World
) -> None:
    await world.add_biller("evnspc-baclieu")
    listed = (await world.read(api, "/billers")).json()["data"]
    assert {biller["code"] for biller in listed} == {BILLER, "evnspc-baclieu"}
    for biller in listed:
        assert (await world.read(api, f"/billers/{biller['code']}")).json() == biller
