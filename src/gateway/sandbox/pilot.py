"""The pilot's data, invented and repeatable: customers of Cà Mau city, their bills, how they paid.

The same seed gives the same rows on any machine. Nobody here exists. Electricity is priced by
`domain/tariff.py`; bills of a month are issued in the first days of the next and due a week later.
Past bills were paid as in 2019: 18.7 % through banks and intermediaries (icon.com.vn, sheet
`payoo-viettel-banks-evn` d.3, read 2026-11-24), drifting up by half a point a month.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from random import Random

from gateway.domain.tariff import charge
from gateway.sandbox.areas import PILOT_WARDS, WARDS_2019, WEIGHTS

WARD_5 = PILOT_WARDS[1]
DEMO_CUSTOMERS = 40
"""The first customers are households of ward 5 with exactly one open bill, for demos."""

EXAMPLE_INDEX = DEMO_CUSTOMERS - 1
EXAMPLE_BILL = ("HD-EXAMPLE-1", 325_000, 26_000)
"""The newest bill of the last demo customer, with its net and VAT: the API's examples pay it."""

ELECTRONIC_2019 = 0.187
DRIFT_A_MONTH = 0.005
ARREARS = (0.03, 0.01)
"""Share of the bills of the last two paid months that is still open."""
KWH_MAX = 4_000
SEASON = (0.9, 0.9, 1.1, 1.25, 1.25, 1.1, 1.0, 1.0, 0.95, 0.95, 0.9, 0.9)


def _words(text: str) -> list[str]:
    return text.split("|")


FAMILY = _words("Nguyễn|Trần|Lê|Phạm|Huỳnh|Phan|Võ|Đặng|Bùi|Đỗ|Hồ|Ngô|Dương|Lý|Trương|Châu|Lâm|Mai")
MIDDLE = _words("Văn|Thị|Hữu|Ngọc|Minh|Thanh|Hoàng|Quốc|Thùy|Kim|Đức|Bảo|Gia|Xuân|Mỹ|Anh")
GIVEN = _words(
    "An|Bình|Chi|Dũng|Giang|Hà|Hải|Hạnh|Hiếu|Hoa|Hùng|Hương|Khánh|Lan|Linh|Long|Mai|Nam|"
    "Ngân|Nhung|Phát|Phúc|Quân|Quyên|Sơn|Tâm|Thảo|Thắng|Trang|Trí|Tú|Tuấn|Uyên|Vân|Vinh|"
    "Yến"
)
STREETS = _words(
    "Nguyễn Trãi|Phan Ngọc Hiển|Lý Thường Kiệt|Trần Hưng Đạo|Ngô Quyền|Hùng Vương|"
    "Nguyễn Tất Thành|Phan Bội Châu|Lý Bôn|Đề Thám|Lâm Thành Mậu|Quang Trung|"
    "Nguyễn Công Trứ|Tôn Đức Thắng"
)
TRADES = _words("Quán ăn|Tạp hóa|Nhà thuốc|Tiệm vàng|Khách sạn|Vật liệu xây dựng|Trại tôm giống")
AGENCIES = _words(
    "Sở Công Thương|Sở Tài chính|Sở Giáo dục và Đào tạo|Bệnh viện Đa khoa Cà Mau|"
    "UBND Phường 5|UBND Phường 2|Trường THPT Chuyên Phan Ngọc Hiển|"
    "Kho bạc Nhà nước Cà Mau"
)

ELECTRONIC = (
    ("vietbank", "mobile_banking"),
    ("vietbank", "internet_banking"),
    ("vietbank", "auto_debit"),
    ("saigonpay", "e_wallet"),
    ("camau-portal", "portal"),
)
CASH = (("thuho-camau", "home_cash"), ("thuho-camau", "counter_cash"))

