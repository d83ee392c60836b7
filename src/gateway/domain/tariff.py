"""What electricity costs: EVN's retail prices and VAT, as dated tables.

Prices are đồng per kWh before tax, residential ones for each step of consumption in a month. The
Ministry of Industry and Trade set them by 648/QĐ-BCT (20 March 2019), 1062/QĐ-BCT (4 May 2023),
2941/QĐ-BCT (9 November 2023), 2699/QĐ-BCT (11 October 2024) and 1279/QĐ-BCT (10 May 2025).

How sure: the table of May 2025 and the two rates of VAT stand in the sheet
`payoo-viettel-banks-evn` d.9; the earlier residential tables agree in several public programs
(read 2026-11-24), as do the windows of VAT. Not read in the decisions themselves. Unconfirmed:
whether a decision after July 2026 has replaced the last one (14/2025/QĐ-TTg foresees five steps).

They feed invented bills only: a real bill's amounts are what the biller sends. Two things are
left out: a month in which prices change is priced by its first day, where EVN divides it by days;
and the one-off reductions of 2020 and 2021.
"""

from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from gateway.domain.errors import ensure

Priced = TypeVar("Priced")

STEPS_KWH = (50, 50, 100, 100, 100)
"""Width of each step but the last, which has no end."""

RESIDENTIAL: tuple[tuple[date, tuple[int, ...]], ...] = (
    (date(2019, 3, 20), (1678, 1734, 2014, 2536, 2834, 2927)),
    (date(2023, 5, 4), (1728, 1786, 2074, 2612, 2919, 3015)),
    (date(2023, 11, 9), (1806, 1866, 2167, 2729, 3050, 3151)),
    (date(2024, 10, 11), (1893, 1956, 2271, 2860, 3197, 3302)),
    (date(2025, 5, 10), (1984, 2050, 2380, 2998, 3350, 3460)),
)

BUSINESS: tuple[tuple[date, int], ...] = (
    (date(2019, 3, 20), 2666),
    (date(2023, 5, 4), 2746),
    (date(2023, 11, 9), 2870),
    (date(2024, 10, 11), 3007),
    (date(2025, 5, 10), 3152),
)
"""One price for businesses: normal hours below 6 kV, as shops without a three-rate meter pay.

3152 agrees in two public programs (read 2026-11-24); the earlier ones are from memory, unconfirmed.
"""

VAT_NORMAL_PERCENT = 10
VAT_REDUCED_PERCENT = 8
VAT_REDUCED: tuple[tuple[date, date], ...] = (
    (date(2022, 2, 1), date(2022, 12, 31)),
    (date(2023, 7, 1), date(2026, 12, 31)),
)
"""First and last day of each window. Decrees 15/2022, then 44/2023, 94/2023, 72/2024, 180/2024 and
174/2025, each of which went on where the one before it ended.
"""


@dataclass(frozen=True, slots=True)
class Charge:
    """What a month's consumption costs, in đồng."""

    net_dong: int
    vat_dong: int

    @property
    def total_dong(self) -> int:
        """What the customer owes."""
        return self.net_dong + self.vat_dong


def charge(kwh: int, period: date, *, is_business: bool = False) -> Charge:
    """Price a month's consumption; `period` is the first day of the month.

    Raises:
        InvariantBroken: `kwh` is below zero.

    >>> charge(143, date(2026, 10, 1))
    Charge(net_dong=304040, vat_dong=24323)
    """
    ensure(kwh >= 0, "a month's consumption is not below zero")
    net = kwh * _at(BUSINESS, period) if is_business else _by_steps(kwh, _at(RESIDENTIAL, period))
    return Charge(net, _half_up(net * vat_percent(period), 100))


def vat_percent(period: date) -> int:
    """Give the rate of VAT on electricity in a month.

    >>> vat_percent(date(2023, 3, 1)), vat_percent(date(2026, 10, 1))
    (10, 8)
    """
    is_reduced = any(first <= period <= last for first, last in VAT_REDUCED)
    return VAT_REDUCED_PERCENT if is_reduced else VAT_NORMAL_PERCENT


def _by_steps(kwh: int, prices: tuple[int, ...]) -> int:
    net, left = 0, kwh
    for width, price in zip(STEPS_KWH, prices, strict=False):
        used = min(left, width)
        net += used * price
        left -= used
    return net + left * prices[-1]


def _at(table: tuple[tuple[date, Priced], ...], day: date) -> Priced:
    """Give the newest entry that is in force on a day; the oldest before all of them."""
    in_force = [value for since, value in table if since <= day]
    return in_force[-1] if in_force else table[0][1]


def _half_up(amount: int, divisor: int) -> int:
    return (2 * amount + divisor) // (2 * divisor)
