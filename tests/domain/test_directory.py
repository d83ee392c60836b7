import pytest

from gateway.domain.biller import Biller, read_rules
from gateway.domain.directory import EMPTY, Directory

RULES = read_rules({"customer_code_pattern": "PB14[0-9]{9}"})


def test_an_empty_directory_accepts_nobody() -> None:
    assert not EMPTY.callers
    assert not EMPTY.billers
    assert EMPTY.biller_ids == []


def test_an_empty_directory_is_older_than_any_of_the_database() -> None:
    assert EMPTY.version < 1


def test_a_snapshot_cannot_be_changed_under_a_request() -> None:
    with pytest.raises(AttributeError):
        EMPTY.version = 2  # type: ignore[misc]


def test_the_ids_of_all_billers_are_given() -> None:
    billers = [Biller(n, f"biller-{n}", "", 1, RULES, n) for n in (3, 5)]
    directory = Directory(1, {b.code: b for b in billers}, {b.id: b for b in billers}, {}, {})
    assert directory.biller_ids == [3, 5]
