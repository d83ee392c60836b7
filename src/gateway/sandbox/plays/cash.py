"""A collector's day: bills handed over, receipts written offline, cash to give back, a deposit."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from gateway.domain.clock import business_date
from gateway.sandbox.field_device import FieldDevice, forged, upload
from gateway.sandbox.plays import PlayStage
from gateway.sandbox.rails import RailPart
from gateway.sandbox.scenario import TIMEOUT_S, Json, SceneFailed, dong, expect, look_up

TITLE = "cash at the door: offline receipts, a bill paid meanwhile, the day's close, cash that ends"
PARTS: tuple[RailPart, ...] = ()
AREA = "32008"
BILLS = 3


def perform(stage: PlayStage) -> None:
    """Play a collector's day and the end of cash in the ward.

    Raises:
        SceneFailed: an answer is not what it must be.
    """
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as http:
        play = _Play(stage, http)
        play.prepare()
        given = play.hand_over()
        receipts = play.collect(given)
        line = play.upload(given, receipts)
        play.distrust(given, receipts)
        play.give_back(line)
        play.close(given, receipts)
        play.miss_the_deposit(receipts)
        play.end_cash(given)


class _Play:
    """One run of the play."""

    def __init__(self, stage: PlayStage, http: httpx.Client) -> None:
        self._stage, self._http, self._say = stage, http, stage.say
        self._biller = stage.stage.biller
        self._key = stage.keys[self._biller]
        self._run = uuid4().hex[:6]
        self._collector = f"an-{self._run}"
        self._today = business_date(datetime.now(UTC))
        self._device = FieldDevice(f"tab-{self._run}", b"")
        self._in_hand = 0

    def prepare(self) -> None:
        self._plan(self._today + timedelta(days=60))
        own = ("--biller", self._biller, "--partner", self._biller)
        caps = ("--per-day", "50000000", "--per-list", "20000000")
        told = self._stage.command("cash", "collector", self._collector, "Chị Ấn", *own, *caps)
        secret = self._stage.command("cash", "device", self._collector, self._device.key_id)
        self._device.secret = bytes.fromhex(secret.strip())
        self._say(f"1. gateway cash collector: {told.strip()}")
        self._say(f"   her tablet {self._device.key_id} has its secret; we keep it sealed")

    def hand_over(self) -> Json:
        answer = self._ask_list(self._debtors())
        expect(answer, 201)
        given: Json = answer.json()
        self._say(f"2. POST /v1/hand-over-lists: {given['bill_count']} bills of ward 5, masked")
        for bill in given["bills"]:
            self._say(f"   {bill['customer_code']}  {bill['name']}  {dong(bill['amount_dong'])}")
        return given

    def collect(self, given: Json) -> list[Json]:
        now = datetime.now(UTC)
        receipts = [
            self._device.collect(given["id"], bill["id"], bill["amount_dong"], now)
            for bill in given["bills"]
        ]
        self._say(f"3. Offline, she takes cash at {BILLS} doors; the tablet signs each receipt")
        bill = given["bills"][-1]
        paid = self._post(
            "/v1/payments",
            {
                "method": "collected",
                "channel": "mobile_banking",
                "biller": self._biller,
                "customer_code": bill["customer_code"],
                "partner_reference": f"DEMO-{uuid4().hex[:12].upper()}",
                "bills": [{"id": bill["id"], "amount_dong": bill["amount_dong"]}],
            },
            self._stage.stage.bank_key,
        )
        expect(paid, 201)
        self._say("   meanwhile the son of the last customer pays her bill in the bank's app")
        return receipts

    def upload(self, given: Json, receipts: list[Json]) -> Json:
        # Out of order, and the first of them still on the tablet.
        late, sent = receipts[0], receipts[:0:-1]
        lines = self._upload(given, sent)
        self._say("4. Back in reach, the tablet uploads; its first receipt is left behind")
        self._show(lines)
        if [line["result"] for line in lines] != ["ALREADY_PAID", "ACCEPTED", "SEQUENCE_GAP"]:
            self._wrong(lines)
        waiting: Json = lines[0]
        self._say("   the last receipt comes as well, and then the whole batch once more")
        self._show(self._upload(given, [late]))
        again = self._upload(given, receipts)
        self._show(again)
        if {line["result"] for line in again} != {"DUPLICATE"}:
            self._wrong(again)
        return waiting

    def distrust(self, given: Json, receipts: list[Json]) -> None:
        lines = self._upload(given, [forged(receipts[0])])
        self._say("5. Somebody alters an amount under an old signature: nothing is booked")
        self._show(lines)
        if lines[0]["result"] != "SIGNATURE_WRONG":
            self._wrong(lines)

    def give_back(self, line: Json) -> None:
        suspended = self._find_line(line["suspense_id"])
        self._say("6. The cash for the bill that was paid twice has an owner: GET /v1/suspense")
        self._say(f"   {suspended['owner']}: {suspended['next_action']}")
        told = self._stage.command(
            *("cash", "give-back", line["suspense_id"], "--by", "Lan"),
            *("--reason", "the customer signed for it"),
        )
        self._say(f"   gateway cash give-back: {told.strip()}")

    def close(self, given: Json, receipts: list[Json]) -> None:
        self._in_hand = sum(receipt["amount_dong"] for receipt in receipts[:-1])
        counted = self._in_hand - 10_000
        told = self._stage.command(
            *("cash", "close-day", given["id"], str(counted), "--partner", self._biller)
        )
        self._say("7. At night she counts 10.000 ₫ too little; the close is taken, and seen")
        self._say(f"   {told.strip()}")
        if "-10000 đồng differ" not in told:
            self._wrong(told)

    def miss_the_deposit(self, receipts: list[Json]) -> None:
        then = (self._today + timedelta(days=2)).isoformat()
        told = self._stage.command("cash", "watch", "--on", then)
        self._say("8. Two days later nothing is paid in: gateway cash watch")
        self._say(f"   {told.strip()}")
        if f"ALERT {self._collector}: {self._in_hand} đồng" not in told:
            self._wrong(told)
        slip = {"collector": self._collector, "reference": f"NT-{self._run}"}
        paid_in = self._post("/v1/cash-deposits", slip | {"amount_dong": self._in_hand}, self._key)
        expect(paid_in, 200)
        settled = self._stage.command("cash", "watch", "--on", then).strip()
        self._say(f"   she pays in {dong(self._in_hand)} with slip {slip['reference']}")
        if self._collector in settled:
            self._wrong(settled)

    def end_cash(self, given: Json) -> None:
        self._plan(self._today)
        refused = self._ask_list([given["bills"][0]["customer_code"]])
        expect(refused, 409)
        problem = refused.json()
        if problem["code"] != "new_lists_ended":
            self._wrong(problem)
        self._say("9. The ward's schedule ends cash today: a new list is refused")
        self._say(f"   409 {problem['code']}: {problem['detail']}")
        self._say(f"   {problem['detail_vi']}")
        page = self._get(f"cash-phase-out/cash-payers?area={AREA}&limit=3")
        self._say("10. Who still pays cash, masked, each read audited: GET …/cash-payers")
        for row in page["data"]:
            self._say(f"   {row['customer_code']}  {row['name']}  last {row['last_paid_on']}")
        self._plan(self._today + timedelta(days=60))

    def _plan(self, ends: Any) -> None:
        announced = min(self._today - timedelta(days=1), ends)
        self._stage.command(
            *("cash", "schedule", AREA, "--biller", self._biller),
            *("--announced", announced.isoformat(), "--without-phone", ends.isoformat()),
            *("--ends", ends.isoformat(), "--arrears-max", "100", "--complaints-max", "1000"),
        )

    def _debtors(self) -> list[str]:
        found = []
        for code in self._stage.stage.customers:
            if len(look_up(self._http, self._stage.stage, code).get("bills", ())) == 1:
                found.append(code)
            if len(found) == BILLS:
                return found
        message = "too few customers with one open bill are left; start with a new --data-dir"
        raise SceneFailed(message)

    def _ask_list(self, customers: list[str]) -> httpx.Response:
        until = datetime.now(UTC) + timedelta(days=2)
        body = {
            "collector": self._collector,
            "area_code": AREA,
            "book_code": "P5-01",
            "valid_until": until.isoformat(timespec="seconds"),
            "customer_codes": customers,
        }
        return self._post("/v1/hand-over-lists", body, self._key)

    def _upload(self, given: Json, receipts: list[Json]) -> list[Json]:
        body = self._device.batch(receipts)
        answer = upload(self._http, self._stage.stage.gateway, self._key, given["id"], body)
        expect(answer, 200)
        lines: list[Json] = answer.json()["lines"]
        return lines

    def _show(self, lines: list[Json]) -> None:
        for line in lines:
            first = f" (was {line['first_result']})" if line["first_result"] else ""
            until = " never came" if line["until_seq"] else ""
            self._say(f"   receipt {line['seq']}{until}: {line['result']}{first}")

    def _find_line(self, suspense_id: str) -> Json:
        for row in self._get("suspense?limit=100")["data"]:
            if row["id"] == suspense_id:
                found: Json = row
                return found
        message = f"{suspense_id} does not stand in suspense"
        raise SceneFailed(message)

    def _post(self, path: str, body: Json, api_key: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {api_key}", "idempotency-key": str(uuid4())}
        return self._http.post(f"{self._stage.stage.gateway}{path}", json=body, headers=headers)

    def _get(self, path: str) -> Json:
        headers = {"authorization": f"Bearer {self._key}"}
        answer = self._http.get(f"{self._stage.stage.gateway}/v1/{path}", headers=headers)
        expect(answer, 200)
        found: Json = answer.json()
        return found

    @staticmethod
    def _wrong(told: object) -> None:
        message = f"not what must be answered: {told}"
        raise SceneFailed(message)
