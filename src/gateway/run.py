"""`gateway run` and `gateway demo`: the whole house started, and what it does shown."""

import os
from collections.abc import Callable, Sequence

from gateway.house import DEMO_KEYS, DEMO_PASSWORD, DEMO_SECRET, DEMO_USERS, House, Plan, open_house
from gateway.sandbox import scenario
from gateway.sandbox.plays import Play, PlayStage
from gateway.sandbox.processes import PartFailed
from gateway.sandbox.provider_play import ProviderPlay, RailAt
from gateway.sandbox.rails import RAILS

say: Callable[[str], None] = print


def run(wanted: Plan, *, exits: bool) -> None:
    """Start everything, show the main job done, and stay until Ctrl-C.

    Args:
        wanted: what to run and where.
        exits: end after the scenario, for scripts and tests.

    Raises:
        PartFailed: a part did not start, or the scenario did not end as it must.
    """
    with open_house(wanted, RAILS) as house:
        play(house.stage, house.rails)
        _show(house.stage, house.rails)
        _stay(exits=exits)


def demo(wanted: Plan, channel: Play, *, stays: bool) -> None:
    """Start the house with one channel's other side, and show that channel from end to end.

    Raises:
        PartFailed: a part did not start, or the play did not end as it must.
    """
    with open_house(wanted, channel.parts) as house:
        say("")
        try:
            channel.perform(_play_stage(house))
        except scenario.SceneFailed as failed:
            message = f"the demo of {channel.title} failed: {failed}"
            raise PartFailed(message) from failed
        _stay(exits=not stays)


def play(stage: scenario.Stage, rails: Sequence[RailAt] = ()) -> None:
    """Show the main job done.

    Raises:
        PartFailed: an answer was not what it must be.
    """
    say("")
    try:
        scenario.Play(stage, say).perform()
        if rails:
            with ProviderPlay(stage, rails, say) as second_half:
                second_half.perform()
    except scenario.SceneFailed as failed:
        message = f"the scenario failed: {failed}"
        raise PartFailed(message) from failed


def _show(stage: scenario.Stage, rails: Sequence[RailAt]) -> None:
    say("")
    say(f"API docs        {stage.gateway}/docs   reference {stage.gateway}/reference")
    say(f"Pay a bill      {stage.gateway}/pay   check a receipt {stage.gateway}/verify")
    say(f"Pilot           {stage.gateway}/public/pilot   signed in {stage.gateway}/pilot")
    say(f"Sign in         {', '.join(user.name for user in DEMO_USERS)}")
    say(f"                password {DEMO_PASSWORD}, app {DEMO_SECRET}")
    say(f"Billing system  {stage.billing_system}/")
    for rail in rails:
        say(f"{rail.title:<16}{rail.url}/payer/… (the page of an order, simulated)")
    say("Test keys       " + "\n                ".join(f"{k}: {v}" for k, v in DEMO_KEYS.items()))
    say("")
    say("Try it; these three work as they stand (look up, pay, the same again):")
    for line in scenario.curl_lines(stage):
        say("")
        say(line)
    say("")


def _play_stage(house: House) -> PlayStage:
    rails = {rail.code: rail for rail in house.rails}
    return PlayStage(house.stage, rails, house.command, DEMO_KEYS, say)


def _stay(*, exits: bool) -> None:
    if exits:
        return
    say("Running. Ctrl-C stops everything; what is paid stays paid.")
    try:
        while True:
            pid, status = os.waitpid(-1, 0)
            message = f"process {pid} ended with {os.waitstatus_to_exitcode(status)}; see the logs"
            raise PartFailed(message)
    except KeyboardInterrupt:
        say("Stopping …")
