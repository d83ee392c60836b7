"""Payoo on both of its sides: payers who pay there, and bills that we clear out of a deposit."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from uuid import uuid4

import httpx

from gateway.sandbox import payoobill
from gateway.sandbox.payoobill_keys import PARTNER_PRIVATE, PAYOO_PUBLIC
from gateway.sandbox.plays import PlayStage
from gateway.sandbox.provider_play import ProviderPlay, RailAt
from gateway.sandbox.rails import RAILS, RailPart
from gateway.sandbox.scenario import TIMEOUT_S, Json, SceneFailed, dong, expect

TITLE = "Payoo: told in XML, a code paid at a shop, and a bill cleared out of a deposit there"
_SHOP = next(rail for rail in RAILS if rail.code == "payoo")
PARTS = (
    replace(_SHOP, config={**_SHOP.config, "notifications": "xml"}),
    RailPart(
        code="payoobill",
        title="Payoo Bill",
        channel="mobile_banking",
        config={
            "url": "{rail}",
            "partner_code": payoobill.PARTNER,
            "user_id": payoobill.USER,
            "service_id": payoobill.SERVICE,
            "provider_id": payoobill.PROVIDER,
            "channel": payoobill.CHANNEL,
            "contact_phone": "19001006",
            "private_key": PARTNER_PRIVATE,
            "public_key": PAYOO_PUBLIC,
            "deadline_s": "3",
            "visibility_s": "5",
        },
    ),
)
RULES = {
    "customer_code_pattern": "PB14[0-9]{9}",
    "oldest_first": True,
    "bills_source": "payoobill",
    "lookup_deadline_s": 5,
}
CUSTOMER = "PB14010900003"
POSTED_WAIT_S = 40.0


def perform(stage: PlayStage) -> None:
    """Pay in the wallet, pay a code at a shop, clear a bill that is pending first.

    Raises:
        SceneFailed: an answer is not what it must be.
    """
    shop = stage.rails["payoo"]
    with ProviderPlay(stage.stage, (), stage.say) as play:
        play.pay(1, shop)
        stage.say("   (a PayooConnectionPackage: order, amount and state are among what it signs)")
        _at_a_shop(stage, play, shop)
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as http:
        _Bills(stage, http).perform()


def _at_a_shop(stage: PlayStage, play: ProviderPlay, shop: RailAt) -> None:
    payment = play.begin(replace(shop, channel="counter_cash"), option="billing-code")
    code = payment["next_action"]["payment_code"]
    stage.say("2. A payer without a phone wants to pay at a shop: option 'billing-code'")
    stage.say(f"   201 {payment['id']} {payment['status']}; the code to say there: {code}")
    expect(play.control(shop, "counter", code=code), 204)
    settled = play.await_status(payment)
    stage.say("   the shop takes the money for that code; Payoo tells it in the billing form")
    ranks = play.ranks(payment)
    stage.say(f"   {settled['status']}, certainty {settled['certainty']}, by {ranks[-1]}")
    expect(play.control(shop, "counter", code=code), 404)
    if len(play.charges(shop, payment)) != 1:
        message = f"the code {code} was not charged once"
        raise SceneFailed(message)
    stage.say("   the same code at another shop: refused, it was charged once")


class _Bills:
    """Payoo's bill side as a biller's source."""

    def __init__(self, stage: PlayStage, http: httpx.Client) -> None:
        self._stage = stage
        self._http = http
        self._side = stage.rails["payoobill"].url
        self._run = uuid4().hex[:6].upper()
        self._biller = f"payoobill-live-{self._run.lower()}"
        self._bills = [f"{self._run}-{month}" for month in (9, 10)]

    def perform(self) -> None:
        self._open()
        found = self._look_up()
        self._pending_first(found)
        self._deposit_used_up()

    def _open(self) -> None:
        with TemporaryDirectory() as folder:
            rules = Path(folder) / "rules.json"
            rules.write_text(json.dumps(RULES), encoding="utf-8")
            self._stage.command("billers", "put", self._biller, "Điện lực qua Payoo", str(rules))
        bills = [
            {"code": bill, "amount_dong": 100_000 + 1_000 * month, "month": month, "year": 2026}
            for bill, month in zip(self._bills, (9, 10), strict=True)
        ]
        self._control("owe", customers=[{"code": CUSTOMER, "bills": bills}])

    def _look_up(self) -> Json:
        until = monotonic() + TIMEOUT_S
        while (answer := self._ask()).status_code == httpx.codes.NOT_FOUND:
            if monotonic() > until:  # the new biller is known everywhere within a second
                break
            sleep(0.2)
        expect(answer, 200)
        found: Json = answer.json()
        self._say(f"3. GET /v1/bills?biller={self._biller}: asked at Payoo (QueryBillBE)")
        for bill in found["bills"]:
            self._say(f"   owes {dong(bill['due_dong'])} for {bill['period']} (bill {bill['id']})")
        return found

    def _pending_first(self, found: Json) -> None:
        self._control("next-pay", code=1, asks=2)
        payment = self._pay(found, 0)
        self._say(f"4. A bank pays the oldest bill: 201 {payment['id']}")
        seen = self._await(payment, "unknown")
        self._say(
            f"   PayBillBE answers {seen['bills'][0]['code'][:8]}: paid to Payoo, not cleared"
        )
        posting = self._await(payment, "acknowledged")
        said = posting["bills"][0]["code"]
        self._say(f"   posting unknown, never failed; its status is asked until it is {said}")
        self._say(f"   posting {posting['status']}; paid at Payoo {self._paid(posting)} time")

    def _deposit_used_up(self) -> None:
        self._control("float", dong=1_000)
        found: Json = self._ask().json()
        payment = self._pay(found, 0)
        self._say(f"5. Our deposit at Payoo is used up when {payment['id']} is cleared")
        line = self._exception(payment)
        self._say(f"   an operator is told at once: {line}")
        self._control("float", dong=10_000_000)
        posting = self._await(payment, "acknowledged")
        self._say("   it is topped up; the gateway tries again by itself, under the same number")
        self._say(f"   posting {posting['status']}; paid at Payoo {self._paid(posting)} time")

    def _exception(self, payment: Json) -> str:
        until = monotonic() + POSTED_WAIT_S
        while monotonic() < until:
            shown = self._stage.command("exceptions", "list").splitlines()
            at = next((n for n, line in enumerate(shown) if payment["id"] in line), None)
            if at is not None and "posting_float_empty" in "".join(shown[max(at - 1, 0) : at + 3]):
                return next(x for x in shown[max(at - 1, 0) : at + 3] if "top it up" in x).strip()
            sleep(0.5)
        message = f"no exception says that the deposit is used up for {payment['id']}"
        raise SceneFailed(message)

    def _paid(self, posting: Json) -> int:
        books = self._http.get(f"{self._side}/control/books").json()
        [mine] = [bill["reference"] for bill in posting["bills"]]
        times = [paid["trace"] for paid in books["payments"]].count(mine)
        if times != 1 or books["paid_twice"]:
            message = f"{mine} is paid {times} times at Payoo, twice: {books['paid_twice']}"
            raise SceneFailed(message)
        return times

    # ── the calls ────────────────────────────────────────────────────────────────────────────

    def _ask(self) -> httpx.Response:
        return self._http.get(
            f"{self._stage.stage.gateway}/v1/bills",
            params={"biller": self._biller, "customer_code": CUSTOMER},
            headers=self._headers(),
        )

    def _pay(self, found: Json, number: int) -> Json:
        bill = found["bills"][number]
        body = {
            "method": "collected",
            "channel": "mobile_banking",
            "biller": self._biller,
            "customer_code": CUSTOMER,
            "partner_reference": f"DEMO-{uuid4().hex[:12].upper()}",
            "bills": [{"id": bill["id"], "amount_dong": bill["due_dong"]}],
            "lookup_token": found["lookup_token"],
        }
        headers = self._headers() | {"idempotency-key": str(uuid4())}
        answer = self._http.post(
            f"{self._stage.stage.gateway}/v1/payments", json=body, headers=headers
        )
        expect(answer, 201)
        payment: Json = answer.json()
        return payment

    def _await(self, payment: Json, status: str) -> Json:
        path = f"{self._stage.stage.gateway}/v1/payments/{payment['id']}"
        until = monotonic() + POSTED_WAIT_S
        while monotonic() < until:
            answer = self._http.get(path, headers=self._headers())
            expect(answer, 200)
            posting: Json = answer.json()["posting"]
            if posting["status"] == status:
                return posting
            sleep(0.2)
        message = f"{payment['id']} is not {status}: {posting}"
        raise SceneFailed(message)

    def _control(self, path: str, **fields: object) -> None:
        expect(self._http.post(f"{self._side}/control/{path}", json=fields), 204)

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._stage.stage.bank_key}"}

    def _say(self, line: str) -> None:
        self._stage.say(line)
