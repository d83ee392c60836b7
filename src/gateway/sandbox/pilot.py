"""The pilot's data, invented and repeatable: customers of Cà Mau city, their bills, how they paid.

The same seed gives the same rows on any machine. Nobody here exists. Electricity is priced by
`domain/tariff.py`; bills of a month are issued on the second of the next and due a week later.
Past bills were paid as in 2019: 18.7 % through banks and intermediaries (icon.com.vn, sheet
`payoo-viettel-banks-evn` d.9, read 2026-11-24), drifting up by half a point a month.
"""

from array import array
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import accumulate, repeat
from random import Random

from gateway.domain.tariff import charge
from gateway.sandbox.areas import PILOT_WARDS, WARDS_2019, WEIGHTS
from gateway.sandbox.pilot_words import AGENCIES, STREETS, person, pick, shop

WARD_5 = PILOT_WARDS[1]
DEMO_CUSTOMERS = 40
"""The first customers are households of ward 5 with exactly one open bill, for demos."""

EXAMPLE_INDEX = DEMO_CUSTOMERS - 1
EXAMPLE_BILL = ("HD-EXAMPLE-1", 325_000, 26_000)
"""The newest bill of the last demo customer, with its net and VAT: the API's examples pay it."""

ELECTRONIC_2019 = 0.187
DRIFT_A_MONTH = 0.005
WAVERING = 0.1
"""Share of the bills that are paid another way than the customer's own: someone new, or a relapse.
"""
ARREARS = (0.03, 0.01)
"""Share of the bills of the last two paid months that is still open. Who owes for the older month
owes for the newer one as well: the biller takes the oldest bill first.
"""
ISSUED_ON_DAY, DUE_AFTER = 2, timedelta(days=7)
PAID_WITHIN_DAYS, OFFICE_DAY_S = 20, 14 * 3_600
"""Bills are paid from the third to the 22nd, from 7 in the morning (midnight UTC) to 9 at night."""

KWH_MAX = 4_000
KWH_USUAL, KWH_SPREAD = 80, 230
SHOP_USES = 3
SEASON_PERCENT = (90, 90, 110, 125, 125, 110, 100, 100, 95, 95, 90, 90)
"""March to May are the hot months."""

ELECTRONIC = (
    ("vietbank", "mobile_banking"),
    ("vietbank", "internet_banking"),
    ("vietbank", "auto_debit"),
    ("saigonpay", "e_wallet"),
    ("camau-portal", "portal"),
)
CASH = (("thuho-camau", "home_cash"), ("thuho-camau", "counter_cash"))

_PEOPLE, _HABITS, _USING, _PAYING = 0, 1, 1_000, 5_000
"""Numbers of the purposes; a month's number is added to the last two."""

Customer = tuple[str, str, str, str, str, str | None]
"""code, name, address, area code (2019), segment, agency"""
Bill = tuple[str, str, date, int, int, int, int, date, date]
"""id, customer code, period, kWh, net, VAT, amount in đồng, issued on, due on"""
Paid = tuple[str, str, date, int, str, str, datetime]
"""bill id, customer code, period, amount in đồng, partner, channel, paid at (UTC)"""
Way = tuple[str, str, datetime]
"""partner, channel, paid at (UTC)"""
Prices = list[tuple[int, int]]
"""Net and VAT in đồng, by kWh."""


@dataclass(frozen=True, slots=True)
class Company:
    """A biller or a partner."""

    code: str
    name: str


BILLER = Company("evnspc-camau", "Công ty Điện lực Cà Mau")
PARTNERS = (
    Company("vietbank", "Ngân hàng Việt (mẫu)"),
    Company("saigonpay", "Ví điện tử SaigonPay (mẫu)"),
    Company("camau-portal", "Cổng dịch vụ công Cà Mau (mẫu)"),
    Company("thuho-camau", "Thu hộ Cà Mau (mẫu)"),
)


@dataclass(frozen=True, slots=True)
class _Habits:
    """What stays with each customer over the months, 12 bytes each."""

    kwh: "array[int]"
    electronic_from: "array[float]"
    """Pays electronically once this share of all do; so most who began go on."""
    owes_from: "array[float]"
    """Is in arrears when the share in arrears is above this."""
    way: "array[int]"
    """Which of the electronic ways and which of the cash ones, below their common multiple."""


