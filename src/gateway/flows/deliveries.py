"""Deliveries: tell the billing systems, at least once, signed, for as long as the schedule lasts.

Claim under a lease, send outside any transaction, say how it ended only while the lease is ours.
A death at any point leaves the row due again when the lease runs out.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from gateway.domain.errors import InvariantBroken
from gateway.domain.ids import to_public
from gateway.domain.sealing import unseal
from gateway.domain.signing import SecretMalformed, SigningSecret, parse_signing_secret, sign
from gateway.kit import metrics
from gateway.kit.hooks import HookReply, HookSender
from gateway.runtime import Runtime
from gateway.store import database, webhooks
from gateway.store.webhooks import Claimed, DeliveryState, Finish

log = structlog.get_logger()

SCHEDULE_S = (5, 30, 120, 600, 1800, 3600, 10800, 21600, 43200, 86400, 93600)
"""Waits between tries: twelve tries over three days. Documented in `docs/webhooks.md`."""
JITTER = 0.1
LEASE_MARGIN_S = 15.0
GONE = 410


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint ready to be sent to."""

    url: str
    is_disabled: bool
    secrets: tuple[SigningSecret, ...]


async def load_targets(rt: Runtime) -> dict[UUID, Target]:
    """Read all endpoints and open their secrets; one that cannot be opened has none."""
    async with database.borrow(rt.engine) as connection:
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
    """Delivers what is due; one per worker process."""

    def __init__(self, rt: Runtime, sender: HookSender, *, deadline_s: float, abreast: int) -> None:
        self._rt = rt
        self._sender = sender
        self._lease_s = deadline_s + LEASE_MARGIN_S
        self._claims = database.Lane(rt.engine, webhooks.CLAIM)
        self._ends = database.Lane(rt.engine, webhooks.FINISH)
        self._abreast = abreast
        self._targets: Mapping[UUID, Target] = {}
        self._targets_version = -1

    async def deliver_due(self) -> int:
        """Deliver one batch of what is due; gives how many were tried.

        No more are claimed than fly at once, so that none waits its lease away.
        """
        claimed = await webhooks.claim(self._claims, most=self._abreast, lease_s=self._lease_s)
        if not claimed:
            return 0
        await self._refresh()
        ends = await asyncio.gather(*(self._deliver(delivery) for delivery in claimed))
        await self._finish(ends)
        return len(claimed)

    def close(self) -> None:
        """Give the connections back."""
        self._claims.close()
        self._ends.close()

    async def _refresh(self) -> None:
        # After the claim: whoever made these deliveries has committed its endpoint before.
        await self._rt.refresh()
        version = self._rt.directory.version
        if version != self._targets_version:
            self._targets = await load_targets(self._rt)
            self._targets_version = version

    async def _deliver(self, delivery: Claimed) -> Finish:
        try:
            return await self._try(delivery)
        except Exception as error:  # one delivery's trouble must not keep its batch unfinished
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
        async with database.borrow(self._rt.engine) as connection:
            await webhooks.disable(connection, delivery.endpoint_id, "answered 410 Gone")
        log.warning("endpoint.disabled", endpoint=str(delivery.endpoint_id), reason="410 Gone")

    async def _finish(self, ends: Sequence[Finish]) -> None:
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
