"""A bank's own app: the bank asks our door on its own wires, JSON and XML, and pays there."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx

from gateway.domain.clock import VIETNAM
from gateway.sandbox import bidvrest, bidvxml_keys
from gateway.sandbox.plays import PlayStage
from gateway.sandbox.rails import RailPart
from gateway.sandbox.scenario import TIMEOUT_S, Json, SceneFailed, dong, expect, look_up

TITLE = "a bank's app, on the bank's own wires"
TOO_LATE = "016"
_OURS = {"partner": "vietbank", "biller": "evnspc-camau", "service_id": bidvrest.SERVICE}
PARTS = (
    RailPart(
        code="bidvrest",
        title="BIDV (REST)",
        channel="mobile_banking",
        argv=("--gateway", "{gateway}"),
        config={**_OURS, "secret": bidvrest.SECRET},
    ),
    RailPart(
        code="bidvxml",
        title="BIDV (XML)",
        channel="internet_banking",
        argv=("--gateway", "{gateway}"),
        config={
            **_OURS,
            "bank_public_key": bidvxml_keys.BANK_PUBLIC_KEY,
            "private_key": bidvxml_keys.GATEWAY_PRIVATE_KEY,
        },
    ),
)


def perform(stage: PlayStage) -> None:
    """Ask, pay, lose an answer, repeat, be refused, take back.

    Raises:
        SceneFailed: an answer is not what it must be.
    """
    with _Bank.at(stage, "bidvrest") as json_wire, _Bank.at(stage, "bidvxml") as xml_wire:
        debtors = _debtors(stage, json_wire.http)
        _pay_once_through_a_time_out(stage, json_wire, next(debtors))
        _be_refused_what_a_wallet_has_paid(stage, json_wire, next(debtors))
        _pay_and_take_back(stage, xml_wire, next(debtors))


class _Bank:
    """The bank's app on one wire."""

    def __init__(self, stage: PlayStage, code: str, http: httpx.Client) -> None:
        self.http = http
        self._url = stage.rails[code].url

    @classmethod
    @contextmanager
    def at(cls, stage: PlayStage, code: str) -> Iterator["_Bank"]:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as http:
            yield cls(stage, code, http)

    def do(self, act: str, **asked: object) -> Json:
        answer = self.http.post(f"{self._url}/control/{act}", json=asked)
        if answer.is_error:
            expect(answer, 200)
        found: Json = answer.json() if answer.content else {}
        return found

    def ask(self, customer_code: str) -> dict[str, int]:
        found: dict[str, int] = self.do("inquire", customer_code=customer_code)["bills"]
        return found

    def pay(self, customer_code: str, bills: dict[str, int], channel: str) -> Json:
        return self.do("pay", customer_code=customer_code, bills=bills, channel=channel)


def _pay_once_through_a_time_out(stage: PlayStage, bank: _Bank, customer: str) -> None:
    bills = bank.ask(customer)
    stage.say(f"1. {customer} opens the bank's app; the bank asks our door: getbill, signed")
    stage.say(f"   owes {_listed(bills)}")
    bank.do("faults", operation="pay", fault="hang_after")
    lost = bank.pay(customer, bills, "mobile")
    _must(lost, money="in_doubt", code=None)
    stage.say("2. The bank debits its customer and sends paybill; the answer is lost on the line")
    stage.say(f"   the bank's books: {lost['money']}, trace {lost['trace']}")
    found = bank.do("repeat", trace=lost["trace"])
    _must(found, money="booked", code="000")
    stage.say("3. It sends the same trace again and is answered as the first time")
    stage.say(f"   {found['code']} {found['number']}: {found['money']}")
    for row in stage.stage.ledger_of(found["number"]):
        stage.say(f"   {row}")
    bank.do("faults", operation="pay", fault="bad_signature")
    forged = bank.pay(customer, bills, "mobile")
    _must(forged, money="returned", code="007")
    stage.say(f"4. A paybill with a wrong checksum: {forged['code']}, nothing is read from it")


