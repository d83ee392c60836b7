"""Group commit in the process: requests that wait together ride one statement.

Three quarters of what a lone payment costs is the overhead of its transaction. A flight takes
whatever queued while the last one was away, at most `seats`; there is no timer, so an idle service
adds no wait. A future resolves only after COMMIT. When a flight fails, its items fly again one by
one, so that a poisoned row fails alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from gateway.domain.errors import Overloaded, ensure

Item = TypeVar("Item")
Result = TypeVar("Result")

SEATS = 32
"""Larger batches only lengthen the lock-step and the tail (measured: 8 / 16 / 32 / 64)."""
QUEUE_MAX = 2_000


class Flights(Generic[Item, Result]):
    """One queue, one flight at a time.

    Args:
        fly: takes the items of one flight, gives one result each in the same order.
        is_shared: says whether an error is the whole flight's (a lost connection), so that no
            item need fly alone; any other error is taken to be one item's.
        touches: names what an item will lock or insert; two items that touch the same thing
            never ride together.
        seats: the most items of one flight.
    """

    def __init__(
        self,
        fly: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        is_shared: Callable[[Exception], bool],
        touches: Callable[[Item], Sequence[Hashable]] = lambda _: (),
        seats: int = SEATS,
        queue_max: int = QUEUE_MAX,
    ) -> None:
        self._fly = fly
        self._is_shared = is_shared
        self._touches = touches
        self._seats = seats
        self._queue_max = queue_max
        self._queue: list[tuple[Item, asyncio.Future[Result]]] = []
        self._pilot: asyncio.Task[None] | None = None

    async def ride(self, item: Item) -> Result:
        """Join the next flight and wait for its landing. A cancelled rider's row still flies.

        Raises:
            Overloaded: the queue is full; this item was not begun.
            Exception: what `fly` raised for this item alone.
        """
        if len(self._queue) >= self._queue_max:
            raise Overloaded
        landing: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.append((item, landing))
        if self._pilot is None:
            self._pilot = asyncio.create_task(self._run())
        return await landing

    @property
    def waiting(self) -> int:
        """How many items wait for a seat."""
        return len(self._queue)

    async def land(self) -> None:
        """Wait until everything that queued has flown."""
        while self._pilot is not None:
            await asyncio.wait([self._pilot])

    async def _run(self) -> None:
        try:
            await asyncio.sleep(0)  # whoever was parsed in this turn of the loop may still join
            while self._queue:
                await self._take_off(self._board())
        finally:
            self._pilot = None

    def _board(self) -> list[tuple[Item, asyncio.Future[Result]]]:
        taken: set[Hashable] = set()
        aboard: list[tuple[Item, asyncio.Future[Result]]] = []
        left: list[tuple[Item, asyncio.Future[Result]]] = []
        for position, (item, landing) in enumerate(self._queue):
            if len(aboard) == self._seats:
                left.extend(self._queue[position:])
                break
            touched = self._touches(item)
            if taken.isdisjoint(touched):
                taken.update(touched)
                aboard.append((item, landing))
            else:
                left.append((item, landing))
        self._queue = left
        return aboard

    async def _take_off(self, aboard: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._fly([item for item, _ in aboard])
            ensure(len(results) == len(aboard), "each item of a flight has its result")
        except Exception as error:
            if len(aboard) == 1 or self._is_shared(error):
                for _, landing in aboard:
                    _fail(landing, error)
                return
            for passenger in aboard:
                await self._take_off([passenger])
            return
        for (_, landing), result in zip(aboard, results, strict=True):
            if not landing.done():
                landing.set_result(result)


def _fail(landing: "asyncio.Future[Result]", error: Exception) -> None:
    with suppress(asyncio.InvalidStateError):
        landing.set_exception(error)
