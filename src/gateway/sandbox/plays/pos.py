"""A card at a counter's terminal, and one whose terminal got no answer from its host."""

from gateway.sandbox.plays import PlayStage
from gateway.sandbox.provider_play import ProviderPlay
from gateway.sandbox.rails import MORE_RAILS, RAILS
from gateway.sandbox.scenario import SceneFailed, dong

TITLE = "a sale pushed to a POS terminal; one times out, is reversed, and is paid another way"
PARTS = tuple(rail for rail in (*RAILS, *MORE_RAILS) if rail.code in {"pospush", "onepay"})
WARD_2, WARD_5 = "WARD2-01", "WARD5-01"


def perform(stage: PlayStage) -> None:
    """Take a card at the counter of ward 2; time out in ward 5, prove the reversal, pay again.

    Raises:
        SceneFailed: an answer is not what it must be.
    """
    with ProviderPlay(stage.stage, (), stage.say) as play:
        _approved(stage, play)
        _timed_out(stage, play)


def _approved(stage: PlayStage, play: ProviderPlay) -> None:
    pos = stage.rails["pospush"]
    payment = play.begin(pos, option=WARD_2)
    stage.say(f"1. At the counter of ward 2 a sale is pushed to terminal {WARD_2}")
    stage.say(f"   201 {payment['id']} {payment['status']}, {dong(payment['amount_dong'])}")
    play.act(pos, payment)
    settled = play.await_status(payment)
    stage.say("   the payer presents a card; the signed result settles it")
    stage.say(
        f"   {settled['status']}, certainty {settled['certainty']}, by {play.ranks(payment)[-1]}"
    )


def _timed_out(stage: PlayStage, play: ProviderPlay) -> None:
    pos = stage.rails["pospush"]
    payment = play.begin(pos, option=WARD_5)
    reference = payment["attempts"][-1]["reference"]
    play.act(pos, payment, "process")
    play.control(pos, "terminal", reference=reference, does="time_out")
    play.plan(pos, "notify", "missing")
    stage.say(f"2. Terminal {WARD_5} has the card and no answer from the host: TIMEOUT")
    unsure = play.await_status(payment, "processing")
    again = unsure["may_payer_pay_again"]
    stage.say(f"   {unsure['status']}, {unsure['certainty']}; may the payer pay again? {again}")
    failed = play.await_status(payment, "failed")
    evidence = play.ranks(payment)
    if not evidence[-1].startswith("query"):
        message = f"the reversal was not proved by a query: {evidence[-1]}"
        raise SceneFailed(message)
    stage.say("   the terminal reverses by itself, its notices are lost, and our query proves it:")
    for line in evidence:
        stage.say(f"     {line}")
    stage.say(f"   {failed['status']}; may the payer pay again? {failed['may_payer_pay_again']}")
    _pay_another_way(stage, play, failed)


def _pay_another_way(stage: PlayStage, play: ProviderPlay, failed: dict[str, object]) -> None:
    onepay = stage.rails["onepay"]
    tried = play.try_again(failed, onepay)
    stage.say("3. The payer pays the same bill on a hosted page instead, one payment all along")
    play.visit(tried)
    play.act(onepay, tried)
    settled = play.await_status(tried)
    tries = ", ".join(f"{a['provider']} {a['state']}" for a in settled["attempts"])
    stage.say(f"   {settled['status']}, certainty {settled['certainty']}; attempts: {tries}")
