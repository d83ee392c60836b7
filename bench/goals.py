"""Goals, what was reached, and the table that says so."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.machine import NOISY_SHARE


@dataclass(frozen=True)
class Goal:
    """What must be, what is aimed at, and whether more or less is better."""

    name: str
    must: float
    aim: float
    unit: str = "x"
    less_is_better: bool = False

    def is_met(self, bound: float, figure: float) -> bool:
        """Say whether a figure keeps to a bound."""
        return figure <= bound if self.less_is_better else figure >= bound


@dataclass(frozen=True)
class Figure:
    """A median with its spread, and the largest foreign load among the runs that it came from."""

    value: float
    low: float
    high: float
    foreign: float = 0.0

    @property
    def is_noisy(self) -> bool:
        """Say whether others disturbed it too much for a verdict."""
        return self.foreign > NOISY_SHARE


GOALS = {
    "pay_orm": Goal("PAY / ORM service", 20, 30),
    "pay_single": Goal("PAY / pgbench, one payment a call", 1.0, 1.5),
    "pay_batch": Goal("PAY / pgbench, 32 payments a call", 0.20, 0.30),
    "pay_cpu": Goal("PAY, CPU of API and Postgres", 250, 150, "us", less_is_better=True),
    "pay_p99": Goal("PAY p99 at 1,000 a second", 15, 8, "ms", less_is_better=True),
    "lookup_orm": Goal("LOOKUP / ORM service", 18, 25),
    "lookup_single": Goal("LOOKUP / pgbench, one a call", 0.6, 0.9),
    "webhooks": Goal("webhooks a second per worker core", 2_700, 3_000, "/s"),
    "webhooks_httpx": Goal("webhooks per core / plain httpx", 7, 8),
    "growth_pay": Goal("PAY lost from 1 to 10 million bills", 25, 20, "%", less_is_better=True),
    "growth_lookup": Goal("LOOKUP lost, the same", 25, 20, "%", less_is_better=True),
    "import_s": Goal("import of a million bills", 7, 7, "s", less_is_better=True),
    "import_mib": Goal("import, memory over its start", 64, 64, "MiB", less_is_better=True),
    "memory_api": Goal("largest API process", 90, 90, "MiB", less_is_better=True),
    "memory_worker": Goal("largest delivery worker", 90, 90, "MiB", less_is_better=True),
    "startup": Goal("imports of an API process", 0.6, 0.6, "s", less_is_better=True),
}


def figure(values: Sequence[float], foreign: float = 0.0) -> Figure:
    """Take the median and the spread of several runs."""
    return Figure(statistics.median(values), min(values), max(values), foreign)


def ratio(ours: Sequence[float], theirs: Sequence[float], foreign: float) -> Figure:
    """Divide medians; the spread is the worst run over their best, and the reverse."""
    return Figure(
        statistics.median(ours) / statistics.median(theirs),
        min(ours) / max(theirs),
        max(ours) / min(theirs),
        foreign,
    )


def report(
    figures: Mapping[str, Figure], details: Mapping[str, object], out: Path, *, is_final: bool
) -> bool:
    """Print goal, figure and verdict, write all as JSON; True when every `must` is met.

    `is_final`: a noisy figure gets no verdict, and so does not pass.
    """
    verdicts = {key: _verdict(key, found, is_final) for key, found in figures.items()}
    print(
        f"\n{'':40}{'figure':>10}  {'lowest - highest':<19}{'must':>9}        {'goal':>9}"
        f"        foreign"
    )
    for key, found in figures.items():
        print(_line(GOALS[key], found, verdicts[key]))
    out.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "figures": {key: asdict(found) for key, found in figures.items()},
        "verdicts": {
            key: dict(zip(("must", "goal"), v, strict=True)) for key, v in verdicts.items()
        },
        "goals": {key: asdict(GOALS[key]) for key in figures},
        **details,
    }
    out.write_text(json.dumps(document, indent=1, default=str))
    out.with_suffix(".md").write_text(_table(figures, verdicts))
    print(f"\nwritten: {out} and {out.with_suffix('.md').name}")
    return all(must == "pass" for must, _ in verdicts.values())


def _verdict(key: str, found: Figure, is_final: bool) -> tuple[str, str]:  # noqa: FBT001
    if is_final and found.is_noisy:
        return "noisy", "noisy"
    goal = GOALS[key]
    must, aim = (goal.is_met(bound, found.value) for bound in (goal.must, goal.aim))
    return "pass" if must else "FAIL", "pass" if aim else "FAIL"


def _line(goal: Goal, found: Figure, verdict: tuple[str, str]) -> str:
    sign = "<=" if goal.less_is_better else ">="
    spread = f"{_short(found.low)} - {_short(found.high)}"
    return (
        f"{goal.name:40}{_short(found.value):>7}{goal.unit:>3}  {spread:<19}"
        f"{sign + _short(goal.must):>9} {verdict[0]:<6} {sign + _short(goal.aim):>9} "
        f"{verdict[1]:<6} {found.foreign:>6.0%}"
    )


def _table(figures: Mapping[str, Figure], verdicts: Mapping[str, tuple[str, str]]) -> str:
    lines = [
        "| goal | must | aim | median | lowest - highest | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for key, found in figures.items():
        goal, (must, aim) = GOALS[key], verdicts[key]
        sign = "≤" if goal.less_is_better else "≥"
        verdict = {"passpass": "goal", "passFAIL": "must"}.get(must + aim, must)
        lines.append(
            f"| {goal.name} | {sign} {_short(goal.must)} | {sign} {_short(goal.aim)} "
            f"| **{_short(found.value)}** {goal.unit} | {_short(found.low)} - {_short(found.high)} "
            f"| {verdict} |"
        )
    return "\n".join(lines) + "\n"


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
