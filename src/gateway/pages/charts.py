"""A chart and its table, which are one: the table is what is sent, the chart is drawn from it.

So a chart can show nothing that its table does not say, and a page without scripts loses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal

from gateway.pages import formats
from gateway.pages.words import Language, word

Kind = Literal["line", "bar", "stack", "across"]
"""`across` are bars that lie, one row each."""
Mark = Literal["line", "dashed", "dotted", "band", "bar", "untold"]
"""How a column is drawn; `band` fills up to the column before it, `untold` is in the table alone.
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """A cell: what is drawn, and how it is written. No value: nothing to draw, "-" or hidden."""

    value: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column, which is a line or a set of bars."""

    title: str
    mark: Mark


@dataclass(frozen=True)
class Chart:
    """A chart; `name` finds its words, `pilot.<name>_title` and `_hint`, and its place."""

    name: str
    kind: Kind
    unit: Literal["people", "percent"]
    head: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, tuple[Figure, ...]], ...]
    definition: str = "electronic"

    @cached_property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(cell.value is not None for _, cells in self.rows for cell in cells)


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes figures in a language."""

    language: Language

    def word(self, name: str, **facts: object) -> str:
        """Give a word of the pilot's pages."""
        return word(self.language, f"pilot.{name}", **facts)

    def people(self, count: int | None, *, absent: str = "hidden") -> Figure:
        """Write a count of people; None is hidden, or another word for its absence."""
        if count is None:
            return Figure(None, self.word(absent))
        return Figure(count, formats.number(count, self.language))

    def share(self, share: float | None, *, absent: str = "hidden") -> Figure:
        """Write a share; drawn in per cent with one decimal, as it is written."""
        if share is None:
            return Figure(None, self.word(absent))
        return Figure(round(100 * share, 1), formats.percent(share, self.language))

    def points(self, share: float) -> str:
        """Write a difference of shares in percentage points, with its sign where it is negative."""
        written = f"{100 * share:.1f}"
        return written.replace(".", ",") if self.language == "vi" else written

    def month(self, month: date, *, is_complete: bool = True) -> str:
        """Write a month; one that is still counted says so."""
        written = formats.month(month, self.language)
        return written if is_complete else self.word("still_counting", month=written)

    def columns(self, *named: tuple[str, Mark]) -> tuple[Column, ...]:
        """Title columns by words."""
        return tuple(Column(self.word(f"column_{name}"), mark) for name, mark in named)


def people_of(pen: Pen, counts: Sequence[int | None]) -> tuple[Figure, ...]:
    """Write some counts of people."""
    return tuple(pen.people(count) for count in counts)
