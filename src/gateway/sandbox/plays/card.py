"""A card on a hosted page: no number of it ever reaches the gateway."""

from gateway.sandbox.plays import PlayStage
from gateway.sandbox.provider_play import ProviderPlay
from gateway.sandbox.rails import MORE_RAILS, RAILS

TITLE = "a card, on OnePay's hosted page and, after a failed 3-D Secure, on NAPAS's"
PARTS = tuple(rail for rail in (*RAILS, *MORE_RAILS) if rail.code in {"onepay", "napas"})
_AUTHENTICATION_FAILED = "F"


def perform(stage: PlayStage) -> None:
    """Pay one bill with a card, and another at the second try.

    Raises:
        SceneFailed: an answer is not what it must be.
    """
    onepay = stage.rails["onepay"]
    with ProviderPlay(stage.stage, (), stage.say) as play:
        play.pay(1, onepay)
        play.control(onepay, "onepay", declined=_AUTHENTICATION_FAILED)
        payment = play.begin(onepay)
        play.visit(payment)
        play.act(onepay, payment, "decline")
        failed = play.await_status(payment, "failed")
        code = failed["attempts"][-1]["code"]
        stage.say(f"2. Another payer cannot pass the bank's 3-D Secure: OnePay's code {code}")
        stage.say(
            f"   {failed['status']}; may the payer pay again? {failed['may_payer_pay_again']}"
        )
        _try_at_napas(stage, play, failed)
        play.control(onepay, "onepay")


def _try_at_napas(stage: PlayStage, play: ProviderPlay, failed: dict[str, object]) -> None:
    napas = stage.rails["napas"]
    tried = play.try_again(failed, napas)
    stage.say("3. The payer takes another card, at NAPAS: POST /v1/payments/{id}/attempts")
    stage.say(f"   {tried['id']} is the same payment, attempt {len(tried['attempts'])}")
    play.visit(tried)
    play.act(napas, tried)
    settled = play.await_status(tried)
    stage.say(f"   {settled['status']}, certainty {settled['certainty']}; what moved it:")
    for line in play.ranks(settled):
        stage.say(f"     {line}")