class Pilot:
    """A city's customers and bills up to `today`; rows are made one at a time."""

    def __init__(
        self, *, customers: int = 2_000, months: int = 36, seed: int = 2019, today: date
    ) -> None:
        self._count = customers
        self._months = months
        self._seed = seed
        self._today = today

    def customers(self) -> Iterator[Customer]:
        """Give every customer, in the order of their codes."""
        random = self._random(_PEOPLE)
        weights = list(accumulate(WEIGHTS))
        for index in range(self._count):
            place = bisect(weights, random.random() * weights[-1])
            ward, ward_name = WARDS_2019[place]
            if index < DEMO_CUSTOMERS:
                ward, ward_name = WARD_5, "Phường 5"
            segment = segment_of(index)
            house = int(random.random() * 400) + 1
            address = f"{house} {pick(random, STREETS)}, {ward_name}, Cà Mau"
            name = shop(random) if segment == "business" else person(random)
            agency = pick(random, AGENCIES) if segment == "public_employee" else None
            yield code_of(index), name, address, ward, segment, agency

    def bills(self) -> Iterator[Bill]:
        """Give every bill, the oldest month first."""
        for month, period in enumerate(self.periods):
            issued_on = _next_month(period).replace(day=ISSUED_ON_DAY)
            due_on = issued_on + DUE_AFTER
            example = EXAMPLE_INDEX if period == self.periods[-1] else -1
            for index, (name, code, kwh, net, vat) in enumerate(self._billed(month, period)):
                if index == example:
                    name, net, vat = EXAMPLE_BILL  # noqa: PLW2901 (the one bill that is not priced)
                yield name, code, period, kwh, net, vat, net + vat, issued_on, due_on

    def history(self) -> Iterator[Paid]:
        """Give how past bills were paid: all but the newest month's and a few in arrears."""
        for bill, way in zip(self.bills(), self.ways(), strict=True):
            if way is not None:
                name, code, period, _, _, _, amount, _, _ = bill
                yield name, code, period, amount, *way

    def ways(self) -> Iterator[Way | None]:
        """Give for every bill, in their order, how it was paid; None if it is open."""
        habits, paid_periods = self._habits, self.periods[:-1]
        for month, period in enumerate(paid_periods):
            draw = self._random(_PAYING + month).random
            share = ELECTRONIC_2019 + DRIFT_A_MONTH * month
            back = len(paid_periods) - 1 - month
            arrears = ARREARS[back] if back < len(ARREARS) else 0.0
            first_moment = datetime.combine(_next_month(period), datetime.min.time(), UTC)
            first_moment += timedelta(days=ISSUED_ON_DAY)
            own = zip(habits.electronic_from, habits.owes_from, habits.way, strict=True)
            for electronic_from, owes_from, way in own:
                wavers, when = draw() < WAVERING, draw() * PAID_WITHIN_DAYS
                needed = draw() if wavers else electronic_from
                if owes_from < arrears:
                    yield None
                    continue
                day = int(when)
                paid_at = first_moment + timedelta(day, int(when % 1 * OFFICE_DAY_S))
                ways = ELECTRONIC if needed < share else CASH
                partner, channel = ways[way % len(ways)]
                yield partner, channel, paid_at
        yield from repeat(None, self._count if self.periods else 0)

    @cached_property
    def periods(self) -> list[date]:
        """The billed months, oldest first; the bills of the newest are open.

        That is last month; on the first of a month, when those bills are not yet issued, the one
        before.
        """
        last = self._today - timedelta(days=ISSUED_ON_DAY - 1)
        number = last.year * 12 + last.month - 2
        months = range(number - self._months + 1, number + 1)
        return [date(month // 12, month % 12 + 1, 1) for month in months]

    def demo_customer(self) -> str:
        """Give the code of a household of ward 5 with exactly one open bill; always the same."""
        return code_of(0)

    def ward_5(self) -> list[str]:
        """Codes of the demo's customers, the one of the API's examples left out."""
        return [code_of(index) for index in range(min(EXAMPLE_INDEX, self._count))]

    def _billed(self, month: int, period: date) -> Iterator[tuple[str, str, int, int, int]]:
        """Give each customer's bill id, code, kWh, net and VAT; bills and history agree on it."""
        draw = self._random(_USING + month).random
        season = SEASON_PERCENT[period.month - 1]
        household, business = _prices(period, is_business=False), _prices(period, is_business=True)
        prefix = f"HD{period.year}{period.month:02d}-"
        for index, usual in enumerate(self._habits.kwh):
            # A month is within 15 % of what the customer usually needs in its season.
            kwh = usual * season * (85 + int(draw() * 31)) // 10_000
            net, vat = (business if is_business(index) else household)[kwh]
            code = f"PB1401{index + 1:07d}"  # as code_of says; a call would cost a tenth of all
            yield prefix + code, code, kwh, net, vat

    def _random(self, purpose: int) -> Random:
        # Each purpose draws for itself, so that history repeats the amounts that bills gave.
        return Random(self._seed * 10_000 + purpose)  # noqa: S311 (invented data, not a secret)

    @cached_property
    def _habits(self) -> _Habits:
        draw = self._random(_HABITS).random
        habits = _Habits(array("H"), array("f"), array("f"), array("B"))
        for index in range(self._count):
            usual = KWH_USUAL + int(KWH_SPREAD * draw() * draw())
            uses = SHOP_USES + int(draw() * 6) if is_business(index) else 1
            habits.kwh.append(usual * uses)
            habits.electronic_from.append(draw())
            habits.owes_from.append(1.0 if index < DEMO_CUSTOMERS else draw())
            habits.way.append(int(draw() * len(ELECTRONIC) * len(CASH)))
        return habits


def code_of(index: int) -> str:
    """Give the code of a customer of the city unit (PB 14 01 and seven digits).

    >>> code_of(0)
    'PB14010000001'
    """
    return f"PB1401{index + 1:07d}"


def bill_id(period: date, index: int) -> str:
    """Give the number of a bill.

    >>> bill_id(date(2026, 10, 1), 0)
    'HD202610-PB14010000001'
    """
    return f"HD{period.year}{period.month:02d}-{code_of(index)}"


def segment_of(index: int) -> str:
    """Say what a customer is: of twenty, fourteen households, four employees, two businesses."""
    if is_business(index):
        return "business"
    is_employee = index >= DEMO_CUSTOMERS and index % 20 >= 14  # noqa: PLR2004 (said above)
    return "public_employee" if is_employee else "household"


def is_business(index: int) -> bool:
    """Say whether a customer is a business, which pays another price."""
    return index % 20 >= 18 and index >= DEMO_CUSTOMERS  # noqa: PLR2004


def _prices(period: date, *, is_business: bool) -> Prices:
    charges = (charge(kwh, period, is_business=is_business) for kwh in range(KWH_MAX))
    return [(priced.net_dong, priced.vat_dong) for priced in charges]


def _next_month(period: date) -> date:
    return date(period.year + period.month // 12, period.month % 12 + 1, 1)
