from gateway.runtime import Runtime
from gateway.store import database, imports
from tests.world import CUSTOMER, World

LINE = f"2,HD-1,{CUSTOMER},2026-10,45,92593,7407,100000,2026-11-02,2026-11-09\n".encode()


async def test_a_chunk_of_new_lines_needs_no_second_look(rt: Runtime, world: World) -> None:
    async with database.borrow(rt.engine) as connection, connection.transaction():
        assert await imports.merge_bills(connection, 1, LINE) == (1, [])


async def test_a_line_that_cannot_stand_says_what_stands_there(rt: Runtime, world: World) -> None:
    await world.add_bill("HD-1")
    await world.rows("UPDATE bills SET status = 'cancelled'")
    async with database.borrow(rt.engine) as connection, connection.transaction():
        written, standing = await imports.merge_bills(connection, 1, LINE)
    assert (written, [(line.line, line.status) for line in standing]) == (0, [(2, "cancelled")])


async def test_a_chunk_is_staged_apart_from_the_one_before(rt: Runtime, world: World) -> None:
    async with database.borrow(rt.engine) as connection, connection.transaction():
        await imports.merge_bills(connection, 1, LINE)
        other = LINE.replace(b"HD-1", b"HD-2")
        assert (await imports.merge_bills(connection, 1, other))[0] == 1
    assert await world.count("bills") == 2
