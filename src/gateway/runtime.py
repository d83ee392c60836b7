"""Runtime: what every flow is handed first. Connections, flights, the directory, clock and ids."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from uuid_utils import uuid7

from gateway.domain.derivation import derive_key
from gateway.domain.directory import EMPTY, Directory
from gateway.domain.partner import Mode
from gateway.domain.provider_refusals import ProviderNotOffered
from gateway.domain.refusals import StillProcessing
from gateway.kit.logs import log
from gateway.store import bills as bills_store
from gateway.store import database, idempotency, moves, postings
from gateway.store import directory as directory_store
from gateway.store.flights import QUEUE_MAX, Flights

if TYPE_CHECKING:
    # HTTP clients are loaded only where providers are configured: they cost 10 MiB.
    from gateway.kit.attached import Attached, Providers
    from gateway.kit.wire import Wire

Ability = TypeVar("Ability")
Result = TypeVar("Result")

DIRECTORY_POLL_S = 1.0
DIRECTORY_STALE_S = 30.0


class Clock:
    """The database's clock, kept by its distance from this machine's: all processes agree."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def now(self) -> datetime:
        """Give the instant, aware, in UTC."""
        return datetime.now(UTC) + self._offset

    def set_by(self, database_now: datetime, between: tuple[datetime, datetime]) -> None:
        """Learn the distance from an answer of the database and the local times around it."""
        sent, received = between
        self._offset = database_now - (sent + (received - sent) / 2)


@dataclass(frozen=True, slots=True)
class Secrets:
    """Keys derived from the deployment's master secret, one for each purpose."""

    lookup: bytes = field(repr=False)
    sealing: bytes = field(repr=False)
    pages: bytes = field(repr=False)
    """Signs links to checkouts and the codes of receipts."""

    @classmethod
    def derived_from(cls, master_secret: bytes) -> "Secrets":
        """Derive all keys."""
        return cls(*(derive_key(master_secret, use) for use in ("lookup", "sealing", "pages")))


class Runtime:
    """One process's share of the house. `start` before use, `stop` after."""

    def __init__(  # noqa: PLR0913 (what a process is made of)
        self,
        *,
        database_url: str,
        pool_size: int,
        secrets: Secrets,
        mode: Mode,
        clock: Clock,
        providers: "Providers | None" = None,
        public_url: str = "",
    ) -> None:
        self.pool = database.open_pool(database_url, size=pool_size)
        self.secrets = secrets
        self.mode = mode
        self.clock = clock
        self.public_url = public_url
        self.directory: Directory = EMPTY
        self._providers = providers
        self._tasks: set[asyncio.Task[Any]] = set()
        self.payments = Flights(self._pay, touches=moves.touched_by, is_shared=database.broke)
        self.posted_payments = Flights(
            self._pay_and_post, touches=moves.touched_by, is_shared=database.broke
        )
        self.lookups = Flights(self._look_up, is_shared=database.broke)
        self.answers = Flights(self._stored, is_shared=database.broke)
        self._pay_lane = database.Lane(self.pool, moves.PAY)
        self._post_lane = database.Lane(self.pool, postings.PAY_AND_POST)
        self._lookup_lane = database.Lane(self.pool, bills_store.LOOKUP)
        self._stored_lane = database.Lane(self.pool, idempotency.STORED)
        self._running: set[idempotency.KeyName] = set()
        self._news = Flights(self._compare_directory, is_shared=database.broke, seats=QUEUE_MAX)
        self._seen_at = -DIRECTORY_STALE_S
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load the directory and begin to watch it."""
        if self._providers is not None:
            async with database.borrow(self.pool) as connection:
                for code in self._providers.by_code:
                    await directory_store.put_provider(connection, code)
        await self.refresh()
        self._watch = asyncio.create_task(self._watch_directory())

    async def stop(self) -> None:
        """Finish what was begun, let the flights land, then give everything back."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._providers is not None:
            await self._providers.aclose()
        for flights in (self.payments, self.posted_payments, self.lookups, self.answers):
            await flights.land()
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        await self._news.land()
        for lane in (self._pay_lane, self._post_lane, self._lookup_lane, self._stored_lane):
            lane.close()
        await database.close_pool(self.pool)

    @property
    def providers(self) -> "Mapping[str, Attached]":
        """The providers that are configured here, by code."""
        return {} if self._providers is None else self._providers.by_code

    def provider(self, code: str, ability: type[Ability]) -> tuple[Ability, "Wire"]:
        """Give a provider that has an ability, and its wire.

        Raises:
            ProviderNotOffered: it is not configured here, or cannot do this.
        """
        attached = self.providers.get(code)
        if attached is None or not isinstance(attached.provider, ability):
            raise ProviderNotOffered(code, ability.__name__)
        return attached.provider, attached.wire

    async def finish(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do work that is finished even when whoever asked for it goes away."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    def new_id(self) -> UUID:
        """Mint a UUIDv7 of this instant."""
        return self.new_id_at(self.clock.now())

    def new_id_at(self, now: datetime) -> UUID:
        """Mint a UUIDv7 of an instant that was read already."""
        nanoseconds = int(now.timestamp()) * 10**9 + now.microsecond * 1000
        return UUID(bytes=uuid7(nanoseconds=nanoseconds).bytes)

    def has_fresh_directory(self) -> bool:
        """Say whether the directory was compared with the database lately."""
        return monotonic() - self._seen_at < DIRECTORY_STALE_S

    async def refresh(self) -> None:
        """Make sure that the directory is no older than this call; callers at once share the work.

        One row is read when nothing has changed, so a storm of unknown keys costs little.
        """
        await self._news.ride(None)

    def begin(self, name: idempotency.KeyName) -> None:
        """Mark a key as being worked on in this process; `end` it whatever happens.

        Raises:
            StillProcessing: it is already; the caller may send again in a second.
        """
        if name in self._running:
            raise StillProcessing
        self._running.add(name)

    def end(self, name: idempotency.KeyName) -> None:
        """Say that a key is no longer worked on."""
        self._running.discard(name)

    async def _watch_directory(self) -> None:
        while True:
            await asyncio.sleep(DIRECTORY_POLL_S)
            try:
                await self.refresh()
            except Exception as error:
                log.warning("directory.unreachable", error=type(error).__name__)

    async def _compare_directory(self, askers: Sequence[None]) -> Sequence[None]:
        async with database.borrow(self.pool) as connection:
            sent = datetime.now(UTC)
            version, database_now = await directory_store.version(connection)
            self.clock.set_by(database_now, (sent, datetime.now(UTC)))
            if version != self.directory.version:
                self.directory = await directory_store.load(connection)
                if self._providers is not None:
                    self._providers.breakers.apply(self.directory.switches)
        self._seen_at = monotonic()
        return askers

    async def _pay(self, rows: Sequence[moves.PayRow]) -> Sequence[moves.Paid | None]:
        return await moves.pay(self._pay_lane, rows, self._months())

    async def _pay_and_post(
        self, rows: Sequence[postings.PayAndPostRow]
    ) -> Sequence[moves.Paid | None]:
        return await moves.pay(self._post_lane, rows, self._months())

    async def _look_up(
        self, asked: Sequence[tuple[int, str]]
    ) -> Sequence[bills_store.Found | None]:
        return await bills_store.look_up(self._lookup_lane, asked)

    async def _stored(
        self, names: Sequence[idempotency.KeyName]
    ) -> Sequence[idempotency.Stored | None]:
        return await idempotency.stored(self._stored_lane, names, self._months())

    def _months(self) -> list[date]:
        return idempotency.months_kept(self.clock.now().date())
