"""A VietQR in a bank's app, and money that is short, over, late, or that nobody asked for."""

from collections.abc import Callable
from time import monotonic, sleep
from uuid import uuid4

import httpx

from gateway.sandbox.plays import PlayStage
from gateway.sandbox.rails import RailPart
from gateway.sandbox.scenario import TIMEOUT_S, Json, SceneFailed, dong, expect, look_up

TITLE = "a VietQR in a bank's app; money that is short, over, late or unknown"
ACCOUNT = "0501000123456"
SETTLED_WAIT_S = 30.0
PARTS = (
    RailPart(
        code="bank_credits",
        title="A bank, and SePay which tells of it",
        channel="qr",
        argv=("--notify-url", "{gateway}/v1/credits/{{teller}}", "--account", f"{ACCOUNT}=sepay"),
        also={
            "sepay": {"account": ACCOUNT, "key": "sepay-sandbox-simulator-api-key-0001"},
            "vietqr": {
                "bank_bin": "970436",
                "account": ACCOUNT,
                "account_name": "DIEN LUC CA MAU",
            },
        },
    ),
)


def perform(stage: PlayStage) -> None:
    """Send money in five ways.

    Raises:
        SceneFailed: an answer is not what it must be.
    """
    utility = stage.stage.biller
    stage.command("credit-account", ACCOUNT, "--biller", utility, "--partner", utility)
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as http:
        play = _Play(stage, http)
        play.exact()
        play.short()
        play.over()
        play.unknown()
        play.late()
        play.show_suspense()


