"""A stage for payments through the scripted providers: what the rail says, and what we did."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import respx
from httpx import AsyncClient, Response

from gateway.flows import resolving
from gateway.runtime import Runtime
from gateway.store import database
from tests.providing.scripted import HOST, sign
from tests.world import BILLER, CUSTOMER, World

Say = dict[str, object] | Exception | Callable[[httpx.Request], httpx.Response] | httpx.Response
_numbers = itertools.count(1)


@dataclass
class Stage:
    """Plays both sides: the partner who calls us, and the rail that we call."""

    rt: Runtime
    world: World
    api: AsyncClient
    rail: respx.MockRouter
    calls: list[str] = field(default_factory=list)
    says: dict[str, Say] = field(
        default_factory=lambda: {"create": {"outcome": "opened"}, "query": {"outcome": "waiting"}}
    )

    def listen(self) -> None:
        """Answer whatever the scripted rail is asked, from `says`."""
        self.rail.route(host=httpx.URL(HOST).host).mock(side_effect=self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        operation = request.url.path.strip("/")
        self.calls.append(operation)
        say = self.says[operation]
        if isinstance(say, Exception):
            raise say
        if isinstance(say, httpx.Response):
            return say
        if not isinstance(say, dict):
            return say(request)
        asked = json.loads(request.content)
        return httpx.Response(200, json=asked | {"merchant": "EVN"} | say)

    async def begin(self, *bill_ids: str, key: str | None = None, **changes: object) -> Response:
        """Begin a payment of bills of 150,000 đồng each."""
        number = next(_numbers)
        body: dict[str, object] = {
            "method": "provider",
            "provider": "scripted",
            "biller": BILLER,
            "customer_code": CUSTOMER,
            "partner_reference": f"REF-P-{number}",
            "channel": "e_wallet",
            "bills": [{"id": bill_id, "amount_dong": 150_000} for bill_id in bill_ids],
            "return_url": "https://portal.test/thanks?shop=1",
            "payer_ip": "113.160.92.202",
        } | changes
        headers = self.world.headers("wallet", key or f"key-of-a-provider-{number:08d}")
        return await self.api.post("/v1/payments", json=body, headers=headers)

    async def opened(self, *bill_ids: str, **changes: object) -> dict[str, Any]:
        """Begin a payment that the rail opens; gives it."""
        answer = await self.begin(*bill_ids, **changes)  # type: ignore[arg-type]
        assert answer.status_code == 201, answer.text
        payment: dict[str, Any] = answer.json()
        return payment

    async def notify(self, payment: dict[str, Any], **says: object) -> Response:
        """Send a signed notification about a payment's newest attempt."""
        tried = payment["attempts"][-1]
        said = {
            "outcome": "succeeded",
            "reference": tried["reference"],
            "amount_dong": payment["amount_dong"],
            "merchant": "EVN",
            "code": "0",
            "provider_id": "4000000001",
        } | says
        raw = json.dumps(said).encode()
        return await self.api.post(
            f"/v1/notifications/{tried['provider']}", content=raw, headers={"signature": sign(raw)}
        )

    async def resolve(self) -> int:
        """Let every open attempt be due, and the resolver take one turn."""
        await self.sql("UPDATE attempts SET due_at = now() WHERE due_at IS NOT NULL")
        return await resolving.resolve_due(self.rt)

    async def pass_expiry(self) -> None:
        """Let the time of all attempts be over, and the visibility window too."""
        await self.sql(
            "UPDATE attempts SET expires_at = now() - interval '1 hour', "
            "negative_since = negative_since - interval '1 hour'"
        )

    async def read(self, payment: dict[str, Any]) -> dict[str, Any]:
        """Read a payment as its partner does."""
        answer = await self.api.get(
            f"/v1/payments/{payment['id']}", headers=self.world.headers("wallet")
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def sql(self, statement: str, *args: object) -> list[Any]:
        """Run a statement and give its rows."""
        async with database.borrow(self.rt.pool) as connection:
            return list(await connection.fetch(statement, *args))

    async def count(self, table: str) -> int:
        """Count the rows of a table."""
        rows = await self.sql(f"SELECT count(*) AS n FROM {table}")
        return int(rows[0]["n"])
