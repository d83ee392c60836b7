"""The main job, played over HTTP: a bank's app, a wallet and the billing system around a gateway.

Every line that it prints is the answer of a real call; an answer that is not what it must be stops
the play.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import httpx

TIMEOUT_S = 10.0
WEBHOOK_WAIT_S = 20.0
Json = dict[str, Any]


class SceneFailed(Exception):
    """A call was not answered as it must be; the play stops."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the play is played, and by whom."""

    gateway: str
    billing_system: str
    biller: str
    bank_key: str
    wallet_key: str
    customers: Iterable[str]
    """Customer codes to choose from; the first with exactly one open bill is played."""
    ledger_of: Callable[[str], list[str]]
    """Gives the ledger rows of a payment as text; read from the database, not from the API."""


class Play:
    """One run of the main job."""

    def __init__(self, stage: Stage, say: Callable[[str], None]) -> None:
        self._stage = stage
        self._say = say
        self._http = httpx.Client(timeout=TIMEOUT_S, trust_env=False)

    def perform(self) -> None:
        """Look up, pay, repeat, refuse, show the books and the webhook.

        Raises:
            SceneFailed: an answer is not what it must be.
        """
        with self._http:
            found = self._look_up()
            body = _payment(found, self._stage.biller, channel="mobile_banking")
            payment = self._pay_once(body)
            self._pay_from_wallet(found)
            self._show_ledger(payment["id"])
            self._show_webhook(payment)

    def _look_up(self) -> Json:
        for code in self._stage.customers:
            found = look_up(self._http, self._stage, code)
            if len(found.get("bills", ())) == 1:
                break
        else:
            message = "no customer with one open bill is left; start with a new --data-dir"
            raise SceneFailed(message)
        bill = found["bills"][0]
        self._say(f"1. A customer of ward 5, {code}, opens the bank's app: GET /v1/bills")
        self._say(f"   {found['customer']['name']}, {found['customer']['address']}")
        self._say(f"   owes {dong(bill['due_dong'])} for {bill['period']} (bill {bill['id']})")
        return found

    def _pay_once(self, body: Json) -> Json:
        key = str(uuid4())
        first = self._post(body, key, self._stage.bank_key)
        expect(first, 201)
        payment: Json = first.json()
        self._say("2. The bank has debited its customer and pays: POST /v1/payments")
        self._say(f"   201 {payment['id']} {payment['status']}, {dong(payment['amount_dong'])}")
        again = self._post(body, key, self._stage.bank_key)
        expect(again, 201)
        if again.content != first.content or "idempotent-replayed" not in again.headers:
            message = "the repeated call was not answered with the first answer"
            raise SceneFailed(message)
        self._say("3. The line broke, the bank sends the same call again, same Idempotency-Key")
        self._say("   201, byte for byte the first answer, Idempotent-Replayed: true")
        return payment

    def _pay_from_wallet(self, found: Json) -> None:
        body = _payment(found, self._stage.biller, channel="e_wallet")
        refused = self._post(body, str(uuid4()), self._stage.wallet_key)
        expect(refused, 409)
        problem = refused.json()
        self._say("4. The customer's son pays the same bill from a wallet")
        self._say(f"   409 {problem['code']}: {problem['detail']}")
        self._say(f"   {problem['detail_vi']}")

    def _show_ledger(self, payment_id: str) -> None:
        self._say("5. The ledger: one balanced transfer, whatever was repeated or refused")
        for row in self._stage.ledger_of(payment_id):
            self._say(f"   {row}")

    def _show_webhook(self, payment: Json) -> None:
        bill = payment["bills"][0]
        until = monotonic() + WEBHOOK_WAIT_S
        while monotonic() < until:
            answer = self._http.get(
                f"{self._stage.billing_system}/cleared",
                params={"customer_code": payment["customer_code"]},
            )
            expect(answer, 200)
            if bill["id"] in answer.text and payment["id"] in answer.text:
                self._say("6. The billing system has verified the signed webhook")
                self._say(f"   payment.succeeded: bill {bill['id']} is cleared in its own books")
                return
            sleep(0.1)
        message = f"the billing system has not heard of {payment['id']}"
        raise SceneFailed(message)

    def _post(self, body: Json, key: str, api_key: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {api_key}", "idempotency-key": key}
        return self._http.post(f"{self._stage.gateway}/v1/payments", json=body, headers=headers)


def look_up(http: httpx.Client, stage: Stage, customer_code: str) -> Json:
    """Ask what a customer owes, as the bank."""
    answer = http.get(
        f"{stage.gateway}/v1/bills",
        params={"biller": stage.biller, "customer_code": customer_code},
        headers={"authorization": f"Bearer {stage.bank_key}"},
    )
    expect(answer, 200)
    found: Json = answer.json()
    return found


def curl_lines(stage: Stage) -> list[str]:
    """Write three calls that work as they stand: look up, pay, repeat."""
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as http:
        for code in stage.customers:
            found = look_up(http, stage, code)
            if found["bills"]:
                return _curl(stage, found)
    return []


def _curl(stage: Stage, found: Json) -> list[str]:
    code = found["customer"]["code"]
    body = httpx.Request("POST", "http://x", json=_payment(found, stage.biller, "mobile_banking"))
    pay = (
        f"curl -sS {stage.gateway}/v1/payments -H 'Authorization: Bearer {stage.bank_key}' "
        f"-H 'Content-Type: application/json' -H 'Idempotency-Key: {uuid4()}' "
        f"-d '{body.content.decode()}'"
    )
    look = (
        f"curl -sS '{stage.gateway}/v1/bills?biller={stage.biller}&customer_code={code}' "
        f"-H 'Authorization: Bearer {stage.bank_key}'"
    )
    return [look, pay, pay.replace("curl -sS ", "curl -sSi ", 1)]


def _payment(found: Json, biller: str, channel: str) -> Json:
    return {
        "method": "collected",
        "biller": biller,
        "customer_code": found["customer"]["code"],
        "partner_reference": f"DEMO-{uuid4().hex[:12].upper()}",
        "channel": channel,
        "bills": [{"id": b["id"], "amount_dong": b["due_dong"]} for b in found["bills"]],
    }


def expect(answer: httpx.Response, status: int) -> None:
    """Stop the play unless an answer has the status that it must have."""
    if answer.status_code != status:
        message = f"{answer.request.url} answered {answer.status_code}: {answer.text[:400]}"
        raise SceneFailed(message)


def dong(amount: int) -> str:
    """Write an amount as people in Vietnam read it."""
    return f"{amount:,}".replace(",", ".") + " ₫"
