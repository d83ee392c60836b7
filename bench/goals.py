"""Goals, what was reached, and the table that says so."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Goal:
    """One goal: what must be, what is aimed at, and whether more or less is better."""

    name: str
    must: float
    aim: float
    unit: str = "x"
    less_is_better: bool = False


GOALS = {
    "pay_orm": Goal("PAY / ORM service", 20, 30),
    "pay_single": Goal("PAY / pgbench, one payment a call", 1.0, 1.5),
    "pay_batch": Goal("PAY / pgbench, 32 payments a call", 0.20, 0.30),
    "pay_cpu": Goal("PAY, CPU of API and Postgres", 250, 150, "us", less_is_better=True),
    "pay_p99": Goal("PAY p99 at 1,000 a second", 15, 8, "ms", less_is_better=True),
    "lookup_orm": Goal("LOOKUP / ORM service", 18, 25),
    "growth_pay": Goal("PAY lost from 1 to 10 million bills", 25, 20, "%", less_is_better=True),
    "growth_lookup": Goal("LOOKUP lost, the same", 25, 20, "%", less_is_better=True),
    "import_s": Goal("import of a million bills", 7, 7, "s", less_is_better=True),
    "import_mib": Goal("import, memory over its start", 64, 64, "MiB", less_is_better=True),
    "webhooks": Goal("webhooks a second per worker core", 2_700, 3_000, "/s"),
    "memory": Goal("largest process", 90, 90, "MiB", less_is_better=True),
}


def verdict(goal: Goal, figure: float) -> str:
    """Say whether a figure meets the aim, the must, or neither."""
    sign = -1 if goal.less_is_better else 1
    if sign * figure >= sign * goal.aim:
        return "pass"
    return "must" if sign * figure >= sign * goal.must else "FAIL"


def report(figures: dict[str, float], details: dict[str, object], out: Path) -> bool:
    """Print goal, figure and verdict, write all as JSON; True when nothing fails."""
    print(f"\n{'goal':44}{'must':>10}{'aim':>10}{'figure':>12}  verdict")
    verdicts = {}
    for key, figure in figures.items():
        goal = GOALS[key]
        verdicts[key] = verdict(goal, figure)
        bound = "<=" if goal.less_is_better else ">="
        print(
            f"{goal.name:44}{bound}{goal.must:>8g}{bound}{goal.aim:>8g}"
            f"{figure:>10.2f}{goal.unit:>4}  {verdicts[key]}"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "figures": figures,
        "verdicts": verdicts,
        "goals": {key: asdict(GOALS[key]) for key in figures},
        "details": details,
    }
    out.write_text(json.dumps(document, indent=1, default=str))
    print(f"\nwritten: {out}")
    return "FAIL" not in verdicts.values()
