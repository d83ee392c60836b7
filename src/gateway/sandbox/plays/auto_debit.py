"""An agency's employees pay by their bank's auto-debit: enrolled, announced, debited, returned."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from uuid import uuid4

import httpx

from gateway.domain.calendar import next_business_day, on_or_after
from gateway.domain.clock import VIETNAM
from gateway.sandbox.plays import PlayStage
from gateway.sandbox.rails import RailPart
from gateway.sandbox.scenario import TIMEOUT_S, Json, SceneFailed, dong, expect, look_up

TITLE = "an agency's employees, by auto-debit at their bank"
BANK, BIN = "autodebit", "970405"
PARTS = (
    RailPart(
        code=BANK,
        title="Ngân hàng trích nợ",
        channel="auto_debit",
        argv=("--notify-url", "{gateway}/v1/notifications/autodebit"),
        config={
            "host": "{rail}",
            "client_id": "evn-sandbox",
            "secret": "autodebit-sandbox-simulator-secret-0001",
            "bank_bin": BIN,
            "deadline_s": "3",
            "visibility_s": "5",
        },
    ),
)
HEADER = (
    "customer_code,account_no,account_name,id_no,phone,max_debit_dong,max_month_dong,day_of_month,"
    "consented_on,paper_no"
)
AGENCY = "Trường THPT Cà Mau"
EMPLOYEES = ("pays at once", "has no funds", "pays elsewhere", "answer is lost", "disputes it")
WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Employee:
    """Who is enrolled, what is owed, and the mandate's number at the bank."""

    code: str
    bill: Json
    mandate: str = ""


def perform(stage: PlayStage) -> None:
    """Play a month of auto-debit.

    Raises:
        SceneFailed: an answer is not what it must be.
    """
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as http:
        _Play(stage, http).perform()


