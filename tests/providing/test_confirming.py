"""Questions before a charge: only what can still be paid is payable, and nothing is written."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gateway.domain.partner import Mode
from gateway.kit.abilities import Config, ConfirmsOrders, OrderAnswer, Question
from gateway.kit.attached import Providers
from gateway.kit.messages import Acknowledgement, Incoming, SignatureWrong, Unreadable
from gateway.runtime import Clock, Runtime, Secrets
from gateway.store import database
from tests.providing.conftest import stage
from tests.providing.scripted import Closing, Scripted
from tests.providing.stage import Stage
from tests.world import MASTER_SECRET

__all__ = ["stage"]  # a fixture
CONFIG = Config()


class Asking(Scripted, ConfirmsOrders[Config]):
    """A rail that asks; what it signs is the amount that it does not send."""

    code = "asking"
    title = "Asking"

    def read_question(self, incoming: Incoming) -> Question:
        try:
            said: dict[str, Any] = json.loads(incoming.body)
            fields = {"signed": said["signed"]}
            return Question(said["reference"], said.get("amount"), said.get("merchant"), fields)
        except (ValueError, KeyError) as error:
            raise Unreadable(what="question") from error

    def check_question(self, question: Question, amount_dong: int) -> None:
        if question.fields["signed"] == "our own mistake":
            raise RuntimeError
        if question.fields["signed"] != str(amount_dong):
            raise SignatureWrong

    def answer_question(self, question: Question | None, answer: OrderAnswer) -> Acknowledgement:
        body = {"says": answer.payability, "amount": answer.amount_dong}
        return Acknowledgement(200, json.dumps(body).encode(), "application/json")


@pytest.fixture
async def rt(database: str, clock: Clock) -> AsyncIterator[Runtime]:
    """A runtime with a rail that asks."""
    runtime = Runtime(
        database_url=database,
        pool_size=8,
        secrets=Secrets.derived_from(MASTER_SECRET),
        mode=Mode.TEST,
        clock=clock,
        providers=Providers([Asking(CONFIG), Scripted(CONFIG), Closing(CONFIG)], now=clock.now),
        public_url="http://gateway",
    )
    await runtime.start()
    yield runtime
    await runtime.stop()


async def opened(stage: Stage, *bills: str) -> dict[str, Any]:
    return await stage.opened(*(bills or [await stage.world.add_bill()]), provider="asking")


async def ask(stage: Stage, payment: dict[str, Any], **says: object) -> tuple[str, int | None]:
    """Ask about a payment's newest attempt; give what is answered, and the amount."""
    question = {
        "reference": payment["attempts"][-1]["reference"],
        "signed": str(payment["amount_dong"]),
        **says,
    }
    answer = await stage.api.post("/v1/confirmations/asking", json=question)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    return said["says"], said["amount"]


async def written(stage: Stage) -> list[Any]:
    return await stage.sql(
        "SELECT (SELECT count(*) FROM evidence), (SELECT count(*) FROM notifications), "
        "(SELECT count(*) FROM quarantine), (SELECT string_agg(a::text, ',') FROM attempts a), "
        "(SELECT string_agg(b::text, ',' ORDER BY id) FROM bills b)"
    )


async def test_an_open_order_is_payable_with_its_true_amount_however_often_one_asks(
    stage: Stage,
) -> None:
    payment = await opened(stage)
    before = await written(stage)
    said = await asyncio.gather(*(ask(stage, payment) for _ in range(20)))
    assert set(said) == {("payable", 150_000)}
    assert await written(stage) == before


async def test_an_order_that_nobody_made_is_unknown(stage: Stage) -> None:
    payment = await opened(stage)
    assert await ask(stage, payment, reference="att_0") == ("unknown_reference", None)
    assert await ask(stage, payment, reference="a\x00b") == ("unknown_reference", None)
    assert await ask(stage, payment, merchant="OTHER") == ("unknown_reference", None)


async def test_another_amount_is_refused_whether_it_is_said_or_only_signed(stage: Stage) -> None:
    payment = await opened(stage)
    assert await ask(stage, payment, amount=149_000) == ("amount_differs", 150_000)
    assert await ask(stage, payment, signed="149000") == ("not_authentic", 150_000)
    assert await ask(stage, payment, amount=150_000, merchant="EVN") == ("payable", 150_000)


