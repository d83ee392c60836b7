"""Deliveries: tell the billing systems, at least once, signed, for as long as the schedule lasts.

Claim under a lease, send outside any transaction, say how it ended only while the lease is ours.
A death at any point leaves the row due again when the lease runs out. Each endpoint has a share of
what flies, so that one which hangs keeps nobody waiting but itself.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from gateway.domain.errors import InvariantBroken
from gateway.domain.ids import to_public
from gateway.domain.sealing import unseal
from gateway.domain.signing import SecretMalformed, SigningSecret, parse_signing_secret, sign
from gateway.kit import metrics
from gateway.kit.hooks import HookReply, HookSender
from gateway.kit.logs import log
from gateway.runtime import Runtime
from gateway.store import database, webhooks
from gateway.store.webhooks import Claimed, DeliveryState, Finish, Line

SCHEDULE_S = (5, 30, 120, 600, 1800, 3600, 10800, 21600, 43200, 86400, 93600)
"""Waits between tries: twelve tries over three days. Documented in `docs/webhooks.md`."""
JITTER = 0.1
LEASE_MARGIN_S = 15.0
SHARES = 8
"""Endpoints that may fill their share at once; while they do, every other still flies one."""
FLOOR_MARGIN = timedelta(seconds=0.5)
"""A delivery is due from when its transaction began, and is seen when that commits."""
FLOORS_KEPT = timedelta(seconds=5)
LINGER_S = 0.02
QUIET_S = 0.2
GONE = 410


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint ready to be sent to."""

    url: str
    is_disabled: bool
    secrets: tuple[SigningSecret, ...]


async def load_targets(rt: Runtime) -> dict[UUID, Target]:
    """Read all endpoints and open their secrets; one that cannot be opened has none."""
    async with database.borrow(rt.pool) as connection:
        endpoints = await webhooks.endpoints(connection)
    return {
        endpoint.id: Target(endpoint.url, endpoint.is_disabled, _secrets(rt, endpoint))
        for endpoint in endpoints
    }


def _secrets(rt: Runtime, endpoint: webhooks.Endpoint) -> tuple[SigningSecret, ...]:
    try:
        return tuple(
            parse_signing_secret(
                unseal(rt.secrets.sealing, sealed, f"webhook_secrets:{secret_id}").decode()
            )
            for secret_id, sealed in endpoint.sealed
        )
    except (InvariantBroken, SecretMalformed) as error:
        log.warning("endpoint.unusable", endpoint=str(endpoint.id), error=type(error).__name__)
        return ()


