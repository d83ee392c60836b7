"""What the ledger says of money on an account."""

from tests.crediting.bank import SHARE, Bank

ROWS = """
SELECT t.kind, d.code AS debit, c.code AS credit, t.amount_dong FROM transfers t
JOIN ledger_accounts d ON d.id = t.debit_account
JOIN ledger_accounts c ON c.id = t.credit_account ORDER BY t.id
"""
CAME = ("credit", "receivable:utility", "suspense:payer")
PAID = ("payment", "suspense:payer", "payable:evnspc-camau")


async def rows(bank: Bank) -> list[tuple[object, ...]]:
    """Give the ledger."""
    return [tuple(row) for row in await bank.stage.sql(ROWS)]


async def test_money_goes_through_suspense_to_the_biller(bank: Bank) -> None:
    payment = await bank.opened(await bank.stage.world.add_bill())
    await bank.send(SHARE + 7, bank.code_of(payment))
    assert await rows(bank) == [(*CAME, SHARE + 7), (*PAID, SHARE)]


async def test_what_is_held_leaves_suspense_when_the_rest_comes(bank: Bank) -> None:
    await bank.stage.world.add_bill()
    await bank.send(100_000)
    await bank.send(50_000)
    assert await rows(bank) == [(*CAME, 100_000), (*CAME, 50_000), (*PAID, SHARE)]
    uses = await bank.stage.sql("SELECT amount_dong FROM credit_uses ORDER BY credit_id")
    assert [row[0] for row in uses] == [100_000, 50_000]


async def test_what_a_provider_had_told_of_leaves_suspense_as_it_came(bank: Bank) -> None:
    payment = await bank.opened(await bank.stage.world.add_bill())
    await bank.send(100_000, bank.code_of(payment))
    await bank.stage.notify(payment)
    await bank.send(50_000, bank.code_of(payment))
    assert await rows(bank) == [
        (*CAME, 100_000),
        ("payment", "receivable:coded", "payable:evnspc-camau", SHARE),
        ("recognised", "suspense:payer", "receivable:utility", 100_000),
    ]


async def test_a_collected_payment_of_an_account_may_be_reversed_like_any_other(bank: Bank) -> None:
    bill = await bank.stage.world.add_bill()
    await bank.send(SHARE)
    payment = (await bank.stage.sql("SELECT id FROM payments"))[0][0]
    world = bank.stage.world
    done = await world.reverse(bank.stage.api, f"pay_{payment.hex}", partner="utility")
    assert done.status_code == 201, done.text
    assert await bank.bill(bill) == "open"
    balances = await world.balances()
    assert (balances["receivable:utility"], balances["suspense:payer"]) == (0, 0)
