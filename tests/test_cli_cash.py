"""`gateway cash`: what an operator of field cash types."""

from pathlib import Path

import pytest

from tests.command import Gateway, assert_refused


@pytest.fixture
def gateway(database: str, tmp_path: Path) -> Gateway:
    return Gateway(database, tmp_path)


def test_the_commands_of_cash_are_listed(gateway: Gateway) -> None:
    shown = gateway.must("cash", "--help")
    assert {"watch", "collector", "pause", "resume"} <= set(shown.replace("│", " ").split())


CAPS = ("--per-day", "5000000", "--per-list", "1000000")


def test_a_collector_is_made_and_nothing_is_overdue(gateway: Gateway) -> None:
    gateway.file("rules.json", '{"customer_code_pattern": "PB14[0-9]{9}"}')
    gateway.must("billers", "put", "evnspc-camau", "Điện lực Cà Mau", "rules.json")
    gateway.must("partners", "put", "thuho", "Thu hộ Cà Mau")
    whose = ("--biller", "evnspc-camau", "--partner", "thuho")
    assert "an" in gateway.must("cash", "collector", "an", "Anh An", *whose, *CAPS)
    gateway.must("cash", "watch")
    assert "32008" not in gateway.must("cash", "schedules", "--biller", "evnspc-camau")


def test_a_collector_of_nobody_is_refused_with_a_sentence(gateway: Gateway) -> None:
    whose = ("--biller", "nobody", "--partner", "nobody")
    assert_refused(gateway("cash", "collector", "an", "Anh An", *whose, *CAPS), "nobody")
