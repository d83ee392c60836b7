"""Agencies' people: a file line by line, again and again, and what it does to what was counted."""

from pathlib import Path

import pytest

from gateway.domain.refusals import BillerUnknown
from gateway.flows import adoption, agencies
from gateway.flows.adoption import Wanted
from gateway.flows.import_files import FileRefused
from tests.world import BILLER, CUSTOMER, World

HEADER = "customer_code,agency_code,agency_name\n"


async def imported(world: World, folder: Path, text: str) -> tuple[int, int, list[str]]:
    """Import lines; give how many were written and unchanged, and the refusals' codes."""
    file = folder / "members.csv"
    file.write_text(HEADER + text, encoding="utf-8")
    done = await agencies.import_members(
        world.rt, BILLER, file, actor="test", report=folder / "refused.csv"
    )
    return done.written, done.unchanged, [refusal.code for refusal in done.first]


async def test_each_line_is_taken_or_refused_alone(world: World, tmp_path: Path) -> None:
    text = (
        f"{CUSTOMER},so-y-te,Sở Y tế\n"
        "PB14010009999,so-y-te,Sở Y tế\n"
        "PB99,so-y-te,Sở Y tế\n"
        f"{CUSTOMER},so-y-te,Sở Y tế\n"
        f"{CUSTOMER},Sở Y tế,so-y-te\n"
        "two,columns\n"
    )
    written, _, refused = await imported(world, tmp_path, text)
    assert written == 1
    assert refused == [
        *("customer_unknown", "customer_code_invalid", "repeated", "malformed", "malformed")
    ]
    report = (tmp_path / "refused.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in report[1:]] == ["3", "4", "5", "6", "7"]


async def test_the_same_file_again_changes_nothing_and_a_newer_one_moves_people(
    world: World, tmp_path: Path
) -> None:
    assert await imported(world, tmp_path, f"{CUSTOMER},so-y-te,Sở Y tế\n") == (1, 0, [])
    assert await imported(world, tmp_path, f"{CUSTOMER},so-y-te,Sở Y tế\n") == (0, 1, [])
    assert await imported(world, tmp_path, f"{CUSTOMER},so-ct,Sở Công Thương\n") == (1, 0, [])
    rows = await world.rows("SELECT agency_code FROM agency_members")
    assert [row["agency_code"] for row in rows] == ["so-ct"]


async def test_a_name_with_a_comma_and_an_agency_renamed(world: World, tmp_path: Path) -> None:
    await imported(world, tmp_path, f'{CUSTOMER},ubnd,"UBND, Phường 5"\n')
    await imported(world, tmp_path, f"{CUSTOMER},ubnd,Ủy ban\n")
    assert [row["name"] for row in await world.rows("SELECT name FROM agencies")] == ["Ủy ban"]


async def test_another_header_or_biller_is_refused_whole(world: World, tmp_path: Path) -> None:
    file = tmp_path / "members.csv"
    file.write_text("code,agency\n", encoding="utf-8")
    with pytest.raises(FileRefused):
        await agencies.import_members(world.rt, BILLER, file, actor="test")
    with pytest.raises(BillerUnknown):
        await agencies.import_members(world.rt, "nobody", file, actor="test")


async def test_whoever_joins_or_leaves_an_agency_is_counted_there_from_the_next_roll_up(
    world: World, tmp_path: Path
) -> None:
    biller = world.rt.directory.billers[BILLER]
    bill = await world.add_bill()
    await adoption.roll_up(world.rt)
    await imported(world, tmp_path, f"{CUSTOMER},so-y-te,Sở Y tế\n")
    await adoption.roll_up(world.rt)
    month = (await adoption.read_rolled(world.rt, biller))[0].month
    [found] = (await adoption.read_agencies(world.rt, biller, month)).agencies
    assert (found.name, found.customers, found.electronic, found.unsettled) == ("Sở Y tế", 1, 0, 1)
    [cell] = await adoption.read_cells(world.rt, biller, Wanted())
    assert (cell.segment, bill) == ("public_employee", bill)
    assert await agencies.remove_members(world.rt, biller, "so-y-te", [CUSTOMER], actor="t") == 1
    await adoption.roll_up(world.rt)
    assert (await adoption.read_agencies(world.rt, biller, month)).agencies == ()


async def test_the_agencies_of_the_customer_file_are_taken_by_their_names(world: World) -> None:
    biller = world.rt.directory.billers[BILLER]
    await world.rows("UPDATE customers SET agency = 'Sở Y tế'")
    names = {"cq-01": "Sở Y tế", "cq-02": "Sở Công Thương"}
    assert await agencies.take_named(world.rt, biller, names, actor="test") == 1
    assert await agencies.take_named(world.rt, biller, names, actor="test") == 0
