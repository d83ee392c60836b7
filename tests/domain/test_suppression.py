"""What is hidden cannot be computed: held against every table that the shown cells allow."""

from collections.abc import Iterator, Sequence
from itertools import product
from random import Random

import pytest

from gateway.domain.suppression import LEAST_SHOWN, Table, suppress

MOST = 12
"""As many as two cells hold together, so that no bound of ours decides what is possible."""


def completions(shown: Table, rows: int, columns: int) -> Iterator[list[list[int]]]:
    """Give every table of counts that agrees with what is shown, totals included."""
    inner = [
        [range(MOST + 1) if shown[r][c] is None else [shown[r][c]] for c in range(columns)]
        for r in range(rows)
    ]
    kept = [
        [
            list(row)
            for row in product(*inner[r])
            if shown[r][columns] in (None, sum(cell or 0 for cell in row))
        ]
        for r in range(rows)
    ]
    for table in product(*kept):
        sums = [sum(cell or 0 for cell in column) for column in zip(*table, strict=True)]
        totals = [*sums, sum(sums)]
        if all(a in (None, b) for a, b in zip(shown[rows], totals, strict=True)):
            yield [[cell or 0 for cell in row] for row in table]


def small_tables() -> Iterator[list[list[int]]]:
    random = Random(5)  # noqa: S311 (invented data, not a secret)
    for _ in range(12):
        yield [[random.choice((0, 1, 2, 4, 5, 6)) for _ in range(2)] for _ in range(3)]


TABLES = list(small_tables())


@pytest.mark.parametrize("counts", TABLES, ids=map(str, range(len(TABLES))))
def test_no_small_cell_can_be_computed_from_what_is_shown(counts: Sequence[Sequence[int]]) -> None:
    shown = suppress(counts)
    small = [(r, c) for r, c in product(range(3), range(2)) if 0 < counts[r][c] < LEAST_SHOWN]
    values: dict[tuple[int, int], set[int]] = {cell: set() for cell in small}
    for table in completions(shown, 3, 2):
        for r, c in small:
            values[r, c].add(table[r][c])
        if all(len(found) > 1 for found in values.values()):
            return
    assert not small, (shown, values)


@pytest.mark.parametrize("counts", TABLES[:6], ids=map(str, range(6)))
def test_what_is_shown_is_true(counts: Sequence[Sequence[int]]) -> None:
    for shown, row in zip(suppress(counts), counts, strict=False):
        whole = [*row, sum(row)]
        assert all(a in (None, b) for a, b in zip(shown, whole, strict=True))


def test_a_table_of_large_counts_is_shown_whole() -> None:
    assert suppress([[50, 60], [70, 80]]) == [[50, 60, 110], [70, 80, 150], [120, 140, 260]]


def test_nobody_is_shown_as_nobody() -> None:
    assert suppress([[50, 0]], has_column_totals=False) == [[50, 0, 50]]


def test_two_small_cells_that_are_few_together_take_a_third_with_them() -> None:
    assert suppress([[1, 2, 40, 90]], has_column_totals=False) == [[None, None, None, 90, 133]]
