"""Money on an account: recorded once, matched, settled, or kept in suspense with an owner."""

import asyncio

import asyncpg
import pytest

from gateway.flows import crediting
from tests.crediting.bank import SHARE, Bank
from tests.world import BILLER, CUSTOMER


@pytest.mark.parametrize("changes", [{}, {"key": "another"}], ids=["same id", "another id"])
@pytest.mark.parametrize("code", ["telling", "second"])
async def test_a_movement_told_again_changes_nothing(
    bank: Bank, changes: dict[str, str], code: str
) -> None:
    bill = await bank.stage.world.add_bill()
    credit = bank.credit()
    assert (await bank.tell(credit)).text == "recorded"
    assert (await bank.tell(credit | changes, code=code)).text == "repeated"
    assert await bank.bill(bill) == "paid"
    assert await bank.stage.count("credits") == 1
    await bank.assert_kept()


@pytest.mark.parametrize(
    "text", ["chuc mung nam moi", "PB14010000001 PB14010000002", "PB1401000", ""]
)
async def test_what_nobody_can_read_waits_for_a_person_and_is_not_refunded(
    bank: Bank, text: str
) -> None:
    bill = await bank.stage.world.add_bill()
    await bank.stage.world.add_customer("PB14010000002")
    await bank.send(SHARE, text)
    assert (await bank.lines(), await bank.refunds()) == ([("unknown", SHARE)], [])
    assert await bank.bill(bill) == "open"
    await bank.assert_kept()


async def test_a_virtual_account_says_more_than_the_text(bank: Bank) -> None:
    bill = await bank.stage.world.add_bill()
    await bank.stage.world.add_customer("PB14010000002")
    await bank.send(SHARE, "cho PB14010000002", virtual_account=f"EVNCM{CUSTOMER}")
    assert await bank.bill(bill) == "paid"


async def test_a_forged_notice_leaves_nothing_but_its_quarantine(bank: Bank) -> None:
    await bank.stage.world.add_bill()
    credit = bank.credit()
    assert (await bank.tell(credit, signature="0" * 64)).text == "refused"
    assert [await bank.stage.count(t) for t in ("credits", "quarantine")] == [0, 1]
    assert (await bank.tell(credit)).text == "recorded"


async def test_a_notice_of_an_account_that_is_not_ours_is_to_come_again(bank: Bank) -> None:
    known, other = bank.credit(), bank.credit(account="999")
    told = await bank.tell(known, other)
    assert (told.status_code, told.text) == (503, "try_later")
    assert await bank.stage.count("credits") == 1
    await crediting.put_account(bank.stage.rt, "999", BILLER, "utility", actor="test")
    assert (await bank.tell(known, other)).text == "recorded"
    assert await bank.stage.count("credits") == 2


async def test_an_authentic_notice_in_which_nothing_came_is_taken(bank: Bank) -> None:
    assert (await bank.tell()).text == "recorded"
    assert await bank.stage.count("credits") == 0


async def test_a_source_that_is_not_here_is_said_so(bank: Bank) -> None:
    assert (await bank.tell(bank.credit(), code="coded")).status_code == 422
    assert (await bank.tell(bank.credit(), code="nobody")).status_code == 422


@pytest.mark.parametrize("table", ["credits", "transfers", "credit_uses", "evidence"])
async def test_what_cannot_be_written_down_whole_is_not_accepted_and_leaves_nothing(
    bank: Bank, database: str, table: str
) -> None:
    payment = await bank.opened(await bank.stage.world.add_bill())
    credit = bank.credit(text=bank.code_of(payment))
    owner = await asyncpg.connect(database)
    try:
        await owner.execute(f"REVOKE INSERT ON {table} FROM gateway_service")
        assert (await bank.tell(credit)).status_code == 503
    finally:
        await owner.execute(f"GRANT INSERT ON {table} TO gateway_service")
        await owner.close()
    assert await bank.stage.count("credits") == 0
    assert (await bank.tell(credit)).text == "recorded"
    await bank.assert_kept()


async def test_twenty_notices_of_one_movement_settle_once(bank: Bank) -> None:
    payment = await bank.opened(await bank.stage.world.add_bill())
    credit = bank.credit(text=bank.code_of(payment))
    told = await asyncio.gather(
        *(
            bank.tell(credit | {"key": f"n{n % 4}"}, code=("telling", "second")[n % 2])
            for n in range(20)
        )
    )
    assert {answer.status_code for answer in told} == {200}
    assert [answer.text for answer in told].count("recorded") == 1
    assert await bank.lines() == []
    await bank.assert_kept()


@pytest.mark.parametrize("by_code", [True, False], ids=["order code", "customer code"])
async def test_a_notice_that_races_a_collected_payment_settles_one_and_keeps_the_other(
    bank: Bank,
    by_code: bool,  # noqa: FBT001 (a case)
) -> None:
    for _ in range(5):
        bill = await bank.stage.world.add_bill()
        text = bank.code_of(await bank.opened(bill)) if by_code else CUSTOMER
        _, answer = await asyncio.gather(
            bank.send(SHARE, text), bank.stage.world.pay(bank.stage.api, bill)
        )
        assert answer.status_code in {201, 409}
        assert await bank.bill(bill) == "paid"
        await bank.assert_kept()
    late = [line for line in await bank.lines() if line == ("late", SHARE)]
    collected = await bank.stage.sql(
        "SELECT 1 FROM payments p JOIN partners q ON q.id = p.partner_id"
        " WHERE q.code = 'bank' AND p.status = 'succeeded'"
    )
    assert len(late) == len(collected)
