"""A wallet that asks the gateway before it charges, so that nobody pays for nothing."""

from gateway.sandbox.plays import PlayStage
from gateway.sandbox.provider_play import ProviderPlay, RailAt
from gateway.sandbox.rails import MORE_RAILS
from gateway.sandbox.scenario import SceneFailed

TITLE = "Viettel Money, which asks before it charges: a payment that was given up meanwhile"
PARTS = tuple(rail for rail in MORE_RAILS if rail.code == "viettelmoney")


def perform(stage: PlayStage) -> None:
    """Pay a bill there, then let a payer try to pay what was given up meanwhile.

    Raises:
        SceneFailed: an answer is not what it must be.
    """
    rail = stage.rails["viettelmoney"]
    with ProviderPlay(stage.stage, (), stage.say) as play:
        play.pay(1, rail)
        _given_up(stage, play, rail)


def _given_up(stage: PlayStage, play: ProviderPlay, rail: RailAt) -> None:
    payment = play.begin(rail)
    play.visit(payment)
    given_up = play.cancel(payment)
    stage.say(f"2. Another payer has {rail.title}'s page open; the payment is given up")
    stage.say(f"   {given_up['status']}: {rail.title} has no call that closes an order")
    play.act(rail, payment)
    if play.charges(rail, payment):
        message = f"{rail.title} charged a payer for a payment that was given up"
        raise SceneFailed(message)
    ended = play.await_status(payment, "cancelled")
    code = ended["attempts"][-1]["code"]
    stage.say(f"   the payer approves all the same; {rail.title} asks, and the gateway says no")
    stage.say(f"   {ended['status']}, {ended['certainty']}, code {code}; nothing was charged")
