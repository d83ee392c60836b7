import re
from collections.abc import Iterator

import pytest

from gateway.domain import errors, refusals
from gateway.domain.errors import (
    CallerError,
    Fault,
    GatewayError,
    InvariantBroken,
    JsonMalformed,
    OutcomeUnknown,
    RequestInvalid,
    Unavailable,
    ensure,
    present,
)


def families(root: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    for child in root.__subclasses__():
        yield child
        yield from families(child)


HERE = {errors.__name__, refusals.__name__}
ALL = [kind for kind in families() if kind.__module__ in HERE]
LEAVES = [kind for kind in ALL if not kind.__subclasses__() and kind is not InvariantBroken]


def test_what_does_not_hold_stops_the_move() -> None:
    with pytest.raises(InvariantBroken, match="a transfer moves a positive amount"):
        ensure(False, "a transfer moves a positive amount")  # noqa: FBT003 (reads as a sentence)


def test_what_holds_goes_on() -> None:
    ensure(True, "one is one")  # noqa: FBT003 (reads as a sentence)


def test_a_broken_invariant_is_not_the_callers_fault() -> None:
    assert not issubclass(InvariantBroken, CallerError | Unavailable)


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_an_error_belongs_to_one_family(kind: type[GatewayError]) -> None:
    assert issubclass(kind, CallerError) != issubclass(kind, Unavailable)


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_an_error_has_a_code_of_its_own_named_like_its_class(kind: type[GatewayError]) -> None:
    words = "_".join(re.findall("[A-Z][a-z]*", kind.__name__)).lower()
    assert kind.code == words


def test_no_two_errors_share_a_code() -> None:
    codes = [kind.code for kind in LEAVES]
    assert len(codes) == len(set(codes))
    assert len(codes) > 20


def test_a_refused_request_names_five_fields_and_lists_all() -> None:
    faults = tuple(Fault(f"bills.{n}", "is wrong") for n in range(7))
    error = RequestInvalid(faults)
    assert "'bills.4'" in error.detail
    assert "'bills.5'" not in error.detail
    assert error.faults == faults


def test_an_error_speaks_both_languages() -> None:
    error = JsonMalformed("NaN")
    assert error.detail == str(error) == "the body is not acceptable JSON: NaN"
    assert error.detail_vi == "nội dung gửi lên không phải JSON hợp lệ: NaN"


def test_an_unknown_outcome_is_not_said_to_have_failed() -> None:
    error = OutcomeUnknown()
    assert isinstance(error, Unavailable)
    assert not isinstance(error, CallerError)
    assert "may have been made" in error.detail
    assert error.retry_after_s > 0


def test_what_must_be_there_is_given_and_what_is_not_stops_the_move() -> None:
    assert present(0, "a bill has its amount") == 0
    with pytest.raises(InvariantBroken, match="a bill has its amount"):
        present(None, "a bill has its amount")
