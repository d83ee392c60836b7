"""A state machine of bills and payments against a model in plain Python.

Whatever is written, cancelled, paid (several bills, whole or in part), repeated and reversed, by
whom and in whatever order: the gateway answers what the model answers, and after each step the
bills, what is due, the ledger and the sequences are the model's. Derandomised, so that a run
repeats; GATEWAY_TEST_MODEL=100 tries more lives.
"""

import asyncio
import os
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from httpx import AsyncClient, Response
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.conftest import EMPTY_ALL, client_of, open_runtime
from tests.world import BILLER, CUSTOMER, World, at_noon

LIVES = int(os.environ.get("GATEWAY_TEST_MODEL", "40"))
IDS = [f"B-{n}" for n in range(6)]
PARTNERS = ["bank", "wallet"]
OPEN, PAID, CANCELLED = "open", "paid", "cancelled"

bill_ids = st.sampled_from(IDS)
partners = st.sampled_from(PARTNERS)
amounts = st.sampled_from([20_000, 40_000, 60_000])
parts = st.sampled_from([10_000, 20_000])


@dataclass
class Bill:
    """A bill as the model has it."""

    amount_dong: int
    paid_dong: int = 0
    status: str = OPEN
    sequence: int = 0

    @property
    def due_dong(self) -> int:
        return self.amount_dong - self.paid_dong


@dataclass
class Paid:
    """A payment that was made."""

    id: str
    partner: str
    order: dict[str, object]
    key: str
    content: bytes
    lines: dict[str, int]
    is_reversed: bool = False


@dataclass
class Model:
    """All that must be true."""

    bills: dict[str, Bill] = field(default_factory=dict)
    receivable: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PARTNERS, 0))
    transfers: int = 0

    def refusal_of(self, lines: dict[str, int]) -> str | None:
        """Say why these lines cannot be paid; the first by id."""
        for bill_id, amount_dong in sorted(lines.items()):
            bill = self.bills.get(bill_id)
            if bill is None:
                return "bill_not_found"
            if bill.status != OPEN:
                return "bill_already_paid" if bill.status == PAID else "bill_cancelled"
            if amount_dong > bill.due_dong:
                return "amount_mismatch"
        return None

    def pay(self, partner: str, lines: dict[str, int]) -> None:
        """Pay lines that can be paid."""
        for bill_id, amount_dong in lines.items():
            bill = self.bills[bill_id]
            bill.paid_dong += amount_dong
            bill.status = OPEN if bill.due_dong else PAID
            bill.sequence += 1
        self.receivable[partner] += sum(lines.values())
        self.transfers += 1

    def reverse(self, paid: Paid) -> None:
        """Undo a payment."""
        paid.is_reversed = True
        for bill_id, amount_dong in paid.lines.items():
            bill = self.bills[bill_id]
            bill.paid_dong -= amount_dong
            bill.status = OPEN
            bill.sequence += 1
        self.receivable[paid.partner] -= sum(paid.lines.values())
        self.transfers += 1


def code_of(answer: Response) -> str | None:
    """Give the code of a refusal, None of a success."""
    return str(answer.json()["code"]) if answer.is_error else None


