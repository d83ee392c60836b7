import csv
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import httpx
import pytest

from gateway.domain.errors import DatabaseUnavailable
from gateway.domain.refusals import BillerUnknown
from gateway.flows import import_files
from gateway.flows.import_files import FileRefused
from gateway.flows.imports import import_bills, import_customers
from gateway.runtime import Runtime
from gateway.store import imports as store
from gateway.store.bills import Told
from tests.world import BILLER, CUSTOMER, World

HEADER = "bill_id,customer_code,period,kwh,net_dong,vat_dong,amount_dong,issued_on,due_on\n"
REST = "2026-10,45,92593,7407,100000,2026-11-02,2026-11-09"


def a_file(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "bills.csv"
    path.write_text(header + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def line(bill_id: str, customer: str = CUSTOMER) -> str:
    return f"{bill_id},{customer},{REST}"


async def test_good_lines_are_kept_and_bad_ones_refused_by_number(
    rt: Runtime, world: World, tmp_path: Path
) -> None:
    report = tmp_path / "refused.csv"
    path = a_file(
        tmp_path,
        line("HD-1"),
        "rubbish",
        line("HD-2"),
        line("HD-3", "PB14019999999"),
        line("HD-1"),
        line("HD-4").replace("2026-10", "2026-13"),
    )
    done = await import_bills(rt, BILLER, path, actor="test", report=report)
    assert (done.lines, done.written, done.unchanged, done.refused) == (6, 2, 0, 4)
    wanted = [
        (3, "malformed"),
        (5, "customer_unknown"),
        (6, "repeated"),
        (7, "malformed"),
    ]
    assert [(refusal.line, refusal.code) for refusal in done.first] == wanted
    with report.open(encoding="utf-8") as file:
        assert [(int(row["line"]), row["code"]) for row in csv.DictReader(file)] == wanted
    assert await world.count("bills") == 2


async def test_an_import_that_is_run_again_changes_nothing(
    rt: Runtime, world: World, tmp_path: Path
) -> None:
    path = a_file(tmp_path, *(line(f"HD-{number}") for number in range(50)))
    await import_bills(rt, BILLER, path, actor="test")
    again = await import_bills(rt, BILLER, path, actor="test")
    assert (again.written, again.unchanged, again.refused) == (0, 50, 0)
    assert await world.count("bills") == 50


async def test_chunks_are_imported_one_after_another(
    rt: Runtime, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_files, "CHUNK_LINES", 10)
    lines = [line(f"HD-{number:03}") for number in range(95)]
    lines[33] = "rubbish"
    done = await import_bills(rt, BILLER, a_file(tmp_path, *lines), actor="test")
    assert (done.lines, done.written, done.refused) == (95, 94, 1)
    assert [refusal.line for refusal in done.first] == [35]


async def test_a_paid_bill_stays_paid_as_it_was(
    rt: Runtime, world: World, api: httpx.AsyncClient, tmp_path: Path
) -> None:
    bill_id = await world.add_bill("HD-1")
    assert (await world.pay(api, bill_id)).status_code == 201
    done = await import_bills(rt, BILLER, a_file(tmp_path, line("HD-1")), actor="test")
    assert [(refusal.line, refusal.code) for refusal in done.first] == [(2, "bill_already_paid")]
    assert (await world.rows("SELECT amount_dong FROM bills"))[0]["amount_dong"] == 150_000


async def test_a_bills_id_cannot_pass_to_another_customer(
    rt: Runtime, world: World, tmp_path: Path
) -> None:
    await world.add_customer("PB14010000002")
    await world.add_bill("HD-1")
    path = a_file(tmp_path, line("HD-1", "PB14010000002"))
    done = await import_bills(rt, BILLER, path, actor="test")
    assert [refusal.code for refusal in done.first] == ["bill_of_other_customer"]


@pytest.mark.parametrize("header", ["", "bill_id\n", HEADER.replace("kwh", "KWH")])
async def test_another_header_is_refused_before_anything_is_read(
    rt: Runtime, world: World, tmp_path: Path, header: str
) -> None:
    with pytest.raises(FileRefused, match="the header must be"):
        await import_bills(rt, BILLER, a_file(tmp_path, line("HD-1"), header=header), actor="test")
    assert await world.count("bills") == 0


async def test_a_byte_order_mark_and_windows_line_ends_are_tolerated(
    rt: Runtime, world: World, tmp_path: Path
) -> None:
    path = tmp_path / "bills.csv"
    path.write_bytes(
        b"\xef\xbb\xbf" + (HEADER + line("HD-1") + "\n").replace("\n", "\r\n").encode()
    )
    assert (await import_bills(rt, BILLER, path, actor="test")).written == 1


async def test_lines_that_are_no_text_or_too_long_are_refused_alone(
    rt: Runtime, world: World, tmp_path: Path
) -> None:
    path = tmp_path / "bills.csv"
    good = line("HD-1").encode() + b"\n"
    path.write_bytes(HEADER.encode() + b"\xff\xfe\n" + b"x" * 100_000 + b"\n" + good)
    done = await import_bills(rt, BILLER, path, actor="test")
    assert [(refusal.line, refusal.code) for refusal in done.first] == [
        (2, "not_utf8"),
        (3, "line_too_long"),
    ]
    assert done.written == 1


async def test_a_missing_file_and_an_unknown_biller_are_refused(
    rt: Runtime, world: World, tmp_path: Path
) -> None:
    with pytest.raises(FileRefused, match="cannot be read"):
        await import_bills(rt, BILLER, tmp_path / "none.csv", actor="test")
    with pytest.raises(BillerUnknown):
        await import_bills(rt, "nobody", a_file(tmp_path), actor="test")


async def test_an_import_stands_in_the_audit_trail(
    rt: Runtime, world: World, tmp_path: Path
) -> None:
    await import_bills(rt, BILLER, a_file(tmp_path, line("HD-1")), actor="somebody")
    entry = (await world.rows("SELECT * FROM audit_log ORDER BY id DESC LIMIT 1"))[0]
    assert (entry["actor"], entry["action"]) == ("somebody", "bills.imported")


async def test_a_database_that_goes_away_says_how_far_it_came_and_the_next_run_completes(
    rt: Runtime,
    world: World,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(import_files, "CHUNK_LINES", 10)
    path = a_file(tmp_path, *(line(f"HD-{number:03}") for number in range(40)))
    merge, calls = store.merge_bills, 0

    async def cut(
        connection: "asyncpg.Connection[asyncpg.Record]", biller_id: int, lines: Mapping[str, str]
    ) -> tuple[int, list[Told]]:
        nonlocal calls
        calls += 1
        if calls == 3:
            other = await asyncpg.connect(database_url)
            pid = connection.get_server_pid()
            await other.execute("SELECT pg_terminate_backend($1)", pid)
            await other.close()
        return await merge(connection, biller_id, lines)

    monkeypatch.setattr(store, "merge_bills", cut)
    with pytest.raises(DatabaseUnavailable, match="the first 20 lines are safely in") as cut_off:
        await import_bills(rt, BILLER, path, actor="test")
    assert "20 dòng đầu đã được lưu" in cut_off.value.detail_vi
    done = await import_bills(rt, BILLER, path, actor="test")
    assert (done.written, done.unchanged) == (20, 20)


async def test_customers_are_imported_and_the_later_of_two_lines_wins(
    rt: Runtime, world: World, tmp_path: Path
) -> None:
    path = tmp_path / "customers.csv"
    path.write_text(
        "customer_code,name,address,area_code,segment,agency\n"
        'PB14010000007,"Trần ""Tư"" An","1, Lý Bôn",32008,household,\n'
        "PB14010000008,Lê Thị Hoa,2 Lý Bôn,32011,public_employee,Sở Công Thương\n"
        "rubbish\n"
        "PB14010000008,Lê Thị Huệ,2 Lý Bôn,32011,household,\n",
        encoding="utf-8",
    )
    done = await import_customers(rt, BILLER, path, actor="test")
    assert (done.written, done.refused) == (2, 1)
    row = (await world.rows("SELECT * FROM customers WHERE code = 'PB14010000007'"))[0]
    assert (row["name"], row["address"], row["agency"]) == ('Trần "Tư" An', "1, Lý Bôn", None)
    later = (await world.rows("SELECT * FROM customers WHERE code = 'PB14010000008'"))[0]
    assert (later["name"], later["agency"]) == ("Lê Thị Huệ", None)
    again = await import_customers(rt, BILLER, path, actor="test")
    assert (again.written, again.unchanged) == (0, 3)
