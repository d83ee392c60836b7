"""Cà Mau city's wards and communes: codes of 2019, and the units that followed on 1 July 2025.

General Statistics Office codes. A code means something only with its period: 32002 was Phường 4 and
is Phường An Xuyên. Sources: PyPI `vietnam-provinces` 0.5.0 and 2025.10.1, `vietnamadminunits`
1.0.4 (sheet `areas-ca-mau`, read 2026-11-24).
"""

from dataclasses import dataclass
from datetime import date

MERGED_ON = date(2025, 7, 1)
LAST_OLD_DAY = date(2025, 6, 30)
OLD_SINCE = date(2004, 1, 1)
"""Before any bill of ours; when each unit began is not in the sources."""

PROVINCE = "96"
CITY = "964"


@dataclass(frozen=True, slots=True)
class Area:
    """An administrative unit while its code was its own."""

    code: str
    name: str
    kind: str
    parent_code: str | None
    valid_from: date
    valid_to: date | None
    successor_code: str | None


# code, name, successor's code, weight of its customers (invented, by rough size)
_OLD = (
    ("32005", "Phường 1", "32002", 4),
    ("32011", "Phường 2", "32002", 12),
    ("32002", "Phường 4", "32002", 6),
    ("32008", "Phường 5", "32025", 14),
    ("32017", "Phường 6", "32025", 9),
    ("32020", "Phường 7", "32041", 7),
    ("32014", "Phường 8", "32014", 10),
    ("31999", "Phường 9", "32002", 9),
    ("32022", "Phường Tân Xuyên", "32002", 5),
    ("32023", "Xã An Xuyên", "32002", 4),
    ("32025", "Phường Tân Thành", "32025", 5),
    ("32026", "Xã Tân Thành", "32025", 3),
    ("32029", "Xã Tắc Vân", "32025", 4),
    ("32032", "Xã Lý Văn Lâm", "32014", 3),
    ("32035", "Xã Định Bình", "32025", 2),
    ("32038", "Xã Hòa Thành", "32041", 2),
    ("32041", "Xã Hòa Tân", "32041", 1),
)
_NEW = (
    ("32002", "Phường An Xuyên"),
    ("32025", "Phường Tân Thành"),
    ("32014", "Phường Lý Văn Lâm"),
    ("32041", "Phường Hòa Thành"),
)


def _kind(name: str) -> str:
    return "ward" if name.startswith("Phường") else "commune"


AREAS: tuple[Area, ...] = (
    Area(PROVINCE, "Tỉnh Cà Mau", "province", None, OLD_SINCE, None, None),
    Area(CITY, "Thành phố Cà Mau", "city", PROVINCE, OLD_SINCE, LAST_OLD_DAY, None),
    *(
        Area(code, name, _kind(name), CITY, OLD_SINCE, LAST_OLD_DAY, successor)
        for code, name, successor, _ in _OLD
    ),
    *(Area(code, name, _kind(name), PROVINCE, MERGED_ON, None, None) for code, name in _NEW),
)
WARDS_2019 = tuple((code, name) for code, name, _, _ in _OLD)
WEIGHTS = tuple(weight for *_, weight in _OLD)
PILOT_WARDS = ("32011", "32008")
COMPARISON_WARDS = ("32017", "31999")
"""Wards 6 and 9, about as large and as urban, where there is no pilot (our choice)."""
