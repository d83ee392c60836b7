"""Promises about the order in which authentic notifications arrive: it decides nothing."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

from gateway.domain.attempt import AttemptState, Fact, Standing, judge
from gateway.domain.evidence import Outcome, Rank
from gateway.kit.abilities import ConfirmsOrders, Notifies, OrderAnswer, Payability
from gateway.kit.messages import Notification
from gateway.testing.subject import Subject, needs

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


class PromisesOfOrder(Subject):
    """What the house makes of this provider's notifications, whichever comes first."""

    @needs(Notifies)
    def test_any_order_of_authentic_notifications_ends_in_the_same_state(self) -> None:
        told = [self._told(code) for code in self._one_code_an_outcome().values()]
        ends = {_end(order) for order in permutations(told)}
        assert len(ends) == 1, f"the order decides between {sorted(ends)}"

    @needs(Notifies)
    def test_a_success_stands_before_and_after_whatever_is_no_failure(self) -> None:
        codes = self._one_code_an_outcome()
        codes.pop(Outcome.FAILED, None)
        if self.told is not Outcome.SUCCEEDED:
            return  # no notification of this provider proves a success
        told = [self._told(code) for code in codes.values()]
        twice = self._told(codes[Outcome.SUCCEEDED])
        assert {_end((*order, twice)) for order in permutations(told)} == {AttemptState.SUCCEEDED}

    @needs(ConfirmsOrders)
    def test_no_answer_but_payable_is_the_one_that_lets_a_payer_be_charged(self) -> None:
        provider = self.provider()
        said = {why: provider.answer_question(None, OrderAnswer(why, 1)) for why in Payability}
        charge = said.pop(Payability.PAYABLE)
        assert charge not in said.values()

    def _one_code_an_outcome(self) -> dict[Outcome, str]:
        return {outcome: code for code, outcome in self.codes["notified"].items()}

    def _told(self, code: str) -> Notification:
        order = self.order()
        read: Notification = self.provider().read_notification(
            self.notified(order, self.said(order, code))
        )
        return read


def _end(told: tuple[Notification, ...]) -> AttemptState:
    stands = Standing(AttemptState.WAITING, Rank.QUERY, NOW + timedelta(hours=1), timedelta(0))
    for number, notification in enumerate(told):
        at = NOW + timedelta(seconds=number)
        stands = judge(stands, Fact(Rank.NOTIFICATION, notification.finding, at)).standing
    return stands.state
