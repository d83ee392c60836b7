"""`gateway pilots`, `agencies` and `report`: what the utility's operator types."""

import json
from pathlib import Path

import pytest

from gateway.sandbox.recompute import differences
from tests.command import Gateway, assert_refused

PILOT = {
    "code": "wards",
    "name": "Phường 2 và 5",
    "areas": ["32011", "32008"],
    "comparison_areas": ["32017"],
    "baseline_from": "2023-11-01",
    "baseline_to": "2024-10-01",
    "starts_on": "2024-11-01",
    "ends_on": "2099-12-31",
    "target_percent": 200,
    "milestones": [{"month": "2025-06-01", "percent": 130, "name_vi": "a", "name_en": "b"}],
}
SEEDED = "phuong-2-phuong-5"
"""The pilot of the seed."""


@pytest.fixture
def gateway(database: str, tmp_path: Path) -> Gateway:
    return Gateway(database, tmp_path)


def test_a_pilot_is_put_rolled_up_shown_and_exported(gateway: Gateway, tmp_path: Path) -> None:
    gateway.must("seed", "--customers", "200", "--months", "14")
    file = gateway.file("pilot.json", json.dumps(PILOT))
    gateway.must("pilots", "put", "--biller", "evnspc-camau", file)
    assert "wards" in gateway.must("pilots", "list", "--biller", "evnspc-camau")
    assert "0 months counted" in gateway.must("report", "rollup")
    shown = gateway.must("report", "pilot", "--pilot", SEEDED)
    assert "electronic payers" in shown
    assert "32011 Phường 2" in shown
    out = tmp_path / "month.xlsx"
    assert "raw rows" in gateway.must(*("report", "adoption", "--pilot", SEEDED, "--out", str(out)))
    assert differences(str(out)) == []
    members = gateway.file(
        "members.csv", "customer_code,agency_code,agency_name\nPB14010000001,so-ct,Sở CT\n"
    )
    told = gateway.must("agencies", "import", "--biller", "evnspc-camau", members)
    assert "1 lines: 1 written, 0 unchanged, 0 refused" in told
    removed = gateway.must(
        *("agencies", "remove", "--biller", "evnspc-camau", "so-ct", "PB14010000001")
    )
    assert "1 of 1" in removed


def test_what_cannot_be_a_pilot_and_an_unknown_one_are_refused_with_a_sentence(
    gateway: Gateway,
) -> None:
    gateway.must("seed", "--customers", "50", "--months", "2")
    bad = gateway.file("bad.json", json.dumps(PILOT | {"target_percent": 50}))
    assert_refused(gateway("pilots", "put", "--biller", "evnspc-camau", bad), "101 to 1000")
    assert_refused(gateway("report", "pilot", "--pilot", "nowhere"), "no pilot 'nowhere'")
    assert_refused(
        gateway("report", "adoption", "--out", "x.xlsx", "--month", "2026"), "'2026' is not a month"
    )
