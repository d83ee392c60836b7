"""Bulk enrolment and debit files, against the simulated bank."""

from pathlib import Path

import pytest

from gateway.domain.partner import Mode
from gateway.flows import debit_files, debit_runs, enrolling
from gateway.flows.import_files import FileRefused
from gateway.kit.messages import Garbled
from tests.debiting.stage import BANK, CONSENT, MONDAY, TUESDAY, Stage, run_of
from tests.world import BILLER, CUSTOMER

AGENCY = enrolling.Agency(BILLER, "bank", "autodebit", BANK, "Sở Tài chính", CONSENT, "1")
GOOD = f"{CUSTOMER},19001234567,Nguyễn Văn Án,096123456789,0912345678,2000000,,,2026-11-01,UQ-1"


def a_list(folder: Path, *lines: str) -> Path:
    path = folder / "list.csv"
    path.write_text("\n".join([",".join(enrolling.HEADER), *lines]) + "\n", encoding="utf-8")
    return path


async def test_each_line_is_judged_by_itself_and_refused_by_its_number(
    stage: Stage, tmp_path: Path
) -> None:
    bad = [
        GOOD.replace("19001234567", "12"),
        GOOD.replace("2026-11-01", "2026-02-30"),
        GOOD.replace(CUSTOMER, "PB14019999999"),
        GOOD.replace(",2000000,,,", ",2000000,1000,,"),
        GOOD.replace("2026-11-01", "2999-01-01"),
        "too,few",
    ]
    report = tmp_path / "refused.csv"
    path = a_list(tmp_path, *bad, GOOD)
    done = await enrolling.enrol(stage.rt, path, AGENCY, actor="test", report=report)
    assert (done.lines, done.made, done.registered) == (7, 1, 1)
    assert [refusal.line for refusal in done.refused] == [2, 3, 4, 5, 6, 7]
    assert len(report.read_text(encoding="utf-8").splitlines()) == 7
    (row,) = await stage.world.rows("SELECT state, agency, consent_evidence FROM mandates")
    assert (row["state"], row["agency"]) == ("pending_bank", "Sở Tài chính")
    assert "list.csv line 8" in row["consent_evidence"]


async def test_a_list_that_is_handed_in_again_enrols_nobody_twice(
    stage: Stage, tmp_path: Path
) -> None:
    path = a_list(tmp_path, GOOD)
    await enrolling.enrol(stage.rt, path, AGENCY, actor="test")
    again = await enrolling.enrol(stage.rt, path, AGENCY, actor="test")
    assert (again.made, again.known, again.registered) == (0, 1, 0)
    assert await stage.world.count("mandates") == 1


async def test_a_list_with_another_header_is_refused_whole(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("customer_code,account\n", encoding="utf-8")
    with pytest.raises(FileRefused, match="account_no"):
        await enrolling.enrol(stage.rt, path, AGENCY, actor="test")


async def test_a_file_is_written_once_answered_and_settled_line_by_line(stage: Stage) -> None:
    codes = await stage.customers(3)
    rows = await stage.world.rows("SELECT reference FROM mandates ORDER BY customer_code")
    await stage.prepare()
    await debit_runs.send(stage.rt, run_of(MONDAY, by_file=True))
    assert await stage.taken() == 0
    files = await debit_files.write_file(stage.rt, BILLER, "autodebit", MONDAY)
    assert await debit_files.write_file(stage.rt, BILLER, "autodebit", MONDAY) == files
    ((name, body),) = files.items()
    stage.bank.books.scripts[rows[0]["reference"]] = ["51"]
    assert stage.bank.files.take(name, body) == "00"
    raw = await results_of(stage, name)
    with pytest.raises(Garbled):
        await debit_files.take_results(stage.rt, BILLER, "autodebit", raw[:-9] + b"00000000\n")
    taken = await debit_files.take_results(stage.rt, BILLER, "autodebit", raw, today=MONDAY)
    assert (taken.lines, taken.settled, taken.failed) == (3, 2, 1)
    again = await debit_files.take_results(stage.rt, BILLER, "autodebit", raw, today=MONDAY)
    assert (again.settled, again.failed, again.repeated) == (0, 0, 3)
    (due,) = await stage.world.rows("SELECT due_on FROM debits WHERE state = 'planned'")
    assert due["due_on"] == TUESDAY
    assert (await stage.debits())[codes[1]] == "settled"


async def test_a_return_in_a_later_file_opens_the_bill_again_once(stage: Stage) -> None:
    await stage.customers(1)
    await stage.prepare()
    await debit_runs.send(stage.rt, run_of(MONDAY, by_file=True))
    ((name, body),) = (await debit_files.write_file(stage.rt, BILLER, "autodebit", MONDAY)).items()
    stage.bank.files.take(name, body)
    raw = await results_of(stage, name)
    await debit_files.take_results(stage.rt, BILLER, "autodebit", raw, today=MONDAY)
    stage.bank.notify_url = ""
    await stage.finish("38")
    raw = await results_of(stage, name)
    taken = await debit_files.take_results(stage.rt, BILLER, "autodebit", raw, today=TUESDAY)
    assert taken.returned == 1
    again = await debit_files.take_results(stage.rt, BILLER, "autodebit", raw, today=TUESDAY)
    assert (again.returned, again.repeated) == (0, 1)
    assert set((await stage.world.balances()).values()) == {0}
    assert (await stage.debit())["state"] == "returned"


async def results_of(stage: Stage, name: str) -> bytes:
    """Fetch a result file as the operator does."""
    client, path = stage.bank.client, f"/files/{name.replace('.REQ', '.RES')}"
    headers = client.headers(stage.bank.now(), b"") | {"x-client-id": client.client_id}
    answer = await stage.control.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.content


async def test_a_file_whose_sum_disagrees_settles_nothing_and_somebody_has_to_look(
    stage: Stage,
) -> None:
    await stage.customers(2)
    await stage.prepare()
    await debit_runs.send(stage.rt, run_of(MONDAY, by_file=True))
    ((name, body),) = (await debit_files.write_file(stage.rt, BILLER, "autodebit", MONDAY)).items()
    stage.bank.files.take(name, body)
    stage.rt.mode = Mode.LIVE
    lies = {"operation": "results", "fault": "wrong_amount"}
    assert (await stage.control.post("/control/faults", json=lies)).is_success
    raw = await results_of(stage, name)
    taken = await debit_files.take_results(stage.rt, BILLER, "autodebit", raw, today=MONDAY)
    assert (taken.settled, taken.failed, taken.open) == (0, 0, 2)
    assert set((await stage.debits()).values()) == {"drawn"}
    found = await stage.world.rows("SELECT kind, owner, next_action, due_on FROM exceptions")
    assert len(found) == 2
    assert {row["kind"] for row in found} == {"amount_differs"}
    assert all(row["owner"] and row["next_action"] and row["due_on"] for row in found)
    assert await stage.world.balances() == {}
    # The bank's corrected file, or its answer to a question, settles them after all.
    raw = await results_of(stage, name)
    await debit_files.take_results(stage.rt, BILLER, "autodebit", raw, today=MONDAY)
    assert set((await stage.debits()).values()) == {"settled"}
