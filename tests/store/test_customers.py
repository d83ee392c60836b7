from gateway.runtime import Runtime
from gateway.store import customers, database
from tests.world import World


def a_customer(code: str, name: str = "Lê An") -> customers.NewCustomer:
    return customers.NewCustomer(code, name, "1 Lý Bôn", "32008", "household", None)


async def test_only_new_and_changed_customers_are_counted(rt: Runtime, world: World) -> None:
    async with database.borrow(rt.engine) as connection:
        one, two = a_customer("PB14010000005"), a_customer("PB14010000006")
        assert await customers.upsert(connection, 1, [one, two]) == 2
        assert await customers.upsert(connection, 1, [one, two]) == 0
        renamed = a_customer("PB14010000006", "Lê Thị An")
        assert await customers.upsert(connection, 1, [one, renamed]) == 1
