"""Imports beside what stands already, and beside others who write and pay at the same moment."""

import asyncio
import gc
import tracemalloc
from pathlib import Path

import httpx
import pytest

from gateway.flows import import_files, imports
from gateway.flows.import_files import FileRefused
from gateway.flows.imports import import_bills
from gateway.runtime import Runtime
from gateway.store import database
from tests.store.waiting import until_blocked
from tests.world import BILLER, CUSTOMER, World

HEADER = "bill_id,customer_code,period,kwh,net_dong,vat_dong,amount_dong,issued_on,due_on"
OTHER = "PB14010000002"
NOBODY = "PB14010000099"
FACTS = "2026-10,70,150000,0,150000,2026-11-02,2026-11-09"
"""What `world.add_bill` writes."""
NEW_FACTS = "2026-10,71,100000,8000,108000,2026-11-02,2026-11-09"


def a_file(folder: Path, *lines: str) -> Path:
    path = folder / "bills.csv"
    path.write_text("\n".join([HEADER, *lines]), encoding="utf-8")
    return path


def sent(customer: str) -> dict[str, object]:
    """Give the line of NEW_FACTS as the API takes it."""
    return {
        "id": "HD-1",
        "customer_code": customer,
        "period": "2026-10",
        "kwh": 71,
        "net_dong": 100_000,
        "vat_dong": 8_000,
        "amount_dong": 108_000,
        "issued_on": "2026-11-02",
        "due_on": "2026-11-09",
    }


PAID = "status = 'paid', paid_dong = 150000, claimed_by = gen_random_uuid()"
STANDING = {
    "open": ("status = 'open'", CUSTOMER, None),
    "paid": (PAID, CUSTOMER, "bill_already_paid"),
    "cancelled": ("status = 'cancelled'", CUSTOMER, "bill_cancelled"),
    "partly paid": ("paid_dong = 1", CUSTOMER, "bill_partly_paid"),
    "another's": ("status = 'open'", OTHER, "bill_of_other_customer"),
    "another's, paid": (PAID, OTHER, "bill_already_paid"),
    "of nobody": ("status = 'open'", NOBODY, "customer_unknown"),
}


@pytest.mark.parametrize(("stands", "customer", "code"), STANDING.values(), ids=STANDING)
async def test_a_file_and_the_api_say_the_same_of_a_line_and_do_the_same(  # noqa: PLR0913
    rt: Runtime,
    world: World,
    api: httpx.AsyncClient,
    tmp_path: Path,
    *,
    stands: str,
    customer: str,
    code: str | None,
) -> None:
    await world.add_customer(OTHER)

    async def stand_again() -> None:
        await world.rows(
            "UPDATE bills SET status = 'open', paid_dong = 0, claimed_by = NULL, kwh = 70,"
            " net_dong = 150000, vat_dong = 0, amount_dong = 150000"
        )
        await world.rows(f"UPDATE bills SET {stands}")

    async def left() -> list[object]:
        rows = await world.rows("SELECT customer_code, kwh, amount_dong, status FROM bills")
        return [tuple(row.values()) for row in rows]

    await world.add_bill("HD-1")
    await stand_again()
    done = await import_bills(
        rt, BILLER, a_file(tmp_path, f"HD-1,{customer},{NEW_FACTS}"), actor="test"
    )
    by_file = [refusal.code for refusal in done.first], done.written, await left()
    await stand_again()
    answer = await api.put(
        f"/v1/billers/{BILLER}/bills",
        json={"bills": [sent(customer)]},
        headers=world.headers("utility"),
    )
    told = answer.json()
    by_api = [line["code"] for line in told["refused"]], told["written"], await left()
    assert by_file == by_api
    assert by_file[:2] == (([code], 0) if code else ([], 1))


async def test_across_chunks_an_equal_line_changes_nothing_and_another_is_newer(
    rt: Runtime, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_files, "CHUNK_LINES", 2)
    first, second = f"HD-1,{CUSTOMER},{FACTS}", f"HD-2,{CUSTOMER},{FACTS}"
    path = a_file(tmp_path, first, second, first, f"HD-2,{CUSTOMER},{NEW_FACTS}")
    done = await import_bills(rt, BILLER, path, actor="test")
    assert (done.written, done.unchanged, done.refused) == (3, 1, 0)
    rows = await world.rows("SELECT id, amount_dong FROM bills ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [("HD-1", 150_000), ("HD-2", 108_000)]


async def test_a_chunk_that_meets_another_writer_is_merged_anew(
    rt: Runtime, world: World, tmp_path: Path
) -> None:
    path = a_file(tmp_path, *(f"HD-{n},{CUSTOMER},{FACTS}" for n in range(5)))
    async with database.borrow(rt.pool) as other:
        transaction = other.transaction()
        await transaction.start()
        await other.execute(
            "INSERT INTO bills (biller_id, id, customer_code, period, kwh, net_dong, vat_dong,"
            " amount_dong, issued_on, due_on) VALUES (1, 'HD-3', $1, '2026-10-01', 70, 150000, 0,"
            " 150000, '2026-11-02', '2026-11-09')",
            CUSTOMER,
        )
        running = asyncio.create_task(import_bills(rt, BILLER, path, actor="test"))
        await until_blocked(other)
        await transaction.commit()
        done = await running
    assert (done.written, done.unchanged, done.refused) == (4, 1, 0)


async def test_lines_that_stand_already_are_not_locked(
    rt: Runtime, world: World, tmp_path: Path
) -> None:
    await world.add_bill("HD-1")
    path = a_file(tmp_path, f"HD-1,{CUSTOMER},{FACTS}")
    async with database.borrow(rt.pool) as other, other.transaction():
        await other.execute("SELECT FROM bills FOR UPDATE")
        async with asyncio.timeout(30):
            assert (await import_bills(rt, BILLER, path, actor="test")).unchanged == 1


async def test_a_chunk_leaves_nothing_behind_in_memory(
    rt: Runtime, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_files, "CHUNK_LINES", 2_000)
    path = a_file(tmp_path, *(f"HD-{n},{CUSTOMER},{FACTS}" for n in range(20_000)))
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        assert (await import_bills(rt, BILLER, path, actor="test")).written == 20_000
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert kept < path.stat().st_size / 2


async def test_a_large_import_renews_the_planners_statistics(
    rt: Runtime, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "ANALYZED_FROM", 3)
    path = a_file(tmp_path, *(f"HD-{n},{CUSTOMER},{FACTS}" for n in range(3)))
    await import_bills(rt, BILLER, path, actor="test")
    known = await world.rows("SELECT reltuples FROM pg_class WHERE relname = 'bills'")
    assert known[0]["reltuples"] == 3


async def test_a_report_that_cannot_be_written_stops_the_import_before_it_begins(
    rt: Runtime, world: World, tmp_path: Path
) -> None:
    path = a_file(tmp_path, f"HD-1,{CUSTOMER},{FACTS}")
    before = path.read_bytes()
    with pytest.raises(FileRefused, match="cannot be written"):
        await import_bills(rt, BILLER, path, actor="test", report=tmp_path / "no" / "report.csv")
    with pytest.raises(FileRefused, match="would overwrite"):
        await import_bills(rt, BILLER, path, actor="test", report=path)
    assert path.read_bytes() == before
    assert await world.count("bills") == 0


async def test_a_folder_is_not_a_file(rt: Runtime, world: World, tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="cannot be read"):
        await import_bills(rt, BILLER, tmp_path, actor="test")
