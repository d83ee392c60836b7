"""Who still pays cash, and how they may be reached."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.cash_phase_out import CASH_CHANNELS
from gateway.domain.refusals import CustomerUnknown
from gateway.flows import outreach
from gateway.flows.import_files import FileRefused
from gateway.store import database
from gateway.store import outreach as store
from tests.cash.round import AREA, Round
from tests.world import BILLER, CUSTOMER

HEAD = "customer_code,phone,consent_basis\n"


async def paying_cash(tour: Round) -> int:
    wanted = store.Wanted(1, AREA, CASH_CHANNELS)
    async with database.borrow(tour.rt.pool) as connection:
        return await store.count(connection, wanted)


async def test_a_reversed_payment_makes_nobody_a_cash_payer(tour: Round) -> None:
    bill = await tour.world.add_bill()
    paid = (await tour.world.pay(tour.api, bill, channel="counter_cash")).json()
    assert await paying_cash(tour) == 1
    await tour.world.reverse(tour.api, paid["id"])
    assert await paying_cash(tour) == 0


async def test_whoever_has_turned_electronic_is_no_cash_payer(tour: Round) -> None:
    for channel in ("counter_cash", "qr"):
        await tour.world.pay(tour.api, await tour.world.add_bill(), channel=channel)
        tour.rt.clock.move(timedelta(seconds=1))  # type: ignore[attr-defined]  # the frozen clock
    assert await paying_cash(tour) == 0


async def test_the_last_line_of_a_customer_stands_and_the_same_file_changes_nothing(
    tour: Round, tmp_path: Path
) -> None:
    biller = tour.rt.directory.billers[BILLER]
    file = tmp_path / "contacts.csv"
    file.write_text(f"{HEAD}{CUSTOMER},0912345678,consent\n{CUSTOMER},0912345679,contract\n")
    assert await outreach.import_contacts(tour.rt, biller, file, actor="Lan") == 1
    assert await outreach.import_contacts(tour.rt, biller, file, actor="Lan") == 0
    rows = await tour.world.rows("SELECT phone, consent_basis FROM cash_contacts")
    assert [tuple(row) for row in rows] == [("0912345679", "contract")]


async def test_an_export_that_cannot_be_written_is_audited_and_overwrites_nothing(
    tour: Round, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    out.write_text("somebody's")
    biller = tour.rt.directory.billers[BILLER]
    with pytest.raises(FileRefused):
        await outreach.export(tour.rt, biller, AREA, out, actor="Lan")
    assert out.read_text() == "somebody's"
    rows = await tour.world.rows("SELECT actor FROM audit_log WHERE action = 'outreach.exported'")
    assert [row["actor"] for row in rows] == ["Lan"]


async def test_nobody_unknown_is_left_out(tour: Round) -> None:
    biller = tour.rt.directory.billers[BILLER]
    with pytest.raises(CustomerUnknown):
        await outreach.opt_out(tour.rt, biller, "PB14010999999", actor="Lan")
    assert await tour.world.count("cash_opt_outs") == 0
