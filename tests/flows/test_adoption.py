"""Adoption is counted from what happened, corrected when it happens late, and never half."""

from datetime import date

from httpx import AsyncClient

from gateway.flows import adoption
from gateway.flows.adoption import Wanted
from tests.world import CUSTOMER, World


async def test_a_payment_makes_an_electronic_payer_and_its_reversal_unmakes_it(
    world: World, api: AsyncClient
) -> None:
    biller = world.rt.directory.billers["evnspc-camau"]
    bill = await world.add_bill()
    await adoption.roll_up(world.rt)
    [month] = await adoption.read_months(world.rt, biller, Wanted())
    assert (month.tally.billed, month.tally.unsettled) == (1, 1)
    paid = await world.pay(api, bill)
    await adoption.roll_up(world.rt)
    [month] = await adoption.read_months(world.rt, biller, Wanted())
    assert (month.tally.electronic, month.tally.new, month.tally.unsettled) == (1, 1, 0)
    assert (await adoption.read_first_paid(world.rt, biller, CUSTOMER))[0] == date(2026, 10, 1)
    await world.reverse(api, paid.json()["id"])
    await adoption.roll_up(world.rt)
    [month] = await adoption.read_months(world.rt, biller, Wanted())
    assert (month.tally.electronic, month.tally.new, month.tally.unsettled) == (0, 0, 1)
    assert await adoption.read_first_paid(world.rt, biller, CUSTOMER) == (None, None)
    assert (await adoption.roll_up(world.rt)).months == 0
