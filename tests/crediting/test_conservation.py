"""Whatever comes, in whatever order: what came has paid a bill once, or stands with an owner."""

import contextlib
import random
from typing import Any

import pytest

from gateway.flows import assigning
from tests.crediting.bank import SHARE, Bank
from tests.world import CUSTOMER

DAYS, STEPS = 12, 18
AMOUNTS = (SHARE, SHARE, SHARE, 2 * SHARE, 100_000, 50_000, SHARE + 7_000, 1)
KINDS = (
    *("bill", "bill", "begin", "begin", "collect", "expire", "assign", "hold_too_long"),
    *("send_by_code", "send_by_code", "send_by_customer", "send_by_customer", "send_unknown"),
    *("tell_again", "tell_again", "provider_says_paid"),
)


class Day:
    """One random day of one customer."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.bills: list[str] = []
        self.payments: list[dict[str, Any]] = []
        self.told: list[Any] = []

    async def do(self, what: str, chance: random.Random) -> None:
        """Do one step; every answer is one that its caller expects."""
        value = chance.choice(AMOUNTS) if what.startswith("send") else chance.randrange(20)
        await getattr(self, what)(value)

    async def bill(self, _: int) -> None:
        self.bills.append(await self.bank.stage.world.add_bill())

    async def begin(self, _: int) -> None:
        if self.bills:
            begun = await self.bank.stage.begin(self.bills[-1], provider="coded", channel="qr")
            assert begun.status_code in {201, 409}, begun.text
            if begun.status_code == 201:
                self.payments.append(begun.json())

    async def collect(self, _: int) -> None:
        if self.bills:
            done = await self.bank.stage.world.pay(self.bank.stage.api, self.bills[-1])
            assert done.status_code in {201, 409}, done.text

    async def send_by_code(self, amount: int) -> None:
        if self.payments:
            await self._tell(self.bank.credit(amount, self.bank.code_of(self.payments[-1])))

    async def send_by_customer(self, amount: int) -> None:
        await self._tell(self.bank.credit(amount, f"nop {CUSTOMER} dien"))

    async def send_unknown(self, amount: int) -> None:
        await self._tell(self.bank.credit(amount, "tien dien"))

    async def _tell(self, credit: Any) -> None:
        self.told.append(credit)
        assert (await self.bank.tell(credit)).text == "recorded"

    async def tell_again(self, number: int) -> None:
        if self.told:
            again = self.told[number % len(self.told)]
            codes = ("telling", "second")
            answer = await self.bank.tell(again | {"key": f"again{number}"}, code=codes[number % 2])
            assert answer.text == "repeated"

    async def provider_says_paid(self, _: int) -> None:
        # Only of an order that no credit has been told of: a rail of its own took this money.
        if self.payments and not self.told:
            payment = self.payments[-1]
            answer = await self.bank.stage.notify(payment)
            assert answer.status_code == 200

    async def expire(self, _: int) -> None:
        for _turn in range(2):
            await self.bank.stage.pass_expiry()
            await self.bank.stage.resolve()

    async def assign(self, number: int) -> None:
        rows = await self.bank.stage.sql(
            "SELECT id FROM suspense_lines WHERE closed_at IS NULL ORDER BY id"
        )
        if rows:
            wanted = assigning.Assignment(rows[number % len(rows)][0], CUSTOMER, "Lan", "called")
            with contextlib.suppress(assigning.SuspenseDoesNotPay):
                await assigning.assign(self.bank.stage.rt, wanted)

    async def hold_too_long(self, _: int) -> None:
        await self.bank.stage.sql("UPDATE suspense_lines SET due_on = due_on - 8")
        await assigning.give_back_held(self.bank.stage.rt)


@pytest.mark.parametrize("seed", range(DAYS))
async def test_what_came_has_paid_once_or_stands_with_an_owner(bank: Bank, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 (a replayable day, not a secret)
    day = Day(bank)
    for _ in range(STEPS):
        await day.do(chance.choice(KINDS), chance)
        await bank.assert_kept()
