"""The ability to ask before a charge, as the house sees it."""

from gateway.domain.biller import Channel
from gateway.kit.abilities import Config, ConfirmsOrders, OrderAnswer, Payability, Question
from gateway.kit.messages import Acknowledgement, Incoming


class Plain(ConfirmsOrders[Config]):
    """Signs nothing together with our amount."""

    code = "plain"
    title = "Plain"
    channels = frozenset({Channel.QR})
    Config = Config

    @property
    def merchant(self) -> str:
        return "EVN"

    def read_question(self, incoming: Incoming) -> Question:
        return Question("att_1")

    def answer_question(self, question: Question | None, answer: OrderAnswer) -> Acknowledgement:
        return Acknowledgement(200, answer.payability.encode())


def test_a_rail_that_signs_its_question_whole_need_not_check_it_again() -> None:
    rail = Plain(Config())
    rail.check_question(rail.read_question(Incoming("POST")), 150_000)


def test_every_answer_of_the_house_reaches_the_rail_as_another() -> None:
    rail = Plain(Config())
    said = {rail.answer_question(None, OrderAnswer(why)).body for why in Payability}
    assert len(said) == len(Payability)