def _be_refused_what_a_wallet_has_paid(stage: PlayStage, bank: _Bank, customer: str) -> None:
    bills = bank.ask(customer)
    stage.say(f"5. {customer} looks at the bank's app: owes {_listed(bills)}")
    answer = bank.http.post(
        f"{stage.stage.gateway}/v1/payments",
        json={
            "method": "collected",
            "biller": stage.stage.biller,
            "customer_code": customer,
            "partner_reference": f"WALLET-{next(iter(bills))}",
            "channel": "e_wallet",
            "bills": [{"id": bill, "amount_dong": amount} for bill, amount in bills.items()],
        },
        headers={
            "authorization": f"Bearer {stage.stage.wallet_key}",
            "idempotency-key": f"play-bank-{next(iter(bills))}",
        },
    )
    expect(answer, 201)
    stage.say(f"   but pays in a wallet: 201 {answer.json()['id']}")
    refused = bank.pay(customer, bills, "sms")
    _must(refused, money="returned", code="001")
    stage.say(f"   the bank still tries: {refused['code']}, already paid; the money goes back")


def _pay_and_take_back(stage: PlayStage, bank: _Bank, customer: str) -> None:
    bills = bank.ask(customer)
    stage.say(f"6. The same on the XML wire, RSA-signed: {customer} owes {_listed(bills)}")
    paid = bank.pay(customer, bills, "web")
    _must(paid, money="booked", code="000")
    stage.say(f"   1200, channel 211601: {paid['code']} {paid['number']}")
    undone = bank.do("undo", trace=paid["trace"])
    if undone["code"] == TOO_LATE:
        _say_too_late(stage, undone)
        return
    _must(undone, money="returned", code="000")
    stage.say("   the clerk chose the wrong customer: taken back by the original's trace, 000")
    late = bank.do("repeat", trace=paid["trace"])
    _must(late, money="returned", code="105")
    stage.say(f"   a copy of the payment that comes late: {late['code']}, cancelled, not paid anew")
    if bank.ask(customer) != bills:
        message = f"the bills of {customer} are not open again"
        raise SceneFailed(message)
    stage.say(f"   {customer} owes {_listed(bills)} again; the ledger turned back:")
    for row in stage.stage.ledger_of(paid["number"]):
        stage.say(f"   {row}")


def _say_too_late(stage: PlayStage, undone: Json) -> None:
    """After the biller's cut-off a payment stays; at any other time that answer is wrong."""
    answer = httpx.get(
        f"{stage.stage.gateway}/v1/billers",
        headers={"authorization": f"Bearer {stage.stage.bank_key}"},
        trust_env=False,
    )
    expect(answer, 200)
    billers = {biller["code"]: biller["rules"] for biller in answer.json()["data"]}
    cutoff = billers[stage.stage.biller]["reversal_cutoff"]
    if f"{datetime.now(VIETNAM):%H:%M}" < cutoff:
        message = f"the bank was told {undone} before {cutoff}"
        raise SceneFailed(message)
    _must(undone, money="booked")
    stage.say(f"   taking it back after {cutoff}: {TOO_LATE}, it stays paid")


def _debtors(stage: PlayStage, http: httpx.Client) -> Iterator[str]:
    """Give customers who owe one bill that is small enough for every channel."""
    for code in stage.stage.customers:
        bills = look_up(http, stage.stage, code).get("bills", ())
        if len(bills) == 1 and bills[0]["due_dong"] <= 2_000_000:  # noqa: PLR2004 (SMS banking)
            yield code
    message = "no customer with one open bill is left; start with a new --data-dir"
    raise SceneFailed(message)


def _listed(bills: dict[str, int]) -> str:
    return ", ".join(f"{dong(amount)} (bill {bill})" for bill, amount in bills.items())


def _must(said: Json, **expected: Any) -> None:
    if any(said[name] != value for name, value in expected.items()):
        message = f"the bank was told {said}, not {expected}"
        raise SceneFailed(message)
