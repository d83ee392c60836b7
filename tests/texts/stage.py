"""A stage for SMS banking: a telephone, a short number, our house, and the bank that debits."""

import itertools
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from httpx import AsyncClient, Response

from gateway.app import build
from gateway.domain.partner import Mode
from gateway.flows import resolving, texts_out
from gateway.kit.attached import Providers
from gateway.providers.autodebit import AutoDebit
from gateway.providers.autodebit import Config as BankConfig
from gateway.providers.jasmin import Config as JasminConfig
from gateway.providers.jasmin import Jasmin
from gateway.providers.smsbanking import Config as SmsConfig
from gateway.providers.smsbanking import SmsBanking
from gateway.providers.viettelmo import Config as ViettelConfig
from gateway.providers.viettelmo import ViettelMo
from gateway.runtime import Runtime, Secrets
from gateway.sandbox import autodebit as bank
from gateway.sandbox.sms_centre import PASSWORD, SECRET, USER, SmsCentre
from gateway.testing.clock import FrozenClock
from gateway.testing.served import served
from tests.conftest import client_of
from tests.debiting import stage as debiting
from tests.providers.autodebit import ACCOUNT
from tests.world import BILLER, CUSTOMER, MASTER_SECRET, World

PHONE = "84912345678"
WORD = "a-word-that-only-tests-know"
_ids = itertools.count(1)
OURS = {"bank": "VBA", "biller": BILLER, "mandates": "autodebit"}


@dataclass
class Stage(debiting.Stage):
    """Adds the customer's telephone and the short number to the stage of mandates."""

    centre: SmsCentre
    telephone: AsyncClient
    clock: FrozenClock

    async def write(self, text: str, *, sender: str = PHONE, number: str = "") -> str:
        """Let a customer write, and give what the reply says."""
        answer = await self.post(text, sender=sender, number=number)
        assert answer["accepted"], answer
        return str(answer["reply"])

    async def post(self, text: str, *, sender: str = PHONE, number: str = "") -> dict[str, Any]:
        """Let a customer write, and give how the centre was answered."""
        said = {"id": number or f"MO{next(_ids)}", "from": sender, "text": text}
        answer = await self.telephone.post("/control/mo", json=said)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def quoted(self, text: str = f"VBA TT EVN {CUSTOMER}") -> str:
        """Ask to pay, and give the code of the quote."""
        return otp_of(await self.write(text))

    async def confirm(self, otp: str, **more: str) -> str:
        """Confirm with a code."""
        return await self.write(f"VBA XN {otp}", **more)

    async def inbox(self, phone: str = PHONE) -> list[str]:
        """Give what a telephone shows."""
        return list((await self.telephone.get(f"/control/inbox/{phone}")).json()["texts"])

    async def carry(self) -> None:
        """Let the worker take one turn."""
        await texts_out.carry(self.rt)

    async def ask_bank(self) -> None:
        """Let every open attempt be due, and the resolver take one turn."""
        await self.world.rows("UPDATE attempts SET due_at = now() WHERE due_at IS NOT NULL")
        await resolving.resolve_due(self.rt, "autodebit")

    async def payments(self) -> list[tuple[str, str, str]]:
        """Give each payment's method, channel and status."""
        rows = await self.world.rows("SELECT method, channel, status FROM payments ORDER BY id")
        return [tuple(row) for row in rows]

    async def plan(self, operation: str, fault: str) -> Response:
        """Let the centre misbehave once."""
        said = {"operation": operation, "fault": fault}
        return await self.telephone.post("/control/faults", content=json.dumps(said))


def otp_of(reply: str) -> str:
    """Read the code out of a quote."""
    found = re.search(r"XN (\d{6})", reply)
    assert found, reply
    return found[1]


def _numbers(host: str) -> list[Any]:
    account = {"username": USER, "password": PASSWORD, "word": WORD}
    jasmin = {**OURS, **account, "host": host, "short_number": "8149"}
    viettel = {**OURS, **account, "host": host, "cp_code": "CP1", "brand": "EVN"}
    return [
        SmsBanking(SmsConfig.model_validate({**OURS, "host": host, "secret": SECRET})),
        Jasmin(JasminConfig.model_validate(jasmin)),
        ViettelMo(ViettelConfig.model_validate(viettel)),
    ]


@asynccontextmanager
async def open_stage(
    url: str, clock: FrozenClock, protocol: str = "smsbanking"
) -> AsyncIterator[Stage]:
    """Open the stage: API, bank and centre over real HTTP."""
    simulated, centre = bank.AutoDebit(), SmsCentre(protocol)
    async with (
        served(simulated.application()) as host,
        served(centre.application()) as centre_host,
        AsyncClient(base_url=host) as control,
        AsyncClient(base_url=centre_host) as telephone,
    ):
        config = {**ACCOUNT, "host": host, "deadline_s": 5, "visibility_s": 0}
        providers = [AutoDebit(BankConfig.model_validate(config)), *_numbers(centre_host)]
        rt = Runtime(
            database_url=url,
            pool_size=8,
            secrets=Secrets.derived_from(MASTER_SECRET),
            mode=Mode.TEST,
            clock=clock,
            providers=Providers(providers, now=clock.now),
        )
        async with served(build(lambda: rt)) as gateway:
            async with AsyncClient(base_url=gateway) as http:
                await http.get("/health/live")
            rt.public_url = gateway
            simulated.notify_url = f"{gateway}/v1/notifications/autodebit"
            centre.mo_url = f"{gateway}/v1/texts/{protocol}?key={WORD}"
            world = await World.make(rt)
            async with client_of(rt) as api:
                yield Stage(rt, world, api, simulated, control, centre, telephone, clock)
