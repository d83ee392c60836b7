"""The timeline of a payment, and the proof bundle that is made from it."""

import json
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import httpx
import pytest

from gateway.domain import proof
from gateway.domain.partner import Caller
from gateway.domain.proof import ProofBroken
from gateway.domain.refusals import PaymentNotFound
from gateway.flows import access, timeline
from gateway.testing.clock import FrozenClock
from tests.flows.test_viewing import id_of
from tests.providing.conftest import rt, stage
from tests.providing.scripted import KEY
from tests.providing.stage import Stage
from tests.world import at_noon

__all__ = ["rt", "stage"]  # fixtures


class Ticking(FrozenClock):
    """Moves a millisecond whenever it is read, so that no two steps are of one instant."""

    def now(self) -> datetime:
        self.move(timedelta(milliseconds=1))
        return super().now()


@pytest.fixture
def clock() -> FrozenClock:
    """Hours pass when a story says so: a proof is judged by the times that stand in it."""
    return Ticking(at_noon().now())


async def caller_of(stage: Stage, partner: str = "wallet") -> Caller:
    return await access.authenticate(stage.rt, stage.world.headers(partner)["authorization"])


async def proved(stage: Stage, payment: dict[str, Any]) -> bytes:
    bundle = await timeline.prove(stage.rt, id_of(payment))
    assert bundle is not None
    return bundle


async def doubted_then_paid(stage: Stage) -> dict[str, Any]:
    """Give a payment that a time-out left in doubt and a query proved."""
    stage.says["create"] = httpx.ReadTimeout("slow")
    payment: dict[str, Any] = (await stage.begin(await stage.world.add_bill())).json()
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "7"}
    await stage.resolve()
    return payment


async def opened_and_paid(stage: Stage) -> dict[str, Any]:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment, outcome="pending", code="7000")
    await stage.notify(payment)
    return payment


async def disputed(stage: Stage) -> dict[str, Any]:
    payment = await opened_and_paid(stage)
    await stage.notify(payment, outcome="failed", code="1006")
    stage.says["query"] = {"outcome": "failed", "code": "1006"}
    await stage.resolve()
    return payment


async def never_sent(stage: Stage) -> dict[str, Any]:
    stage.says["create"] = httpx.ConnectError("refused")
    return await stage.opened(await stage.world.add_bill())


async def expired(stage: Stage) -> dict[str, Any]:
    payment = await stage.opened(await stage.world.add_bill())
    assert isinstance(stage.rt.clock, FrozenClock)
    for _ in range(2):
        stage.rt.clock.move(timedelta(hours=1))
        await stage.resolve()
    return payment


async def another_amount(stage: Stage) -> dict[str, Any]:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment, amount_dong=1_000)
    stage.says["query"] = {"outcome": "succeeded", "amount_dong": 1_000}
    await stage.resolve()
    return payment


async def came_back(stage: Stage) -> dict[str, Any]:
    payment = await stage.opened(await stage.world.add_bill())
    reference = payment["attempts"][0]["reference"]
    await stage.api.get(f"/v1/returns/scripted?outcome=succeeded&reference={reference}")
    return payment


STORIES = {
    "doubted then paid": (doubted_then_paid, "succeeded"),
    "opened and paid": (opened_and_paid, "succeeded"),
    "disputed": (disputed, "succeeded"),
    "never sent": (never_sent, "failed"),
    "another amount": (another_amount, "conflicted"),
    "came back": (came_back, "awaiting_payer"),
    "expired": (expired, "expired"),
}


async def test_every_step_is_told_in_the_order_in_which_it_was_taken(stage: Stage) -> None:
    payment = await doubted_then_paid(stage)
    entries = await timeline.read(stage.rt, await caller_of(stage), id_of(payment))
    assert all(a.at <= b.at for a, b in pairwise(entries))
    assert [(e.kind, e.facts.get("state_after")) for e in entries] == [
        ("created", None),
        ("attempt", None),
        ("exchange", None),
        ("evidence", "unknown"),
        ("exchange", None),
        ("evidence", "succeeded"),
        ("ended", None),
    ]


async def test_a_notification_is_told_before_what_it_proves(stage: Stage) -> None:
    payment = await opened_and_paid(stage)
    entries = await timeline.read(stage.rt, await caller_of(stage), id_of(payment))
    assert all(a.at <= b.at for a, b in pairwise(entries))
    assert [(e.kind, e.facts.get("state_after")) for e in entries] == [
        ("created", None),
        ("attempt", None),
        ("exchange", None),
        ("evidence", "waiting"),
        ("notification", None),
        ("evidence", "pending"),
        ("notification", None),
        ("evidence", "succeeded"),
        ("ended", None),
    ]


