"""A stage for mandates and debit runs: our house on one side, a simulated bank on the other."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from httpx import AsyncClient

from gateway.app import build
from gateway.domain.mandate import Account, Consent, ConsentChannel, MandateState, Terms
from gateway.domain.partner import Mode
from gateway.flows import concluding, debit_runs, mandates, registering, resolving
from gateway.flows.debit_runs import Run, Sent
from gateway.kit.attached import Providers
from gateway.providers.autodebit import AutoDebit, Config
from gateway.runtime import Clock, Runtime, Secrets
from gateway.sandbox import autodebit as bank
from gateway.store.debit_plans import Planned
from gateway.store.mandates import MandateRow
from gateway.testing.served import served
from tests.conftest import client_of
from tests.world import BILLER, CUSTOMER, MASTER_SECRET, World

BANK = "970405"
MONDAY, TUESDAY = date(2026, 11, 30), date(2026, 12, 1)
_numbers = itertools.count(1)
CONSENT = "Tôi đồng ý cho ngân hàng trích tài khoản để trả tiền điện."


@dataclass
class Stage:
    """Plays the payer, the operator and the bank."""

    rt: Runtime
    world: World
    api: AsyncClient
    bank: bank.AutoDebit
    control: AsyncClient

    async def mandate(self, customer: str = CUSTOMER, **changed: Any) -> MandateRow:
        """Give an active mandate of a customer, as the API and the bank make one."""
        row, _ = await mandates.create(
            self.rt, await self.partner(), new_mandate(customer, **changed)
        )
        await registering.register(self.rt, row)
        otp = (await self.control.get(f"/control/otps/{row.reference}")).json()["otp"]
        await registering.confirm(self.rt, row, otp)
        return await self.read(row)

    async def partner(self) -> int:
        """Give the id of the partner that makes mandates here."""
        rows = await self.world.rows("SELECT id FROM partners WHERE code = 'bank'")
        return int(rows[0]["id"])

    async def read(self, row: MandateRow) -> MandateRow:
        """Read a mandate as it stands."""
        found = await registering.by_id(self.rt, row.id)
        assert found is not None
        return found

    async def customers(self, count: int) -> list[str]:
        """Make customers with one bill of 150,000 đồng each and an active mandate."""
        codes = [f"PB1401000{number:04d}" for number in range(5000, 5000 + count)]
        for code in codes:
            await self.world.add_customer(code)
            await self.world.add_bill(customer=code)
            await self.mandate(code)
        return codes

    async def script(self, row: MandateRow, *codes: str) -> None:
        """Say what the bank answers to the next debits of a mandate."""
        said = {"mandate_id": row.reference, "codes": list(codes)}
        assert (await self.control.post("/control/scripts", json=said)).status_code == 200

    async def prepare(self, day: date = MONDAY) -> Planned:
        """Plan a day's debits."""
        return await debit_runs.prepare(self.rt, run_of(day))

    async def send(self, day: date = MONDAY) -> Sent:
        """Send a day's debits."""
        return await debit_runs.send(self.rt, run_of(day))

    async def resolve(self) -> None:
        """Let every open attempt be due, ask the bank, and conclude."""
        await self.world.rows("UPDATE attempts SET due_at = now() WHERE due_at IS NOT NULL")
        await resolving.resolve_due(self.rt)
        await self.conclude()

    async def conclude(self, day: date = MONDAY) -> None:
        """Conclude what has ended."""
        await concluding.conclude(self.rt, 1, "autodebit", today=day)

    async def finish(self, code: str) -> None:
        """Let the bank end the newest debit, 38 gives it back, and await that it has told us."""
        rows = await self.world.rows("SELECT reference FROM attempts ORDER BY id DESC LIMIT 1")
        said = {"debit_id": rows[0]["reference"], "code": code}
        answer = await self.control.post("/control/debits", json=said)
        assert answer.json() == {"done": True}
        await self.told()

    async def told(self) -> None:
        """Wait until the bank has told us all that it has to tell."""
        while sending := list(self.bank._notices._sending):
            await asyncio.gather(*sending)

    async def debits(self) -> dict[str, str]:
        """Give each debit's state, and why, by its customer."""
        rows = await self.world.rows("SELECT customer_code, state, reason FROM debits")
        return {r["customer_code"]: f"{r['state']} {r['reason']}".strip() for r in rows}

    async def debit(self) -> Any:
        """Give the only debit."""
        (row,) = await self.world.rows("SELECT * FROM debits")
        return row

    async def taken(self) -> int:
        """Give what the bank took from all payers and did not give back, in đồng."""
        return sum(charge.amount_dong for charge in self.bank.charges)

    async def events(self) -> list[str]:
        """Give the types of all events, in their order."""
        return [r["type"] for r in await self.world.rows("SELECT type FROM events ORDER BY id")]


def run_of(day: date, **changed: Any) -> Run:
    """Name a rehearsed run."""
    return Run(BILLER, "autodebit", day, **({"rehearses": True} | changed))


def new_mandate(customer: str = CUSTOMER, **changed: Any) -> mandates.NewMandate:
    """Give what a payer signs; `changed` names terms, or `account_no` and `channel`."""
    number = changed.pop("account_no", f"19001{next(_numbers):08d}")
    channel = changed.pop("channel", ConsentChannel.OTP)
    terms = {
        "max_debit_dong": 2_000_000,
        "max_month_dong": None,
        "day_of_month": None,
        "retry_days": 3,
        "starts_on": date(2026, 1, 1),
        "ends_on": None,
    } | changed
    return mandates.NewMandate(
        biller=BILLER,
        customer_code=customer,
        provider="autodebit",
        bank=BANK,
        account=Account(number, "Nguyễn Văn Án", "096123456789", "84912345678"),
        terms=Terms(**terms),
        consent=Consent(
            given_by="Nguyễn Văn Án",
            given_at=datetime(2026, 11, 20, 2, tzinfo=UTC),
            channel=channel,
            text_version="2026-11",
            text=CONSENT,
            evidence="OTP 1",
        ),
    )


def is_active(row: MandateRow) -> bool:
    """Say whether debits may be drawn on a mandate."""
    return row.state == MandateState.ACTIVE


def open_runtime(url: str, clock: Clock, host: str) -> Runtime:
    """Open a runtime whose one bank is the simulator at `host`."""
    client = bank.wire.Client()
    config = Config(
        host=host,
        client_id=client.client_id,
        secret=client.secret,  # type: ignore[arg-type]  # pydantic makes it a SecretStr
        bank_bin=BANK,
        deadline_s=5,
        visibility_s=0,
    )
    return Runtime(
        database_url=url,
        pool_size=8,
        secrets=Secrets.derived_from(MASTER_SECRET),
        mode=Mode.TEST,
        clock=clock,
        providers=Providers([AutoDebit(config)], now=clock.now),
    )


@asynccontextmanager
async def open_stage(url: str, clock: Clock) -> AsyncIterator[Stage]:
    """Open the stage: API and bank over real HTTP; the bank notifies the API."""
    simulated = bank.AutoDebit()
    async with (
        served(simulated.application()) as host,
        AsyncClient(base_url=host) as control,
    ):
        rt = open_runtime(url, clock, host)
        # Serving starts the runtime, and stops it.
        async with served(build(lambda: rt)) as gateway:
            async with AsyncClient(base_url=gateway) as http:
                await http.get("/health/live")
            rt.public_url = gateway
            simulated.notify_url = f"{gateway}/v1/notifications/autodebit"
            world = await World.make(rt)
            async with client_of(rt) as api:
                yield Stage(rt, world, api, simulated, control)
