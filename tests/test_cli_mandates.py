"""`gateway mandates` and `gateway debit-run`: what an operator types, against a simulated bank."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.runtime import Runtime
from gateway.sandbox.autodebit_wire import Client
from tests.command import Gateway, assert_refused
from tests.faults.parts import Part, free_port, until
from tests.world import BILLER, CUSTOMER, World

HEADER = (
    "customer_code,account_no,account_name,id_no,phone,max_debit_dong,max_month_dong,"
    "day_of_month,consented_on,paper_no\n"
)
GOOD = f"{CUSTOMER},19001234567890,Nguyễn Văn Án,096123456789,0912345678,2000000,,,2026-11-20,1\n"
BAD = "PB1401,19001234567890,Nguyễn Văn Án,096123456789,0912345678,2000000,,,2026-11-20,2\n"
AT_BANK = ("--biller", BILLER, "--provider", "autodebit")


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bank, as a process of its own."""
    port = free_port()
    log = tmp_path_factory.mktemp("bank") / "bank.log"
    with log.open("wb") as out:
        argv = [sys.executable, "-m", "gateway.sandbox.autodebit", "--port", str(port)]
        part = Part(subprocess.Popen(argv, stdout=out, stderr=out), log)
    yield f"http://127.0.0.1:{port}"
    part.kill()


@pytest.fixture
async def gateway(
    database: str, world: World, bank: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Gateway:
    """The command, configured for the bank."""
    client = Client()
    said = {"host": bank, "client_id": client.client_id, "secret": client.secret}
    for name, value in (said | {"bank_bin": client.bank}).items():
        monkeypatch.setenv(f"GATEWAY_AUTODEBIT__{name.upper()}", value)
    async with httpx.AsyncClient() as http:

        async def is_up() -> bool:
            try:
                return (await http.get(f"{bank}/health")).is_success
            except httpx.TransportError:
                return False

        await until(is_up)
    return Gateway(database, tmp_path)


def enrol(gateway: Gateway, lines: str) -> str:
    path = gateway.file("list.csv", HEADER + lines)
    agency = ("--agency", "Trường THPT Cà Mau", "--partner", "bank", "--bank", Client().bank)
    report = ("--report", "refused.csv")
    return gateway.must("mandates", "enrol", path, *agency, *AT_BANK, *report)


async def test_an_agency_s_list_is_enrolled_accepted_debited_and_shown(
    gateway: Gateway, world: World, rt: Runtime
) -> None:
    await world.add_bill("HD-A")
    said = enrol(gateway, GOOD + BAD)
    assert "1" in said
    assert "PB1401" in (gateway.folder / "refused.csv").read_text(encoding="utf-8")
    assert "0 mandates" in gateway.must("mandates", "register", "--provider", "autodebit")
    (row,) = await world.rows("SELECT reference, state FROM mandates")
    assert row["state"] == "pending_bank"
    changed = gateway.must("mandates", "change", row["reference"], "activate", "phiếu số 1")
    assert changed == f"{row['reference']} is active\n"
    run = ("debit-run", *AT_BANK, "--day", "2026-11-30", "--rehearse")
    assert "1 debits of 150000 đồng" in gateway.must(*run, "--prepare")
    named = re.search(
        r"1 sent, 0 skipped.*\n(\S+AD_\S+): \d+ bytes",
        gateway.must(*run, "--send", "--file", "--out", str(gateway.folder)),
    )
    assert named is not None
    path = Path(named[1])
    first = await asyncio.to_thread(path.read_bytes)
    gateway.must(*run, "--file", "--out", str(gateway.folder))
    assert await asyncio.to_thread(path.read_bytes) == first
    assert "drawn: 1 debits, 150000 đồng" in gateway.must(*run, "--report")


async def test_what_cannot_be_done_is_refused_with_a_sentence(gateway: Gateway) -> None:
    assert_refused(
        gateway("mandates", "change", "mdt_none", "cancel", "x"), "no mandate 'mdt_none'"
    )
    saturday = ("debit-run", *AT_BANK, "--day", "2026-11-28", "--rehearse", "--prepare")
    assert_refused(gateway(*saturday), "do not book")
    broken = gateway.file("broken.RES", "T|1|150000|00\n")
    assert_refused(gateway("debit-run", *AT_BANK, "--results", broken), "")
    assert "nothing was asked" in gateway.must("debit-run", *AT_BANK)
    assert "0 mandates" in gateway.must("mandates", "expire")
