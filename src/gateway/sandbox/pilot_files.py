"""The pilot's data as the CSV files that the importer takes.

`python -m gateway.sandbox.pilot_files bills --customers 1000000 --months 1 > bills.csv`
"""

import argparse
import csv
import sys
from datetime import date, datetime
from enum import StrEnum
from typing import TextIO

from gateway.domain.clock import VIETNAM
from gateway.domain.csv_lines import BILLS_HEADER, CUSTOMERS_HEADER
from gateway.sandbox.pilot import Pilot


class Kind(StrEnum):
    """Which file."""

    CUSTOMERS = "customers"
    BILLS = "bills"


def as_csv(data: Pilot, kind: Kind, out: TextIO) -> None:
    """Write one kind of the pilot's rows with the importer's header; memory does not grow.

    `out` is a text stream in UTF-8 that leaves line ends alone (`newline=""`).
    """
    writer = csv.writer(out, lineterminator="\n")
    if kind is Kind.CUSTOMERS:
        writer.writerow(CUSTOMERS_HEADER)
        writer.writerows(data.customers())
        return
    writer.writerow(BILLS_HEADER)
    writer.writerows(
        (name, code, str(period)[:7], *rest) for name, code, period, *rest in data.bills()
    )


def main() -> None:
    """Write a file to standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", type=Kind, choices=list(Kind))
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--seed", type=int, default=2019)
    today = datetime.now(VIETNAM).date()
    parser.add_argument("--today", type=date.fromisoformat, default=today)
    asked = parser.parse_args()
    data = Pilot(customers=asked.customers, months=asked.months, seed=asked.seed, today=asked.today)
    with open(sys.stdout.fileno(), "w", encoding="utf-8", newline="", closefd=False) as out:
        as_csv(data, asked.kind, out)


if __name__ == "__main__":
    main()
