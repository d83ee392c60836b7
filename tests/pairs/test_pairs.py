"""Two channels race for one bill: one settlement; the other payer's money is refused or owned."""

import os
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from gateway.domain.biller import Channel
from gateway.house import Plan, open_house
from tests.faults.parts import reachable_folder
from tests.pairs.at_home import HomeCash
from tests.pairs.mandated import AutoDebit, SmsBanking
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
from tests.pairs.race import (
    DISPUTED,
    DISPUTED_ANYWHERE,
    IN_HAND,
    MISSING,
    POSTED,
    RECEIVABLE,
    SUSPENDED,
    Race,
    await_quiet,
    prepare,
    race,
    take,
    together,
    wrongs,
)
from tests.pairs.street import COLLECTORS, Street, parts

pytestmark = pytest.mark.xdist_group("houses")
CUSTOMERS = 200
# Below the ports that outgoing connections are given: the house takes fifteen in a row.
FIRST_PORT = 16_000 + os.getpid() % 800 * 20
# One driver for each channel: whoever adds one here has all its pairs played.
CHANNELS: dict[str, type[Payer]] = {
    kind.channel: kind
    for kind in (
        *(InternetBanking, MobileBanking, SmsBanking, AutoDebit, EWallet, Card, Pos, Qr),
        *(Portal, CounterCash, HomeCash),
    )
}
NAMES = sorted(CHANNELS)
# The first is wholly done before the second takes; one pair of each kind of first and second.
IN_TURN = [
    *((MobileBanking, Qr), (Qr, MobileBanking), (EWallet, Card), (Card, Pos), (Pos, EWallet)),
    *((Qr, EWallet), (SmsBanking, CounterCash), (CounterCash, SmsBanking), (Qr, Qr)),
    *((Portal, InternetBanking), (InternetBanking, Portal), (AutoDebit, Qr)),
    *((HomeCash, EWallet), (Qr, HomeCash), (HomeCash, HomeCash)),
]
FIRST, SECOND, BOTH = slice(0, 1), slice(1, 2), slice(0, 2)


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


def each(act: Callable[[Race, slice], None], races: list[Race], which: slice = BOTH) -> None:
    """Do it with the payers of all races, all races at once."""
    together([partial(act, one, which) for one in races])


def plan_run(street: Street, number: int) -> None:
    """Plan a debit run of all who have come so far with a mandate."""
    AutoDebit.open_run(street, number)
    AutoDebit.run.plan()


@pytest.mark.parametrize("first", NAMES)
def test_of_two_channels_at_once_one_settles_and_no_money_is_lost(
    street: Street, first: str
) -> None:
    others = NAMES[NAMES.index(first) :]
    races = race(street, [(CHANNELS[first], CHANNELS[other]) for other in others])
    each(prepare, races, FIRST)
    if first == Channel.AUTO_DEBIT:
        plan_run(street, 0)
    each(prepare, races, SECOND)
    each(take, races)
    await_quiet(street, races)
    assert not (found := wrongs(street, races)), "\n".join(found)


def test_every_channel_is_raced() -> None:
    assert set(Channel) == set(CHANNELS)


def test_who_comes_when_another_channel_has_paid_is_refused_before_money_moves(
    street: Street,
) -> None:
    races = race(street, IN_TURN)
    each(prepare, races, FIRST)
    plan_run(street, 1)
    each(take, races, FIRST)
    await_quiet(street, races)
    each(prepare, races, SECOND)
    each(take, races, SECOND)
    await_quiet(street, races)
    assert not (found := wrongs(street, races)), "\n".join(found)
    assert all(one.payers[1].refusal and not one.payers[1].takings() for one in races)


def test_who_had_prepared_and_pays_after_another_has_settled_has_the_money_back_or_owned(
    street: Street,
) -> None:
    races = race(street, IN_TURN)
    each(prepare, races, FIRST)
    plan_run(street, 2)
    each(prepare, races, SECOND)
    each(take, races, FIRST)
    await_quiet(street, [one for one in races if not one.payers[0].refusal])
    each(take, races, SECOND)
    await_quiet(street, races)
    assert not (found := wrongs(street, races)), "\n".join(found)


def test_a_terminal_that_takes_a_card_for_a_cancelled_sale_is_disputed_and_has_an_owner(
    street: Street,
) -> None:
    (one,) = races = race(street, [(Pos, Qr)])
    each(prepare, races)
    each(take, races)
    assert one.payers[0].refusal
    await_quiet(street, races)
    street.control("pospush", "payer", reference=one.payers[0].reference, act="approve")
    assert street.await_rows(DISPUTED, one.bill.id), f"{one}: nobody owns what was taken"
    (told,) = {row["amount_dong"] for row in street.sql(DISPUTED, one.bill.id)}
    assert told == one.bill.amount_dong
    assert [row["amount_dong"] for row in street.sql(POSTED, one.bill.id)] == [told]


def test_what_each_other_side_has_taken_is_what_it_owes_us_and_suspense_is_its_lines(
    street: Street,
) -> None:
    disputed = {row["reference"] for row in street.sql(DISPUTED_ANYWHERE)}
    for rail in ("momo", "viettelpay", "onepay", "napas", "keypay", "pospush", "autodebit"):
        charged = sum(
            row["amount_dong"]
            for row in street.books(rail)["charges"]
            if row["reference"] not in disputed
        )
        assert street.sql(RECEIVABLE, rail)[0]["dong"] == charged, rail
    for collector, tablet in zip(COLLECTORS, street.tablets, strict=True):
        written = sum(receipt["amount_dong"] for receipt in tablet.written)
        assert written > 0
        assert street.sql(IN_HAND, collector)[0]["dong"] == written, collector
    assert not street.sql(MISSING)
    (suspended,) = street.sql(SUSPENDED)
    assert suspended["ledger_dong"] == suspended["lines_dong"]
