"""Two lists of one day, line by line."""

import pytest

from gateway.domain.paid_list import Ours, Theirs, Verdict, compare

HERE = Ours("r1", "HD1", 100, is_cleared=True, is_undone=False, is_of_the_day=True)
DOUBTED = Ours("r1", "HD1", 100, is_cleared=False, is_undone=False, is_of_the_day=True)
UNDONE = Ours("r1", "HD1", 100, is_cleared=False, is_undone=True, is_of_the_day=True)
OTHER_DAY = Ours("r1", "HD1", 100, is_cleared=True, is_undone=False, is_of_the_day=False)
THERE = Theirs("r1", "HD1", 100, is_undone=False)
TAKEN_BACK = Theirs("r1", "HD1", 100, is_undone=True)


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ([HERE], [THERE], Verdict.MATCHED),
        ([HERE], [], Verdict.MISSING_THERE),
        ([], [THERE], Verdict.MISSING_HERE),
        ([HERE], [Theirs("r1", "HD1", 99, is_undone=False)], Verdict.AMOUNT_DIFFERS),
        ([HERE], [Theirs("r1", "HD2", 100, is_undone=False)], Verdict.AMOUNT_DIFFERS),
        ([HERE], [TAKEN_BACK], Verdict.STATE_DIFFERS),
        ([DOUBTED], [THERE], Verdict.STATE_DIFFERS),
        ([UNDONE], [THERE], Verdict.STATE_DIFFERS),
        ([UNDONE], [THERE, TAKEN_BACK], Verdict.REVERSED),
        ([UNDONE], [TAKEN_BACK, THERE], Verdict.REVERSED),
        ([OTHER_DAY], [THERE], Verdict.MATCHED),
    ],
)
def test_a_line_has_one_verdict(ours: list[Ours], theirs: list[Theirs], verdict: Verdict) -> None:
    [found] = compare(ours, theirs)
    assert found.verdict is verdict


@pytest.mark.parametrize("ours", [DOUBTED, UNDONE, OTHER_DAY])
def test_what_we_do_not_claim_for_this_day_is_not_missing(ours: Ours) -> None:
    assert list(compare([ours], [])) == []