async def test_a_bill_that_a_bank_collected_meanwhile_is_refused_before_it_is_taken(
    stage: Stage,
) -> None:
    bill = await stage.world.add_bill()
    payment = await opened(stage, bill)
    assert await ask(stage, payment) == ("payable", 150_000)
    assert (await stage.world.pay(stage.api, bill)).status_code == 201
    assert await ask(stage, payment) == ("not_payable", 150_000)


async def test_an_order_whose_claim_another_payment_took_is_refused(stage: Stage) -> None:
    first, second = await stage.world.add_bill(), await stage.world.add_bill()
    payment = await opened(stage, first, second)
    other = await stage.opened(second)
    assert await ask(stage, payment) == ("not_payable", 300_000)
    assert other["status"] == "requires_action"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE bills SET status = 'cancelled', claim = NULL, claimed_by = NULL",
        "UPDATE bills SET paid_dong = 1000",
        "UPDATE attempts SET expires_at = now() - interval '1 second'",
        "UPDATE attempts SET state = 'failed'",
        "UPDATE payments SET cancel_asked_at = now()",
        "UPDATE payments SET status = 'cancelled'",
    ],
)
async def test_an_order_that_can_no_longer_be_paid_is_refused(stage: Stage, change: str) -> None:
    payment = await opened(stage)
    await stage.sql(change)
    assert await ask(stage, payment) == ("not_payable", 150_000)


async def test_a_paid_order_is_not_charged_again(stage: Stage) -> None:
    payment = await opened(stage)
    await stage.notify(payment)
    assert await ask(stage, payment) == ("not_payable", 150_000)


async def test_an_order_whose_answer_was_lost_is_payable_for_its_bills_are_held(
    stage: Stage,
) -> None:
    stage.says["create"] = httpx.ReadTimeout("no answer")
    bill = await stage.world.add_bill()
    payment = (await stage.begin(bill, provider="asking")).json()
    assert payment["certainty"] == "in_doubt"
    assert await ask(stage, payment) == ("payable", 150_000)


async def test_an_older_attempt_is_refused_once_there_is_a_newer(stage: Stage) -> None:
    payment = await opened(stage)
    await stage.sql("UPDATE attempts SET number = 0")
    await stage.sql(
        "INSERT INTO attempts SELECT (jsonb_populate_record(a, jsonb_build_object("
        "'id', gen_random_uuid(), 'number', 1, 'reference', 'att_2', 'state', 'failed', "
        "'due_at', NULL))).* FROM attempts a"
    )
    assert await ask(stage, payment) == ("not_payable", 150_000)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"\xff", b"\x00" * 5000])
async def test_a_question_that_cannot_be_read_is_not_authentic(stage: Stage, body: bytes) -> None:
    answer = await stage.api.post("/v1/confirmations/asking", content=body)
    says = "try_later" if body in {b"null", b"[]"} else "not_authentic"
    assert (answer.status_code, answer.json()["says"]) == (200, says)


async def test_a_mistake_of_the_adapter_is_a_system_error_and_no_charge(stage: Stage) -> None:
    payment = await opened(stage)
    assert await ask(stage, payment, signed="our own mistake") == ("try_later", 150_000)


async def test_a_rail_that_does_not_ask_has_no_such_door(stage: Stage) -> None:
    for code in ("scripted", "nobody"):
        answer = await stage.api.post(f"/v1/confirmations/{code}")
        assert (answer.status_code, answer.json()["code"]) == (422, "provider_not_offered")


async def test_a_database_that_does_not_answer_is_a_system_error_while_it_does_not(
    stage: Stage,
) -> None:
    payment = await opened(stage)
    async with database.borrow(stage.rt.pool) as busy, busy.transaction():
        await busy.execute("LOCK TABLE attempts IN ACCESS EXCLUSIVE MODE")
        assert await ask(stage, payment) == ("try_later", None)
    assert await ask(stage, payment) == ("payable", 150_000)
