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


QUEUE = """
WITH made AS (
    INSERT INTO events (biller_id, id, type, subject, body, created_at)
    SELECT 1, (left(uuid7_floor(now())::text, 13) || right(gen_random_uuid()::text, 23))::uuid,
        'payment.succeeded', gen_random_uuid(), '{}', now()
    FROM generate_series(1, $1) n RETURNING id
)
INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at)
SELECT 1, id, $2, now() + make_interval(secs => $3) FROM made RETURNING id
"""


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


async def deliver(courier: Courier) -> int:
    tried = await courier.deliver_due()
    await courier.land()
    return tried


@dataclass
class Post:
    """A biller's endpoint, a courier, and what came of them."""

    world: World
    courier: Courier

    async def endpoint(self, receiver: Receiver, *, to: str = "") -> UUID:
        wanted = operate.NewEndpoint(BILLER, receiver.url + to, FIRST.reveal(), allow_private=True)
        return await operate.add_endpoint(self.world.rt, wanted, actor="test")

    async def event(self, many: int = 1) -> None:
        for _ in range(many):
            assert (await collect(self.world.rt, await self.world.add_bill())).status_code == 201

    async def queue(self, endpoint_id: UUID, many: int, *, due_in_s: float = 0.0) -> None:
        """Make events for one endpoint alone, as if they had waited."""
        await self.world.rows(QUEUE, many, endpoint_id, due_in_s)

    async def deliver(self) -> int:
        """Deliver what is due and has room, to its end; gives how many were tried."""
        return await deliver(self.courier)

    async def due_now(self) -> None:
        await self.world.rows("UPDATE deliveries SET due_at = now() WHERE state = 'due'")

    async def deliveries(self) -> list[asyncpg.Record]:
        return await self.world.rows(
            "SELECT state, attempts, last_status, last_failure, due_at FROM deliveries ORDER BY id"
        )

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.deliveries()]
