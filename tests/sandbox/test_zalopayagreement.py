import hmac
import json
import time
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import httpx
import pytest

from gateway.sandbox.zalopayagreement import ZaloPayAgreement
from gateway.testing.served import Door, served

KEY1, KEY2 = "PcY4iZIKFCIdgZvA6ueMcMHHUbRLYjPL", "kLtgPl8HHhfvMuDHPwKfgfsY4Ydm9eIz"
DAY = time.strftime("%y%m%d", time.gmtime(time.time() + 7 * 3600))
BIND, OWNER = f"{DAY}_m1", "mdt_1"


class Merchant:
    def __init__(self, wallet: ZaloPayAgreement, http: httpx.AsyncClient) -> None:
        self.wallet, self.http = wallet, http

    async def call(self, path: str, signed: list[Any], **fields: Any) -> dict[str, Any]:
        base = "|".join(str(value) for value in (2553, *signed))
        mac = hmac.new(KEY1.encode(), base.encode(), sha256).hexdigest()
        body = {"app_id": 2553, **fields, "mac": mac}
        return dict((await self.http.post(f"/v2/{path}", json=body)).json())

    async def bind(self, most: int = 1_000_000, **changed: Any) -> dict[str, Any]:
        fields = {"app_trans_id": BIND, "req_date": now_ms(), "identifier": OWNER, **changed}
        kind = {"max_amount": most, "binding_type": "WALLET", "binding_data": "{}"}
        signed = [fields["app_trans_id"], "{}", "WALLET", fields["identifier"], most]
        return await self.call("agreement/bind", [*signed, fields["req_date"]], **fields, **kind)

    async def binding(self) -> dict[str, Any]:
        at = now_ms()
        fields = {"app_trans_id": BIND, "req_date": at}
        return await self.call("agreement/query", [BIND, at], **fields)

    async def act(self, **acted: Any) -> None:
        answer = await self.http.post("/control/agreement", json={"identifier": OWNER, **acted})
        assert answer.status_code == 200

    async def bound(self) -> str:
        await self.bind()
        await self.act(act="confirm")
        return str((await self.binding())["data"]["pay_token"])

    async def order(self, number: int, amount: int = 100_000) -> str:
        reference, at = f"{DAY}_o{number}", now_ms()
        texts = {"embed_data": "{}", "item": "[]", "description": "x"}
        ids = {"app_trans_id": reference, "app_user": "evn", "amount": amount, "app_time": at}
        signed = [reference, "evn", amount, at, "{}", "[]"]
        more = {"product_code": "AGREEMENT", "callback_url": ""}
        return str((await self.call("create", signed, **ids, **texts, **more))["zp_trans_token"])

    async def pay(self, token: str, pay_token: str) -> dict[str, Any]:
        at = now_ms()
        fields = {"identifier": OWNER, "zp_trans_token": token, "pay_token": pay_token}
        signed = [OWNER, token, pay_token, at]
        return await self.call("agreement/pay", signed, **fields, req_date=at)

    async def query(self, number: int) -> dict[str, Any]:
        reference = f"{DAY}_o{number}"
        return await self.call("query", [reference, KEY1], app_trans_id=reference)


def now_ms() -> int:
    return int(time.time() * 1000)


@pytest.fixture
async def merchant() -> AsyncIterator[Merchant]:
    wallet = ZaloPayAgreement()
    transport = httpx.ASGITransport(wallet.application())
    async with httpx.AsyncClient(transport=transport, base_url="http://zalopay") as http:
        yield Merchant(wallet, http)


async def test_an_agreement_waits_for_the_payer_and_then_gives_its_tokens(
    merchant: Merchant,
) -> None:
    assert (await merchant.bind())["binding_id"] == "BND0000000001"
    assert (await merchant.binding())["return_code"] == 3
    await merchant.act(act="confirm")
    data = (await merchant.binding())["data"]
    assert (data["status"], data["merchant_user_id"]) == (1, OWNER)
    assert (await merchant.bind())["binding_id"] == data["binding_id"]
    assert (await merchant.bind(app_trans_id=f"{DAY}_m2"))["sub_return_code"] == -68


async def test_an_unsigned_or_late_call_is_refused(merchant: Merchant) -> None:
    assert (await merchant.bind(req_date=now_ms() - 3_600_000))["sub_return_code"] == -401
    answer = await merchant.call("agreement/query", ["x"], app_trans_id=BIND, req_date=1)
    assert answer["sub_return_code"] == -402


async def test_pay_answers_in_work_and_debits_once(merchant: Merchant) -> None:
    pay_token = await merchant.bound()
    token = await merchant.order(1)
    for _ in range(2):
        assert (await merchant.pay(token, pay_token))["return_code"] == 3
    paid = await merchant.query(1)
    assert (paid["return_code"], paid["amount"]) == (1, 100_000)
    assert [charge.amount_dong for charge in merchant.wallet.charges] == [100_000]


async def test_beyond_the_limit_or_the_balance_nothing_is_debited(merchant: Merchant) -> None:
    pay_token = await merchant.bound()
    over = await merchant.pay(await merchant.order(1, 1_000_001), pay_token)
    assert over["return_code"] == 2
    await merchant.act(balance_dong=50_000)
    poor = await merchant.pay(await merchant.order(2), pay_token)
    assert poor["sub_return_code"] == -63
    assert (await merchant.query(2))["return_code"] == 3
    assert merchant.wallet.charges == []


@pytest.mark.parametrize("act", ["cancel", "disable"])
async def test_an_agreement_that_ended_is_not_debited(merchant: Merchant, act: str) -> None:
    pay_token = await merchant.bound()
    token = await merchant.order(1)
    await merchant.act(act=act)
    assert (await merchant.pay(token, pay_token))["return_code"] == 2
    assert merchant.wallet.charges == []


async def test_another_payers_token_pays_nothing(merchant: Merchant) -> None:
    await merchant.bound()
    assert (await merchant.pay(await merchant.order(1), "stolen"))["return_code"] == 2
    assert merchant.wallet.charges == []


async def test_a_change_is_called_back_with_key2() -> None:
    door = Door()
    async with served(door) as url:
        wallet = ZaloPayAgreement()
        transport = httpx.ASGITransport(wallet.application())
        async with httpx.AsyncClient(transport=transport, base_url="http://zalopay") as http:
            merchant = Merchant(wallet, http)
            await merchant.bind(callback_url=url)
            await merchant.act(act="confirm")
            told = json.loads((await door.arrived.get()).body)
        await wallet._notices.aclose()
    due = hmac.new(KEY2.encode(), told["data"].encode(), sha256).hexdigest()
    assert (told["mac"], told["type"]) == (due, 2)
    assert json.loads(told["data"])["status"] == 1
