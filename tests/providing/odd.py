"""Adapters that make mistakes or are asked seldom, and a stage with them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import respx

from gateway.domain.biller import Channel
from gateway.domain.evidence import Finding
from gateway.domain.partner import Mode
from gateway.kit import abilities
from gateway.kit.attached import Providers
from gateway.kit.messages import (
    Acknowledgement,
    Call,
    Incoming,
    Moment,
    Notification,
    Opened,
    Order,
    Reply,
    Verdict,
)
from gateway.runtime import Clock, Runtime, Secrets
from tests.conftest import client_of
from tests.providing.scripted import Closing, Scripted
from tests.providing.stage import Stage
from tests.world import MASTER_SECRET, World

SPACING_S = 600.0


class Clumsy(Closing):
    """An adapter whose author made mistakes: what `fails_at` names raises what nobody expects."""

    code = "clumsy"
    title = "Clumsy"
    fails_at: ClassVar[set[str]] = set()

    def _trip(self, name: str) -> None:
        if name in self.fails_at:
            raise ZeroDivisionError(name)

    def create(self, order: Order) -> Call | Opened:
        self._trip("create")
        return super().create(order)

    def read_created(self, order: Order, reply: Reply) -> Opened | Finding:
        self._trip("read_created")
        return super().read_created(order, reply)

    def read_return(self, incoming: Incoming) -> Finding:
        self._trip("read_return")
        return super().read_return(incoming)

    def read_notification(self, incoming: Incoming) -> Notification:
        self._trip("read_notification")
        return super().read_notification(incoming)

    def query(self, order: Order, moment: Moment) -> Call:
        self._trip("query")
        return super().query(order, moment)

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        self._trip("read_queried")
        return super().read_queried(order, reply)

    def cancel(self, order: Order, moment: Moment) -> Call:
        self._trip("cancel")
        return super().cancel(order, moment)

    def read_cancelled(self, order: Order, reply: Reply) -> Finding:
        self._trip("read_cancelled")
        return super().read_cancelled(order, reply)


class Spaced(Scripted):
    """A rail with a quota: one question in ten minutes."""

    code = "spaced"
    title = "Spaced"


class Hasty(Scripted):
    """A rail that says 94 when it was asked too often; its adapter remembers the last code."""

    code = "hasty"
    title = "Hasty"

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        finding = super().read_queried(order, reply)
        return replace(finding, memory={"asked": finding.code}) if finding.code else finding

    def spacing_of(self, finding: Finding) -> timedelta | None:
        return timedelta(minutes=5) if finding.code == "94" else None


class Mute(abilities.TakesPayments[abilities.Config], abilities.Notifies[abilities.Config]):
    """A rail that notifies and cannot be asked."""

    code = "mute"
    title = "Mute"
    channels = frozenset({Channel.E_WALLET})
    Config: ClassVar[type[abilities.Config]] = abilities.Config

    def __init__(self, config: abilities.Config) -> None:
        super().__init__(config)
        self._like = Scripted(config)

    @property
    def merchant(self) -> str:
        return "EVN"

    def create(self, order: Order) -> Call | Opened:
        return self._like.create(order)

    def read_created(self, order: Order, reply: Reply) -> Opened | Finding:
        return self._like.read_created(order, reply)

    def read_notification(self, incoming: Incoming) -> Notification:
        return self._like.read_notification(incoming)

    def acknowledge(self, verdict: Verdict) -> Acknowledgement:
        return self._like.acknowledge(verdict)


def a_runtime(url: str, clock: Clock | None = None) -> Runtime:
    """Open a runtime with all scripted providers, the odd ones too."""
    config = abilities.Config(deadline_s=5, visibility_s=60)
    spaced = abilities.Config(deadline_s=5, visibility_s=60, query_spacing_s=SPACING_S)
    kept = clock or Clock()
    adapters: list[abilities.Provider[Any]] = [
        Scripted(config),
        Closing(config),
        Clumsy(config),
        Spaced(spaced),
        Hasty(config),
        Mute(config),
    ]
    return Runtime(
        database_url=url,
        pool_size=8,
        secrets=Secrets.derived_from(MASTER_SECRET),
        mode=Mode.TEST,
        clock=kept,
        providers=Providers(adapters, now=kept.now),
        public_url="http://gateway",
    )


@asynccontextmanager
async def two_stages(url: str) -> AsyncIterator[tuple[Stage, Stage]]:
    """Two processes on one database, with one rail and one pair of partners."""
    one, two = a_runtime(url), a_runtime(url)
    await one.start()
    world = await World.make(one)
    await two.start()
    try:
        with respx.mock(assert_all_called=False) as rail:
            async with client_of(one) as first, client_of(two) as second:
                stage = Stage(one, world, first, rail)
                stage.listen()
                other = Stage(two, world, second, rail, calls=stage.calls, says=stage.says)
                yield stage, other
    finally:
        Clumsy.fails_at.clear()
        await one.stop()
        await two.stop()
