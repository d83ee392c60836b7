"""How the refusals about cash are answered."""

from gateway.api.cash_problems import CASH_TABLE
from gateway.api.problem_table import TABLE
from gateway.domain import cash_refusals
from gateway.domain.errors import CallerError


def test_every_refusal_about_cash_has_its_answer_and_moves_no_money() -> None:
    refusals = [
        kind.code
        for kind in vars(cash_refusals).values()
        if isinstance(kind, type) and issubclass(kind, CallerError) and kind is not CallerError
    ]
    assert refusals
    answered = {code for code in refusals if code in TABLE}
    assert set(refusals) - answered <= {"cash_not_to_give_back"}  # met by command alone
    assert not any(entry.money_may_have_moved for entry in CASH_TABLE.values())
    assert {entry.status for entry in CASH_TABLE.values()} <= {404, 409, 422}
