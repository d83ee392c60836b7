"""Circuit breakers: stop calling a provider's operation that does not answer.

A breaker counts what the wire did, never what an answer said: a decline is an answer. It is a
value of one process; the by-hand switches that hold for all processes come through `apply`.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic


class State(StrEnum):
    """Whether calls may go."""

    CLOSED = "closed"
    """Calls go."""
    OPEN = "open"
    """No call goes."""
    HALF_OPEN = "half_open"
    """One call goes, to see whether the provider is back; the others do not."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When a breaker trips and when it tries again.

    It trips when, of the last `calls` calls that ended within `window_s`, at least `calls_min` are
    known and at least half of them were not answered.
    """

    calls: int = 20
    calls_min: int = 5
    window_s: float = 60.0
    open_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one call; give it back with `settle`, whatever became of the call."""

    era: int
    is_probe: bool


class Breaker:
    """One breaker, for one provider and operation; not for use from several threads."""

    def __init__(self, rules: Rules | None = None, clock: Callable[[], float] = monotonic) -> None:
        """Start closed; `clock` gives seconds that never go back."""
        self._rules = rules or Rules()
        self._clock = clock
        self._ended: deque[tuple[float, bool]] = deque(maxlen=self._rules.calls)
        self._opened_at: float | None = None
        self._held: str | None = None
        # A call that began before the last change of state says nothing about the new one.
        self._era = 0
        self._is_probing = False

    @property
    def state(self) -> State:
        """Say whether calls may go now."""
        if self._held is not None:
            return State.OPEN
        if self._opened_at is None:
            return State.CLOSED
        is_over = self._clock() - self._opened_at >= self._rules.open_s
        return State.HALF_OPEN if is_over else State.OPEN

    @property
    def held_because(self) -> str | None:
        """Give the reason for which somebody tripped it by hand, if so."""
        return self._held

    def admit(self) -> Permit | None:
        """Give leave for one call, or None; when half open, to one call at a time."""
        state = self.state
        if state is State.OPEN or (state is State.HALF_OPEN and self._is_probing):
            return None
        self._is_probing = state is State.HALF_OPEN
        return Permit(self._era, self._is_probing)

    def settle(self, permit: Permit, *, answered: bool | None) -> None:
        """Take a permit back. `answered` is None if the call says nothing about the provider."""
        if permit.era != self._era:
            return
        if permit.is_probe:
            self._is_probing = False
            if answered is not None:
                self._close() if answered else self._open()
        elif answered is not None:
            self._ended.append((self._clock(), answered))
            if not answered and self._is_bad():  # a call that was answered opens nothing
                self._open()

    def trip(self, reason: str) -> None:
        """Hold it open by hand until `reset`."""
        self._held = reason
        self._turn(opened_at=None)

    def reset(self) -> None:
        """Close it by hand and forget what was counted."""
        self._held = None
        self._close()

    def _is_bad(self) -> bool:
        since = self._clock() - self._rules.window_s
        recent = [answered for at, answered in self._ended if at >= since]
        return len(recent) >= self._rules.calls_min and recent.count(False) * 2 >= len(recent)

    def _open(self) -> None:
        self._turn(opened_at=self._clock())

    def _close(self) -> None:
        self._turn(opened_at=None)

    def _turn(self, *, opened_at: float | None) -> None:
        self._opened_at = opened_at
        self._era += 1
        self._is_probing = False
        self._ended.clear()


class Breakers:
    """The breakers of one process, by provider and operation, made at first use."""

    def __init__(self, rules: Rules | None = None, clock: Callable[[], float] = monotonic) -> None:
        self._rules = rules
        self._clock = clock
        self._breakers: dict[tuple[str, str], Breaker] = {}
        self._switches: dict[tuple[str, str], bool] = {}

    def of(self, code: str, operation: str) -> Breaker:
        """Give the breaker of a provider's operation."""
        key = (code, operation)
        if key not in self._breakers:
            self._breakers[key] = Breaker(self._rules, self._clock)
        return self._breakers[key]

    def apply(self, switches: Mapping[tuple[str, str], bool]) -> None:
        """Follow the by-hand switches, (provider, operation) → True to hold open, False to reset.

        Only a change acts: a False that stays does not close what has tripped by itself since. A
        True that is gone is a reset.
        """
        for key, is_tripped in switches.items():
            if self._switches.get(key) is is_tripped:
                continue
            breaker = self.of(*key)
            breaker.trip("by hand") if is_tripped else breaker.reset()
        for key, was_tripped in self._switches.items():
            if was_tripped and key not in switches:
                self.of(*key).reset()
        self._switches = dict(switches)

    def states(self) -> dict[tuple[str, str], State]:
        """Give the state of each breaker that was used so far."""
        return {key: breaker.state for key, breaker in self._breakers.items()}
