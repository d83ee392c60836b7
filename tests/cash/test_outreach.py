"""Who still pays cash, how they may be reached, who helped them, and who came back."""

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from gateway.domain.cash_phase_out import (
    Schedule,
)
from gateway.domain.clock import business_date
from gateway.flows import cash_phase_out, outreach
from gateway.flows.import_files import FileRefused
from tests.cash.round import AREA, Round
from tests.world import BILLER, CUSTOMER

PLAN = Schedule(AREA, date(2026, 10, 1), date(2026, 12, 1), date(2027, 3, 1), 10, 2, 50)
OTHER = "PB14010000002"


async def call(
    tour: Round, method: str, path: str, body: Any = None, who: str = "utility"
) -> Response:
    """Ask as the utility's own system."""
    headers = tour.world.headers(who)
    return await tour.api.request(method, f"/v1/cash-phase-out{path}", json=body, headers=headers)


async def announce(tour: Round, **changes: object) -> Response:
    """Plan ward 5: announced ten days ago."""
    await tour.world.rows(
        "INSERT INTO areas (code, valid_from, name, kind)"
        " VALUES ('32008', '2025-07-01', 'Phường 5', 'ward') ON CONFLICT DO NOTHING"
    )
    today = business_date(tour.now())
    body: dict[str, object] = {
        "announced_on": (today - timedelta(days=10)).isoformat(),
        "without_phone_from": (today + timedelta(days=30)).isoformat(),
        "ends_on": (today + timedelta(days=60)).isoformat(),
        "caps_step_percent": 10,
        "complaints_max": 1,
        "arrears_percent_max": 100,
    }
    return await call(tour, "PUT", f"/areas/{AREA}", body | changes)


async def test_help_is_credited_with_the_first_electronic_payment_and_no_other(
    tour: Round,
) -> None:
    before, after, second = [await tour.world.add_bill() for _ in range(3)]
    await tour.world.pay(tour.api, before, channel="counter_cash")
    helped = {"collector": "an", "customer_code": CUSTOMER}
    assert (await call(tour, "POST", "/assists", helped, "bank")).status_code == 201
    assert await cash_phase_out.credit_assists(tour.rt) == 0
    await tour.world.pay(tour.api, after, channel="qr")
    await tour.world.pay(tour.api, second, channel="qr")
    assert await cash_phase_out.credit_assists(tour.rt) == 1
    await call(tour, "POST", "/assists", helped, "bank")
    assert await cash_phase_out.credit_assists(tour.rt) == 0
    found = (await call(tour, "GET", "/assists")).json()["data"]
    assert found == [{"collector": "an", "assists": 2, "first_payments": 1}]


async def test_who_paid_electronically_before_the_help_was_won_by_nobody(tour: Round) -> None:
    first, later = [await tour.world.add_bill() for _ in range(2)]
    await tour.world.pay(tour.api, first, channel="e_wallet")
    tour.rt.clock.move(timedelta(seconds=1))  # type: ignore[attr-defined]  # the frozen clock
    await call(tour, "POST", "/assists", {"collector": "an", "customer_code": CUSTOMER}, "bank")
    await tour.world.pay(tour.api, later, channel="qr")
    assert await cash_phase_out.credit_assists(tour.rt) == 0


async def test_cash_payers_are_listed_masked_and_each_read_is_audited(tour: Round) -> None:
    await tour.world.pay(tour.api, await tour.world.add_bill(), channel="counter_cash")
    page = (await call(tour, "GET", f"/cash-payers?area={AREA}")).json()["data"]
    assert [(one["customer_code"], one["name"]) for one in page] == [(CUSTOMER, "N*** V*** Án")]
    assert "12 Nguyễn Trãi" not in page[0]["address"]
    audited = await tour.world.rows(
        "SELECT actor, subject FROM audit_log WHERE action = $1", "outreach.read"
    )
    assert audited[0]["actor"].startswith("utility sk_test_")
    assert audited[0]["subject"] == AREA


async def test_who_came_back_to_cash_is_a_relapse_and_who_always_paid_cash_is_not(
    tour: Round,
) -> None:
    await announce(tour)
    await tour.world.add_customer(OTHER)
    electronic = await tour.world.add_bill()
    await tour.world.pay(tour.api, electronic, channel="qr")
    tour.rt.clock.move(timedelta(seconds=1))  # type: ignore[attr-defined]  # the frozen clock
    await tour.world.pay(tour.api, await tour.world.add_bill(), channel="counter_cash")
    other = await tour.world.add_bill(customer=OTHER)
    await tour.world.pay(tour.api, other, channel="counter_cash", customer_code=OTHER)
    relapsed = (await call(tour, "GET", f"/cash-payers?area={AREA}&only=relapsed")).json()["data"]
    assert [one["customer_code"] for one in relapsed] == [CUSTOMER]
    everybody = (await call(tour, "GET", f"/cash-payers?area={AREA}&limit=1")).json()
    assert everybody["next_cursor"] == CUSTOMER


async def test_the_export_leaves_out_who_wants_no_messages_even_after_a_new_import(
    tour: Round, tmp_path: Path
) -> None:
    biller = tour.rt.directory.billers[BILLER]
    await tour.world.add_customer(OTHER)
    for customer in (CUSTOMER, OTHER):
        bill = await tour.world.add_bill(customer=customer)
        await tour.world.pay(tour.api, bill, channel="counter_cash", customer_code=customer)
    await call(tour, "POST", "/opt-outs", {"customer_code": CUSTOMER})
    contacts = tmp_path / "contacts.csv"
    contacts.write_text(
        "customer_code,phone,consent_basis\n"
        f"{CUSTOMER},0912345678,consent\n{OTHER},0912345679,contract\n",
        encoding="utf-8",
    )
    assert await outreach.import_contacts(tour.rt, biller, contacts, actor="test") == 2
    out = tmp_path / "campaign.csv"
    done = await outreach.export(tour.rt, biller, AREA, out, actor="Lan")
    assert (done.written, done.opted_out, done.without_phone) == (1, 1, 0)
    rows = list(csv.reader(out.read_text(encoding="utf-8").splitlines()))
    assert rows == [outreach.HEADER, [OTHER, "0912345679", "contract"]]
    with pytest.raises(FileRefused):
        await outreach.export(tour.rt, biller, AREA, out, actor="Lan")


@pytest.mark.parametrize(
    "text",
    [
        "a,b,c\n",
        "customer_code,phone,consent_basis\nPB1,123,consent\n",
        "customer_code,phone,consent_basis\nPB1,0912345678,because\n",
    ],
    ids=["header", "phone", "basis"],
)
async def test_contacts_without_a_phone_or_a_consent_basis_are_refused_whole(
    tour: Round, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "contacts.csv"
    file.write_text(text, encoding="utf-8")
    biller = tour.rt.directory.billers[BILLER]
    with pytest.raises(FileRefused):
        await outreach.import_contacts(tour.rt, biller, file, actor="test")
    assert await tour.world.count("cash_contacts") == 0


async def test_help_for_nobody_is_refused(tour: Round) -> None:
    body = {"collector": "an", "customer_code": "PB14010999999"}
    assert (await call(tour, "POST", "/assists", body, "bank")).status_code == 404
    body = {"collector": "an", "customer_code": CUSTOMER}
    assert (await call(tour, "POST", "/assists", body, "wallet")).status_code == 404
