import io
import os
import re
import subprocess
import sys
from datetime import date

from gateway.domain.csv_lines import BILLS_HEADER, CUSTOMERS_HEADER, BillCheck, CustomerCheck
from gateway.house import RULES
from gateway.sandbox.pilot import Pilot
from gateway.sandbox.pilot_files import Kind, as_csv

CA_MAU = re.compile(str(RULES["customer_code_pattern"]), re.ASCII)
DATA = Pilot(customers=100, months=2, today=date(2026, 11, 24))


def lines_of(kind: Kind) -> list[str]:
    out = io.StringIO(newline="")
    as_csv(DATA, kind, out)
    assert out.getvalue().endswith("\n")
    return out.getvalue().split("\n")[:-1]


def test_the_importer_takes_every_customer_of_the_file() -> None:
    header, *lines = lines_of(Kind.CUSTOMERS)
    check = CustomerCheck(CA_MAU)
    assert header == ",".join(CUSTOMERS_HEADER)
    assert len(lines) == 100
    assert [
        checked for checked in map(check, range(100), lines) if not isinstance(checked, str)
    ] == []


def test_the_importer_takes_every_bill_of_the_file_as_it_stands() -> None:
    header, *lines = lines_of(Kind.BILLS)
    check = BillCheck(CA_MAU)
    assert header == ",".join(BILLS_HEADER)
    taken = [",".join(map(str, bill)) for bill in DATA.bills()]
    assert [check(0, line) for line in lines] == taken


def test_a_bills_line_says_what_the_pilots_row_says() -> None:
    name, code, period, *amounts, issued_on, due_on = next(DATA.bills())
    assert lines_of(Kind.BILLS)[1] == ",".join(
        [name, code, f"{period:%Y-%m}", *map(str, amounts), str(issued_on), str(due_on)]
    )


def test_the_command_writes_utf8_whatever_the_terminals_language() -> None:
    argv = [sys.executable, "-m", "gateway.sandbox.pilot_files", "customers"]
    argv += ["--customers", "100", "--today", "2026-11-24"]
    env = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    written = subprocess.check_output(argv, env=env)
    assert written.decode("utf-8").split("\n")[:-1] == lines_of(Kind.CUSTOMERS)