class Courier:
    """Delivers what is due; one per worker process.

    It takes turns: `deliver_due` tells the database how deliveries ended and sends off what has
    room, `some_landed` waits until there is more to tell. At most `abreast` fly to one endpoint,
    and in all SHARES times as many, and one for each endpoint that has none in the air then.
    """

    def __init__(self, rt: Runtime, sender: HookSender, *, deadline_s: float, abreast: int) -> None:
        self._rt = rt
        self._sender = sender
        self._lease_s = deadline_s + LEASE_MARGIN_S
        self._claims = database.Lane(rt.pool, webhooks.CLAIM)
        self._ends = database.Lane(rt.pool, webhooks.FINISH)
        self._abreast = abreast
        self._targets: Mapping[UUID, Target] = {}
        self._targets_version = -1
        self._lines: dict[UUID, Line] = {}
        self._floors_since = rt.clock.now()
        self._flying: set[asyncio.Task[None]] = set()
        self._landed: list[Finish] = []
        self._sent = 0
        self._enough = 1
        self._has_enough = asyncio.Event()

    async def deliver_due(self) -> int:
        """Say how those that landed ended, and send what is due and has room; gives how many.

        No more are claimed than fly at once, so that none waits its lease away.
        """
        self._sent = 0
        await self._finish_landed()
        claimed = await self._claim()
        await self._refresh(claimed)
        for delivery in claimed:
            self._launch(delivery)
        self._sent = len(claimed)
        return len(claimed)

    async def some_landed(self) -> bool:
        """Wait until enough have landed to be told of together, or a moment; False if none fly."""
        if not self._flying and not self._landed:
            return False
        self._has_enough.clear()
        self._enough = max(1, min(self._sent, self._abreast // 2))
        if len(self._landed) < self._enough:
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_S if self._sent else QUIET_S):
                    await self._has_enough.wait()
        return True

    async def land(self) -> None:
        """Send no more, and wait until all that fly have landed; each in `deadline_s` at most."""
        self._sent = 0
        while await self.some_landed():
            try:
                await self._finish_landed()
            except Exception as error:  # their leases run out, and they are sent again
                log.warning("deliveries.interrupted", error=type(error).__name__)

    def close(self) -> None:
        """Give the connections back; what still flies is left to its lease."""
        for task in self._flying:
            task.cancel()
        self._claims.close()
        self._ends.close()

    async def _claim(self) -> list[Claimed]:
        self._forget_floors()
        whole = SHARES * self._abreast
        room = whole - len(self._flying)
        claimed = await webhooks.claim(
            self._claims,
            self._lines,
            share=self._abreast if room > 0 else 1,
            most=room if room > 0 else whole,
            lease_s=self._lease_s,
        )
        for one in claimed:
            line = self._lines.setdefault(one.endpoint_id, Line())
            floor = one.was_due_at - FLOOR_MARGIN
            line.floor = max(line.floor or floor, floor)
        return claimed

    def _forget_floors(self) -> None:
        # Now and then a queue is read from its beginning, for whatever lies below its floor: what
        # another worker had locked and then did not take, or what took long to commit.
        now = self._rt.clock.now()
        if abs(now - self._floors_since) > FLOORS_KEPT:
            self._floors_since = now
            flying = [(id_, line.flying) for id_, line in self._lines.items() if line.flying]
            self._lines = {endpoint_id: Line(count) for endpoint_id, count in flying}

    async def _refresh(self, claimed: Sequence[Claimed]) -> None:
        # After the claim: whoever made these deliveries has committed its endpoint before.
        if claimed and claimed[0].directory_version != self._targets_version:
            self._targets = await load_targets(self._rt)
            self._targets_version = claimed[0].directory_version

    def _launch(self, delivery: Claimed) -> None:
        self._lines[delivery.endpoint_id].flying += 1
        task = asyncio.create_task(self._fly(delivery))
        self._flying.add(task)
        task.add_done_callback(self._flying.discard)

    async def _fly(self, delivery: Claimed) -> None:
        end = await self._deliver(delivery)
        self._lines[delivery.endpoint_id].flying -= 1
        self._landed.append(end)
        if len(self._landed) >= self._enough:
            self._has_enough.set()

    async def _deliver(self, delivery: Claimed) -> Finish:
        try:
            return await self._try(delivery)
        except Exception as error:  # its trouble is its own; it must land
            log.exception("delivery.broke", delivery=delivery.id)
            return _later(delivery, None, failure=type(error).__name__)

    async def _try(self, delivery: Claimed) -> Finish:
        target = self._targets.get(delivery.endpoint_id)
        if target is None or target.is_disabled:
            return _end(delivery, DeliveryState.HELD, failure="endpoint_disabled")
        if not target.secrets:
            return _later(delivery, None, failure="no_usable_secret")
        reply = await self._send(target, delivery)
        metrics.DELIVERIES.labels("delivered" if reply.delivered else "failed").inc()
        metrics.DELIVERY_SECONDS.observe(reply.elapsed_ms / 1000)
        if reply.status == GONE:
            await self._disable(delivery)
            return _end(delivery, DeliveryState.HELD, reply)
        return end_of(delivery, reply)

    async def _send(self, target: Target, delivery: Claimed) -> HookReply:
        message_id, body = to_public("evt", delivery.event_id), delivery.body.encode()
        timestamp = int(self._rt.clock.now().timestamp())
        headers = {
            "content-type": "application/json",
            "user-agent": "gateway-webhooks/1",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(message_id, timestamp, body, target.secrets),
        }
        return await self._sender.post(target.url, headers, body)

    async def _disable(self, delivery: Claimed) -> None:
        async with database.borrow(self._rt.pool) as connection:
            await webhooks.disable(connection, delivery.endpoint_id, "answered 410 Gone")
        log.warning("endpoint.disabled", endpoint=str(delivery.endpoint_id), reason="410 Gone")

    async def _finish_landed(self) -> None:
        ends, self._landed = self._landed, []
        if not ends:
            return
        kept = await webhooks.finish(self._ends, ends)
        if kept < len(ends):
            log.warning("deliveries.lease_lost", lost=len(ends) - kept)
        for end in ends:
            if end.state is not DeliveryState.DELIVERED:
                log.warning(
                    "delivery.failed",
                    delivery=end.id,
                    state=end.state,
                    status=end.status,
                    failure=end.failure,
                    wait_s=round(end.wait_s, 1),
                )


def end_of(delivery: Claimed, reply: HookReply) -> Finish:
    """Decide what becomes of a delivery: delivered, due again later, or dead with its reason."""
    if reply.delivered:
        return _end(delivery, DeliveryState.DELIVERED, reply)
    return _later(delivery, reply, failure=reply.failure)


def _later(delivery: Claimed, reply: HookReply | None, *, failure: str | None) -> Finish:
    if delivery.attempts > len(SCHEDULE_S):
        return _end(delivery, DeliveryState.DEAD, reply, failure=failure)
    step = SCHEDULE_S[delivery.attempts - 1]
    asked = (reply.retry_after_s or 0) if reply else 0
    # Additive only: jitter may spread a herd, never come earlier than was promised.
    wait = max(step, asked) + step * JITTER * random.random()  # noqa: S311 (no secret)
    return _end(delivery, DeliveryState.DUE, reply, wait_s=wait, failure=failure)


def _end(
    delivery: Claimed,
    state: DeliveryState,
    reply: HookReply | None = None,
    *,
    wait_s: float = 0.0,
    failure: str | None = None,
) -> Finish:
    return Finish(
        id=delivery.id,
        lease_no=delivery.lease_no,
        state=state,
        wait_s=wait_s,
        status=reply.status if reply else None,
        failure=reply.failure if reply else failure,
    )
