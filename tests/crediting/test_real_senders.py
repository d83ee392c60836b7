"""From a QR to a paid bill with the true adapters: what the payer's bank makes of our words."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gateway.domain.emvqr import TransferQr, decode
from gateway.domain.partner import Mode
from gateway.kit.attached import Providers
from gateway.kit.messages import Incoming
from gateway.providers.casso import Casso
from gateway.providers.casso import Config as CassoConfig
from gateway.providers.msbva import Config as MsbConfig
from gateway.providers.msbva import MsbVa
from gateway.providers.payos import Config as PayOsConfig
from gateway.providers.payos import PayOs
from gateway.providers.sepay import Config as SePayConfig
from gateway.providers.sepay import SePay
from gateway.providers.vietqr import Config as VietQrConfig
from gateway.providers.vietqr import VietQr
from gateway.runtime import Clock, Runtime, Secrets
from tests.crediting.bank import SHARE, Bank
from tests.crediting.telling import ACCOUNT
from tests.providers import payos, test_casso, test_msbva, test_sepay
from tests.world import CUSTOMER, MASTER_SECRET

PREFIX = "EVNCM"


def adapters() -> list[Any]:
    """Give the QR, and all that tell of one account."""
    ours = {"account": ACCOUNT}
    return [
        VietQr(
            VietQrConfig(
                bank_bin="970436",
                account_name="EVN",
                virtual_account_prefix=PREFIX,
                **ours,  # type: ignore[arg-type]
            )
        ),
        SePay(SePayConfig.model_validate(ours | {"proof": "hmac", "key": test_sepay.KEY})),
        Casso(CassoConfig.model_validate(ours | {"key": test_casso.PUBLISHED_KEY})),
        MsbVa(MsbConfig.model_validate(test_msbva.SETTINGS | ours)),
        PayOs(PayOsConfig.model_validate(payos.SETTINGS | ours)),
    ]


@pytest.fixture
async def rt(database: str, clock: Clock) -> AsyncIterator[Runtime]:
    runtime = Runtime(
        database_url=database,
        pool_size=8,
        secrets=Secrets.derived_from(MASTER_SECRET),
        mode=Mode.TEST,
        clock=clock,
        providers=Providers(adapters(), now=clock.now),
        public_url="http://gateway",
    )
    await runtime.start()
    yield runtime
    await runtime.stop()


async def tell(bank: Bank, code: str, incoming: Incoming) -> httpx.Response:
    return await bank.stage.api.post(
        f"/v1/credits/{code}", content=incoming.body, headers=dict(incoming.headers)
    )


def by_sepay(bank: Bank, text: str, **changes: Any) -> Incoming:
    facts = {"accountNumber": ACCOUNT, "transferAmount": SHARE, "content": text}
    at = bank.stage.rt.clock.now()
    return test_sepay.hmaced(test_sepay.sent(test_sepay.MAIN | facts | changes), at=at)


async def a_qr(bank: Bank, bill: str) -> tuple[dict[str, Any], TransferQr]:
    payment = await bank.opened(bill, provider="vietqr")
    return payment, decode(payment["next_action"]["qr_content"])


async def test_what_a_bank_leaves_of_the_purpose_pays_the_bill(bank: Bank) -> None:
    bill = await bank.stage.world.add_bill()
    payment, qr = await a_qr(bank, bill)
    assert (qr.amount_dong, qr.purpose) == (SHARE, f"{bank.code_of(payment)} {CUSTOMER}")
    mangled = f"MBVCB.123.{qr.purpose.replace(' ', '')}"[:24].lower()
    told = await tell(bank, "sepay", by_sepay(bank, mangled))
    assert (told.status_code, told.content) == (200, b'{"success":true}')
    assert (await bank.stage.read(payment))["status"] == "succeeded"
    assert await bank.bill(bill) == "paid"
    await bank.assert_kept()


async def test_the_same_transfer_told_by_two_senders_is_one(bank: Bank) -> None:
    payment, qr = await a_qr(bank, await bank.stage.world.add_bill())
    facts = {"referenceCode": "FT26328000777", "transactionDate": "2026-11-24 10:00:00"}
    row = test_casso.ROW | {
        "accountNumber": ACCOUNT,
        "amount": SHARE,
        "description": qr.purpose,
        "virtualAccountNumber": "",
        "reference": "FT26328000777",
        "transactionDateTime": "2026-11-24 10:00:00",
    }
    by_casso = test_casso.signed(test_casso.compact({"error": 0, "data": row}))
    for code, notice in (("sepay", by_sepay(bank, qr.purpose, **facts)), ("casso", by_casso)):
        assert (await tell(bank, code, notice)).status_code == 200
    assert (await bank.stage.read(payment))["status"] == "succeeded"
    assert await bank.lines() == []
    await bank.assert_kept()


async def test_a_virtual_account_needs_no_words(bank: Bank) -> None:
    payment, qr = await a_qr(bank, await bank.stage.world.add_bill())
    assert qr.account == f"{PREFIX}{bank.code_of(payment)}"
    facts = {"vaNumber": qr.account, "tranAmount": str(SHARE), "toAccountNumber": ACCOUNT}
    notice = test_msbva.signed(test_msbva.NOTICE | facts | {"tranRemark": ""})
    assert (await tell(bank, "msbva", notice)).content == b'{"code":"00"}'
    assert (await bank.stage.read(payment))["status"] == "succeeded"
    await bank.assert_kept()


async def test_a_forged_notice_is_refused_and_leaves_nothing(bank: Bank) -> None:
    payment, qr = await a_qr(bank, await bank.stage.world.add_bill())
    notice = by_sepay(bank, qr.purpose)
    told = await bank.stage.api.post(
        "/v1/credits/sepay", content=notice.body + b" ", headers=dict(notice.headers)
    )
    assert told.status_code == 401
    assert await bank.stage.count("credits") == 0
    assert (await bank.stage.read(payment))["status"] == "requires_action"


# ── payOS: a link that may be paid in parts, and may be asked about ──────────────────────────────


async def a_link(bank: Bank, paid: dict[str, Any]) -> dict[str, Any]:
    """Open a link; `paid` is what payOS says of it when it is asked."""

    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.path.rpartition("/")[2]) if request.method == "GET" else 0
        asked = number or json.loads(request.content)["orderCode"]
        facts = {"orderCode": asked, "amount": SHARE}
        is_query = request.method == "GET"
        data = (payos.LINK | facts | paid) if is_query else (payos.OPENED | facts)
        return httpx.Response(200, content=payos.an_answer(data).body)

    bank.stage.rail.route(host="payos.example.vn").mock(side_effect=answer)
    return await bank.opened(await bank.stage.world.add_bill(), provider="payos")


def by_payos(bank: Bank, payment: dict[str, Any], amount_dong: int, reference: str) -> Incoming:
    facts = {"orderCode": int(bank.code_of(payment)), "amount": amount_dong}
    where = {"accountNumber": ACCOUNT, "reference": reference}
    return payos.a_notice(payos.TRANSFER | facts | where)


async def test_a_link_that_is_paid_in_two_transfers_is_paid_once(bank: Bank) -> None:
    payment = await a_link(bank, {"status": "UNDERPAID", "amountPaid": 100_000})
    assert (await tell(bank, "payos", by_payos(bank, payment, 100_000, "FT1"))).status_code == 200
    assert await bank.lines() == [("short", 100_000)]
    await tell(bank, "payos", by_payos(bank, payment, 50_000, "FT2"))
    assert (await bank.stage.read(payment))["status"] == "succeeded"
    assert await bank.lines() == []
    await bank.assert_kept()


async def test_a_transfer_that_is_told_after_the_query_said_paid_is_not_a_second_one(
    bank: Bank,
) -> None:
    payment = await a_link(bank, {"status": "PAID", "amountPaid": SHARE})
    await bank.stage.resolve()
    assert (await bank.stage.read(payment))["status"] == "succeeded"
    assert (await tell(bank, "payos", by_payos(bank, payment, SHARE, "FT1"))).status_code == 200
    assert (await bank.lines(), await bank.refunds()) == ([], [])


async def test_parts_that_are_told_before_and_after_the_query_are_no_second_payment(
    bank: Bank,
) -> None:
    payment = await a_link(bank, {"status": "PAID", "amountPaid": SHARE})
    await tell(bank, "payos", by_payos(bank, payment, 100_000, "FT1"))
    await bank.stage.resolve()
    assert (await bank.stage.read(payment))["status"] == "succeeded"
    await tell(bank, "payos", by_payos(bank, payment, 50_000, "FT2"))
    assert (await bank.lines(), await bank.refunds()) == ([], [])


# ── a QR that nobody scans ───────────────────────────────────────────────────────────────────────


async def test_a_qr_that_nobody_pays_expires_and_frees_its_bill(bank: Bank) -> None:
    payment, _ = await a_qr(bank, await bank.stage.world.add_bill())
    await bank.stage.resolve()
    assert (await bank.stage.read(payment))["status"] == "requires_action"
    await expire(bank)
    assert (await bank.stage.read(payment))["status"] == "expired"
    rows = await bank.stage.sql("SELECT claimed_by, due_at FROM bills, attempts")
    assert [tuple(row) for row in rows] == [(None, None)]


async def test_a_transfer_after_the_end_still_pays_an_open_bill(bank: Bank) -> None:
    bill = await bank.stage.world.add_bill()
    payment, qr = await a_qr(bank, bill)
    await expire(bank)
    await tell(bank, "sepay", by_sepay(bank, qr.purpose))
    assert (await bank.stage.read(payment))["status"] == "succeeded"
    assert await bank.bill(bill) == "paid"
    await bank.assert_kept()


async def expire(bank: Bank) -> None:
    """Let the end of all attempts pass, and be seen twice."""
    for _ in range(2):
        await bank.stage.pass_expiry()
        await bank.stage.resolve()
