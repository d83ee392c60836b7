"""Who loses a bill to another payment is looked at now, and never fails that payment."""

from uuid import UUID, uuid4

from gateway.domain.ids import from_public
from gateway.flows.waking import wake
from tests.providing.stage import Stage

DUE = "SELECT id FROM attempts WHERE due_at <= now()"


async def test_an_outbid_order_is_due_at_once(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    assert await stage.sql(DUE) == []
    await wake(stage.rt, 1, [from_public("pay", payment["id"]) or UUID(int=0)])
    assert len(await stage.sql(DUE)) == 1


async def test_nothing_is_said_of_a_payment_that_is_not_there(stage: Stage) -> None:
    await wake(stage.rt, 1, [uuid4()])
    assert await stage.sql(DUE) == []
