"""Every refusal of field cash has its entry, and says that nothing moved."""

from gateway.api.cash_problems import CASH_TABLE
from gateway.domain import cash_refusals
from gateway.domain.cash_refusals import CashNotToGiveBack
from gateway.domain.errors import CallerError


def test_every_refusal_a_route_can_give_is_in_the_table_and_nothing_moved() -> None:
    kinds = [k for k in vars(cash_refusals).values() if isinstance(k, type)]
    codes = {k.code for k in kinds if issubclass(k, CallerError) and k is not CallerError}
    # Cash is given back by an operator's command, by no route.
    assert codes - {CashNotToGiveBack.code} == set(CASH_TABLE)
    assert not any(entry.money_may_have_moved for entry in CASH_TABLE.values())
