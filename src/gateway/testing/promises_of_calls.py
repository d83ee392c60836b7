"""What every adapter promises when it talks to its simulator over real HTTP."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gateway.domain.evidence import Finding, Outcome, mismatch
from gateway.kit import logs
from gateway.kit.abilities import AnswersQueries, Notifies, TakesPayments
from gateway.kit.breaker import Breakers
from gateway.kit.exchange import Exchange, Fate, Limits
from gateway.kit.mandate_messages import MandateNews
from gateway.kit.messages import Acknowledgement, Call, Garbled, Incoming, Opened, Order, Verdict
from gateway.kit.redact import secrets_of
from gateway.kit.wire import Wire
from gateway.testing.served import Door, served
from gateway.testing.subject import Subject, a_moment, needs

PATIENCE_S = 10.0
IMPATIENT = Limits(deadline_s=0.5)
FAULT_OF = {"amount": "wrong_amount", "reference": "other_order"}


@dataclass(frozen=True, slots=True)
class Stand:
    """A provider that talks to its simulator, and the door where its notifications arrive."""

    provider: Any
    wire: Wire
    hasty: Wire
    """Gives up after half a second."""
    host: str
    door: Door
    door_url: str

    async def control(self, path: str, **fields: object) -> dict[str, Any]:
        """Make a control call of the simulator."""
        call = Call("control", f"{self.host}/control/{path}", json.dumps(fields).encode())
        exchange = await self.wire.send(call if fields else replace(call, method="GET"))
        assert exchange.reply is not None, exchange
        assert exchange.reply.status < 300, exchange  # noqa: PLR2004
        answer = exchange.reply.body
        return dict(json.loads(answer)) if answer else {}

    async def open(self, order: Order) -> Order:
        """Open the order and go where the payer goes; give it as the house would keep it."""
        opened = self.provider.create(order)
        if isinstance(opened, Call):
            exchange = await self.wire.send(opened)
            assert exchange.reply is not None, exchange
            opened = self.provider.read_created(order, exchange.reply)
        assert isinstance(opened, Opened), opened
        place = opened.action.redirect_url or opened.action.deeplink
        if place is not None and place.startswith(self.host):
            # A redirect to the payer's page is SILENT to the wire and has been followed far enough.
            await self.wire.send(Call("control", place, method="GET"))
        return replace(order, provider_id=opened.provider_id, memory=opened.memory)

    async def ask(self, order: Order) -> Finding:
        """Query the order."""
        exchange = await self.wire.send(self.provider.query(order, a_moment()))
        assert exchange.reply is not None, exchange
        finding: Finding = self.provider.read_queried(order, exchange.reply)
        return finding

    async def heard(self) -> Incoming:
        """Wait for the next notification."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.door.arrived.get()

    def refusal(self, order: Order, finding: Finding) -> str | None:
        """Name what is not ours in a finding."""
        return mismatch(
            finding,
            reference=order.reference,
            amount_dong=order.amount_dong,
            merchant=self.provider.merchant,
        )


