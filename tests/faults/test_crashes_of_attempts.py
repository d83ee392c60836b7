"""SIGKILL between every two steps of begin, notify and resolve, over a rail of real HTTP."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.domain.ids import to_public
from gateway.embedded import EmbeddedPostgres
from tests.faults.parts import Part, until
from tests.faults.processes import house
from tests.faults.rail import DUE, RailHouse, assert_one_truth


@pytest.fixture(scope="module")
async def at(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> AsyncIterator[RailHouse]:
    folder = tmp_path_factory.mktemp("attempts")
    async with house(postgres, folder, f"attempts_{worker_id}") as made:
        await made.start_receiver()
        yield await RailHouse.make(made)


@pytest.fixture
async def bill(at: RailHouse) -> str:
    """A bill, whose payer's notification is lost: only a question can tell."""
    await at.control("calm")
    await at.control("faults", operation="notify", fault="missing")
    return await at.at.world.add_bill()


@pytest.fixture
def worker(at: RailHouse) -> Iterator[Part]:
    """A worker that stays up."""
    part = at.start_worker()
    yield part
    part.kill()


async def pays(at: RailHouse, bill_id: str) -> str:
    """Let the payer pay whatever order the rail has of this bill; gives our reference."""
    attempt = await at.attempt_of(bill_id)
    assert attempt is not None
    reference: str = attempt["reference"]
    if await at.knows(reference):
        said = await at.control("payer", reference=reference, act="approve")
        assert said.json()["done"]
    return reference


@pytest.mark.parametrize(
    ("step", "is_opened"),
    [
        ("begin:after-the-row", False),
        ("begin:before-the-call", False),
        ("begin:after-the-answer", True),
        ("begin:before-the-second-write", True),
        ("begin:in-the-second-write", True),
        ("begin:after-the-second-write", True),
        ("begin:before-the-key-is-answered", True),
        ("begin:after-the-key-is-answered", True),
        ("pay:before-the-answer", True),
    ],
)
async def test_an_api_killed_while_beginning_leaves_one_truth(
    at: RailHouse,
    bill: str,
    worker: Part,
    step: str,
    is_opened: bool,  # noqa: FBT001 (a column of the table)
) -> None:
    dying = await at.start_dying(step)
    assert await at.begin(dying, bill) is None
    assert await dying.has_died()
    reference = await pays(at, bill)
    assert await at.knows(reference) is is_opened
    payment = await assert_one_truth(at, bill)
    assert payment["status"] == ("succeeded" if is_opened else "expired")


async def test_an_api_killed_before_anything_is_written_begins_when_asked_again(
    at: RailHouse, bill: str, worker: Part
) -> None:
    dying = await at.start_dying("begin:before-the-row")
    assert await at.begin(dying, bill) is None
    assert await dying.has_died()
    assert await at.attempt_of(bill) is None
    answer = await at.begin(at.api, bill)
    assert answer is not None
    assert answer.json()["status"] == "requires_action"
    await pays(at, bill)
    assert (await assert_one_truth(at, bill))["status"] == "succeeded"


@pytest.mark.parametrize("fault", ["hang_before", "hang_after"])
async def test_an_api_killed_while_the_rail_has_its_call_leaves_one_truth(
    at: RailHouse, bill: str, worker: Part, fault: str
) -> None:
    await at.control("faults", operation="create", fault=fault)
    lost = await at.at.start_api(port=0, **at.environment())
    unheard = asyncio.create_task(at.begin(lost, bill))

    async def is_sent() -> bool:
        attempt = await at.attempt_of(bill)
        return attempt is not None and (
            fault == "hang_before" or await at.knows(attempt["reference"])
        )

    await until(is_sent)
    lost.kill()
    assert await unheard is None
    await pays(at, bill)
    payment = await assert_one_truth(at, bill)
    assert payment["status"] == ("succeeded" if fault == "hang_after" else "expired")


