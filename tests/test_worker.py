import asyncio

from gateway.worker import _every, _sleep


async def test_a_loop_outlives_a_turn_that_fails() -> None:
    stop, turns = asyncio.Event(), 0

    async def turn() -> None:
        nonlocal turns
        turns += 1
        if turns == 3:
            stop.set()
        message = "the database is away"
        raise OSError(message)

    await asyncio.wait_for(_every(0.001, turn, stop), 5)
    assert turns == 3


async def test_a_sleeping_loop_wakes_when_it_is_told_to_stop() -> None:
    stop = asyncio.Event()
    sleeping = asyncio.create_task(_sleep(3600, stop))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(sleeping, 5)
