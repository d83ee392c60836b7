"""The plays of `gateway demo CHANNEL`: each module of this folder shows one channel end to end.

A module is a play by what it holds: `TITLE`, one line; `PARTS`, the simulators that the house
starts for it; and `perform(stage)`, which makes real calls and raises `SceneFailed` where an
answer is not what it must be. There is no list of plays to keep.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from gateway.sandbox.provider_play import RailAt
from gateway.sandbox.rails import RailPart
from gateway.sandbox.scenario import Stage


@dataclass(frozen=True, slots=True)
class PlayStage:
    """Where a play is played: the scenario's stage, the simulators that are up, the operator."""

    stage: Stage
    rails: Mapping[str, RailAt]
    command: Callable[..., str]
    """Runs `gateway …` beside the house and gives its output: `command("debit-run", "--help")`."""
    keys: Mapping[str, str]
    """The demo's API key of each partner by its code."""
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Play:
    """One channel's play."""

    channel: str
    title: str
    parts: Sequence[RailPart]
    perform: Callable[[PlayStage], None]


def plays() -> dict[str, Play]:
    """Find every play by its channel: the module's name, `_` written as `-`."""
    found = (_play(module.name) for module in iter_modules(__path__))
    return {play.channel: play for play in found}


def _play(name: str) -> Play:
    module = import_module(f"{__name__}.{name}")
    return Play(name.replace("_", "-"), module.TITLE, module.PARTS, module.perform)
