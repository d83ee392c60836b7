"""The second half of the play: payers pay at providers, and one call ends in a time-out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Self
from uuid import uuid4

import httpx

from gateway.sandbox.scenario import TIMEOUT_S, Json, SceneFailed, Stage, dong, expect, look_up

SETTLED_WAIT_S = 30.0
THANKS = "https://portal.example.vn/thanks"


@dataclass(frozen=True, slots=True)
class RailAt:
    """A simulated provider that is up."""

    code: str
    title: str
    channel: str
    url: str


class ProviderPlay:
    """Pays one bill at each provider; the last one's answer is lost, and found out."""

    def __init__(self, stage: Stage, rails: Iterable[RailAt], say: Callable[[str], None]) -> None:
        self._stage = stage
        self._rails = list(rails)
        self._say = say
        self._http = httpx.Client(timeout=TIMEOUT_S, trust_env=False)
        self._customers = iter(stage.customers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def perform(self) -> None:
        """Pay at each rail.

        Raises:
            SceneFailed: an answer is not what it must be.
        """
        *plain, last = self._rails
        for number, rail in enumerate(plain, start=7):
            self.pay(number, rail)
        self._pay_through_a_time_out(7 + len(plain), last)

    def pay(self, number: int, rail: RailAt) -> None:
        """Pay one bill there; its signed notification settles it.

        Raises:
            SceneFailed: an answer is not what it must be.
        """
        payment = self.begin(rail, status=201)
        self._say(f"{number}. A payer chooses {rail.title}: POST /v1/payments, method 'provider'")
        self._say(f"   201 {payment['id']} {payment['status']}, {dong(payment['amount_dong'])}")
        self._say(f"   next: {next(a for a in payment['next_action'].values() if a)[:88]}")
        self.visit(payment)
        self.act(rail, payment)
        settled = self.await_status(payment)
        ranks = self.ranks(payment)
        self._say(f"   the payer approves; {rail.title}'s signed notification settles it")
        self._say(f"   {settled['status']}, certainty {settled['certainty']}, by {ranks[-1]}")

    def _pay_through_a_time_out(self, number: int, rail: RailAt) -> None:
        self.plan(rail, "create", "hang_after")
        payment = self.begin(rail, status=202)
        self._say(
            f"{number}. A payer chooses {rail.title}, which takes the order and never answers"
        )
        self._say(f"   202 {payment['status']}, certainty {payment['certainty']}")
        self._say(f"   may the payer pay again? {payment['may_payer_pay_again']}")
        refused = self.collect(payment, status=409)
        self._say(f"   a bank tries the same bill: {refused['status']} {refused['code']}")
        self.plan(rail, "notify", "missing")
        self.act(rail, payment)
        settled = self.await_status(payment)
        self._say(f"   the payer pays in the app, and {rail.title}'s notification is lost")
        self._say(f"   the resolver asks by our reference: {settled['status']}, nothing guessed")
        for line in self.ranks(payment):
            self._say(f"     evidence: {line}")

    def begin(self, rail: RailAt, *, status: int = 201, **choice: str) -> Json:
        """Begin a payment of the next debtor's bill there; `choice` is an `option`, if any.

        Raises:
            SceneFailed: it is not begun.
        """
        found = self._next_debtor()
        body = {
            "method": "provider",
            "biller": self._stage.biller,
            "customer_code": found["customer"]["code"],
            "partner_reference": f"DEMO-{uuid4().hex[:12].upper()}",
            "bills": [{"id": b["id"], "amount_dong": b["due_dong"]} for b in found["bills"]],
            **_chosen(rail, choice),
        }
        answer = self._post(body, self._stage.wallet_key)
        expect(answer, status)
        payment: Json = answer.json()
        return payment

    def try_again(self, payment: Json, rail: RailAt, **choice: str) -> Json:
        """Try a payment that has failed once more, there.

        Raises:
            SceneFailed: it may not be tried again.
        """
        path = f"/v1/payments/{payment['id']}/attempts"
        answer = self._post(_chosen(rail, choice), self._stage.wallet_key, path)
        expect(answer, 201)
        tried: Json = answer.json()
        return tried

    def cancel(self, payment: Json) -> Json:
        """Give a payment up, as its partner.

        Raises:
            SceneFailed: it cannot be given up.
        """
        path = f"/v1/payments/{payment['id']}/cancel"
        answer = self._post({}, self._stage.wallet_key, path)
        expect(answer, 200)
        given_up: Json = answer.json()
        return given_up

    def _next_debtor(self) -> Json:
        for code in self._customers:
            found = look_up(self._http, self._stage, code)
            if len(found.get("bills", ())) == 1:
                return found
        message = "no customer with one open bill is left; start with a new --data-dir"
        raise SceneFailed(message)

    def collect(self, payment: Json, *, status: int) -> Json:
        """Let a bank collect the same bill, and give how that is answered.

        Raises:
            SceneFailed: it is answered otherwise.
        """
        bill = payment["bills"][0]
        body = {
            "method": "collected",
            "channel": "mobile_banking",
            "biller": self._stage.biller,
            "customer_code": payment["customer_code"],
            "partner_reference": f"DEMO-{uuid4().hex[:12].upper()}",
            "bills": [{"id": bill["id"], "amount_dong": bill["amount_dong"]}],
        }
        answer = self._post(body, self._stage.bank_key)
        expect(answer, status)
        said: Json = answer.json()
        return said

    def visit(self, payment: Json) -> None:
        """Go where the payer's browser goes; some providers learn of an order only then."""
        url = payment["next_action"]["redirect_url"]
        if url is not None:
            self._http.get(url, follow_redirects=True)

    def act(self, rail: RailAt, payment: Json, act: str = "approve") -> None:
        """Let the payer approve or decline there."""
        reference = payment["attempts"][-1]["reference"]
        expect(self.control(rail, "payer", reference=reference, act=act), 200)

    def plan(self, rail: RailAt, operation: str, fault: str) -> None:
        """Let the next such call or notice there go wrong."""
        expect(self.control(rail, "faults", operation=operation, fault=fault), 204)

    def control(self, rail: RailAt, path: str, **body: object) -> httpx.Response:
        """Make a control call of the simulator."""
        return self._http.post(f"{rail.url}/control/{path}", json=body)

    def charges(self, rail: RailAt, payment: Json) -> list[Json]:
        """Give what the simulator took for a payment's newest attempt."""
        answer = self._http.get(f"{rail.url}/control/charges")
        expect(answer, 200)
        reference = payment["attempts"][-1]["reference"]
        return [one for one in answer.json()["charges"] if one["reference"] == reference]

    def await_status(self, payment: Json, wanted: str = "succeeded") -> Json:
        """Wait until a payment stands as it must, and give it.

        Raises:
            SceneFailed: it does not in time.
        """
        until = monotonic() + SETTLED_WAIT_S
        while monotonic() < until:
            found = self.read(payment)
            if found["status"] == wanted:
                return found
            sleep(0.2)
        message = f"{payment['id']} is not {wanted}: {found['status']}, {found['certainty']}"
        raise SceneFailed(message)

    def read(self, payment: Json) -> Json:
        """Read a payment as it stands."""
        return self._get(f"/v1/payments/{payment['id']}")

    def ranks(self, payment: Json) -> list[str]:
        """Say which evidence moved a payment, and how."""
        steps = self._get(f"/v1/payments/{payment['id']}/timeline")["data"]
        return [
            f"{step['facts']['rank_name']} says {step['facts']['outcome']} → "
            f"{step['facts']['state_after']}"
            for step in steps
            if step["kind"] == "evidence"
        ]

    def _get(self, path: str) -> Json:
        answer = self._http.get(
            f"{self._stage.gateway}{path}",
            headers={"authorization": f"Bearer {self._stage.wallet_key}"},
        )
        expect(answer, 200)
        found: Json = answer.json()
        return found

    def _post(self, body: Json, api_key: str, path: str = "/v1/payments") -> httpx.Response:
        headers = {"authorization": f"Bearer {api_key}", "idempotency-key": str(uuid4())}
        return self._http.post(f"{self._stage.gateway}{path}", json=body, headers=headers)


def _chosen(rail: RailAt, choice: dict[str, str]) -> Json:
    where = {"provider": rail.code, "channel": rail.channel, **choice}
    return {**where, "return_url": THANKS, "payer_ip": "113.160.92.202"}