Customer = tuple[str, str, str, str, str, str | None]
"""code, name, address, area code (2019), segment, agency"""
Bill = tuple[str, str, date, int, int, int, int, date, date]
"""id, customer code, period, kWh, net, VAT, amount in đồng, issued on, due on"""
Paid = tuple[str, str, date, int, str, str, datetime]
"""bill id, customer code, period, amount in đồng, partner, channel, paid at (UTC)"""


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
        random = Random(self._seed)  # noqa: S311 (invented data, not a secret)
        weights = list(accumulate(WEIGHTS))
        for index in range(self._count):
            ward, ward_name = random.choices(WARDS_2019, cum_weights=weights)[0]
            if index < DEMO_CUSTOMERS:
                ward, ward_name = WARD_5, "Phường 5"
            segment = segment_of(index)
            street = f"{random.randrange(1, 400)} {random.choice(STREETS)}"
            address = f"{street}, {ward_name}, Cà Mau"
            agency = random.choice(AGENCIES) if segment == "public_employee" else None
            yield code_of(index), _name(random, segment), address, ward, segment, agency

    def bills(self) -> Iterator[Bill]:
        """Give every bill, the oldest month first."""
        for month, period in enumerate(self.periods):
            issued_on = _next_month(period) + timedelta(days=1)
            prices = self._prices(period)
            for index in range(self._count):
                kwh = self._kwh(index, month, period)
                name = bill_id(period, index)
                net, vat = prices[segment_of(index) == "business"][kwh]
                if index == EXAMPLE_INDEX and period == self.periods[-1]:
                    name, net, vat = EXAMPLE_BILL
                yield (
                    name,
                    code_of(index),
                    period,
                    kwh,
                    net,
                    vat,
                    net + vat,
                    issued_on,
                    issued_on + timedelta(days=7),
                )

    def history(self) -> Iterator[Paid]:
        """Give how past bills were paid: all but the newest month's and a few in arrears."""
        paid_periods = self.periods[:-1]
        for month, period in enumerate(paid_periods):
            random = Random(self._seed * 10_000 + month)  # noqa: S311
            share = ELECTRONIC_2019 + DRIFT_A_MONTH * month
            back = len(paid_periods) - 1 - month
            arrears = ARREARS[back] if back < len(ARREARS) else 0.0
            prices = self._prices(period)
            first_day = datetime.combine(_next_month(period), datetime.min.time(), UTC)
            for index in range(self._count):
                roll, choice, day = random.random(), random.random(), random.random()
                if index >= DEMO_CUSTOMERS and random.random() < arrears:
                    continue
                ways = ELECTRONIC if roll < share else CASH
                partner, channel = ways[int(choice * len(ways))]
                kwh = self._kwh(index, month, period)
                net, vat = prices[segment_of(index) == "business"][kwh]
                paid_at = first_day + timedelta(days=2, seconds=int(day * 20 * 86_400))
                yield (
                    bill_id(period, index),
                    code_of(index),
                    period,
                    net + vat,
                    partner,
                    channel,
                    min(paid_at, self._midnight),
                )

    @cached_property
    def _midnight(self) -> datetime:
        return datetime.combine(self._today, datetime.min.time(), UTC)

    @cached_property
    def periods(self) -> list[date]:
        """The billed months, oldest first; the newest is last month, whose bills are open."""
        number = self._today.year * 12 + self._today.month - 2
        months = range(number - self._months + 1, number + 1)
        return [date(month // 12, month % 12 + 1, 1) for month in months]

    def ward_5(self) -> list[str]:
        """Codes of the demo's customers, the one of the API's examples left out."""
        return [code_of(index) for index in range(min(EXAMPLE_INDEX, self._count))]

    def _kwh(self, index: int, month: int, period: date) -> int:
        # A few multiplications instead of a generator: this runs once for each of 36 million rows.
        noise = (index * 2_654_435_761 + month * 40_503 + self._seed) % 997
        base = 60 + (index * 7_919) % 240
        usage = int((base + noise % 60) * SEASON[period.month - 1])
        return usage * 6 % KWH_MAX if segment_of(index) == "business" else usage

    def _prices(self, period: date) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        def table(*, is_business: bool) -> list[tuple[int, int]]:
            charges = (charge(kwh, period, is_business=is_business) for kwh in range(KWH_MAX))
            return [(priced.net_dong, priced.vat_dong) for priced in charges]

        return table(is_business=False), table(is_business=True)


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
    place = index % 20
    if index < DEMO_CUSTOMERS or place < 14:  # noqa: PLR2004 (said above)
        return "household"
    return "public_employee" if place < 18 else "business"  # noqa: PLR2004


def _name(random: Random, segment: str) -> str:
    name = f"{random.choice(FAMILY)} {random.choice(MIDDLE)} {random.choice(GIVEN)}"
    return f"{random.choice(TRADES)} {name}" if segment == "business" else name


def _next_month(period: date) -> date:
    return date(period.year + period.month // 12, period.month % 12 + 1, 1)
