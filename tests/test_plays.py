"""Every channel's play, through real HTTP between real processes: a channel's journey."""

import os
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from gateway.cli import commands
from gateway.house import DEMO_KEYS, House, Plan, open_house
from gateway.sandbox.plays import PlayStage, plays
from gateway.sandbox.processes import PartFailed
from tests.faults.parts import reachable_folder

CUSTOMERS = 400
# Below the ports that outgoing connections are given: the house takes twenty in a row.
FIRST_PORT = 12_000 + os.getpid() % 150 * 24
pytestmark = pytest.mark.xdist_group("houses")
"""One process opens the houses, for each of them starts a dozen simulators."""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """One house with the other side of every channel."""
    parts = {part.code: part for play in plays().values() for part in play.parts}
    with (
        reachable_folder() as folder,
        open_house(Plan(folder / "state", FIRST_PORT, CUSTOMERS), list(parts.values())) as up,
    ):
        yield up


@pytest.mark.parametrize("channel", sorted(plays()))
def test_a_channel_is_shown_from_end_to_end(house: House, channel: str) -> None:
    said: list[str] = []
    rails = {rail.code: rail for rail in house.rails}
    stage = PlayStage(house.stage, rails, house.command, DEMO_KEYS, said.append)
    plays()[channel].perform(stage)
    assert said


def test_a_command_beside_the_house_reaches_what_it_runs_on(house: House) -> None:
    assert "ok" in house.command("doctor")
    with pytest.raises(PartFailed, match="no such channel"):
        house.command("demo", "pigeon")


def test_the_channels_are_listed_with_what_they_show() -> None:
    printed = CliRunner().invoke(commands, ["demo"]).output
    for play in plays().values():
        assert f"{play.channel:<18}{play.title}\n" in printed


def test_an_unknown_channel_is_named_beside_those_that_exist() -> None:
    done = CliRunner().invoke(commands, ["demo", "pigeon"])
    assert done.exit_code == 1
    assert "no such channel: pigeon" in done.output
    assert "card" in done.output
