"""Providers as a process holds them: one wire each, one set of breakers for all."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import respx

from gateway.kit.abilities import Config
from gateway.kit.attached import Providers
from gateway.kit.breaker import State
from gateway.kit.exchange import Exchange, Fate, Reason
from gateway.kit.messages import Call
from tests.providing.scripted import HOST, Closing, Scripted

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)


@pytest.fixture
async def providers() -> AsyncIterator[Providers]:
    """Two providers on one rail that answers everything."""
    made = Providers([Scripted(Config()), Closing(Config())], now=lambda: NOW)
    with respx.mock(assert_all_called=False) as rail:
        rail.route().respond(json={})
        yield made
    await made.aclose()


async def send(providers: Providers, code: str, operation: str = "query") -> Exchange:
    return await providers.by_code[code].wire.send(Call(operation, f"{HOST}/{operation}"))


async def test_a_provider_is_found_by_its_code_with_a_wire_of_its_own() -> None:
    both = [Scripted(Config()), Closing(Config())]
    providers = Providers(both, now=lambda: NOW)
    held = providers.by_code
    assert {code: one.provider for code, one in held.items()} == {
        "scripted": both[0],
        "closing": both[1],
    }
    assert held["scripted"].wire is not held["closing"].wire
    await providers.aclose()


async def test_a_switch_by_hand_stops_one_operation_of_one_provider(providers: Providers) -> None:
    providers.breakers.apply({("scripted", "create"): True})
    stopped = await send(providers, "scripted", "create")
    assert (stopped.fate, stopped.reason) == (Fate.NOT_SENT, Reason.BREAKER_OPEN)
    for code, operation in (("scripted", "query"), ("closing", "create")):
        assert (await send(providers, code, operation)).fate is Fate.ANSWERED
    providers.breakers.apply({("scripted", "create"): False})
    assert (await send(providers, "scripted", "create")).fate is Fate.ANSWERED


async def test_the_breakers_of_all_wires_are_seen_in_one_place(providers: Providers) -> None:
    for code in providers.by_code:
        await send(providers, code)
    assert providers.breakers.states() == {
        ("scripted", "query"): State.CLOSED,
        ("closing", "query"): State.CLOSED,
    }


async def test_what_is_written_down_carries_the_time_of_the_house(providers: Providers) -> None:
    assert (await send(providers, "scripted")).started_at - NOW == timedelta(0)


async def test_all_wires_are_closed_and_closing_again_does_no_harm(providers: Providers) -> None:
    await providers.aclose()
    await providers.aclose()
    for code in providers.by_code:
        with pytest.raises(RuntimeError, match="closed"):
            await send(providers, code)


async def test_without_providers_there_is_nothing_to_close() -> None:
    providers = Providers([], now=lambda: NOW)
    assert providers.by_code == {}
    await providers.aclose()
