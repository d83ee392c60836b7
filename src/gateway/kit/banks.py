"""Banks by the number that a transfer's QR carries: data, because names change with mergers.

Source: npm vietnam-qr-pay 1.5.1 and its port on PyPI, read 2026-11-24. A bank that is missing here
is a bank all the same: nothing is refused because of this list.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Bank:
    """One bank; with `is_receive_only` its own app cannot pay such a QR."""

    bin: str
    name: str
    is_receive_only: bool


@cache
def banks() -> Mapping[str, Bank]:
    """Give the banks by number."""
    text = (files("gateway.kit") / "banks.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    found = (Bank(row["bin"], row["name"], row["receive_only"] == "yes") for row in rows)
    return MappingProxyType({bank.bin: bank for bank in found})


def name_of(number: str) -> str:
    """Give a bank's name, or its number where the list has none.

    >>> name_of("970436")
    'Vietcombank'
    """
    bank = banks().get(number)
    return bank.name if bank else number
