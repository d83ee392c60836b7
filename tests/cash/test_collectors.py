"""Collectors and their tablets: whose they are, and secrets that nobody can read or move."""

import pytest

from gateway.domain.cash_refusals import CollectorUnknown, DeviceUnknown
from gateway.domain.errors import InvariantBroken
from gateway.domain.refusals import BillerUnknown
from gateway.flows import collectors
from gateway.flows.collectors import NewCollector
from gateway.flows.operate import PartnerUnknown
from gateway.store import collectors as store
from gateway.store import database
from tests.cash.round import COLLECTOR, SECRET, Round
from tests.world import BILLER


def a_collector(**changes: object) -> NewCollector:
    facts: dict[str, object] = {
        "code": COLLECTOR,
        "name": "Chị Ấn",
        "biller": BILLER,
        "partner": "bank",
        "per_day_dong": 7,
        "per_list_dong": 5,
    }
    return NewCollector(**(facts | changes))  # type: ignore[arg-type]


async def test_caps_change_and_the_account_stays(tour: Round) -> None:
    await collectors.put(tour.rt, a_collector(), actor="test")
    rows = await tour.world.rows("SELECT per_day_dong, per_list_dong FROM cash_collectors")
    assert [tuple(row) for row in rows] == [(7, 5)]
    accounts = await tour.world.rows("SELECT code FROM ledger_accounts WHERE kind = 'cash'")
    assert [row["code"] for row in accounts] == ["cash:an"]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"partner": "wallet"}, CollectorUnknown),
        ({"partner": "nobody"}, PartnerUnknown),
        ({"biller": "nobody"}, BillerUnknown),
    ],
    ids=["of-another-partner", "no-partner", "no-biller"],
)
async def test_a_collector_is_not_taken_over(
    tour: Round, changes: dict[str, object], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await collectors.put(tour.rt, a_collector(**changes), actor="test")
    rows = await tour.world.rows("SELECT per_day_dong FROM cash_collectors")
    assert [row["per_day_dong"] for row in rows] == [10**9]


async def test_a_tablets_secret_is_sealed_for_its_own_row(tour: Round) -> None:
    secret = await collectors.add_device(tour.rt, COLLECTOR, "tab-2", actor="test")
    async with database.borrow(tour.rt.pool) as connection:
        first = await store.device(connection, "tab-1")
        second = await store.device(connection, "tab-2")
    assert first is not None
    assert second is not None
    assert SECRET not in first.sealed
    assert collectors.secret_of(tour.rt, first) == SECRET
    assert collectors.secret_of(tour.rt, second) == secret
    moved = store.Device(second.id, second.collector_id, "tab-2", first.sealed)
    with pytest.raises(InvariantBroken):
        collectors.secret_of(tour.rt, moved)


async def test_a_tablet_has_one_key_id_and_is_revoked_once(tour: Round) -> None:
    with pytest.raises(DeviceUnknown):
        await collectors.add_device(tour.rt, COLLECTOR, "tab-1", actor="test")
    with pytest.raises(CollectorUnknown):
        await collectors.add_device(tour.rt, "nobody", "tab-9", actor="test")
    await collectors.revoke_device(tour.rt, "tab-1", actor="test")
    with pytest.raises(DeviceUnknown):
        await collectors.revoke_device(tour.rt, "tab-1", actor="test")
