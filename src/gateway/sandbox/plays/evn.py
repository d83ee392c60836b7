"""A biller that is asked live, and at whose own service a debt is cleared once it is paid."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from uuid import uuid4

import httpx

from gateway.sandbox.plays import PlayStage
from gateway.sandbox.rails import RailPart
from gateway.sandbox.scenario import TIMEOUT_S, Json, SceneFailed, dong, expect

TITLE = "a biller asked live: debts cleared at its own service, once, and compared the day after"
BANK = "CGTT"
PARTS = (
    RailPart(
        code="evnspc",
        title="EVN SPC",
        channel="mobile_banking",
        argv=("--bank-ids", BANK),
        config={
            "service_url": "{rail}/PaymentEVNSPC/PaymentService.svc",
            "bank_id": BANK,
            "units": "",
            "deadline_s": "3",
            "visibility_s": "5",
        },
    ),
)
RULES = {
    "customer_code_pattern": "PB(14|19)[0-9]{9}",
    "oldest_first": True,
    "bills_source": "evnspc",
    "lookup_deadline_s": 5,
}
CUSTOMERS = {"PB14010900001": 3, "PB14010900002": 1}
POSTED_WAIT_S = 40.0
VIETNAM = timezone(timedelta(hours=7))


def perform(stage: PlayStage) -> None:
    """Look up live, pay, lose an answer, meet another collector, reverse, compare.

    Raises:
        SceneFailed: an answer is not what it must be.
    """
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as http:
        _Play(stage, http).perform()


class _Play:
    def __init__(self, stage: PlayStage, http: httpx.Client) -> None:
        self._stage = stage
        self._http = http
        self._service = stage.rails["evnspc"].url
        # The simulator forgets what it was told; another run on the same data begins anew.
        self._run = uuid4().hex[:6].upper()
        self._biller = f"evnspc-live-{self._run.lower()}"

    def perform(self) -> None:
        self._open()
        found = self._look_up(2, "PB14010900001")
        first = self._pay_with_a_lost_answer(found)
        self._meet_another_collector()
        self._reverse(first)
        self._compare()

    def _open(self) -> None:
        with TemporaryDirectory() as folder:
            rules = Path(folder) / "rules.json"
            rules.write_text(json.dumps(RULES), encoding="utf-8")
            self._stage.command("billers", "put", self._biller, "Điện lực miền Nam", str(rules))
        customers = [
            {
                "code": code,
                "bills": [
                    {
                        "code": f"{self._run}-{code[-1]}{month}",
                        "amount_dong": 100_000 + 1_000 * month,
                        "month": month,
                        "year": 2026,
                    }
                    for month in range(8, 8 + count)
                ],
            }
            for code, count in CUSTOMERS.items()
        ]
        self._control("owe", customers=customers)
        self._say(
            f"1. A biller whose bills nobody imports: {self._biller}; its rules name the source"
        )

    def _look_up(self, number: int, code: str) -> Json:
        until = monotonic() + TIMEOUT_S
        while (answer := self._ask(code)).status_code == httpx.codes.NOT_FOUND:
            if monotonic() > until:  # the new biller is known everywhere within a second
                break
            sleep(0.2)
        expect(answer, 200)
        found: Json = answer.json()
        self._say(
            f"{number}. GET /v1/bills?biller={self._biller}&customer_code={code}: asked there"
        )
        for bill in found["bills"]:
            self._say(f"   owes {dong(bill['due_dong'])} for {bill['period']} (bill {bill['id']})")
        return found

    def _pay_with_a_lost_answer(self, found: Json) -> Json:
        self._control("faults", operation="pay", fault="drop_after")
        payment = self._pay(found, found["bills"][0])
        self._say(f"3. The bank has debited its customer and pays the oldest: 201 {payment['id']}")
        posting = self._await(payment, "acknowledged")
        self._say("   the debt is cleared at the biller, and its answer is lost on the line:")
        for step in self._get(f"/v1/payments/{payment['id']}/timeline")["data"]:
            if step["kind"] == "exchange":
                facts = step["facts"]
                self._say(f"     {facts['operation']}: {facts['fate']} ({facts['reason']})")
        self._say(f"   posting {posting['status']}, by asking and not by sending again")
        self._expect_cleared_once(posting)
        return payment

    def _expect_cleared_once(self, posting: Json) -> None:
        books = self._http.get(f"{self._service}/control/books").json()
        mine = [bill["reference"] for bill in posting["bills"]]
        there = [c["transaction_code"] for c in books["clearings"]]
        if [there.count(reference) for reference in mine] != [1] * len(mine):
            message = f"{mine} are not cleared once each at the biller: {there}"
            raise SceneFailed(message)
        self._say(
            f"   the biller's own books: cleared once, twice cleared {books['cleared_twice']}"
        )

    def _meet_another_collector(self) -> None:
        found = self._look_up(4, "PB14010900002")
        bill = found["bills"][0]
        self._control("pay-elsewhere", bill=bill["id"])
        payment = self._pay(found, bill)
        self._say("   meanwhile another collector has paid it; the bank pays all the same")
        posting = self._await(payment, "rejected")
        said = posting["bills"][0]["code"]
        self._say(f"   posting {posting['status']}, the biller says '{said}': nothing is hidden")
        shown = self._stage.command("exceptions", "list").splitlines()
        at = next((n for n, line in enumerate(shown) if payment["id"] in line), None)
        if at is None:
            message = f"no exception names {payment['id']}"
            raise SceneFailed(message)
        for line in shown[at - 1 : at + 2]:
            self._say(f"   {line.strip()}")

    def _reverse(self, payment: Json) -> None:
        answer = self._http.post(
            f"{self._stage.stage.gateway}/v1/payments/{payment['id']}/reversal",
            json={"reason": "nhầm khách hàng"},
            headers=self._headers() | {"idempotency-key": str(uuid4())},
        )
        expect(answer, 201)
        self._await(payment, "acknowledged", undo="acknowledged")
        self._say(f"5. The bank reverses {payment['id']} the same day: undone at the biller too")
        found = self._ask(payment["customer_code"]).json()
        owed = [bill["id"] for bill in found["bills"]]
        if payment["bills"][0]["id"] not in owed:
            message = f"{payment['bills'][0]['id']} is not owed again: {owed}"
            raise SceneFailed(message)
        self._say(f"   the biller, asked again: {len(owed)} bills are owed, this one among them")
        bill = next(b for b in found["bills"] if b["id"] == payment["bills"][0]["id"])
        again = self._pay(found, bill)
        self._await(again, "acknowledged")
        self._say(f"   and it is paid after all: {again['id']}, posting acknowledged")

    def _compare(self) -> None:
        day = datetime.now(UTC).astimezone(VIETNAM).date().isoformat()
        shown = self._stage.command("billers", "paid", "--biller", self._biller, "--day", day)
        self._say(f"6. gateway billers paid --biller {self._biller} --day {day}")
        lines = shown.splitlines()
        for line in lines[-4:]:
            self._say(f"   {line}")
        mine = [line.split()[0] for line in lines if self._run in line]
        if sorted(mine) != ["matched", "reversed"]:
            message = f"the biller's list and ours disagree: {lines}"
            raise SceneFailed(message)

    # ── the calls ────────────────────────────────────────────────────────────────────────────

    def _ask(self, code: str) -> httpx.Response:
        return self._http.get(
            f"{self._stage.stage.gateway}/v1/bills",
            params={"biller": self._biller, "customer_code": code},
            headers=self._headers(),
        )

    def _pay(self, found: Json, bill: Json) -> Json:
        body = {
            "method": "collected",
            "channel": "mobile_banking",
            "biller": self._biller,
            "customer_code": found["customer"]["code"],
            "partner_reference": f"DEMO-{uuid4().hex[:12].upper()}",
            "bills": [{"id": bill["id"], "amount_dong": bill["due_dong"]}],
            "lookup_token": found["lookup_token"],
        }
        answer = self._http.post(
            f"{self._stage.stage.gateway}/v1/payments",
            json=body,
            headers=self._headers() | {"idempotency-key": str(uuid4())},
        )
        expect(answer, 201)
        payment: Json = answer.json()
        return payment

    def _await(self, payment: Json, status: str, undo: str | None = None) -> Json:
        until = monotonic() + POSTED_WAIT_S
        while monotonic() < until:
            posting: Json = self._get(f"/v1/payments/{payment['id']}")["posting"]
            if (posting["status"], posting["undo"]) == (status, undo):
                return posting
            sleep(0.2)
        message = f"{payment['id']} is not posted: {posting}"
        raise SceneFailed(message)

    def _get(self, path: str) -> Json:
        answer = self._http.get(f"{self._stage.stage.gateway}{path}", headers=self._headers())
        expect(answer, 200)
        found: Json = answer.json()
        return found

    def _control(self, path: str, **fields: object) -> None:
        answer = self._http.post(f"{self._service}/control/{path}", json=fields)
        if answer.status_code >= httpx.codes.BAD_REQUEST:
            message = f"the simulator refuses {path}: {answer.text[:200]}"
            raise SceneFailed(message)

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._stage.stage.bank_key}"}

    def _say(self, line: str) -> None:
        self._stage.say(line)