async def test_whoever_asks_again_while_it_is_not_known_is_told_to_wait(
    at: RailHouse, bill: str
) -> None:
    dying = await at.start_dying("begin:after-the-answer")
    assert await at.begin(dying, bill) is None
    assert await dying.has_died()
    answer = await at.begin(at.api, bill)
    assert answer is not None
    assert (answer.status_code, answer.json()["code"]) == (409, "still_processing")
    attempt = await at.attempt_of(bill)
    assert attempt is not None
    shown = (await at.api.get(f"/v1/payments/{to_public('pay', attempt['payment_id'])}")).json()
    assert (shown["status"], shown["may_payer_pay_again"]) == ("processing", "no")
    part = at.start_worker()
    await pays(at, bill)
    assert (await assert_one_truth(at, bill))["status"] == "succeeded"
    part.kill()


@pytest.mark.parametrize(
    ("step", "is_settled"),
    [
        ("notify:before-the-write", False),
        ("notify:before-the-commit", False),
        ("notify:after-the-commit", True),
    ],
)
async def test_an_api_killed_while_it_takes_a_notification_settles_once(
    at: RailHouse,
    step: str,
    is_settled: bool,  # noqa: FBT001 (a column of the table)
) -> None:
    await at.control("calm")
    bill = await at.at.world.add_bill()
    dying = await at.start_dying(step)
    # An API whose orders are notified to the one that will die.
    front = await at.at.start_api(
        port=0, **at.environment() | {"GATEWAY_PUBLIC_URL": dying.url("")}
    )
    assert await at.begin(front, bill) is not None
    front.kill()
    await pays(at, bill)
    assert await dying.has_died()
    attempt = await at.attempt_of(bill)
    assert attempt is not None
    assert attempt["state"] == ("succeeded" if is_settled else "waiting")
    part = at.start_worker()
    assert (await assert_one_truth(at, bill))["status"] == "succeeded"
    part.kill()


@pytest.mark.parametrize(
    "step",
    [
        "resolve:after-the-lease",
        "resolve:before-the-question",
        "resolve:after-the-answer",
        "resolve:before-the-write",
        "resolve:before-the-commit",
        "resolve:after-the-commit",
    ],
)
async def test_a_worker_killed_while_it_resolves_a_doubt_settles_once(
    at: RailHouse, bill: str, step: str
) -> None:
    # A page of HTML: in doubt, though the rail has the order.
    await at.control("faults", operation="create", fault="html_after")
    answer = await at.begin(at.api, bill)
    assert answer is not None
    assert (answer.status_code, answer.json()["certainty"]) == (202, "in_doubt")
    await pays(at, bill)
    await at.at.rows(DUE)
    assert await at.start_worker(step).has_died()
    attempt = await at.attempt_of(bill)
    assert attempt is not None
    assert attempt["state"] == ("succeeded" if step.endswith("after-the-commit") else "unknown")
    part = at.start_worker()
    assert (await assert_one_truth(at, bill))["status"] == "succeeded"
    part.kill()


async def test_a_worker_that_slept_past_its_lease_writes_nothing_when_it_wakes(
    at: RailHouse, bill: str
) -> None:
    await at.control("faults", operation="create", fault="html_after")
    answer = await at.begin(at.api, bill)
    assert answer is not None
    await pays(at, bill)
    await at.control("faults", operation="query", fault="hang_before")
    sleeper = at.start_worker()
    await at.at.rows(DUE)

    async def is_leased() -> bool:
        leased = await at.attempt_of(bill)
        return leased is not None and leased["lease_no"] == 1

    await until(is_leased)
    sleeper.process.send_signal(signal.SIGSTOP)
    await at.at.rows(DUE)
    part = at.start_worker()
    assert (await at.until_final(answer.json()["id"]))["status"] == "succeeded"
    before = (await at.attempt_of(bill), await at.at.rows("SELECT id FROM evidence ORDER BY id"))
    sleeper.process.send_signal(signal.SIGCONT)
    await sleeper.says("attempt.lease_lost")
    after = (await at.attempt_of(bill), await at.at.rows("SELECT id FROM evidence ORDER BY id"))
    assert after == before
    sleeper.kill()
    assert (await assert_one_truth(at, bill))["status"] == "succeeded"
    part.kill()
