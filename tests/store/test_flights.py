"""Flights: who rides together, who waits for whom, and whose failure is whose."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from gateway.domain.errors import Overloaded
from gateway.store.flights import SEATS, Flights


class Poisoned(Exception):
    """One item's own error."""


class Lost(Exception):
    """The whole flight's error."""


@dataclass
class Plane:
    """Notes who flew with whom; takes off when `gate` is open."""

    flown: list[list[int]] = field(default_factory=list)
    poisoned: set[int] = field(default_factory=set)
    lost: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    away: asyncio.Event = field(default_factory=asyncio.Event)

    async def fly(self, items: Sequence[int]) -> Sequence[str]:
        self.flown.append(list(items))
        self.away.set()
        await self.gate.wait()
        if self.lost:
            self.lost -= 1
            raise Lost
        if self.poisoned & set(items):
            raise Poisoned(*items)
        return [f"landed {item}" for item in items]


def is_lost(error: Exception) -> bool:
    return isinstance(error, Lost)


@pytest.fixture
def plane() -> Plane:
    return Plane()


def flights(plane: Plane, *, is_open: bool = True, **limits: int) -> Flights[int, str]:
    if is_open:
        plane.gate.set()
    return Flights(plane.fly, is_shared=is_lost, **limits)  # type: ignore[arg-type]


async def together(line: Flights[int, str], *items: int) -> list[str | BaseException]:
    return await asyncio.gather(*map(line.ride, items), return_exceptions=True)


async def test_a_poisoned_item_fails_alone(plane: Plane) -> None:
    plane.poisoned = {3}
    told = await together(flights(plane), *range(5))
    assert [one for one in told if not isinstance(one, Exception)] == [
        f"landed {n}" for n in (0, 1, 2, 4)
    ]
    assert isinstance(told[3], Poisoned)
    assert told[3].args == (3,)
    assert plane.flown == [[0, 1, 2, 3, 4], [0], [1], [2], [3], [4]]


async def test_a_shared_error_fails_all_at_once_and_nobody_flies_again(plane: Plane) -> None:
    plane.lost = 1
    told = await together(flights(plane), *range(5))
    assert [type(one) for one in told] == [Lost] * 5
    assert plane.flown == [[0, 1, 2, 3, 4]]


async def test_a_shared_error_met_while_flying_alone_fails_that_item(plane: Plane) -> None:
    plane.poisoned = {0}
    line = flights(plane, is_open=False)
    riding = asyncio.gather(*map(line.ride, range(3)), return_exceptions=True)
    await plane.away.wait()
    plane.gate.set()
    told = await riding
    assert [type(one) for one in told] == [Poisoned, str, str]


async def test_the_next_flight_goes_on_after_a_lost_one(plane: Plane) -> None:
    plane.lost = 1
    line = flights(plane)
    with pytest.raises(Lost):
        await line.ride(1)
    assert await line.ride(2) == "landed 2"


async def test_a_full_queue_refuses_and_begins_nothing(plane: Plane) -> None:
    line = flights(plane, is_open=False, queue_max=3)
    first = asyncio.create_task(line.ride(0))
    await plane.away.wait()
    waiting = [asyncio.create_task(line.ride(n)) for n in (1, 2, 3)]
    await asyncio.sleep(0)
    assert line.waiting == 3
    with pytest.raises(Overloaded):
        await line.ride(4)
    plane.gate.set()
    await asyncio.gather(first, *waiting)
    assert plane.flown == [[0], [1, 2, 3]]


async def test_nobody_waits_for_a_fuller_flight(plane: Plane) -> None:
    line = flights(plane)
    riding = asyncio.create_task(line.ride(1))
    for _ in range(6):  # turns of the loop, no time
        await asyncio.sleep(0)
    assert riding.done()


async def test_who_queues_while_a_flight_is_away_shares_the_next(plane: Plane) -> None:
    line = flights(plane, is_open=False)
    first = asyncio.create_task(line.ride(0))
    await plane.away.wait()
    rest = [asyncio.create_task(line.ride(n)) for n in range(1, 6)]
    await asyncio.sleep(0)
    plane.gate.set()
    await asyncio.gather(first, *rest)
    assert plane.flown == [[0], [1, 2, 3, 4, 5]]


async def test_a_flight_takes_no_more_than_its_seats(plane: Plane) -> None:
    told = await together(flights(plane), *range(100))
    assert told == [f"landed {n}" for n in range(100)]
    assert [len(flown) for flown in plane.flown] == [SEATS, SEATS, SEATS, 100 - 3 * SEATS]
    assert [n for flown in plane.flown for n in flown] == list(range(100))


async def test_items_that_touch_the_same_thing_never_share_a_flight_but_all_fly(
    plane: Plane,
) -> None:
    plane.gate.set()
    line: Flights[int, str] = Flights(
        plane.fly, is_shared=is_lost, touches=lambda n: [n % 3, f"own {n}"]
    )
    told = await together(line, *range(9))
    assert told == [f"landed {n}" for n in range(9)]
    assert plane.flown == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


async def test_an_item_left_behind_flies_before_those_that_came_later(plane: Plane) -> None:
    plane.gate.set()
    line: Flights[int, str] = Flights(
        plane.fly, is_shared=is_lost, touches=lambda n: [n // 10], seats=2
    )
    await together(line, 10, 11, 12, 20, 30)
    assert plane.flown == [[10, 20], [11, 30], [12]]


async def test_a_riders_own_cancellation_does_not_keep_its_row_from_flying(plane: Plane) -> None:
    line = flights(plane, is_open=False)
    first = asyncio.create_task(line.ride(0))
    await plane.away.wait()
    gone = asyncio.create_task(line.ride(1))
    stays = asyncio.create_task(line.ride(2))
    await asyncio.sleep(0)
    gone.cancel()
    plane.gate.set()
    assert await stays == "landed 2"
    await first
    assert plane.flown == [[0], [1, 2]]
    assert gone.cancelled()


@pytest.mark.parametrize("failure", ["poisoned", "lost"])
async def test_a_cancelled_rider_disturbs_nobody_when_its_flight_fails(
    failure: str, plane: Plane
) -> None:
    line = flights(plane, is_open=False)
    gone, stays = asyncio.create_task(line.ride(0)), asyncio.create_task(line.ride(1))
    await plane.away.wait()
    gone.cancel()
    plane.lost = int(failure == "lost")
    plane.poisoned = {0}
    plane.gate.set()
    told = await asyncio.gather(stays, return_exceptions=True)
    assert isinstance(told[0], Lost if failure == "lost" else str)
    await line.land()


async def test_landing_waits_for_all_that_queued(plane: Plane) -> None:
    line = flights(plane, is_open=False, seats=2)
    riding = [asyncio.create_task(line.ride(n)) for n in range(5)]
    await plane.away.wait()
    landing = asyncio.create_task(line.land())
    await asyncio.sleep(0)
    assert not landing.done()
    plane.gate.set()
    await landing
    await asyncio.gather(*riding)
    assert [len(flown) for flown in plane.flown] == [2, 2, 1]


async def test_landing_with_nobody_aboard_returns_at_once(plane: Plane) -> None:
    await flights(plane).land()
    assert plane.flown == []


async def test_a_plane_that_answers_for_too_few_strands_nobody() -> None:
    async def forgetful(items: Sequence[int]) -> Sequence[str]:
        return [f"landed {item}" for item in items[1:]]

    line = Flights(forgetful, is_shared=is_lost)
    async with asyncio.timeout(5):
        told = await together(line, 1, 2)
    assert all(isinstance(one, Exception) for one in told)
