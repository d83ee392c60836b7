"""A breaker trips on silence, lets one probe through, and obeys a hand."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.kit.breaker import Breaker, Breakers, Permit, Rules, State

RULES = Rules(calls=20, calls_min=5, window_s=60.0, open_s=15.0)


class Time:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def breaker(time: Time) -> Breaker:
    return Breaker(RULES, time)


def call(breaker: Breaker, *, answered: bool | None) -> bool:
    permit = breaker.admit()
    if permit is not None:
        breaker.settle(permit, answered=answered)
    return permit is not None


def fail(breaker: Breaker, times: int = RULES.calls_min) -> None:
    for _ in range(times):
        call(breaker, answered=False)


def test_it_trips_when_half_of_the_last_calls_were_not_answered(breaker: Breaker) -> None:
    for answered in (True, True, True, False, False):
        call(breaker, answered=answered)
    assert breaker.state is State.CLOSED
    call(breaker, answered=False)
    assert breaker.state is State.OPEN
    assert breaker.admit() is None


def test_fewer_calls_than_the_least_number_trip_nothing(breaker: Breaker) -> None:
    fail(breaker, RULES.calls_min - 1)
    assert breaker.state is State.CLOSED


def test_calls_that_ended_before_the_window_are_forgotten(breaker: Breaker, time: Time) -> None:
    fail(breaker, RULES.calls_min - 1)
    time.now += RULES.window_s + 1
    fail(breaker, 1)
    assert breaker.state is State.CLOSED


def test_only_the_last_calls_count(breaker: Breaker) -> None:
    for _ in range(RULES.calls):
        call(breaker, answered=True)
    fail(breaker, RULES.calls // 2 - 1)
    assert breaker.state is State.CLOSED
    fail(breaker, 1)
    assert breaker.state is State.OPEN


def test_calls_that_say_nothing_of_the_provider_never_count(breaker: Breaker) -> None:
    for _ in range(100):
        call(breaker, answered=None)
    assert breaker.state is State.CLOSED


def test_half_open_lets_one_probe_through_and_refuses_the_others(
    breaker: Breaker, time: Time
) -> None:
    fail(breaker)
    time.now += RULES.open_s
    assert breaker.state is State.HALF_OPEN
    probe = breaker.admit()
    assert probe is not None
    assert probe.is_probe
    assert [breaker.admit() for _ in range(20)] == [None] * 20


def test_an_answered_probe_closes_it(breaker: Breaker, time: Time) -> None:
    fail(breaker)
    time.now += RULES.open_s
    assert call(breaker, answered=True)
    assert breaker.state is State.CLOSED


def test_a_silent_probe_opens_it_for_as_long_again(breaker: Breaker, time: Time) -> None:
    fail(breaker)
    time.now += RULES.open_s
    call(breaker, answered=False)
    time.now += RULES.open_s - 1
    assert breaker.state is State.OPEN
    time.now += 1
    assert breaker.state is State.HALF_OPEN


def test_a_probe_that_was_cancelled_leaves_room_for_another(breaker: Breaker, time: Time) -> None:
    fail(breaker)
    time.now += RULES.open_s
    call(breaker, answered=None)
    assert call(breaker, answered=True)


def test_a_call_from_before_the_trip_does_not_pass_for_the_probe(
    breaker: Breaker, time: Time
) -> None:
    old = breaker.admit()
    assert old is not None
    fail(breaker)
    breaker.settle(old, answered=True)
    assert breaker.state is State.OPEN
    time.now += RULES.open_s
    probe = breaker.admit()
    assert probe is not None
    breaker.settle(old, answered=False)
    breaker.settle(probe, answered=True)
    assert breaker.state is State.CLOSED


def test_a_hand_holds_it_open_until_a_hand_resets_it(breaker: Breaker, time: Time) -> None:
    breaker.trip("provider announced maintenance")
    time.now += 10_000
    assert breaker.state is State.OPEN
    assert breaker.held_because == "provider announced maintenance"
    breaker.reset()
    assert breaker.state is State.CLOSED
    assert breaker.held_because is None


def test_each_operation_of_each_provider_has_its_own(time: Time) -> None:
    breakers = Breakers(RULES, time)
    fail(breakers.of("acme", "create"))
    assert breakers.of("acme", "create").state is State.OPEN
    assert breakers.of("acme", "query").state is State.CLOSED
    assert breakers.of("other", "create").state is State.CLOSED
    assert breakers.states()["acme", "create"] is State.OPEN


CREATE = ("acme", "create")


def test_a_switch_holds_its_breaker_and_taking_it_away_releases_it(time: Time) -> None:
    breakers = Breakers(RULES, time)
    breakers.apply({CREATE: True})
    assert breakers.of(*CREATE).state is State.OPEN
    assert breakers.of("acme", "query").state is State.CLOSED
    breakers.apply({})
    assert breakers.of(*CREATE).state is State.CLOSED


def test_a_switch_put_to_off_resets_once_and_not_again(time: Time) -> None:
    breakers = Breakers(RULES, time)
    fail(breakers.of(*CREATE))
    breakers.apply({CREATE: False})
    assert breakers.of(*CREATE).state is State.CLOSED
    fail(breakers.of(*CREATE))
    breakers.apply({CREATE: False})
    assert breakers.of(*CREATE).state is State.OPEN


class BreakerMachine(RuleBasedStateMachine):
    """Any calls, at once or not, any times, any hands: the promises hold all the same."""

    def __init__(self) -> None:
        super().__init__()
        self.time = Time()
        self.breaker = Breaker(RULES, self.time)
        self.flying: list[Permit] = []
        self.probes_out = 0
        self.is_held = False
        self.failures_since_close = 0

    @rule()
    def admit(self) -> None:
        state = self.breaker.state
        permit = self.breaker.admit()
        if permit is None:
            assert state is not State.CLOSED
            return
        assert state is not State.OPEN
        assert permit.is_probe is (state is State.HALF_OPEN)
        self.flying.append(permit)

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), answered=st.sampled_from([True, False, None]))
    def settle(self, data: st.DataObject, answered: Any) -> None:
        permit = self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1)))
        before = self.breaker.state
        self.breaker.settle(permit, answered=answered)
        after = self.breaker.state
        if answered is None:
            assert after is before
        if before is State.CLOSED and after is not before:
            assert answered is False
        if before is State.OPEN:
            assert after is State.OPEN

    @rule(seconds=st.sampled_from([0.1, 5.0, RULES.open_s, RULES.window_s]))
    def wait(self, seconds: float) -> None:
        before = self.breaker.state
        self.time.now += seconds
        if before is State.CLOSED or self.is_held:
            assert self.breaker.state is before

    @rule()
    def trip(self) -> None:
        self.breaker.trip("by hand")
        self.is_held = True

    @rule()
    def reset(self) -> None:
        self.breaker.reset()
        self.is_held = False
        assert self.breaker.state is State.CLOSED

    @invariant()
    def a_held_breaker_lets_nothing_through(self) -> None:
        if self.is_held:
            assert self.breaker.state is State.OPEN

    @invariant()
    def at_most_one_probe_is_out(self) -> None:
        if self.breaker.state is State.HALF_OPEN:
            live = [p for p in self.flying if p.is_probe and p.era == self.breaker._era]
            assert len(live) <= 1


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
