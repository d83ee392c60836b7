"""Calls: what cannot be built was not sent, what cannot be read is in doubt, nobody gets a 5xx."""

import asyncio
from typing import Any, cast

import asyncpg
import httpx
import pytest

from gateway.domain.errors import Overloaded
from gateway.flows import calling
from gateway.flows.settling import Settled
from gateway.kit.attached import Providers
from gateway.kit.messages import Opened
from gateway.store import attempts, database
from gateway.store.database import Raw
from tests.providing.books import assert_books_hold, claim_of
from tests.providing.odd import Clumsy
from tests.providing.stage import Stage


@pytest.fixture
def stage(both: tuple[Stage, Stage]) -> Stage:
    return both[0]


async def test_a_call_that_cannot_be_built_was_not_sent_and_frees_the_bill(stage: Stage) -> None:
    Clumsy.fails_at.add("create")
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill, provider="clumsy")
    assert (payment["status"], payment["may_payer_pay_again"]) == ("failed", "yes")
    assert stage.calls == []
    assert (await stage.world.pay(stage.api, bill)).status_code == 201


async def test_an_answer_that_the_adapter_cannot_read_is_in_doubt(stage: Stage) -> None:
    Clumsy.fails_at.add("read_created")
    bill = await stage.world.add_bill()
    answer = await stage.begin(bill, provider="clumsy")
    assert (answer.status_code, answer.json()["certainty"]) == (202, "in_doubt")
    assert (await claim_of(stage, bill))[0] == "hard"
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "1"}
    await stage.resolve()
    assert await assert_books_hold(stage, taken=1) == 0


@pytest.mark.parametrize("switch", ["trip", "directory"])
async def test_nothing_is_sent_while_the_breaker_is_open(stage: Stage, switch: str) -> None:
    breakers = cast(Providers, stage.rt._providers).breakers
    if switch == "trip":
        breakers.of("scripted", "create").trip("a test")
    else:
        await stage.sql(
            "INSERT INTO provider_switches (provider, operation, is_tripped, reason)"
            " VALUES ('scripted', 'create', true, 'a test')"
        )
        await stage.rt.refresh()
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    assert (payment["status"], payment["certainty"]) == ("failed", "proved")
    assert payment["may_payer_pay_again"] == "yes"
    assert stage.calls == []
    rows = await stage.sql("SELECT fate, reason FROM exchanges")
    assert [tuple(row) for row in rows] == [("not_sent", "breaker_open")]
    assert (await stage.world.pay(stage.api, bill)).status_code == 201


async def test_a_provider_that_does_not_answer_opens_its_breaker_and_nobody_elses(
    stage: Stage,
) -> None:
    stage.says["create"] = httpx.ReadTimeout("slow")
    for _ in range(5):
        assert (await stage.begin(await stage.world.add_bill())).status_code == 202
    stage.says["create"] = {"outcome": "opened"}
    assert (await stage.opened(await stage.world.add_bill()))["status"] == "failed"
    other = await stage.opened(await stage.world.add_bill(), provider="closing")
    assert other["status"] == "requires_action"


@pytest.mark.parametrize(
    "said",
    [
        {"outcome": "failed", "code": "1\x00"},
        httpx.Response(200, content=b'{"outcome":"failed","code":"\\ud800"}'),
        {"outcome": "unknown", "provider_id": "7\x00"},
        {"outcome": "succeeded", "amount_dong": 2**70},
        {"outcome": "succeeded", "amount_dong": -(2**64)},
        {"outcome": "no such outcome"},
        {"reference": "att_of_another", "outcome": "succeeded"},
    ],
    ids=["nul", "surrogate", "nul-id", "huge", "hugely-negative", "unlisted", "anothers"],
)
@pytest.mark.parametrize("operation", ["create", "query"])
async def test_whatever_a_provider_answers_is_evidence_and_no_error(
    stage: Stage, said: Any, operation: str
) -> None:
    stage.says[operation] = said
    answer = await stage.begin(await stage.world.add_bill())
    assert answer.status_code in {201, 202}
    await stage.resolve()
    rows = await stage.sql("SELECT 1 FROM evidence WHERE source = $1", operation)
    assert len(rows) == 1
    assert await stage.count("transfers") == 0


