"""What stands in suspense, as the biller's system and an operator see it."""

from typing import Any

from gateway.flows import health, suspense
from gateway.kit import metrics
from tests.crediting.bank import SHARE, Bank


async def read(bank: Bank, path: str, partner: str = "utility") -> Any:
    """GET a page."""
    answer = await bank.stage.world.read(bank.stage.api, path, partner)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_biller_reads_what_stands_in_suspense_for_it(bank: Bank) -> None:
    await bank.stage.world.add_bill()
    await bank.send(100_000)
    await bank.send(SHARE, "tien dien")
    page = await read(bank, "/suspense")
    assert [(row["reason"], row["amount_dong"]) for row in page["data"]] == [
        *(("unknown", SHARE), ("short", 100_000)),
    ]
    short = page["data"][1]
    assert (short["missing_dong"], short["age_days"], short["owner"]) == (
        50_000,
        "0-1",
        "operations",
    )
    only = await read(bank, "/suspense?reason=short&owner=operations")
    assert only["data"] == [short]


async def test_pages_follow_one_another_and_closed_lines_are_asked_for(bank: Bank) -> None:
    await bank.stage.world.add_bill()
    for part in (100_000, 40_000, 11_000):
        await bank.send(part)
    assert [row["reason"] for row in (await read(bank, "/suspense"))["data"]] == ["over"]
    first = await read(bank, "/suspense?with_closed=true&limit=2")
    rest = await read(bank, f"/suspense?with_closed=true&cursor={first['next_cursor']}")
    rows = [*first["data"], *rest["data"]]
    assert [row["closed_as"] for row in rows] == [None, "settled", "settled"]
    assert rest["next_cursor"] is None


async def test_a_biller_reads_the_refunds_that_are_due(bank: Bank) -> None:
    await bank.stage.world.add_bill()
    await bank.send(SHARE + 500, bank_reference="FT777")
    await bank.send(SHARE + 500, bank_reference=None)
    page = await read(bank, "/refund-instructions?state=due")
    assert [(row["amount_dong"], row["goes_to"], row["reference"]) for row in page["data"]] == [
        *((SHARE + 500, "unknown", None), (500, "source_account", "FT777")),
    ]
    first = await read(bank, "/refund-instructions?limit=1")
    rest = await read(bank, f"/refund-instructions?cursor={first['next_cursor']}")
    assert [row["amount_dong"] for row in rest["data"]] == [500]


async def test_nobody_else_sees_what_stands_in_suspense(bank: Bank) -> None:
    await bank.stage.world.add_biller("evn-other")
    await bank.send(SHARE, "tien dien")
    for path in ("/suspense", "/refund-instructions"):
        answer = await bank.stage.world.read(bank.stage.api, path, "bank")
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
        assert (await read(bank, path, "evn-other"))["data"] == []
        wrong = await bank.stage.world.read(bank.stage.api, f"{path}?cursor=x", "utility")
        assert (wrong.status_code, wrong.json()["code"]) == (400, "cursor_invalid")
        wrong = await bank.stage.world.read(bank.stage.api, f"{path}?colour=red", "utility")
        assert wrong.status_code == 422


async def test_the_gauges_and_the_doctor_tell_of_it(bank: Bank) -> None:
    await bank.stage.world.add_bill()
    await bank.send(SHARE + 500)
    await bank.send(70_000, "tien dien")
    await suspense.measure(bank.stage.rt)
    told = metrics.render().decode()
    assert 'gateway_suspense_dong{owner="accounting"} 500.0' in told
    assert 'gateway_suspense_dong{owner="operations"} 70000.0' in told
    assert "gateway_refunds_due 1.0" in told
    check = {check.name: check for check in await health.examine(bank.stage.rt)}["suspense"]
    assert check.is_well
    assert "2 lines, 0 past their day" in check.detail
    await bank.stage.sql("UPDATE suspense_lines SET due_on = due_on - 30")
    check = {check.name: check for check in await health.examine(bank.stage.rt)}["suspense"]
    assert (check.is_well, check.blocks) == (False, False)
