"""A pilot whose months are written as they would have been counted: a page reads nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pyotp

from gateway.domain.adoption import months_later
from gateway.domain.biller import Biller
from gateway.domain.password import secret_of
from gateway.domain.pilot import Milestone, Pilot
from gateway.domain.sealing import seal
from gateway.domain.user import Role
from gateway.flows import adoption, users
from gateway.runtime import Runtime
from gateway.store import database
from gateway.store import users as users_store
from tests.world import BILLER, World

NOW = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
FIRST = date(2025, 1, 1)
MONTHS = tuple(months_later(FIRST, step) for step in range(22))
"""January 2025 to October 2026; the last is not complete at NOW."""
WARD_2, WARD_5, WARD_6 = "32011", "32008", "32017"
PILOT = Pilot(
    code="ca-mau-2026",
    name="Phường 2 và Phường 5, thành phố Cà Mau",
    areas=(WARD_2, WARD_5),
    comparison_areas=(WARD_6,),
    baseline_from=date(2025, 1, 1),
    baseline_to=date(2025, 12, 1),
    starts_on=date(2026, 1, 1),
    ends_on=date(2027, 6, 30),
    target_percent=200,
    milestones=(
        Milestone(date(2026, 6, 1), 130, "Sơ kết sáu tháng", "Half-year review"),
        Milestone(date(2027, 6, 1), 200, "Gấp đôi", "Twice as many"),
    ),
)
NAME, PASSWORD = "so.congthuong", "rừng đước Năm Căn xanh"
AREAS_SQL = """
INSERT INTO areas (code, name, kind, valid_from) VALUES ($1, $2, 'ward', '2004-01-01')
ON CONFLICT DO NOTHING
"""
CELL_SQL = """
INSERT INTO adoption_monthly (biller_id, month, area_code, segment, channel, customers, new,
    retained, resumed, relapsed, habitual, bills, amount_dong)
VALUES ($1, $2, $3, 'household', $4, $5, $6, $7, 0, $8, $9, $5, $5 * 300000)
"""
ROLLED_SQL = """
INSERT INTO adoption_rolled (biller_id, month, customers, bills, rolled_at)
VALUES ($1, $2, 0, 0, $3)
"""
Counts = Mapping[str, int]
"""Customers by channel."""


def growing(month: date, size: int) -> dict[str, int]:
    """Give a ward's customers by channel: few pay electronically at first, ever more later."""
    step = MONTHS.index(month)
    electronic = size * (18 + max(0, step - 10) * 1.4) / 100
    bank, wallet, card = (round(electronic * part) for part in (0.55, 0.32, 0.13))
    unsettled = round(size * 0.04) + (round(size * 0.2) if month == MONTHS[-1] else 0)
    cash = size - bank - wallet - card - unsettled
    return {
        "internet_banking": bank,
        "e_wallet": wallet,
        "card": card,
        "home_cash": cash // 3,
        "counter_cash": cash - cash // 3,
        "unsettled": unsettled,
    }


@dataclass
class PilotWorld:
    """The biller, and what was counted of it."""

    world: World

    @property
    def rt(self) -> Runtime:
        return self.world.rt

    @property
    def biller(self) -> Biller:
        return self.rt.directory.billers[BILLER]

    async def put(self, pilot: Pilot) -> None:
        """Put a pilot, or another of the same code in its place."""
        await adoption.put_pilot(self.rt, self.biller, pilot, actor="test")

    async def begin(self) -> None:
        """Put the pilot and its areas, with nothing counted yet."""
        await self.put(PILOT)
        async with database.borrow(self.rt.pool) as connection:
            for code, name in ((WARD_2, "Phường 2"), (WARD_5, "Phường 5"), (WARD_6, "Phường 6")):
                await connection.execute(AREAS_SQL, code, name)
            rolled = [(self.biller.id, month, NOW) for month in MONTHS]
            await connection.executemany(ROLLED_SQL, rolled)

    async def count(self, area: str, month: date, customers: Counts) -> None:
        """Write a month of an area."""
        await self._write([self._cell(area, month, *told) for told in customers.items()])

    async def count_all(self, sizes: Mapping[str, int], months: Sequence[date] = MONTHS) -> None:
        """Write every month of some areas, growing."""
        await self._write(
            [
                self._cell(area, month, *told)
                for area, size in sizes.items()
                for month in months
                for told in growing(month, size).items()
            ]
        )

    def _cell(self, area: str, month: date, channel: str, count: int) -> tuple[object, ...]:
        is_electronic = channel in {"internet_banking", "e_wallet", "card"}
        new, kept = (count // 10, count - count // 10) if is_electronic else (0, 0)
        lost = count // 50 if channel == "counter_cash" else 0
        return (self.biller.id, month, area, channel, count, new, kept, lost, kept * 3 // 4)

    async def _write(self, cells: Sequence[tuple[object, ...]]) -> None:
        async with database.borrow(self.rt.pool) as connection:
            await connection.executemany(CELL_SQL, cells)

    async def add_user(self, *areas: str, name: str = NAME) -> pyotp.TOTP:
        """Add a viewer who has an authenticator app already."""
        await users.add(self.rt, name, Role.VIEWER, list(areas), password=PASSWORD, actor="test")
        secret = secret_of(self.rt.secrets.sealing, name.encode())
        async with database.borrow(self.rt.pool) as connection:
            row = await users_store.by_name(connection, name)
            assert row is not None
            sealed = seal(self.rt.secrets.sealing, secret.encode(), f"users/{row.user.id}/secret")
            await users_store.set_secret(connection, row.user.id, sealed, 0)
        return pyotp.TOTP(secret)