async def test_every_call_leaves_its_exchange_redacted_and_hashed(stage: Stage) -> None:
    await stage.opened(await stage.world.add_bill())
    await stage.resolve()
    rows = await stage.sql(
        "SELECT operation, fate, status, reply_sha256 FROM exchanges ORDER BY id"
    )
    assert [(row["operation"], row["fate"], row["status"]) for row in rows] == [
        ("create", "answered", 200),
        ("query", "answered", 200),
    ]
    assert all(len(row["reply_sha256"]) == 32 for row in rows)


async def test_an_attempt_is_the_same_order_each_time_it_is_asked_about(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    reference = payment["attempts"][0]["reference"]

    async def order() -> Any:
        async with database.borrow(stage.rt.pool) as connection:
            row = await attempts.by_reference(connection, "scripted", reference)
        assert row is not None
        return calling.order_of(stage.rt, row)

    first = await order()
    await stage.resolve()
    assert await order() == first
    assert first.reference == reference
    assert first.return_url == "http://gateway/v1/returns/scripted"


async def test_two_moments_have_ids_of_their_own(stage: Stage) -> None:
    ids = {calling.moment_of(stage.rt).request_id for _ in range(50)}
    assert len(ids) == 50
    assert {len(one) for one in ids} == {32}


async def test_what_is_opened_without_a_call_waits_for_the_payer(stage: Stage) -> None:
    heard = await calling.call(
        stage.rt,
        "scripted",
        cast(Any, None),
        lambda: Opened(cast(Any, None), provider_id="7", memory={"a": "b"}),
        cast(Any, None),
    )
    assert (heard.was_sent, heard.exchange) == (True, None)
    assert (heard.finding.outcome, heard.finding.memory) == ("waiting", {"a": "b"})


async def test_a_lost_race_is_run_again_three_times_at_most(stage: Stage) -> None:
    rounds = 0

    async def lose(_: Raw) -> Settled | None:
        nonlocal rounds
        rounds += 1
        raise asyncpg.DeadlockDetectedError

    with pytest.raises(Overloaded):
        await calling.landing(stage.rt, lose, 1)
    assert rounds == 3


async def test_nothing_of_a_lost_round_is_kept(stage: Stage) -> None:
    rounds = 0

    async def lose_once(connection: Raw) -> Settled | None:
        nonlocal rounds
        rounds += 1
        await connection.execute(
            "INSERT INTO quarantine (provider, reason, method, query, body, sha256)"
            " VALUES ('scripted', 'a test', 'GET', '', '', '')"
        )
        if rounds == 1:
            raise asyncpg.UniqueViolationError
        return None

    assert await calling.landing(stage.rt, lose_once, 1) is None
    assert (rounds, await stage.count("quarantine")) == (2, 1)


async def test_what_is_no_race_is_not_run_again(stage: Stage) -> None:
    rounds = 0

    async def fail(_: Raw) -> Settled | None:
        nonlocal rounds
        rounds += 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await calling.landing(stage.rt, fail, 1)
    assert rounds == 1


@pytest.mark.parametrize("operation", ["create", "query"])
async def test_no_connection_is_held_while_a_provider_is_asked(
    stage: Stage, operation: str
) -> None:
    lent: list[int] = []
    pool = stage.rt.pool

    def look(_: httpx.Request) -> httpx.Response:
        lent.append(pool.get_size() - pool.get_idle_size())
        return httpx.Response(503)

    await stage.opened(await stage.world.add_bill())  # the lanes keep their own connections
    kept = pool.get_size() - pool.get_idle_size()
    stage.says[operation] = look
    if operation == "create":
        await stage.begin(await stage.world.add_bill())
    else:
        await stage.resolve()
    assert lent == [kept]


async def test_a_caller_who_goes_away_while_the_provider_is_asked_loses_no_answer(
    stage: Stage,
) -> None:
    asking: list[asyncio.Task[Any]] = []
    key, reference = "the-key-of-one-who-left", "R-LEFT"

    def leave(_: httpx.Request) -> httpx.Response:
        asking[0].cancel()
        return httpx.Response(200, json={"outcome": "opened"})

    stage.says["create"] = leave
    bill = await stage.world.add_bill()
    asking.append(asyncio.create_task(stage.begin(bill, key=key, partner_reference=reference)))
    with pytest.raises(asyncio.CancelledError):
        await asking[0]
    while stage.rt._tasks:
        await asyncio.wait(stage.rt._tasks)
    answer = await stage.begin(bill, key=key, partner_reference=reference)
    assert (answer.status_code, answer.headers["idempotent-replayed"]) == (201, "true")
    payment = answer.json()
    assert payment["status"] == "requires_action"
    assert payment["next_action"]["redirect_url"]
    assert stage.calls == ["create"]
