"""The command line about providers: what is called, what a person has to settle, what is proved."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass

import asyncpg
import pytest
import respx

from gateway.embedded import EmbeddedPostgres
from gateway.runtime import Clock
from gateway.store import schema
from tests.command import Gateway, assert_refused
from tests.conftest import client_of
from tests.providing.conftest import with_providers
from tests.providing.stage import Stage
from tests.world import World

NOBODY = "0" * 32
SWITCHES = "SELECT provider, operation, is_tripped, reason FROM provider_switches"
AUDITED = "SELECT actor, action, subject FROM audit_log WHERE action ~ '^provider' ORDER BY id"


@dataclass
class Shop:
    """The command, on a database where one payment succeeded and two are in trouble."""

    gateway: Gateway
    paid: str
    disputed: str
    another_amount: str


async def sell(url: str) -> tuple[str, str, str]:
    """Make three payments: paid, disputed by its own provider, and of another amount."""
    rt = with_providers(url, Clock())
    await rt.start()
    try:
        world = await World.make(rt)
        with respx.mock(assert_all_called=False) as rail:
            async with client_of(rt) as api:
                stage = Stage(rt, world, api, rail)
                stage.listen()
                made = [await stage.opened(await world.add_bill()) for _ in range(3)]
                await stage.notify(made[0])
                await stage.notify(made[1], outcome="failed", code="1006")
                await stage.notify(made[1])
                await stage.notify(made[2], amount_dong=1_000)
    finally:
        await rt.stop()
    paid, disputed, another_amount = (payment["id"] for payment in made)
    return paid, disputed, another_amount


@pytest.fixture(scope="module")
def shop(
    postgres: EmbeddedPostgres, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A database with payments through a provider."""
    name = f"cli_providers_{worker_id}"
    url = postgres.create_database(name)
    schema.migrate(url)
    yield Shop(Gateway(url, tmp_path_factory.mktemp("cli")), *asyncio.run(sell(url)))
    postgres.drop_database(name)


async def ask(shop: Shop, sql: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(shop.gateway.url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def test_an_operation_is_tripped_and_reset_by_name_and_for_a_reason(shop: Shop) -> None:
    tripped = shop.gateway.must("providers", "trip", "scripted", "create", "maintenance till 5")
    assert tripped == "scripted create is not called any more, within a second everywhere\n"
    assert await ask(shop, SWITCHES) == [("scripted", "create", True, "maintenance till 5")]
    reset = shop.gateway.must("providers", "reset", "scripted", "create", "they are back")
    assert reset == "scripted create is called again, within a second everywhere\n"
    assert await ask(shop, SWITCHES) == [("scripted", "create", False, "they are back")]
    assert await ask(shop, AUDITED) == [
        ("cli", "provider.tripped", "scripted/create"),
        ("cli", "provider.reset", "scripted/create"),
    ]


@pytest.mark.parametrize("act", ["trip", "reset"])
def test_a_provider_that_was_never_configured_is_not_switched(shop: Shop, act: str) -> None:
    assert_refused(
        shop.gateway("providers", act, "nobody", "create", "why"), "no provider 'nobody'"
    )


def test_an_exception_is_listed_with_its_owner_and_next_action_until_it_is_closed(
    shop: Shop,
) -> None:
    listed = shop.gateway.must("exceptions", "list")
    head, payment, action = found_in(listed, shop.disputed)
    assert head.endswith("operations  conflicted")
    assert payment == f"{shop.disputed}, 150000 đồng"
    assert "in writing" in action
    number = head.split()[0]
    closed = shop.gateway.must("exceptions", "close", number, "lan", "they took the money once")
    assert closed == f"{number} is closed\n"
    left = shop.gateway.must("exceptions", "list")
    assert number not in left
    assert found_in(left, shop.another_amount)[0].endswith("operations  amount_differs")
    again = shop.gateway("exceptions", "close", number, "lan", "again")
    assert_refused(again, f"no open exception is named '{number}'")


def found_in(listed: str, payment: str) -> list[str]:
    """Give the three lines of the exception about a payment."""
    lines = [line.strip() for line in listed.splitlines()]
    [found] = [n for n, line in enumerate(lines) if line.startswith(payment)]
    return lines[found - 1 : found + 2]


@pytest.mark.parametrize("name", [f"exp_{NOBODY}", f"pay_{NOBODY}", "exp_", "nonsense"])
def test_what_names_no_exception_closes_nothing(shop: Shop, name: str) -> None:
    assert_refused(shop.gateway("exceptions", "close", name, "lan", "x"), "no open exception")


def test_a_payment_is_proved_and_its_proof_is_checked_without_a_database(shop: Shop) -> None:
    bundle = shop.gateway.must("proof", shop.paid)
    file = shop.gateway.file("paid.json", bundle)
    said = shop.gateway("verify-proof", file, GATEWAY_DATABASE_URL=None, GATEWAY_SECRET_KEY=None)
    assert said.returncode == 0, said.stderr
    first, second = said.stdout.splitlines()  # and no third, for nothing is disputed
    assert first == f"{shop.paid} is proved 'succeeded' by 2 pieces of evidence"
    assert second == f"digest {json.loads(bundle)['digest']}"


def test_what_is_disputed_is_never_shown_as_proved_without_saying_so(shop: Shop) -> None:
    bundle = shop.gateway.must("proof", shop.disputed)
    said = shop.gateway.must("verify-proof", shop.gateway.file("disputed.json", bundle))
    [attempt] = json.loads(bundle)["attempts"]
    assert f"\n{attempt['id']} is disputed: its evidence disagrees" in said


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("150000", "15000"), ('"succeeded"', '"failed"'), ("4000000001", "4000000002")],
)
def test_a_proof_of_which_one_word_was_changed_does_not_hold(
    shop: Shop, was: str, becomes: str
) -> None:
    bundle = shop.gateway.must("proof", shop.paid)
    assert was in bundle
    file = shop.gateway.file("changed.json", bundle.replace(was, becomes, 1))
    assert_refused(shop.gateway("verify-proof", file), "the proof does not hold: ")


@pytest.mark.parametrize("text", ["", "{}", "null", "[1]", "no JSON"])
def test_what_is_no_proof_proves_nothing(shop: Shop, text: str) -> None:
    file = shop.gateway.file("none.json", text)
    assert_refused(shop.gateway("verify-proof", file), "the proof does not hold: ")


@pytest.mark.parametrize("name", [f"pay_{NOBODY}", f"exp_{NOBODY}", "nonsense"])
def test_what_names_no_payment_is_not_proved(shop: Shop, name: str) -> None:
    assert_refused(shop.gateway("proof", name), f"no payment is named '{name}'")


def test_what_is_installed_is_shown_and_whether_it_is_configured(shop: Shop) -> None:
    shown = shop.gateway.must("providers")
    assert "not configured" in shown
    assert "  abilities: TakesPayments, Notifies, AnswersQueries" in shown


@pytest.mark.parametrize("command", [("providers",), ("doctor",)], ids=" ".join)
def test_a_provider_that_is_configured_wrongly_is_one_sentence_and_exit_1(
    shop: Shop, command: tuple[str, ...]
) -> None:
    assert_refused(shop.gateway(*command, GATEWAY_MOMO__NONSENSE="1"), "NONSENSE")


def test_a_new_provider_with_a_name_that_is_no_code_is_refused(shop: Shop) -> None:
    assert_refused(shop.gateway("new-provider", "Not A Code"), "Not A Code")
