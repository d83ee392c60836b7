"""`gateway cash`: what the operator of field cash types."""

import re
from pathlib import Path

import pytest

from tests.command import Gateway, assert_refused
from tests.world import BILLER, CUSTOMER, World

CAPS = ("--biller", BILLER, "--partner", "bank", "--per-day", "9000000", "--per-list", "500000")


@pytest.fixture
def gateway(world: World, database: str, tmp_path: Path) -> Gateway:
    """The command, where the biller and its partners are known."""
    assert world.keys
    return Gateway(database, tmp_path)


def test_a_collector_gets_a_tablet_that_is_revoked_once(gateway: Gateway) -> None:
    assert "500000 đồng a list" in gateway.must("cash", "collector", "an", "Chị Ấn", *CAPS)
    assert re.fullmatch(r"[0-9a-f]{64}\n", gateway.must("cash", "device", "an", "tab-1"))
    assert "waits for a person" in gateway.must("cash", "revoke-device", "tab-1")
    assert_refused(gateway("cash", "revoke-device", "tab-1"), "device 'tab-1'")


def test_a_tablet_of_nobody_is_refused_with_a_sentence(gateway: Gateway) -> None:
    assert_refused(gateway("cash", "device", "nobody", "tab-1"), "no collector 'nobody'")


async def test_an_area_is_planned_paused_and_resumed(gateway: Gateway, world: World) -> None:
    await world.rows(
        "INSERT INTO areas (code, valid_from, name, kind)"
        " VALUES ('32008', '2025-07-01', 'Phường 5', 'ward') ON CONFLICT DO NOTHING"
    )
    dates = ("--announced", "2020-01-01", "--without-phone", "2098-01-01", "--ends", "2099-01-01")
    who = ("--biller", BILLER, "--by", "Lan")
    assert "announced" in gateway.must("cash", "schedule", "32008", "--biller", BILLER, *dates)
    assert "paused: lũ lụt" in gateway.must("cash", "pause", "32008", "--reason", "lũ lụt", *who)
    assert "paused" in gateway.must("cash", "schedules", "--biller", BILLER)
    assert "paused" not in gateway.must("cash", "resume", "32008", *who)


def test_contacts_are_imported_and_a_wrong_line_is_named(gateway: Gateway) -> None:
    head = "customer_code,phone,consent_basis\n"
    who = ("--biller", BILLER, "--by", "Lan")
    good = gateway.file("good.csv", f"{head}{CUSTOMER},0912345678,consent\n")
    assert "1 contacts" in gateway.must("cash", "contacts", good, *who)
    bad = gateway.file("bad.csv", f"{head}{CUSTOMER},12,consent\n")
    assert_refused(gateway("cash", "contacts", bad, *who), "line 2 of 'bad.csv'")


def test_a_quiet_day_and_a_line_that_is_no_cash_are_told(gateway: Gateway) -> None:
    assert gateway.must("cash", "watch") == "no cash is overdue\n"
    asked = ("cash", "give-back", "sus_" + "0" * 32, "--by", "Lan", "--reason", "signed")
    assert_refused(gateway(*asked), "is no cash in suspense")
