"""A collector's round: a partner, its collector with a tablet, and the calls they make."""

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from httpx import AsyncClient, Response

from gateway.domain.partner import Caller, digest_key
from gateway.flows import collectors, day_close
from gateway.flows.collectors import NewCollector
from gateway.runtime import Runtime
from gateway.sandbox.field_device import FieldDevice
from tests.world import BILLER, World

SECRET = b"a documented secret of a tablet!"
AREA = "32008"
COLLECTOR = "an"
_numbers = itertools.count(1)


@dataclass
class Round:
    """The collector `an` of partner `bank`, who has one tablet."""

    world: World
    api: AsyncClient
    device: FieldDevice = field(default_factory=lambda: FieldDevice("tab-1", SECRET))

    @classmethod
    async def begin(cls, world: World, api: AsyncClient, **caps: int) -> "Round":
        """Make the collector and enrol the tablet."""
        limits = {"per_day_dong": 10**9, "per_list_dong": 10**9} | caps
        new = NewCollector(COLLECTOR, "Chị Ấn", BILLER, "bank", **limits)
        await collectors.put(world.rt, new, actor="test")
        await collectors.add_device(world.rt, COLLECTOR, "tab-1", actor="test", secret=SECRET)
        await world.rt.refresh()
        return cls(world, api)

    @property
    def rt(self) -> Runtime:
        return self.world.rt

    @property
    def caller(self) -> Caller:
        return self.rt.directory.callers[digest_key(self.world.keys["bank"])]

    def now(self) -> datetime:
        return self.rt.clock.now()

    async def ask_list(self, key: str | None = None, **changes: object) -> Response:
        body: dict[str, object] = {
            "collector": COLLECTOR,
            "area_code": AREA,
            "book_code": "S-01",
            "valid_until": (self.now() + timedelta(days=2)).isoformat(timespec="seconds"),
        } | changes
        headers = self.world.headers("bank", key or self.world.new_key())
        return await self.api.post("/v1/hand-over-lists", json=body, headers=headers)

    async def hand_over(self, **changes: object) -> dict[str, Any]:
        answer = await self.ask_list(**changes)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def collect(
        self, given: dict[str, Any], bill: int | str = 0, amount_dong: int | None = None, **at: Any
    ) -> dict[str, Any]:
        """Take cash for a bill of a list, by its place or its id."""
        named = given["bills"][bill]["id"] if isinstance(bill, int) else bill
        due = amount_dong or given["bills"][0]["amount_dong"]
        return self.device.collect(given["id"], named, due, at.get("at", self.now()))

    async def upload(
        self,
        given: dict[str, Any],
        receipts: list[dict[str, Any]] | None = None,
        key: str | None = None,
        api: AsyncClient | None = None,
    ) -> Response:
        headers = self.world.headers("bank", key or f"upload-of-a-test-{next(_numbers):06d}")
        return await (api or self.api).post(
            f"/v1/hand-over-lists/{given['id']}/receipts",
            json=self.device.batch(receipts),
            headers=headers,
        )

    async def results(self, given: dict[str, Any], *receipts: dict[str, Any]) -> list[str]:
        """Upload receipts and give what became of each line."""
        answer = await self.upload(given, list(receipts))
        assert answer.status_code == 200, answer.text
        return [line["result"] for line in answer.json()["lines"]]

    async def close(self, given: dict[str, Any], total: int, ref: str | None = None) -> Response:
        body = {"cash_total_dong": total} | ({"deposited_ref": ref} if ref else {})
        path = f"/v1/hand-over-lists/{given['id']}/close"
        return await self.api.post(path, json=body, headers=self.world.headers("bank"))

    async def pay_in(self, amount_dong: int, ref: str) -> Response:
        body = {"collector": COLLECTOR, "reference": ref, "amount_dong": amount_dong}
        headers = self.world.headers("bank")
        return await self.api.post("/v1/cash-deposits", json=body, headers=headers)

    async def exceptions(self) -> dict[str, str]:
        """Give the open exceptions: who owns each kind."""
        rows = await self.world.rows("SELECT kind, owner FROM exceptions WHERE closed_at IS NULL")
        return {row["kind"]: row["owner"] for row in rows}

    async def assert_nothing_is_lost(self) -> None:
        """Hold the cash account against receipts, and suspense against its open lines."""
        books = await self.world.balances()
        overdue = await day_close.find_overdue(self.rt, self.now().date() + timedelta(days=9))
        assert books.get("cash:an", 0) == sum(late.amount_dong for late in overdue)
        lines = await self.world.rows(
            "SELECT coalesce(sum(amount_dong), 0)::bigint AS dong FROM suspense_lines"
            " WHERE closed_at IS NULL"
        )
        assert -books.get("suspense:payer", 0) == lines[0]["dong"]
        assert sum(books.values()) == 0
