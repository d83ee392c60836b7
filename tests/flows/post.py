"""A biller's endpoint, a courier, and what came of them: builders of the deliveries' tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from gateway.domain.signing import HmacSecret
from gateway.flows import operate
from gateway.flows.deliveries import Courier
from gateway.kit.hooks import HookSender
from gateway.runtime import Runtime
from tests.kit.receiver import Receiver, replies
from tests.orders import collect
from tests.world import BILLER, World

FIRST = HmacSecret(b"1" * 32)
GOOD = replies(204)


@asynccontextmanager
async def courier_of(
    rt: Runtime, *, deadline_s: float = 5.0, abreast: int = 10
) -> AsyncIterator[Courier]:
    sender = HookSender(deadline_s=deadline_s, allow_private=True)
    courier = Courier(rt, sender, deadline_s=deadline_s, abreast=abreast)
    try:
        yield courier
    finally:
        courier.close()
        await sender.aclose()


@dataclass
class Post:
    """A biller's endpoint, a courier, and what came of them."""

    world: World
    courier: Courier

    async def endpoint(self, receiver: Receiver, secret: HmacSecret = FIRST) -> UUID:
        wanted = operate.NewEndpoint(BILLER, receiver.url, secret.reveal(), allow_private=True)
        return await operate.add_endpoint(self.world.rt, wanted, actor="test")

    async def event(self, many: int = 1) -> None:
        for _ in range(many):
            assert (await collect(self.world.rt, await self.world.add_bill())).status_code == 201

    async def due_now(self) -> None:
        await self.world.rows("UPDATE deliveries SET due_at = now() WHERE state = 'due'")

    async def deliveries(self) -> list[asyncpg.Record]:
        return await self.world.rows(
            "SELECT state, attempts, last_status, last_failure, due_at FROM deliveries ORDER BY id"
        )

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.deliveries()]
