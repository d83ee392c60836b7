"""The pilot: are we going to double? Somebody who paid in cash pays from a phone, and it shows."""

import tempfile
from pathlib import Path
from uuid import uuid4

import httpx

from gateway.sandbox.plays import PlayStage
from gateway.sandbox.rails import RailPart
from gateway.sandbox.recompute import differences
from gateway.sandbox.scenario import TIMEOUT_S, Json, SceneFailed, expect, look_up

TITLE = "the pilot of wards 2 and 5: are we going to double?"
PARTS: tuple[RailPart, ...] = ()
PILOT = "phuong-2-phuong-5"
WARD = "32008"


def perform(stage: PlayStage) -> None:
    """Show the headline, pay electronically for somebody new, roll up, export, recompute.

    Raises:
        SceneFailed: an answer is not what it must be.
    """
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as http:
        _Play(stage, http).perform()


class _Play:
    def __init__(self, stage: PlayStage, http: httpx.Client) -> None:
        self._stage = stage
        self._http = http
        self._say = stage.say

    def perform(self) -> None:
        self._show_headline()
        self._stage.command("report", "rollup")
        paid = self._look_up()
        month = paid["bills"][0]["period"]
        before = self._electronic(month)
        self._pay(paid)
        self._stage.command("report", "rollup")
        after = self._electronic(month)
        self._say(f"4. Rolled up: electronic payers of ward 5 for {month}: {before}, now {after}")
        if after <= before:
            message = "the payment is not counted"
            raise SceneFailed(message)
        self._export()

    def _show_headline(self) -> None:
        standing = self._read("pilot", pilot=PILOT)
        whole, end = standing["whole"], standing["whole"]["at_end"]
        self._say("1. The Department asks: GET /v1/reports/pilot")
        self._say(f"   {standing['name']}: {whole['outlook'].replace('_', ' ')}")
        self._say(
            f"   {whole['now']['electronic']} electronic payers in {standing['month']}, baseline "
            f"{whole['baseline']:.1f}, target {whole['target']} by {standing['ends_on']}"
        )
        self._say(f"   forecast {end['month']}: {end['middle']} ({end['low']} to {end['high']})")
        self._say(f"   still to win: {whole['gap']} people, {whole['gap_per_week']} a week")
        for area in standing["areas"]:
            self._say(f"   {area['area']}: {area['outlook'].replace('_', ' ')}")

    def _look_up(self) -> Json:
        for code in self._stage.stage.customers:
            found = look_up(self._http, self._stage.stage, code)
            if len(found.get("bills", ())) == 1:
                self._say(
                    f"2. {code} of ward 5 has one open bill, of {found['bills'][0]['period']}"
                )
                return found
        message = "no customer with one open bill is left; start with a new --data-dir"
        raise SceneFailed(message)

    def _pay(self, found: Json) -> None:
        body = {
            "method": "collected",
            "biller": self._stage.stage.biller,
            "customer_code": found["customer"]["code"],
            "partner_reference": f"PILOT-{uuid4().hex[:12].upper()}",
            "channel": "mobile_banking",
            "bills": [{"id": b["id"], "amount_dong": b["due_dong"]} for b in found["bills"]],
        }
        headers = {
            "authorization": f"Bearer {self._stage.stage.bank_key}",
            "idempotency-key": str(uuid4()),
        }
        url = f"{self._stage.stage.gateway}/v1/payments"
        answer = self._http.post(url, json=body, headers=headers)
        expect(answer, 201)
        self._say("3. It is paid from a phone: POST /v1/payments, channel mobile_banking")
        self._say(f"   201 {answer.json()['id']} {answer.json()['status']}")

    def _electronic(self, month: str) -> int:
        found = self._read("adoption", from_month=month, to_month=month, area=WARD)
        return sum(cell["new"] + cell["retained"] + cell["resumed"] for cell in found["data"])

    def _export(self) -> None:
        with tempfile.TemporaryDirectory(prefix="gateway-play-") as folder:
            for form, suffix in (("xlsx", ".xlsx"), ("csv", ".zip")):
                file = Path(folder) / f"adoption{suffix}"
                asked = ("--pilot", PILOT, "--format", form, "--out", str(file))
                told = self._stage.command("report", "adoption", *asked)
                counts = told.strip().rpartition(": ")[2]
                self._say(f"5. The province takes the month as {form}: {counts}")
                if wrong := differences(str(file)):
                    raise SceneFailed(wrong[0])
                self._say("   and counts its raw rows again: every figure is the same")

    def _read(self, report: str, **query: str) -> Json:
        answer = self._http.get(
            f"{self._stage.stage.gateway}/v1/reports/{report}",
            params={"biller": self._stage.stage.biller, **query},
            headers={"authorization": f"Bearer {self._stage.keys[self._stage.stage.biller]}"},
        )
        expect(answer, 200)
        found: Json = answer.json()
        return found