class PromisesOfCalls(Subject):
    """Calls, their failures, and an order's life from end to end."""

    @asynccontextmanager
    async def stand(self) -> AsyncIterator[Stand]:
        """Start the simulator and the door, and connect the provider with both."""
        door = Door()
        path = f"/v1/notifications/{self.provider_class.code}"
        async with served(door) as door_url, served(self.simulator(door_url + path)) as host:
            provider = self.provider(host)
            wire = Wire.of(provider, Breakers())
            hasty = Wire.of(provider, Breakers(), limits=IMPATIENT)
            if isinstance(provider, Notifies):
                door.answer = lambda incoming: _acknowledged(provider, incoming)
            try:
                yield Stand(provider, wire, hasty, host, door, door_url)
            finally:
                await wire.aclose()
                await hasty.aclose()

    def order_at(self, stand: Stand) -> Order:
        """Build an order whose notifications and browser come back to the stand's door."""
        path = f"/v1/notifications/{self.provider_class.code}"
        return self.order(
            notify_url=stand.door_url + path, return_url=f"{stand.door_url}/return", number=11
        )

    def first_call(self, provider: Any, order: Order) -> Call:
        """Give `create`, or `query` where no call opens an order."""
        call = provider.create(order)
        return call if isinstance(call, Call) else provider.query(order, a_moment())

    # ── the wire ─────────────────────────────────────────────────────────────────────────────

    @needs(TakesPayments, call=True)
    @pytest.mark.asyncio
    async def test_a_refused_connection_is_not_sent(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            provider = self.provider(f"http://127.0.0.1:{taken.getsockname()[1]}")
            wire = Wire.of(provider, Breakers())
            exchange = await wire.send(self.first_call(provider, self.order()))
            await wire.aclose()
        assert exchange.fate is Fate.NOT_SENT

    @needs(TakesPayments, call=True)
    @pytest.mark.asyncio
    @pytest.mark.parametrize("fault", ["hang_before", "hang_after", "drop_after", "error_after"])
    async def test_a_call_without_a_whole_answer_is_in_doubt(self, fault: str) -> None:
        async with self.stand() as stand:
            call = self.first_call(stand.provider, self.order_at(stand))
            await stand.control("faults", operation=call.operation, fault=fault)
            exchange = await stand.hasty.send(call)
        assert exchange.fate is Fate.SILENT, exchange

    @needs(TakesPayments, call=True)
    @pytest.mark.asyncio
    async def test_a_maintenance_page_with_status_200_is_garbled(self) -> None:
        async with self.stand() as stand:
            order = self.order_at(stand)
            call = self.first_call(stand.provider, order)
            await stand.control("faults", operation=call.operation, fault="html_before")
            exchange = await stand.wire.send(call)
            assert exchange.reply is not None
            reads = f"read_{'created' if call.operation == 'create' else 'queried'}"
            with pytest.raises(Garbled):
                getattr(stand.provider, reads)(order, exchange.reply)

    # ── an order's life ──────────────────────────────────────────────────────────────────────

    @needs(TakesPayments, AnswersQueries, call=True)
    @pytest.mark.asyncio
    async def test_an_order_that_is_paid_ends_succeeded_with_one_charge(self) -> None:
        async with self.stand() as stand:
            order = await stand.open(self.order_at(stand))
            await stand.control("payer", reference=order.reference, act="approve")
            found = await stand.ask(order)
            charges = (await stand.control("charges"))["charges"]
            assert found.outcome is Outcome.SUCCEEDED, found
            assert stand.refusal(order, found) is None, found
            if isinstance(stand.provider, Notifies):
                heard = stand.provider.read_notification(await stand.heard())
                assert not isinstance(heard, MandateNews)
                told = heard.finding
                assert told.outcome is self.told, told
                assert stand.refusal(order, told) is None, told
        assert [(c["reference"], c["amount_dong"]) for c in charges] == [
            (order.reference, order.amount_dong)
        ]

    @needs(TakesPayments, AnswersQueries, call=True)
    @pytest.mark.asyncio
    async def test_an_order_that_is_declined_ends_as_the_documents_say(self) -> None:
        async with self.stand() as stand:
            order = await stand.open(self.order_at(stand))
            await stand.control("payer", reference=order.reference, act="decline")
            assert (await stand.ask(order)).outcome is self.declined
            assert (await stand.control("charges"))["charges"] == []

    @needs(TakesPayments, AnswersQueries, call=True)
    @pytest.mark.asyncio
    async def test_an_order_that_nobody_pays_proves_nothing_against_the_payer(self) -> None:
        async with self.stand() as stand:
            order = await stand.open(self.order_at(stand))
            found = (await stand.ask(order)).outcome
        assert found is self.abandoned
        assert found in {Outcome.WAITING, Outcome.PENDING}

    @needs(TakesPayments, AnswersQueries, call=True)
    @pytest.mark.asyncio
    @pytest.mark.parametrize("fact", FAULT_OF)
    async def test_a_query_answered_for_something_else_settles_nothing(self, fact: str) -> None:
        if fact not in self.facts_of("queried"):
            return  # the answer does not name it, so it cannot be wrong about it
        async with self.stand() as stand:
            order = await stand.open(self.order_at(stand))
            await stand.control("payer", reference=order.reference, act="approve")
            await stand.control("faults", operation="query", fault=FAULT_OF[fact])
            try:
                finding = await stand.ask(order)
            except Garbled:
                return
        is_proof = finding.outcome in {Outcome.SUCCEEDED, Outcome.FAILED}
        assert not is_proof or stand.refusal(order, finding) is not None, finding

    @needs(TakesPayments, AnswersQueries, call=True)
    @pytest.mark.asyncio
    async def test_nothing_secret_is_in_log_lines_or_exchanges(self) -> None:
        async with self.stand() as stand:
            order = await stand.open(self.order_at(stand))
            with logs.captured() as lines:
                exchanges: list[Exchange] = [
                    await stand.wire.send(self.first_call(stand.provider, order)),
                    await stand.wire.send(stand.provider.query(order, a_moment())),
                ]
            secrets = secrets_of(stand.provider.config)
        assert [line["event"] for line in lines] == ["provider.called"] * 2
        shown = f"{lines!r} {exchanges!r}"
        assert not [secret for secret in secrets if secret in shown]


def _acknowledged(provider: Any, incoming: Incoming) -> Acknowledgement:
    """Answer a notification as the house would that wrote it down."""
    try:
        told = provider.read_notification(incoming)
    except Garbled:
        refused: Acknowledgement = provider.acknowledge(Verdict.REFUSED)
        return refused
    recorded: Acknowledgement = provider.acknowledge_of(told, Verdict.RECORDED)
    return recorded
