"""Adoption: who pays electronically, counted the same way everywhere.

The definitions are frozen; a change would break the comparison with what was published.

- *Billed customer of a month*: a customer code with a bill of that month that is not cancelled.
- *Electronic payer of a month*: a billed customer of whose bills of that month at least one is
  settled in full, last through a channel that is not cash. A reversed payment settles nothing.
- *The customer's way of a month*: the channel of the bill that was settled electronically first;
  without one, of the bill settled in cash first; without one, `unsettled`. One way each, so ways
  add up to the customers.
- *New*: never electronic in any earlier month. *Retained*: electronic in the month before, too.
  *Resumed*: electronic earlier, not in the month before. The three add up to the payers.
- *Habitual*: electronic in this month and in both months before it.
- *Relapsed*: electronic in the month before, and settled in cash this month.

A month is the bills' month of consumption, whenever they are paid.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.domain.biller import Channel

CASH = frozenset({Channel.HOME_CASH, Channel.COUNTER_CASH})
UNSETTLED = "unsettled"
"""Stands for a channel where nothing is settled yet."""
SETTLING_MONTHS = 2
"""A month is complete once bills of it had a whole month to be paid: two months after it began."""

CHANNEL_GROUPS: dict[str, frozenset[str]] = {
    "bank": frozenset(
        {
            Channel.INTERNET_BANKING,
            Channel.MOBILE_BANKING,
            Channel.SMS_BANKING,
            Channel.AUTO_DEBIT,
        }
    ),
    "intermediary": frozenset({Channel.E_WALLET, Channel.QR}),
    "card": frozenset({Channel.CARD, Channel.POS}),
    "portal": frozenset({Channel.PORTAL}),
    "cash": frozenset(CASH),
    UNSETTLED: frozenset({UNSETTLED}),
}
"""As the province groups them: banks, intermediaries, cards, the public-service portal, cash."""


def is_electronic(channel: str) -> bool:
    """Say whether a channel is one that is not cash.

    >>> is_electronic("portal"), is_electronic("home_cash"), is_electronic("unsettled")
    (True, False, False)
    """
    return channel not in CASH and channel != UNSETTLED


def group_of(channel: str) -> str:
    """Name the group of a channel.

    >>> group_of("auto_debit"), group_of("counter_cash")
    ('bank', 'cash')
    """
    return next(name for name, channels in CHANNEL_GROUPS.items() if channel in channels)


@dataclass(frozen=True, slots=True)
class Cell:
    """What was counted of one month, area, segment and channel.

    `customers` are those whose way of the month the channel is; `bills` and `amount_dong` are of
    the bills settled through the channel, whoever paid (of open ones for `unsettled`), in đồng.
    """

    month: date
    area_code: str
    segment: str
    channel: str
    customers: int
    new: int
    retained: int
    resumed: int
    relapsed: int
    habitual: int
    bills: int
    amount_dong: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Customers and bills of some cells together. Amounts in đồng."""

    billed: int = 0
    electronic: int = 0
    new: int = 0
    retained: int = 0
    resumed: int = 0
    relapsed: int = 0
    habitual: int = 0
    cash: int = 0
    unsettled: int = 0
    bills: int = 0
    electronic_bills: int = 0
    amount_dong: int = 0
    electronic_dong: int = 0
    cash_dong: int = 0

    @property
    def electronic_share(self) -> float:
        """Electronic payers of all billed customers, 0 to 1."""
        return self.electronic / self.billed if self.billed else 0.0

    @property
    def cash_share(self) -> float:
        """Those who settled in cash, of all whose bills are settled, 0 to 1."""
        settled = self.electronic + self.cash
        return self.cash / settled if settled else 0.0

    @property
    def electronic_value_share(self) -> float:
        """The value settled electronically of all that is settled, 0 to 1."""
        settled = self.electronic_dong + self.cash_dong
        return self.electronic_dong / settled if settled else 0.0


@dataclass(frozen=True, slots=True)
class MonthTally:
    """A month's tally; `channels` are customers by channel, most first, `unsettled` among them."""

    month: date
    tally: Tally
    channels: tuple[tuple[str, int], ...]
    is_complete: bool
    """Bills of the month have had a whole month to be paid; until then it only grows."""


def tally_of(cells: Sequence[Cell]) -> Tally:
    """Count some cells together; each customer and each bill is in one of them."""
    electronic = [cell for cell in cells if is_electronic(cell.channel)]
    cash = [cell for cell in cells if cell.channel in CASH]
    billed = sum(cell.customers for cell in cells)
    by_electronic = sum(cell.customers for cell in electronic)
    by_cash = sum(cell.customers for cell in cash)
    return Tally(
        billed=billed,
        electronic=by_electronic,
        new=sum(cell.new for cell in electronic),
        retained=sum(cell.retained for cell in electronic),
        resumed=sum(cell.resumed for cell in electronic),
        relapsed=sum(cell.relapsed for cell in cash),
        habitual=sum(cell.habitual for cell in electronic),
        cash=by_cash,
        unsettled=billed - by_electronic - by_cash,
        bills=sum(cell.bills for cell in cells),
        electronic_bills=sum(cell.bills for cell in electronic),
        amount_dong=sum(cell.amount_dong for cell in cells),
        electronic_dong=sum(cell.amount_dong for cell in electronic),
        cash_dong=sum(cell.amount_dong for cell in cash),
    )


def months_of(cells: Iterable[Cell], today: date) -> tuple[MonthTally, ...]:
    """Count cells month by month, the oldest first."""
    by_month: dict[date, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_month[cell.month].append(cell)
    return tuple(
        MonthTally(month, tally_of(same), _channels(same), is_complete(month, today))
        for month, same in sorted(by_month.items())
    )


def _channels(cells: Sequence[Cell]) -> tuple[tuple[str, int], ...]:
    counted: dict[str, int] = defaultdict(int)
    for cell in cells:
        counted[cell.channel] += cell.customers
    return tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def is_complete(month: date, today: date) -> bool:
    """Say whether the bills of a month have had a whole month to be paid.

    >>> is_complete(date(2026, 10, 1), date(2026, 11, 30))
    False
    >>> is_complete(date(2026, 10, 1), date(2026, 12, 1))
    True
    """
    return today >= months_later(month, SETTLING_MONTHS)


def months_later(month: date, count: int) -> date:
    """Give the first day of the month so many months after (or before) another.

    >>> months_later(date(2026, 11, 1), 3), months_later(date(2026, 1, 1), -1)
    (datetime.date(2027, 2, 1), datetime.date(2025, 12, 1))
    """
    number = month.year * 12 + month.month - 1 + count
    return date(number // 12, number % 12 + 1, 1)


def months_between(first: date, last: date) -> int:
    """Count the months from one to another; 0 for the same.

    >>> months_between(date(2025, 12, 1), date(2026, 2, 1))
    2
    """
    return (last.year - first.year) * 12 + last.month - first.month
