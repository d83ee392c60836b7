"""The provincial public-service portal: it asks what a citizen owes, who then pays at KeyPay."""

import json
from collections.abc import Iterator
from time import monotonic, sleep
from uuid import uuid4

import httpx

from gateway.sandbox.keypay import SIGNED, Client, sign
from gateway.sandbox.plays import PlayStage
from gateway.sandbox.rails import RailPart
from gateway.sandbox.scenario import TIMEOUT_S, Json, SceneFailed, dong, expect, look_up

TITLE = "the public-service portal, which asks and pays through KeyPay"
CLIENT = Client()
PARTS = (
    RailPart(
        code="keypay",
        title="KeyPay",
        channel="portal",
        argv=("--gateway", "{gateway}", "--repeat-after", "1,1,1"),
        config={
            "host": "{rail}",
            "partner": "saigonpay",
            "biller": "evnspc-camau",
            "client_id": CLIENT.client_id,
            "hash_key_1": CLIENT.hash_key_1,
            "hash_key_2": CLIENT.hash_key_2,
            "deadline_s": "3",
            "visibility_s": "5",
        },
    ),
)
SETTLED_WAIT_S = 30.0


def perform(stage: PlayStage) -> None:
    """Pull the bills, pay one, and try what a forger would.

    Raises:
        SceneFailed: an answer is not what it must be.
    """
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as http:
        portal = _Portal(stage, http)
        customer = next(portal.debtors())
        bill = portal.pull(customer)
        payment = portal.pay(customer, bill)
        portal.forge(payment)
        portal.settle(payment)
        portal.repeat(payment)


class _Portal:
    def __init__(self, stage: PlayStage, http: httpx.Client) -> None:
        self._stage = stage
        self._http = http
        self._rail = stage.rails["keypay"].url
        self._say = stage.say

    def debtors(self) -> Iterator[str]:
        for code in self._stage.stage.customers:
            if len(look_up(self._http, self._stage.stage, code).get("bills", ())) == 1:
                yield code
        message = "no customer with one open bill is left; start with a new --data-dir"
        raise SceneFailed(message)

    def pull(self, customer: str) -> Json:
        said = self._control("pull", customer_code=customer)
        _must(said["error_code"] == 1, said)
        bill: Json = said["hoaDon"][0]
        self._say(f"1. A citizen opens the portal; it asks our door what {customer} owes")
        self._say(f"   error_code 1: {dong(bill['tongTien'])}, kỳ {bill['thang']}/{bill['nam']}")
        forged = self._control("pull", customer_code=customer, forged=True)
        _must(forged == {"error_code": -1, "message": "refused"}, forged)
        self._say(f"   the same question under another key: error_code {forged['error_code']}")
        dossier = self._control("pull", dossier=bill["maHoaDon"])
        _must(dossier["message"] == bill, dossier)
        self._say(f"   dptracuuthanhtoanhs of the bill itself: {dossier['error_code']}, payable")
        return bill

    def pay(self, customer: str, bill: Json) -> Json:
        body = {
            "method": "provider",
            "provider": "keypay",
            "channel": "portal",
            "biller": self._stage.stage.biller,
            "customer_code": customer,
            "partner_reference": f"DVC-{uuid4().hex[:12].upper()}",
            "bills": [{"id": bill["maHoaDon"], "amount_dong": bill["tongTien"]}],
            "return_url": "https://portal.example.vn/thanks",
            "payer_ip": "113.160.92.202",
        }
        answer = self._http.post(
            f"{self._stage.stage.gateway}/v1/payments",
            json=body,
            headers={**self._key(), "idempotency-key": str(uuid4())},
        )
        expect(answer, 201)
        payment: Json = answer.json()
        self._say("2. The citizen pays there: an order at KeyPay, signed with the first key")
        self._say(f"   {payment['id']} {payment['status']}: {payment['next_action']}"[:96])
        return payment

    def forge(self, payment: Json) -> None:
        """Tell of a success before anybody paid: with the wrong key, then with the right one."""
        answer = self._callback(payment, CLIENT.hash_key_1)
        _must(answer["return_code"] == -1, answer)
        self._say("3. Somebody tells of a success, signed with the key that we sign with")
        self._say(f"   return_code {answer['return_code']}, kept in quarantine")
        answer = self._callback(payment, CLIENT.hash_key_2)
        found = self._read(payment)
        _must(answer["return_code"] == 0 and found["status"] != "succeeded", found)
        self._say("   and with the right key: status is not signed, so it is a reason to ask")
        self._say(f"   return_code {answer['return_code']}, but the payment is {found['status']}")

    def settle(self, payment: Json) -> None:
        reference = payment["attempts"][-1]["reference"]
        done = self._control("payer", reference=reference, act="approve")
        _must(done["done"], done)
        until = monotonic() + SETTLED_WAIT_S
        while (found := self._read(payment))["status"] != "succeeded":
            if monotonic() > until:
                message = f"{payment['id']} is not settled: {found['status']}"
                raise SceneFailed(message)
            sleep(0.2)
        self._say("4. The citizen approves; KeyPay calls back, we ask, and its answer settles it")
        self._say(f"   {found['status']}, certainty {found['certainty']}")
        for row in self._stage.stage.ledger_of(payment["id"]):
            self._say(f"   {row}")

    def repeat(self, payment: Json) -> None:
        answers = [self._callback(payment, CLIENT.hash_key_2, MaHoSo="OTHER") for _ in range(2)]
        _must(all(answer["return_code"] == 0 for answer in answers), answers[-1])
        rows = self._stage.stage.ledger_of(payment["id"])
        _must(len(rows) == 1, {"ledger": rows})
        self._say("5. The callback again, twice, with another bill_info that nobody signed")
        self._say(f"   return_code 0 each time; the ledger has {len(rows)} transfer, as before")

    def _callback(self, payment: Json, key: str, **bill_info: str) -> Json:
        said = {
            "addition_fee": "0",
            "client_id": CLIENT.client_id,
            "command": "PAY",
            "trans_amount": str(payment["amount_dong"]),
            "transaction_id": payment["attempts"][-1]["reference"],
            "version": "3.0",
        }
        check_sum = sign(key, *(said[name] for name in SIGNED))
        body = {**said, "status": "0", "bill_info": bill_info, "check_sum": check_sum}
        answer = self._http.post(
            f"{self._stage.stage.gateway}/v1/notifications/keypay", content=json.dumps(body)
        )
        expect(answer, 200)
        found: Json = answer.json()
        return found

    def _read(self, payment: Json) -> Json:
        url = f"{self._stage.stage.gateway}/v1/payments/{payment['id']}"
        answer = self._http.get(url, headers=self._key())
        expect(answer, 200)
        found: Json = answer.json()
        return found

    def _control(self, path: str, **asked: object) -> Json:
        answer = self._http.post(f"{self._rail}/control/{path}", json=asked)
        expect(answer, 200)
        found: Json = answer.json()
        return found

    def _key(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._stage.stage.wallet_key}"}


def _must(is_so: object, said: Json) -> None:
    if not is_so:
        message = f"the portal was told {said}"
        raise SceneFailed(message)
