"""Small cells hidden, so that a public table tells of groups and never of a few people.

A count of one to four people is hidden. So is, in each line with a hidden cell, enough else that
the hidden one cannot be computed from the line's total, by any combination of lines: hidden cells
that no cycle of hidden cells runs through would be (a line is a row or a column, totals included).
Where all that a line hides is fewer than five people together, it hides more.
"""

import sys
from collections.abc import Iterator, Sequence

LEAST_SHOWN = 5

_Cell = tuple[int, int]
_Hidden = set[_Cell]
Table = list[list[int | None]]


def suppress(counts: Sequence[Sequence[int]], *, has_column_totals: bool = True) -> Table:
    """Give the table with its totals and its small cells hidden (None).

    The answer has one column more than `counts`, the rows' totals, and with `has_column_totals` one
    row more, the columns' totals. Without, each row stands alone and its columns are not added up.

    >>> suppress([[50, 3], [40, 30]])
    [[None, None, None], [None, None, None], [90, 33, 123]]
    >>> suppress([[50, 30, 2]], has_column_totals=False)
    [[50, None, None, 82]]
    >>> suppress([[2, 1]], has_column_totals=False)
    [[None, None, None]]
    """
    whole = [[*row, sum(row)] for row in counts]
    if not has_column_totals:
        return [_hide([row], is_grid=False)[0] for row in whole]
    return _hide([*whole, [sum(column) for column in zip(*whole, strict=True)]], is_grid=True)


def _hide(whole: Sequence[Sequence[int]], *, is_grid: bool) -> Table:
    hidden = {
        (r, c)
        for r, row in enumerate(whole)
        for c, count in enumerate(row)
        if 0 < count < LEAST_SHOWN
    }
    while (more := _next(whole, hidden, is_grid=is_grid)) is not None:
        hidden.add(more)
    return [
        [None if (r, c) in hidden else count for c, count in enumerate(row)]
        for r, row in enumerate(whole)
    ]


def _next(whole: Sequence[Sequence[int]], hidden: _Hidden, *, is_grid: bool) -> _Cell | None:
    """Choose one more cell to hide, None when nothing hidden can be computed any more."""
    for line in _lines(whole, is_grid=is_grid):
        here = [cell for cell in line if cell in hidden]
        candidates = [cell for cell in line if cell not in hidden]
        if here and candidates and _tells(whole, line, here, hidden, is_grid=is_grid):
            # The smallest that anybody is in; the total, the largest, comes last.
            return min(candidates, key=lambda at: (whole[at[0]][at[1]] or sys.maxsize, at))
    return None


def _tells(
    whole: Sequence[Sequence[int]],
    line: Sequence[_Cell],
    here: Sequence[_Cell],
    hidden: _Hidden,
    *,
    is_grid: bool,
) -> bool:
    if len(here) == 1 or (is_grid and any(_is_bridge(cell, hidden) for cell in here)):
        return True
    together = sum(whole[r][c] for r, c in here)
    return line[-1] not in hidden and 0 < together < LEAST_SHOWN


def _lines(whole: Sequence[Sequence[int]], *, is_grid: bool) -> Iterator[list[_Cell]]:
    """Give the cells of every row and column, the total last."""
    rows, columns = range(len(whole)), range(len(whole[0]))
    yield from ([(r, c) for c in columns] for r in rows)
    if is_grid:
        yield from ([(r, c) for r in rows] for c in columns)


def _is_bridge(cell: _Cell, hidden: _Hidden) -> bool:
    """Say whether no cycle of hidden cells runs through a cell: then the lines determine it."""
    row, column = cell
    seen, waiting = {("row", row)}, [("row", row)]
    while waiting:
        kind, number = waiting.pop()
        for r, c in hidden - {cell}:
            here, there = (r, ("column", c)) if kind == "row" else (c, ("row", r))
            if here == number and there not in seen:
                seen.add(there)
                waiting.append(there)
    return ("column", column) not in seen
