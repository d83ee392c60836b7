"""SIGKILL in the middle of `gateway debit-run --send`: whoever runs it again goes on."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from gateway.embedded import EmbeddedPostgres
from gateway.flows import concluding, debit_runs, mandates, registering, resolving
from gateway.runtime import Clock, Runtime
from gateway.sandbox.autodebit_wire import Client
from tests.debiting.stage import BANK, MONDAY, TUESDAY, new_mandate, open_runtime, run_of
from tests.faults.dying import STEPS
from tests.faults.parts import Part, free_port, until
from tests.faults.processes import DYING, House, house
from tests.world import BILLER

DEBITS, CHUNK = 6, 4
# As if the orders' time were over, and their visibility window as well.
OVER = """
UPDATE attempts SET expires_at = now() - interval '1 hour', due_at = now(),
    negative_since = negative_since - interval '1 hour' WHERE due_at IS NOT NULL
"""


@dataclass
class DebitHouse:
    """A house, a bank that speaks real HTTP, and whoever runs again what was killed."""

    at: House
    bank: str
    rt: Runtime
    made: int = 0

    def start_dying(self, step: str) -> Part:
        """Run the operator's command so that it dies."""
        wanted = ("--biller", BILLER, "--provider", "autodebit", "--day", str(MONDAY))
        argv = (DYING, step, "--", "debit-run", *wanted, "--rehearse", "--send")
        return self.at.start(*argv, **environment(self.bank))

    async def customers(self) -> set[str]:
        """Make customers with one bill and an active mandate each; gives their codes."""
        first, self.made = self.made, self.made + DEBITS
        codes = [f"PB1402000{number:04d}" for number in range(first, self.made)]
        (partner,) = await self.at.rows("SELECT id FROM partners WHERE code = 'bank'")
        for code in codes:
            await self.at.world.add_customer(code)
            await self.at.world.add_bill(customer=code)
            row, _ = await mandates.create(self.rt, partner["id"], new_mandate(code))
            await registering.register(self.rt, row)
            shown = await self.at.http.get(f"{self.bank}/control/otps/{row.reference}")
            await registering.confirm(self.rt, row, shown.json()["otp"])
        return set(codes)

    async def debited(self, codes: set[str]) -> Counter[str]:
        """Count what the bank's own books took from each of these customers."""
        rows = await self.at.rows(
            "SELECT a.reference, p.customer_code FROM attempts a"
            " JOIN payments p ON p.id = a.payment_id WHERE p.customer_code = ANY ($1)",
            list(codes),
        )
        of = {row["reference"]: row["customer_code"] for row in rows}
        charges = (await self.at.http.get(f"{self.bank}/control/charges")).json()["charges"]
        return Counter(of[one["reference"]] for one in charges if one["reference"] in of)

    async def resolve(self) -> None:
        """Ask the bank about all that is open, as often as it takes, and conclude."""
        while await self.at.count("SELECT FROM attempts WHERE due_at IS NOT NULL"):
            await self.at.rows(OVER)
            await resolving.resolve_due(self.rt)
        await concluding.conclude(self.rt, 1, "autodebit", today=MONDAY)


def environment(bank: str) -> dict[str, str]:
    """Say where the bank is; one call at a time, so that a chunk is four debits."""
    client = Client()
    said = {"host": bank, "client_id": client.client_id, "secret": client.secret}
    more = {"bank_bin": BANK, "concurrency": "1", "deadline_s": "5", "visibility_s": "0"}
    return {f"GATEWAY_AUTODEBIT__{name.upper()}": value for name, value in (said | more).items()}


@pytest.fixture(scope="module")
async def at(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> AsyncIterator[DebitHouse]:
    folder = tmp_path_factory.mktemp("debit_runs")
    async with house(postgres, folder, f"debit_runs_{worker_id}") as made:
        port = free_port()
        made.start("-m", "gateway.sandbox.autodebit", "--port", str(port))
        bank = f"http://127.0.0.1:{port}"
        await until(lambda: made.answers(f"{bank}/health"))
        rt = open_runtime(made.url, Clock(), bank)
        await rt.start()
        yield DebitHouse(made, bank, rt)
        await rt.stop()


@pytest.mark.parametrize("step", [step for step in STEPS if step.startswith("debit:")])
async def test_a_run_killed_while_it_sends_is_run_again_and_debits_every_bill_once(
    at: DebitHouse, step: str
) -> None:
    codes = await at.customers()
    await debit_runs.prepare(at.rt, run_of(MONDAY))
    assert await at.start_dying(step).has_died()
    # What the dead one had claimed stands as sent, and nobody may send it again.
    assert await at.at.count("SELECT FROM attempts WHERE state = 'sent'") > 0
    again = await debit_runs.send(at.rt, run_of(MONDAY))
    assert again.sent == DEBITS - CHUNK
    assert set((await at.debited(codes)).values()) == {1}
    await at.resolve()
    await debit_runs.send(at.rt, run_of(TUESDAY))  # what was proved never to have arrived
    unpaid = "SELECT FROM bills WHERE customer_code = ANY ($1) AND status <> 'paid'"
    assert await at.at.count(unpaid, list(codes)) == 0
    assert await at.debited(codes) == dict.fromkeys(codes, 1)
