"""A card on a hosted page: no number of it ever reaches the gateway."""

from gateway.sandbox.plays import PlayStage
from gateway.sandbox.provider_play import ProviderPlay
from gateway.sandbox.rails import RAILS

TITLE = "a card, on OnePay's hosted page"
PARTS = tuple(rail for rail in RAILS if rail.code == "onepay")


def perform(stage: PlayStage) -> None:
    """Pay one bill with a card.

    Raises:
        SceneFailed: an answer is not what it must be.
    """
    with ProviderPlay(stage.stage, (), stage.say) as play:
        play.pay(1, stage.rails["onepay"])
