"""The province's own check: an export's figures counted again from its raw rows.

`python recompute.py adoption.xlsx` (or .zip) needs this one file, Python, and nothing of the house.
It prints each figure that differs, and ends with 1 if any does.
"""

import csv
import io
import re
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from itertools import zip_longest
from xml.etree import ElementTree

CASH = {"home_cash", "counter_cash"}
SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
COUNTED = (
    "customers",
    "new",
    "retained",
    "resumed",
    "relapsed",
    "habitual",
    "bills",
    "amount_dong",
)
Row = dict[str, str]


def tables(path: str, name: str) -> Iterator[Row]:
    """Read one table of a workbook or of a ZIP of CSV files, a row at a time."""
    with zipfile.ZipFile(path) as archive:
        if f"{name}.csv" in archive.namelist():
            with archive.open(f"{name}.csv") as raw:
                yield from csv.DictReader(io.TextIOWrapper(raw, "utf-8-sig", newline=""))
            return
        for number, sheet in enumerate(sheets(archive), 1):
            if sheet == name or re.fullmatch(rf"{name} \d+", sheet):
                header = list[str]()
                for cells in rows(archive, number):
                    if header:
                        yield dict(zip_longest(header, cells, fillvalue=""))
                    header = header or cells


def sheets(archive: zipfile.ZipFile) -> list[str]:
    """Name a workbook's sheets in their order."""
    root = ElementTree.parse(archive.open("xl/workbook.xml")).getroot()  # noqa: S314 (our own file)
    return [sheet.attrib["name"] for sheet in root.iter(f"{SPACE}sheet")]


def rows(archive: zipfile.ZipFile, number: int) -> Iterator[list[str]]:
    """Read a sheet's rows as text; cells that are left out are empty."""
    with archive.open(f"xl/worksheets/sheet{number}.xml") as raw:
        for _, element in ElementTree.iterparse(raw):  # noqa: S314 (our own file)
            if element.tag == f"{SPACE}row":
                found: dict[int, str] = {}
                for cell in element:
                    text = cell.find(f".//{SPACE}t")
                    value = cell.find(f"{SPACE}v") if text is None else text
                    found[column(cell.attrib["r"])] = (
                        (value.text or "") if value is not None else ""
                    )
                yield [found.get(place, "") for place in range(max(found, default=-1) + 1)]
                element.clear()


def column(reference: str) -> int:
    """Give a cell's column, 0 for A."""
    number = 0
    for letter in reference.rstrip("0123456789"):
        number = number * 26 + ord(letter) - 64
    return number - 1


def recompute(raw: Iterator[Row]) -> dict[tuple[str, str, str], dict[str, int]]:
    """Count the figures by area, segment and channel from the raw rows."""
    found: dict[tuple[str, str, str], dict[str, int]] = defaultdict(
        lambda: dict.fromkeys(COUNTED, 0)
    )
    for row in raw:
        cell = found[row["area_code"], row["segment"], row["channel"]]
        cell["bills"] += 1
        cell["amount_dong"] += int(row["amount_dong"])
        if int(row["place"]) == 1:
            for name in classes(row):
                cell[name] += 1
    return found


def classes(row: Row) -> list[str]:
    """Name what a customer is, by the row of its way of the month."""
    before, two_before = (
        row[name] == "1" for name in ("electronic_month_before", "electronic_two_before")
    )
    if row["channel"] in CASH:
        return ["customers", "relapsed"] if before else ["customers"]
    if row["channel"] == "unsettled":
        return ["customers"]
    ever = row["first_electronic_before"] != ""
    kind = "retained" if before else "resumed" if ever else "new"
    return ["customers", kind, *(["habitual"] if before and two_before else [])]


def differences(path: str) -> list[str]:
    """Compare the export's figures with those of its raw rows, both ways."""
    counted = recompute(tables(path, "raw"))
    wrong = []
    for row in tables(path, "figures"):
        key = row["area_code"], row["segment"], row["channel"]
        ours = counted.pop(key, dict.fromkeys(COUNTED, 0))
        wrong += [
            f"{' '.join(key)} {name}: {row[name]} in the export, {ours[name]} from the raw rows"
            for name in COUNTED
            if int(row[name]) != ours[name]
        ]
    return wrong + [f"{' '.join(key)}: in the raw rows alone" for key in counted]


def main() -> int:
    """Recompute the file that is named."""
    path = sys.argv[1]
    wrong = differences(path)
    sys.stdout.write("\n".join(wrong) or f"{path}: every figure is what its raw rows say")
    sys.stdout.write("\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
