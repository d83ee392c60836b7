"""An export is counted again from its own raw rows, whatever happens meanwhile; it names nobody."""

import csv
import io
import re
import zipfile
from datetime import date
from pathlib import Path

import pytest

from gateway.domain.pilot import Pilot, PilotUnknown
from gateway.flows import adoption, exports
from gateway.kit.spreadsheet import SUFFIXES, Form
from gateway.sandbox.recompute import differences, tables
from tests.history import FIRST, History
from tests.world import BILLER, World

PILOT = Pilot(
    code="wards",
    name='=cmd|"/C calc"!A0',
    areas=("32011", "32008"),
    comparison_areas=("32017",),
    baseline_from=FIRST,
    baseline_to=date(2026, 2, 1),
    starts_on=date(2026, 3, 1),
    ends_on=date(2027, 3, 31),
    target_percent=200,
)
MONTH = date(2026, 3, 1)


@pytest.fixture
async def history(world: World) -> History:
    """A pilot with a history that is rolled up."""
    history = History(world, 7)
    await history.begin(customers=12, months=4)
    for _ in range(120):
        await history.step()
    await adoption.put_pilot(world.rt, world.rt.directory.billers[BILLER], PILOT, actor="test")
    await adoption.roll_up(world.rt)
    return history


async def exported(world: World, path: Path, **wanted: object) -> exports.Exported:
    form = Form.XLSX if path.suffix == ".xlsx" else Form.CSV
    asked = exports.Wanted("wards", **({"month": MONTH, "form": form} | wanted))  # type: ignore[arg-type]
    biller = world.rt.directory.billers[BILLER]
    return await exports.write(world.rt, biller, asked, path, actor="test")


@pytest.mark.parametrize("form", list(Form))
async def test_the_raw_rows_give_the_figures_and_both_give_the_truth(
    history: History, tmp_path: Path, form: Form
) -> None:
    path = tmp_path / f"adoption{SUFFIXES[form]}"
    done = await exported(history.world, path)
    assert differences(str(path)) == []
    truth = {key[1:]: counts for key, counts in history.counts().items() if key[0] == MONTH}
    figures = {
        (row["area_code"], row["segment"], row["channel"]): tuple(
            int(row[name]) for name in exports.FIGURES[4:]
        )
        for row in tables(str(path), "figures")
    }
    assert figures == truth
    assert done.rows == sum(counts[6] for counts in truth.values())


async def test_a_payment_since_the_roll_up_is_in_figures_and_raw_rows_alike(
    history: History, tmp_path: Path
) -> None:
    bill = next(b for b in history.bills if b.month == MONTH and not b.paid and not b.is_cancelled)
    await history.pay(bill, "portal")
    path = tmp_path / "adoption.zip"
    await exported(history.world, path)
    assert differences(str(path)) == []
    bills = [row for row in tables(str(path), "raw") if row["amount_dong"] == str(bill.amount_dong)]
    assert [row["channel"] for row in bills] == ["portal"]


async def test_a_figure_that_was_changed_is_found(history: History, tmp_path: Path) -> None:
    path, forged = tmp_path / "a.zip", tmp_path / "b.zip"
    await exported(history.world, path)
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(forged, "w") as out:
        for name in archive.namelist():
            text = archive.read(name).decode("utf-8-sig")
            if name == "figures.csv":
                rows = list(csv.reader(io.StringIO(text)))
                rows[1][4] = str(int(rows[1][4]) + 1)
                text = "\n".join(",".join(row) for row in rows)
            out.writestr(name, text)
    [difference] = differences(str(forged))
    assert "customers" in difference


async def test_no_customer_code_and_no_name_is_in_it_and_each_file_has_other_numbers(
    history: History, tmp_path: Path
) -> None:
    first, second = tmp_path / "a.zip", tmp_path / "b.zip"
    await exported(history.world, first)
    await exported(history.world, second)
    numbers = []
    for path in (first, second):
        with zipfile.ZipFile(path) as archive:
            whole = b"".join(archive.read(name) for name in archive.namelist()).decode()
        assert not re.search(r"PB\d|Nguyễn", whole)
        found = [row["customer"] for row in tables(str(path), "raw")]
        assert found == sorted(found)
        numbers.append(set(found))
    assert not numbers[0] & numbers[1]
    assert len(numbers[0]) == len(numbers[1])


async def test_a_name_that_would_run_is_written_as_text(history: History, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    await exported(history.world, path)
    about = {row["what"]: row["value"] for row in tables(str(path), "about")}
    assert about["pilot"].startswith("'=")


async def test_an_export_is_audited_and_holds_only_areas_that_may_be_seen(
    history: History, tmp_path: Path
) -> None:
    path = tmp_path / "a.zip"
    done = await exported(history.world, path, only=("32011",))
    assert {row["area_code"] for row in tables(str(path), "raw")} <= {"32011", "32017"}
    [entry] = await history.world.rows(
        "SELECT actor, detail FROM audit_log WHERE action = 'adoption.exported'"
    )
    assert f'"rows": {done.rows}' in entry["detail"]
    with pytest.raises(PilotUnknown):
        await exported(history.world, path, only=("99999",))


async def test_a_month_without_bills_is_refused(history: History, tmp_path: Path) -> None:
    with pytest.raises(exports.NothingToExport):
        await exported(history.world, tmp_path / "a.zip", month=date(2020, 1, 1))
