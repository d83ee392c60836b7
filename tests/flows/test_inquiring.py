"""Partners ask, and take back, on their own wires: what is true is what they are told."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pytest

from gateway.flows import inquiring
from gateway.runtime import Clock, Runtime
from gateway.testing.promises_of_inquiries import Sent
from tests.conftest import client_of
from tests.flows.bank import Bank, open_runtime
from tests.providers import test_keypay_conformance
from tests.providers.bank_wires import appota_pays, asks_status, getbill, paybill, written
from tests.world import CUSTOMER, World, at_noon

CLAIM = "UPDATE bills SET claim = $2, claimed_by = gen_random_uuid() WHERE id = $1"


@pytest.fixture
def clock() -> Clock:
    return at_noon()


@pytest.fixture
async def rt(database: str, clock: Clock) -> AsyncIterator[Runtime]:
    runtime = open_runtime(database, clock)
    await runtime.start()
    yield runtime
    await runtime.stop()


@pytest.fixture
async def bank(rt: Runtime) -> AsyncIterator[Bank]:
    world = await World.make(rt, oldest_first=True, reversal_cutoff="22:00")
    async with client_of(rt) as api:
        yield Bank(world, api)


# ── what is owed ────────────────────────────────────────────────────────────────────────────────


async def test_a_bank_is_told_what_is_due_and_the_name_is_masked(bank: Bank) -> None:
    bill = await bank.world.add_bill()
    said = await bank.ask()
    assert said["result_code"] == "000"
    assert said["data"]["customer_name"] == "N*** V*** Án"
    assert [(b["bill_id"], b["amount"]) for b in said["data"]["bills"]] == [(bill, 150_000)]


@pytest.mark.parametrize(
    ("customer", "code"),
    [(CUSTOMER, "025"), (CUSTOMER.lower(), "025"), ("PB14019999999", "003"), ("XX12", "003")],
    ids=["owes nothing", "in small letters", "unknown", "no code of this biller"],
)
async def test_who_owes_nothing_is_told_apart_from_nobody(
    bank: Bank, customer: str, code: str
) -> None:
    assert (await bank.ask(customer))["result_code"] == code


async def test_a_bill_that_is_being_paid_is_not_offered_nor_one_that_must_wait_for_it(
    bank: Bank,
) -> None:
    first = await bank.world.add_bill(period=date(2026, 9, 1))
    held = await bank.world.add_bill(period=date(2026, 10, 1))
    await bank.world.add_bill(period=date(2026, 11, 1))
    await bank.world.rows(CLAIM, held, "hard")
    assert [b["bill_id"] for b in (await bank.ask())["data"]["bills"]] == [first]
    await bank.world.rows(CLAIM, first, "hard")
    assert (await bank.ask())["result_code"] == "096"


@pytest.mark.parametrize(
    ("bill", "code"), [("HD-KNOWN", 1), ("HD-NEWER", 1), ("HD-NONE", 0), ("HD NONE", -1)]
)
async def test_a_portal_may_ask_for_one_bill(bank: Bank, bill: str, code: int) -> None:
    await bank.world.add_bill("HD-KNOWN")
    await bank.world.add_bill("HD-NEWER", period=date(2026, 11, 1))
    sent = test_keypay_conformance.TestPortal().sent(SimpleNamespace(bill_id=bill))
    said = (await bank.send("keypay", sent)).json()
    assert said["error_code"] == code
    assert code != 1 or said["message"]["maHoaDon"] == bill


# ── taking back ─────────────────────────────────────────────────────────────────────────────────


async def test_a_payment_is_taken_back_once_and_its_bill_is_open_again(bank: Bank) -> None:
    bill, trace = await bank.world.add_bill(), bank.trace()
    assert (await bank.pay_xml(trace, bill))["f39"] == "000"
    assert [await bank.undo(trace) for _ in range(2)] == ["000", "000"]
    assert await bank.world.count("transfers") == 2
    assert sum((await bank.world.balances()).values()) == 0
    # The same number again does not pay it anew, and is not told that it is paid.
    assert (await bank.pay_xml(trace, bill))["f39"] == "105"
    assert (await bank.pay_xml(bank.trace(), bill))["f39"] == "000"


async def test_an_undoing_that_overtakes_its_payment_blocks_it(bank: Bank) -> None:
    bill, trace = await bank.world.add_bill(), bank.trace()
    assert await bank.undo(trace) == "018"
    assert (await bank.pay_xml(trace, bill))["f39"] == "105"
    assert await bank.undo(trace) == "018"
    assert await bank.world.count("payments") == 0


async def test_after_the_cut_off_a_payment_stays(bank: Bank) -> None:
    bill, trace = await bank.world.add_bill(), bank.trace()
    await bank.pay_xml(trace, bill)
    await bank.world.set_rules(reversal_cutoff="11:00")
    assert await bank.undo(trace) == "016"
    assert await bank.world.count("transfers") == 1


# ── asking what became of it ────────────────────────────────────────────────────────────────────


async def status(bank: Bank, trace: str) -> int:
    answer = await bank.send("appotabill", asks_status(trace))
    return int(answer.json()["errorCode"])


async def test_a_status_is_what_became_of_the_payment(bank: Bank) -> None:
    bill, trace = await bank.world.add_bill(), bank.trace()
    detail = json.dumps([{"billNumber": bill, "amount": 150_000}])
    asked = {"partnerRefId": trace, "billCode": CUSTOMER, "billDetail": detail}
    assert await status(bank, trace) == 36
    paid = (await bank.send("appotabill", appota_pays(**asked, amount=150_000))).json()
    assert paid["errorCode"] == 0
    told = (await bank.send("appotabill", asks_status(trace))).json()
    assert told["transaction"] == paid["transaction"]
    await bank.undo(trace)
    assert await status(bank, trace) == 0, "an undoing of the other wire names another payment"
    number = paid["transaction"]["appotapayTransId"]
    await bank.world.reverse(bank.api, number)
    assert await status(bank, trace) == 208


async def test_a_refused_payment_is_told_so_when_asked_for(bank: Bank) -> None:
    bill, trace = await bank.world.add_bill(), bank.trace()
    detail = json.dumps([{"billNumber": bill, "amount": 1_000}])
    asked = {"partnerRefId": trace, "billCode": CUSTOMER, "billDetail": detail, "amount": 1_000}
    refused = await bank.send("appotabill", appota_pays(**asked))
    assert refused.json()["errorCode"] == 204
    assert await status(bank, trace) == 204


# ── what proves nothing ─────────────────────────────────────────────────────────────────────────


async def test_a_forged_request_leaves_a_quarantine_row_and_nothing_else(bank: Bank) -> None:
    bill = await bank.world.add_bill()
    before = await bank.world.moved()
    forged = paybill(bill_id=bill, checksum="0" * 32)
    said = (await bank.send("bidvrest", forged)).json()
    assert said["result_code"] == "007"
    assert await bank.world.moved() == before
    (row,) = await bank.world.rows("SELECT provider, reason FROM quarantine")
    assert row["provider"] == "bidvrest"
    assert "signature" in row["reason"]


async def test_a_partner_that_is_not_there_is_our_doubt_and_not_the_banks_failure(
    bank: Bank,
) -> None:
    bill = await bank.world.add_bill()
    rt = bank.world.rt
    rt.directory = replace(rt.directory, partners_by_id={})
    assert await bank.pay(bank.trace(), bill) == "100"
    assert (await bank.ask())["result_code"] == "096"


async def test_without_a_database_every_answer_is_one_that_decides_nothing(
    rt: Runtime, bank: Bank
) -> None:
    bill, trace = await bank.world.add_bill(), bank.trace()
    await rt.pool.close()
    assert (await bank.ask())["result_code"] == "096"
    assert await bank.pay(trace, bill) == "100"
    assert (await bank.pay_xml(trace, bill))["f39"] == "100"
    assert await bank.undo(trace) == "100"
    assert await status(bank, trace) == 99


async def test_an_adapters_own_mistake_is_answered_as_doubt(bank: Bank) -> None:
    class Broken(dict[str, str]):
        def get(self, *_: object) -> str:
            raise RuntimeError

    sent = asks_status()
    incoming = type(sent.incoming)("GET", headers=Broken())
    said = await inquiring.answer(
        bank.world.rt, "appotabill", sent.operation, incoming, lambda _: (0, "")
    )
    assert json.loads(said.body)["errorCode"] == 99


def test_the_builders_write_what_the_wires_say() -> None:
    assert isinstance(getbill(), Sent)
    assert written({"mti": "1100"}).incoming.body == b"<message><mti>1100</mti></message>"
