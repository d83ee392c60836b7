"""The codes of reports are in the one table, and say that no money moved."""

from gateway.api.problem_table import TABLE
from gateway.api.report_problems import REPORT_TABLE
from gateway.domain.pilot import PilotUnknown
from gateway.flows.exports import NothingToExport


def test_the_codes_are_those_of_the_errors_and_move_no_money() -> None:
    assert {PilotUnknown.code, NothingToExport.code} == REPORT_TABLE.keys()
    assert REPORT_TABLE.items() <= TABLE.items()
    assert not any(entry.money_may_have_moved for entry in REPORT_TABLE.values())
