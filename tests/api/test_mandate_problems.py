"""Every refusal of a mandate or a run has its entry, and says that nothing moved."""

from gateway.api.mandate_problems import MANDATE_TABLE
from gateway.domain import mandate_refusals
from gateway.domain.calendar import CalendarUnknown
from gateway.domain.errors import CallerError


def test_every_refusal_is_in_the_table_and_nothing_moved() -> None:
    kinds = [k for k in vars(mandate_refusals).values() if isinstance(k, type)]
    codes = {k.code for k in kinds if issubclass(k, CallerError) and k is not CallerError}
    assert codes | {CalendarUnknown.code} == set(MANDATE_TABLE)
    assert not any(entry.money_may_have_moved for entry in MANDATE_TABLE.values())