class Life(RuleBasedStateMachine):
    """One life of a small world, against its model."""

    database_url = ""
    payments = Bundle("payments")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.runner = asyncio.Runner()
        self.world: World
        self.api: AsyncClient

    @initialize()
    def begin(self) -> None:
        self.runner.run(self._begin())
        for n, bill_id in enumerate(IDS[:-1], 1):
            self.write(bill_id, n * 20_000)

    async def _begin(self) -> None:
        connection = await asyncpg.connect(self.database_url)
        await connection.execute(EMPTY_ALL)
        await connection.close()
        runtime = open_runtime(self.database_url, at_noon())
        await runtime.start()
        self.world = await World.make(runtime, amount_rule="any")
        self.context = client_of(runtime)
        self.api = await self.context.__aenter__()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.runner.run(self._end())
        self.runner.close()

    async def _end(self) -> None:
        await self.context.__aexit__(None, None, None)
        await self.world.rt.stop()

    def run(self, asked: Any) -> Response:
        """Wait for an answer."""

        async def wait() -> Response:
            answer: Response = await asked
            return answer

        return self.runner.run(wait())

    @rule(bill_id=bill_ids, amount_dong=amounts)
    def write(self, bill_id: str, amount_dong: int) -> None:
        line = {
            "id": bill_id,
            "customer_code": CUSTOMER,
            "period": "2026-10",
            "kwh": 7,
            "net_dong": amount_dong,
            "vat_dong": 0,
            "amount_dong": amount_dong,
            "issued_on": "2026-11-02",
            "due_on": "2026-11-09",
        }
        headers = self.world.headers("utility")
        path = f"/v1/billers/{BILLER}/bills"
        out = self.run(self.api.put(path, json={"bills": [line]}, headers=headers)).json()
        bill = self.model.bills.get(bill_id)
        if bill is None or (bill.status == OPEN and not bill.paid_dong):
            changed = bill is None or bill.amount_dong != amount_dong
            assert (out["written"], out["unchanged"]) == (int(changed), int(not changed))
            sequence = bill.sequence if bill else 0
            self.model.bills[bill_id] = Bill(amount_dong, sequence=sequence)
        elif bill.amount_dong == amount_dong:
            assert (out["written"], out["unchanged"]) == (0, 1)
        else:
            partly = "bill_partly_paid" if bill.status == OPEN else None
            code = partly or ("bill_already_paid" if bill.status == PAID else "bill_cancelled")
            assert [line["code"] for line in out["refused"]] == [code]

    @rule(bill_id=st.sampled_from(IDS[-2:]))
    def cancel(self, bill_id: str) -> None:
        answer = self.run(self.world.cancel(self.api, bill_id))
        bill = self.model.bills.get(bill_id)
        if bill is None:
            assert code_of(answer) == "bill_not_found"
        elif bill.paid_dong:
            assert code_of(answer) == "bill_already_paid"
        else:
            assert answer.json()["status"] == CANCELLED
            bill.status = CANCELLED

    @rule(
        target=payments,
        partner=partners,
        lines=st.dictionaries(bill_ids, parts, min_size=1, max_size=3),
        whole=st.booleans(),
    )
    def pay(self, partner: str, lines: dict[str, int], *, whole: bool) -> Any:
        if whole:
            lines = {i: self.model.bills[i].due_dong for i in lines if i in self.model.bills}
            lines = {i: due for i, due in lines.items() if due} or {IDS[0]: 10_000}
        bills = [{"id": i, "amount_dong": amount} for i, amount in lines.items()]
        order, key = self.world.order() | {"bills": bills}, self.world.new_key()
        answer = self.send(partner, order, key)
        refusal = self.model.refusal_of(lines)
        assert code_of(answer) == refusal
        if refusal is not None:
            assert self.send(partner, order, key).content == answer.content
            return multiple()
        self.model.pay(partner, lines)
        told = {b["id"]: (b["amount_dong"], b["sequence"]) for b in answer.json()["bills"]}
        assert told == {i: (amount, self.model.bills[i].sequence) for i, amount in lines.items()}
        return Paid(answer.json()["id"], partner, order, key, answer.content, lines)

    def send(self, partner: str, order: dict[str, object], key: str) -> Response:
        headers = self.world.headers(partner, key)
        return self.run(self.api.post("/v1/payments", json=order, headers=headers))

    @rule(paid=payments)
    def repeat(self, paid: Paid) -> None:
        assert self.send(paid.partner, paid.order, paid.key).content == paid.content
        again = self.send(paid.partner, paid.order, self.world.new_key())
        assert code_of(again) == "partner_reference_used"

    @rule(paid=payments, partner=partners)
    def reverse(self, paid: Paid, partner: str) -> None:
        answer = self.run(self.world.reverse(self.api, paid.id, partner=partner))
        if partner != paid.partner:
            assert code_of(answer) == "payment_not_found"
        elif paid.is_reversed:
            assert code_of(answer) == "already_reversed"
        else:
            assert answer.status_code == 201
            self.model.reverse(paid)

    @rule(paid=payments)
    def read(self, paid: Paid) -> None:
        answer = self.run(self.world.read(self.api, f"/payments/{paid.id}", paid.partner))
        assert (answer.json()["reversed_at"] is not None) is paid.is_reversed

    @rule()
    def look_up(self) -> None:
        found = self.run(self.world.look_up(self.api)).json()
        due = {i: bill.due_dong for i, bill in self.model.bills.items() if bill.status == OPEN}
        assert {bill["id"]: bill["due_dong"] for bill in found["bills"]} == due
        assert found["total_due_dong"] == sum(due.values())

    @invariant()
    def the_database_is_as_the_model(self) -> None:
        if hasattr(self, "world"):
            self.runner.run(self._compare())

    async def _compare(self) -> None:
        rows = await self.world.rows(
            "SELECT id, amount_dong, paid_dong, status, event_sequence FROM bills"
        )
        assert {row["id"]: Bill(*tuple(row.values())[1:]) for row in rows} == self.model.bills
        balances = await self.world.balances()
        for partner, dong in self.model.receivable.items():
            assert balances.get(f"receivable:{partner}", 0) == dong
        assert balances.get(f"payable:{BILLER}", 0) == -sum(self.model.receivable.values())
        assert await self.world.count("transfers") == self.model.transfers
        assert await self.world.count("events") == self.model.transfers


def test_whatever_is_done_in_whatever_order_the_gateway_is_as_its_model(
    database_url: str,
) -> None:
    Life.database_url = database_url
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=LIVES,
            stateful_step_count=30,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],  # shrinking a life takes minutes; its steps are printed whole
            suppress_health_check=list(HealthCheck),
        ),
    )
