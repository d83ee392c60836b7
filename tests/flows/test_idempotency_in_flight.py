"""The same key while its first request runs: never run twice, told when to come again."""

from asyncio import Task, create_task

import pytest
from httpx import AsyncClient, Response

from gateway.runtime import Clock
from gateway.store import database
from tests.store.waiting import until_blocked
from tests.world import World, at_noon

KEY = "a-key-that-names-one-request"


@pytest.fixture
def clock() -> Clock:
    return at_noon()


async def test_while_the_first_runs_a_repetition_is_told_to_come_again(
    api: AsyncClient, other_api: AsyncClient, world: World
) -> None:
    bill = await world.add_bill()
    order, headers = world.order(bill), world.headers("bank", KEY)

    def post(client: AsyncClient) -> Task[Response]:
        return create_task(client.post("/v1/payments", json=order, headers=headers))

    async with database.borrow(world.rt.pool) as connection, connection.transaction():
        await connection.execute("SELECT FROM bills WHERE id = $1 FOR UPDATE", bill)
        first = post(api)
        await until_blocked(connection)
        early = await post(api)
        elsewhere = post(other_api)
        await until_blocked(connection, 2)
        assert not first.done()
    assert (early.status_code, early.json()["code"]) == (409, "still_processing")
    assert (early.headers["retry-after"], early.json()["retry"]) == ("1", "same_request")
    assert early.json()["money_may_have_moved"] is True
    answers = [await first, await elsewhere, await post(api)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.content for answer in answers}) == 1
    assert (await world.moved())["transfers"] == 1


async def test_while_a_reversal_runs_its_repetition_is_told_to_come_again(
    api: AsyncClient, world: World
) -> None:
    bill = await world.add_bill()
    payment = (await world.pay(api, bill)).json()["id"]
    async with database.borrow(world.rt.pool) as connection, connection.transaction():
        await connection.execute("SELECT FROM bills WHERE id = $1 FOR UPDATE", bill)
        first = create_task(world.reverse(api, payment, key=KEY))
        await until_blocked(connection)
        early = await world.reverse(api, payment, key=KEY)
    assert (early.status_code, early.json()["code"]) == (409, "still_processing")
    assert early.headers["retry-after"] == "1"
    made = await first
    late = await world.reverse(api, payment, key=KEY)
    assert (late.status_code, late.content) == (201, made.content)
