"""Values between the house and a bank: they do not change on their way."""

from dataclasses import FrozenInstanceError

import pytest

from gateway.kit.mandate_messages import AfterFailure, MandateSaid


def test_what_a_bank_said_is_not_changed_on_its_way() -> None:
    said = MandateSaid(None)
    with pytest.raises(FrozenInstanceError):
        said.code = "00"  # type: ignore[misc]


def test_there_are_four_things_that_may_follow_a_failure() -> None:
    assert sorted(AfterFailure) == ["cancel", "give_up", "retry", "suspend"]