async def test_a_step_names_what_carried_it(stage: Stage) -> None:
    payment = await opened_and_paid(stage)
    entries = await timeline.read(stage.rt, await caller_of(stage), id_of(payment))
    carriers = [e.facts["id"] for e in entries if e.kind in {"exchange", "notification"}]
    assert [e.facts["carried_by"] for e in entries if e.kind == "evidence"] == carriers
    assert len(set(carriers)) == len(carriers) > 1


async def test_a_call_that_was_not_answered_is_told_with_its_fate(stage: Stage) -> None:
    payment = await doubted_then_paid(stage)
    entries = await timeline.read(stage.rt, await caller_of(stage), id_of(payment))
    calls = [e.facts for e in entries if e.kind == "exchange"]
    assert [(x["operation"], x["fate"], x["reply"] is None) for x in calls] == [
        ("create", "silent", True),
        ("query", "answered", False),
    ]


async def test_a_collected_payment_has_a_short_timeline(stage: Stage) -> None:
    paid = await stage.world.pay(stage.api, await stage.world.add_bill(), partner="wallet")
    entries = await timeline.read(stage.rt, await caller_of(stage), id_of(paid.json()))
    assert [(e.kind, e.facts.get("status")) for e in entries] == [
        ("created", None),
        ("ended", "succeeded"),
    ]


async def test_the_timeline_of_somebody_else_is_not_there(stage: Stage) -> None:
    payment = await opened_and_paid(stage)
    with pytest.raises(PaymentNotFound):
        await timeline.read(stage.rt, await caller_of(stage, "bank"), id_of(payment))
    with pytest.raises(PaymentNotFound):
        await timeline.read(stage.rt, await caller_of(stage), UUID(int=7))


async def test_the_biller_reads_the_timeline_of_what_was_paid_for_its_bills(stage: Stage) -> None:
    payment = await opened_and_paid(stage)
    entries = await timeline.read(stage.rt, await caller_of(stage, "utility"), id_of(payment))
    assert entries[-1].kind == "ended"


@pytest.mark.parametrize("story", STORIES)
async def test_every_story_has_a_proof_that_verifies(stage: Stage, story: str) -> None:
    play, status = STORIES[story]
    bundle = await proved(stage, await play(stage))
    verified = proof.verify(bundle)
    told = sum(len(attempt["evidence"]) for attempt in json.loads(bundle)["attempts"])
    assert (verified.status, verified.facts) == (status, told)
    assert told > 0


async def test_a_proof_of_two_attempts_tells_them_apart(stage: Stage) -> None:
    payment = await never_sent(stage)
    stage.says["create"] = {"outcome": "opened"}
    choice = {
        "channel": "qr",
        "provider": "closing",
        "return_url": "https://portal.test/",
        "payer_ip": "::1",
    }
    again = await stage.api.post(
        f"/v1/payments/{payment['id']}/attempts",
        json=choice,
        headers=stage.world.headers("wallet", stage.world.new_key()),
    )
    await stage.notify(again.json())
    bundle = await proved(stage, payment)
    assert proof.verify(bundle).status == "succeeded"
    states = [(a["number"], a["state"]) for a in json.loads(bundle)["attempts"]]
    assert states == [(1, "not_sent"), (2, "succeeded")]


async def test_no_byte_of_a_proof_can_be_changed_unnoticed(stage: Stage) -> None:
    bundle = await proved(stage, await opened_and_paid(stage))
    whole = json.dumps(json.loads(bundle), ensure_ascii=False, separators=(",", ":")).encode()
    proof.verify(whole)
    unnoticed = []
    for place, byte in enumerate(whole):
        altered = bytes([*whole[:place], byte ^ 1, *whole[place + 1 :]])
        with suppress(ProofBroken):
            proof.verify(altered)
            unnoticed.append((place, chr(byte)))
    assert unnoticed == []


async def test_what_was_said_can_be_compared_with_its_hash(stage: Stage) -> None:
    bundle = json.loads(await proved(stage, await opened_and_paid(stage)))
    for said in bundle["attempts"][0]["notifications"]:
        assert said["sha256"] == proof.sha256(f"{said['query']}\n{said['body']}".encode())


async def test_a_proof_holds_no_secret(stage: Stage) -> None:
    bundle = await proved(stage, await opened_and_paid(stage))
    secrets = [KEY, *(key.encode() for key in stage.world.keys.values())]
    assert [secret for secret in secrets if secret in bundle] == []


async def test_a_collected_payment_needs_no_evidence(stage: Stage) -> None:
    paid = await stage.world.pay(stage.api, await stage.world.add_bill())
    verified = proof.verify(await proved(stage, paid.json()))
    assert (verified.status, verified.facts) == ("succeeded", 0)


async def test_there_is_no_proof_of_what_is_not_there(stage: Stage) -> None:
    assert await timeline.prove(stage.rt, UUID(int=7)) is None