class _Play:
    def __init__(self, stage: PlayStage, http: httpx.Client) -> None:
        self.stage, self.http, self.say = stage, http, stage.say
        self.bank = stage.rails[BANK].url
        self.day = on_or_after(datetime.now(VIETNAM).date())

    def perform(self) -> None:
        paid, poor, elsewhere, lost, disputing = self._enrol(self._employees())
        self.say(f"2. The run of {self.day} is prepared; each payer is told before it")
        self._run("--prepare", day=self.day)
        self._script(poor, "51")
        self._script(lost, "68")
        self._pay_elsewhere(elsewhere)
        self.say("4. The last look, then the bank is called (rehearsed: the day is taken as come)")
        self._run("--send", day=self.day)
        self._expect_bill(paid, "paid")
        self._expect_bill(poor, "open")
        self.say(f"   {lost.code}: the bank took it and its answer was lost; nothing is guessed")
        self._await_bill(lost, "paid")
        self.say("   … the resolver asked the bank by our own reference: it is paid")
        following = next_business_day(self.day)
        self.say(f"5. {poor.code} had no funds: tried again on the next business day, {following}")
        self._run("--send", day=following)
        self._expect_bill(poor, "paid")
        self._return(disputing)
        self.say("7. The run as the operator sees it")
        self._run("--report", day=self.day)

    def _employees(self) -> list[Employee]:
        found = []
        for code in self.stage.stage.customers:
            seen = look_up(self.http, self.stage.stage, code)
            if len(seen.get("bills", ())) == 1 and not self._mandates(code):
                found.append(Employee(code, seen["bills"][0]))
            if len(found) == len(EMPLOYEES):
                return found
        message = "too few customers with one open bill are left; start with a new --data-dir"
        raise SceneFailed(message)

    def _enrol(self, employees: list[Employee]) -> list[Employee]:
        self.say(f"1. {AGENCY} hands in a list of {len(employees)} employees and one bad line")
        consented = self.day - timedelta(days=30)
        lines = [HEADER]
        for number, employee in enumerate(employees, 1):
            lines.append(
                f"{employee.code},19006{employee.code[-8:]},Nguyễn Văn Lành,0961234567{number:02d},"
                f"0912345{number:03d},5000000,,,{consented},UQ-{number}"
            )
        lines.append(f"PB14019999999,1900,Nguyễn Thị Thiếu,096123456,09,5000000,,,{consented},UQ-9")
        options = (
            *("--agency", AGENCY, "--biller", self.stage.stage.biller, "--partner", "vietbank"),
            *("--provider", BANK, "--bank", BIN),
        )
        with TemporaryDirectory() as folder:
            path = Path(folder) / "employees.csv"
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            self._told(self.stage.command("mandates", "enrol", str(path), *options))
        return [self._activated(employee) for employee in employees]

    def _activated(self, employee: Employee) -> Employee:
        """Let the payer's branch see the paper and the bank accept; its notification tells us."""
        (mandate,) = self._mandates(employee.code)
        for act in ("branch_signed", "accept"):
            said = {"mandate_id": mandate["id"], "act": act}
            expect(self.http.post(f"{self.bank}/control/mandates", json=said), 200)
        self._await(lambda: self._mandates(employee.code)[0]["state"] == "active", "active")
        return Employee(employee.code, employee.bill, mandate["id"])

    def _mandates(self, customer: str) -> list[Json]:
        answer = self._get(f"/v1/mandates?customer_code={customer}")
        return [m for m in answer["data"] if m["state"] in {"pending_bank", "active"}]

    def _pay_elsewhere(self, employee: Employee) -> None:
        bill, stage = employee.bill, self.stage.stage
        body = {
            "method": "collected",
            "channel": "mobile_banking",
            "biller": stage.biller,
            "customer_code": employee.code,
            "partner_reference": f"DEMO-{uuid4().hex[:12].upper()}",
            "bills": [{"id": bill["id"], "amount_dong": bill["due_dong"]}],
        }
        headers = self._headers() | {"idempotency-key": str(uuid4())}
        expect(self.http.post(f"{stage.gateway}/v1/payments", json=body, headers=headers), 201)
        self.say(f"3. {employee.code} pays {dong(bill['due_dong'])} in the bank's app meanwhile")

    def _return(self, employee: Employee) -> None:
        self.say(f"6. {employee.code} disputes the debit; the bank gives it back")
        (debit,) = [d for d in self._lines() if d["customer_code"] == employee.code]
        payment = self._get(f"/v1/payments/{debit['payment']}")
        said = {"debit_id": payment["attempts"][-1]["reference"], "code": "38"}
        expect(self.http.post(f"{self.bank}/control/debits", json=said), 200)
        self._await_bill(employee, "open")
        for line in self.stage.stage.ledger_of(payment["id"]):
            self.say(f"     {line}")
        (state,) = {m["state"] for m in self._get_all(employee.code)} - {"pending_bank"}
        self.say(f"   its bill is open again, with days of grace; the mandate is {state}")

    def _lines(self) -> list[Json]:
        key = self.stage.keys[self.stage.stage.biller]
        run = self._get(f"/v1/debit-runs?day={self.day}&provider={BANK}", key)["data"][0]
        found: list[Json] = self._get(f"/v1/debit-runs/{run['id']}", key)["lines"]
        return found

    def _get_all(self, customer: str) -> list[Json]:
        found: list[Json] = self._get(f"/v1/mandates?customer_code={customer}")["data"]
        return found

    def _script(self, employee: Employee, *codes: str) -> None:
        said = {"mandate_id": employee.mandate, "codes": list(codes)}
        expect(self.http.post(f"{self.bank}/control/scripts", json=said), 200)

    def _run(self, *options: str, day: date) -> None:
        named = ("--biller", self.stage.stage.biller, "--provider", BANK, "--day", str(day))
        self._told(self.stage.command("debit-run", *named, "--rehearse", *options))

    def _told(self, text: str) -> None:
        for line in text.strip().splitlines():
            self.say(f"   {line}")

    def _is(self, employee: Employee, status: str) -> bool:
        seen = look_up(self.http, self.stage.stage, employee.code)
        is_open = any(bill["id"] == employee.bill["id"] for bill in seen.get("bills", ()))
        return is_open == (status == "open")

    def _expect_bill(self, employee: Employee, status: str) -> None:
        if not self._is(employee, status):
            message = f"the bill of {employee.code} is not {status}"
            raise SceneFailed(message)

    def _await_bill(self, employee: Employee, status: str) -> None:
        self._await(lambda: self._is(employee, status), f"{employee.code} {status}")

    def _await(self, holds: Callable[[], bool], what: str) -> None:
        until = monotonic() + WAIT_S
        while not holds():
            if monotonic() > until:
                message = f"it did not come to be: {what}"
                raise SceneFailed(message)
            sleep(0.2)

    def _headers(self, key: str | None = None) -> dict[str, str]:
        return {"authorization": f"Bearer {key or self.stage.stage.bank_key}"}

    def _get(self, path: str, key: str | None = None) -> Json:
        answer = self.http.get(f"{self.stage.stage.gateway}{path}", headers=self._headers(key))
        expect(answer, 200)
        found: Json = answer.json()
        return found
