"""What is counted of cells, and which month is complete."""

from datetime import date

from gateway.domain.adoption import (
    CASH,
    CHANNEL_GROUPS,
    UNSETTLED,
    Cell,
    group_of,
    is_electronic,
    months_of,
    tally_of,
)
from gateway.domain.biller import Channel

SEPTEMBER, OCTOBER = date(2026, 9, 1), date(2026, 10, 1)


def cell(channel: str, customers: int, *, month: date = OCTOBER, **counts: int) -> Cell:
    """Make a cell of a ward's households; bills and đồng as many as customers."""
    none = dict.fromkeys(("new", "retained", "resumed", "relapsed", "habitual"), 0)
    return Cell(
        month=month,
        area_code="32008",
        segment="household",
        channel=channel,
        customers=customers,
        bills=customers,
        amount_dong=customers * 1_000,
        **(none | counts),
    )


def test_every_channel_is_of_one_group_and_only_cash_is_not_electronic() -> None:
    grouped = [channel for channels in CHANNEL_GROUPS.values() for channel in channels]
    assert sorted(grouped) == sorted([*Channel, UNSETTLED])
    assert {c for c in Channel if not is_electronic(c)} == CASH
    assert {group_of(channel) for channel in CASH} == {"cash"}


def test_ways_add_up_to_the_billed_customers() -> None:
    tally = tally_of(
        [cell("portal", 3, new=1, retained=2), cell("home_cash", 5, relapsed=1), cell(UNSETTLED, 2)]
    )
    assert tally.billed == tally.electronic + tally.cash + tally.unsettled == 10
    assert (tally.new, tally.retained, tally.relapsed) == (1, 2, 1)
    assert (tally.electronic_share, tally.cash_share) == (0.3, 0.625)
    assert (tally.electronic_dong, tally.cash_dong, tally.amount_dong) == (3_000, 5_000, 10_000)
    assert tally.electronic_value_share == 0.375


def test_shares_of_nobody_are_nought_and_no_error() -> None:
    tally = tally_of([])
    assert (tally.electronic_share, tally.cash_share, tally.electronic_value_share) == (0, 0, 0)


def test_months_come_in_order_with_channels_by_size_and_say_which_are_complete() -> None:
    cells = [cell("portal", 1), cell("qr", 4), cell("home_cash", 2, month=SEPTEMBER)]
    september, october = months_of(cells, date(2026, 11, 24))
    assert (september.month, september.is_complete) == (SEPTEMBER, True)
    assert (october.is_complete, october.channels) == (False, (("qr", 4), ("portal", 1)))
