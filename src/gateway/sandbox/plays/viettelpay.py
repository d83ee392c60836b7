"""ViettelPay asks before it charges: a lost result, and a bill that a bank paid first."""

from gateway.sandbox.plays import PlayStage
from gateway.sandbox.provider_play import ProviderPlay, RailAt
from gateway.sandbox.rails import MORE_RAILS
from gateway.sandbox.scenario import Json, SceneFailed, dong

TITLE = "ViettelPay asks before it charges; a lost result is found, a paid bill is refused in time"
PARTS = tuple(rail for rail in MORE_RAILS if rail.code == "viettelpay")


def perform(stage: PlayStage) -> None:
    """Pay one bill whose result is lost; refuse another before any money is taken.

    Raises:
        SceneFailed: an answer is not what it must be.
    """
    with ProviderPlay(stage.stage, (), stage.say) as play:
        _found_out(stage, play, stage.rails["viettelpay"])
        _refused_in_time(stage, play, stage.rails["viettelpay"])


def _found_out(stage: PlayStage, play: ProviderPlay, rail: RailAt) -> None:
    payment = _begin(play, rail)
    stage.say("1. A payer goes to ViettelPay's page: GET /PaymentGateway/payment, signed by us")
    stage.say(f"   201 {payment['id']} {payment['status']}, {dong(payment['amount_dong'])}")
    play.plan(rail, "notify", "missing")
    play.act(rail, payment)
    _expect_charges(play, rail, payment, 1)
    stage.say(
        "   the payer enters the PIN; ViettelPay first asks POST /v1/confirmations/viettelpay"
    )
    stage.say("   we hold that amount, and the bill is still open: payable, so it charges, once")
    settled = play.await_status(payment)
    evidence = play.ranks(payment)
    if not evidence[-1].startswith("query"):
        message = f"the payment was not proved by a query: {evidence[-1]}"
        raise SceneFailed(message)
    stage.say("   its result is lost on the way; TRANS_INQUIRY by our reference finds the money:")
    for line in evidence:
        stage.say(f"     {line}")
    stage.say(f"   {settled['status']}, certainty {settled['certainty']}")


def _refused_in_time(stage: PlayStage, play: ProviderPlay, rail: RailAt) -> None:
    payment = _begin(play, rail)
    paid = play.collect(payment, status=201)
    stage.say(
        "2. Another payer still looks at ViettelPay's page when a bank collects the same bill"
    )
    stage.say(f"   the bank: 201 {paid['id']} {paid['status']}")
    play.act(rail, payment)
    _expect_charges(play, rail, payment, 0)
    failed = play.await_status(payment, "failed")
    if failed["refund"] is not None:
        message = f"nothing was taken, and yet a refund is {failed['refund']}"
        raise SceneFailed(message)
    code = failed["attempts"][-1]["code"]
    stage.say("   the payer enters the PIN; ViettelPay asks, and we answer 02: no longer payable")
    for line in play.ranks(payment):
        stage.say(f"     {line}")
    stage.say(f"   it ends with {code}, nothing was taken, so nothing must be given back")
    stage.say(f"   {failed['status']}, certainty {failed['certainty']}")


def _begin(play: ProviderPlay, rail: RailAt) -> Json:
    payment = play.begin(rail)
    play.visit(payment)
    return payment


def _expect_charges(play: ProviderPlay, rail: RailAt, payment: Json, many: int) -> None:
    taken = len(play.charges(rail, payment))
    if taken != many:
        message = f"{rail.title} charged {taken} times, not {many}"
        raise SceneFailed(message)