class _Play:
    """One run of the play; it remembers the customers whose money it sent."""

    def __init__(self, stage: PlayStage, http: httpx.Client) -> None:
        self._stage, self._http, self._say = stage, http, stage.say
        self._bank = stage.rails["bank_credits"].url
        self._customers = iter(stage.stage.customers)
        self._ours: set[str] = set()

    def exact(self) -> None:
        payment = self._begin()
        self._say("1. POST /v1/payments, provider 'vietqr': the payer scans a QR in a bank's app")
        self._say(f"   next: {payment['next_action']['qr_content'][:88]}")
        told = self._transfer(qr=self._qr(payment))
        self._say(f"   the bank writes '{told['text'][:72]}'")
        self._say(f"   SePay tells of {dong(told['amount_dong'])}: {self._settled(payment)}")
        again = self._transfer_told(payment)
        self._say(f"   it goes to the ledger as {', '.join(again)}")

    def short(self) -> None:
        payment = self._begin()
        owed = payment["amount_dong"]
        self._transfer(qr=self._qr(payment), amount_dong=owed - 20_000)
        line = self._line(payment["customer_code"], "short")
        self._say("2. The payer types 20.000 ₫ too little: the money is held")
        self._say(f"   {line['reason']}, {line['owner']}: {line['next_action']}")
        self._transfer(qr=self._qr(payment), amount_dong=20_000, mangling="torn")
        self._say(f"   the rest comes, torn apart by the bank: {self._settled(payment)}")

    def over(self) -> None:
        payment = self._begin()
        self._transfer(qr=self._qr(payment), amount_dong=payment["amount_dong"] + 5_000, times=2)
        self._say("3. The payer types 5.000 ₫ too much, and SePay tells it twice")
        line = self._line(payment["customer_code"], "over")
        self._say(f"   {self._settled(payment)}; {line['owner']}: {line['next_action']}")

    def unknown(self) -> None:
        found = self._next_debtor()
        customer, owed = found["customer"]["code"], found["bills"][0]["due_dong"]
        told = self._transfer(account=ACCOUNT, amount_dong=owed, mangling="unknown")
        line = self._first(lambda row: told["reference"] in row["next_action"])
        self._say(f"4. {dong(owed)} come with '{told['text']}': nobody guesses whose they are")
        self._say(f"   {line['reason']}, {line['owner']}: {line['next_action']}")
        done = self._stage.command(
            *("suspense", "assign", line["id"], "--customer", customer),
            *("--by", "Lan", "--reason", "the payer came with the bank's slip"),
        )
        self._say(f"   gateway suspense assign … --customer {customer}: {done.strip()}")
        if look_up(self._http, self._stage.stage, customer)["bills"]:
            message = f"the bill of {customer} is still open"
            raise SceneFailed(message)

    def late(self) -> None:
        payment = self._begin()
        bill = payment["bills"][0]
        body = {
            "method": "collected",
            "channel": "mobile_banking",
            "biller": self._stage.stage.biller,
            "customer_code": payment["customer_code"],
            "partner_reference": f"DEMO-{uuid4().hex[:12].upper()}",
            "bills": [{"id": bill["id"], "amount_dong": bill["amount_dong"]}],
        }
        self._post("/v1/payments", body, self._stage.stage.bank_key)
        self._transfer(qr=self._qr(payment), days_ago=1)
        line = self._line(payment["customer_code"], "late")
        self._say("5. The bank's own app pays first; the QR's money comes a day late")
        self._say(f"   {line['owner']}: {line['next_action']}")

    def show_suspense(self) -> None:
        self._say("6. GET /v1/suspense and /v1/refund-instructions, as the utility reads them")
        lines = {row["id"]: row for row in self._all("suspense") if self._is_ours(row)}
        for row in lines.values():
            self._say(
                f"   {row['id'][:12]}…  {dong(row['amount_dong'])}  {row['reason']}  "
                f"{row['age_days']} days  {row['owner']}  due {row['due_on']}"
            )
        self._say(f"   gateway suspense: {self._stage.command('suspense').splitlines()[-1]}")
        due = [r for r in self._all("refund-instructions?state=due") if r["suspense_id"] in lines]
        for row in due:
            self._say(f"   refund due: {dong(row['amount_dong'])} to the {row['goes_to']}")
        if sorted(row["reason"] for row in lines.values()) != ["late", "over"] or len(due) != 2:  # noqa: PLR2004 (those two)
            message = f"not what must stand in suspense: {list(lines.values())}"
            raise SceneFailed(message)

    def _is_ours(self, row: Json) -> bool:
        return row["customer_code"] in self._ours

    def _begin(self) -> Json:
        found = self._next_debtor()
        body = {
            "method": "provider",
            "provider": "vietqr",
            "channel": "qr",
            "biller": self._stage.stage.biller,
            "customer_code": found["customer"]["code"],
            "partner_reference": f"DEMO-{uuid4().hex[:12].upper()}",
            "bills": [{"id": b["id"], "amount_dong": b["due_dong"]} for b in found["bills"]],
            "return_url": "https://portal.example.vn/thanks",
            "payer_ip": "113.160.92.202",
        }
        return self._post("/v1/payments", body, self._stage.stage.wallet_key)

    def _next_debtor(self) -> Json:
        for code in self._customers:
            found = look_up(self._http, self._stage.stage, code)
            bills = found.get("bills", ())
            if len(bills) == 1 and bills[0]["due_dong"] > 20_000:  # noqa: PLR2004 (more than is left out)
                self._ours.add(code)
                return found
        message = "no customer with one open bill is left; start with a new --data-dir"
        raise SceneFailed(message)

    @staticmethod
    def _qr(payment: Json) -> str:
        return str(payment["next_action"]["qr_content"])

    def _transfer(self, **asked: object) -> Json:
        answer = self._http.post(f"{self._bank}/control/transfer", json=asked)
        expect(answer, 200)
        told: Json = answer.json()
        if any(said["status"] // 100 != 2 for said in told["answers"]):  # noqa: PLR2004 (2xx)
            message = f"a notice was not taken: {told['answers']}"
            raise SceneFailed(message)
        return told

    def _transfer_told(self, payment: Json) -> list[str]:
        return self._stage.stage.ledger_of(payment["id"])

    def _settled(self, payment: Json) -> str:
        until = monotonic() + SETTLED_WAIT_S
        while monotonic() < until:
            found = self._get(f"payments/{payment['id']}", self._stage.stage.wallet_key)
            if found["status"] == "succeeded":
                return f"{found['status']}, certainty {found['certainty']}"
            sleep(0.2)
        message = f"{payment['id']} is not settled: {found['status']}"
        raise SceneFailed(message)

    def _line(self, customer: str, reason: str) -> Json:
        return self._first(lambda row: row["customer_code"] == customer and row["reason"] == reason)

    def _first(self, wanted: Callable[[Json], bool]) -> Json:
        for row in self._all("suspense"):
            if wanted(row):
                return row
        message = "the money is not in suspense"
        raise SceneFailed(message)

    def _all(self, path: str) -> list[Json]:
        more = "&" if "?" in path else "?"
        rows: list[Json] = self._get(f"{path}{more}limit=100", self._utility_key)["data"]
        return rows

    @property
    def _utility_key(self) -> str:
        return self._stage.keys[self._stage.stage.biller]

    def _get(self, path: str, api_key: str) -> Json:
        answer = self._http.get(
            f"{self._stage.stage.gateway}/v1/{path}",
            headers={"authorization": f"Bearer {api_key}"},
        )
        expect(answer, 200)
        found: Json = answer.json()
        return found

    def _post(self, path: str, body: Json, api_key: str) -> Json:
        headers = {"authorization": f"Bearer {api_key}", "idempotency-key": str(uuid4())}
        answer = self._http.post(f"{self._stage.stage.gateway}{path}", json=body, headers=headers)
        expect(answer, 201)
        found: Json = answer.json()
        return found
