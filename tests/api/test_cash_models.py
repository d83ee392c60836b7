"""What the cash phase-out takes over HTTP."""

import pytest
from pydantic import ValidationError

from gateway.api.cash_models import AssistIn, ComplaintIn, ScheduleIn

PLAN = {
    "announced_on": "2026-10-01",
    "without_phone_from": "2026-12-01",
    "ends_on": "2027-03-01",
    "caps_step_percent": 10,
    "complaints_max": 2,
    "arrears_percent_max": 50,
}


def test_a_whole_plan_is_read() -> None:
    assert ScheduleIn.model_validate(PLAN).complaints_max == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"ends_on": "2027-02-30"},
        {"ends_on": None},
        {"caps_step_percent": 101},
        {"arrears_percent_max": -1},
        {"complaints_max": True},
        {"more": 1},
    ],
    ids=str,
)
def test_a_plan_that_says_no_plan_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ScheduleIn.model_validate(PLAN | changed)


def test_help_and_complaints_name_whom_they_are_about() -> None:
    with pytest.raises(ValidationError):
        AssistIn.model_validate({"collector": "an"})
    with pytest.raises(ValidationError):
        ComplaintIn.model_validate({"area_code": "32008", "words": ""})
