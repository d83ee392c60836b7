"""Two channels race for one bill: one settlement; the other payer's money is refused or owned."""

import os
from collections.abc import Iterator

import pytest

from gateway.house import Plan, open_house
from tests.faults.parts import reachable_folder
from tests.pairs.mandated import SmsBanking
from tests.pairs.payers import (
    Card,
    CounterCash,
    EWallet,
    InternetBanking,
    MobileBanking,
    Payer,
    Portal,
    Pos,
    Qr,
)
from tests.pairs.race import Race, await_quiet, prepare, race, take, together, wrongs
from tests.pairs.street import Street, parts

CUSTOMERS = 200
# Below the ports that outgoing connections are given: the house takes fifteen in a row.
FIRST_PORT = 16_000 + os.getpid() % 800 * 20
# One driver for each channel. Home cash: its driver is added here, and all its pairs are played.
CHANNELS: dict[str, type[Payer]] = {
    kind.channel: kind
    for kind in (
        *(InternetBanking, MobileBanking, SmsBanking, EWallet, Card, Pos, Qr),
        *(Portal, CounterCash),
    )
}
NAMES = sorted(CHANNELS)


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    """One house with the other side of every channel."""
    with (
        reachable_folder() as folder,
        open_house(Plan(folder / "state", FIRST_PORT, CUSTOMERS), parts()) as house,
    ):
        street = Street(house)
        with street.http:
            yield street


def run_at_once(street: Street, races: list[Race]) -> None:
    """Prepare all, then let every payer of every race take at one moment."""
    together([lambda one=one: prepare(one) for one in races])  # type: ignore[misc]
    together([lambda one=one: take(one) for one in races])  # type: ignore[misc]
    await_quiet(street, races)


@pytest.mark.parametrize("first", NAMES)
def test_of_two_channels_at_once_one_settles_and_no_money_is_lost(
    street: Street, first: str
) -> None:
    others = NAMES[NAMES.index(first) :]
    races = race(street, [(CHANNELS[first], CHANNELS[other]) for other in others])
    run_at_once(street, races)
    assert not (found := wrongs(street, races)), "\n".join(found)
