import base64
import hmac
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.sandbox.momomandate import MoMoMandate

ACCESS, SECRET = "F8BBA842ECF85", "K951B6PE1waDMi640xX08PD3vg6EkVlz"
KEY = rsa.generate_private_key(65537, 2048)
CLIENT = "mdt_1"
ASK = ("orderId", "partnerClientId", "partnerCode", "requestId")
CREATE = (*ASK, "amount", "extraData", "ipnUrl", "orderInfo", "redirectUrl", "requestType")


class Merchant:
    def __init__(self, momo: MoMoMandate, http: httpx.AsyncClient) -> None:
        self.momo, self.http, self.asked = momo, http, 0

    async def call(self, path: str, names: tuple[str, ...], **fields: Any) -> dict[str, Any]:
        self.asked += 1
        ids = {"partnerCode": "MOMO", "requestId": f"r{self.asked}", "lang": "vi"}
        whole = {**ids, "orderId": CLIENT, "partnerClientId": CLIENT, **fields}
        known = {**whole, "accessKey": ACCESS}
        base = "&".join(f"{name}={known[name]}" for name in sorted({*names, "accessKey"}))
        signature = hmac.new(SECRET.encode(), base.encode(), sha256).hexdigest()
        body = {**whole, "signature": signature}
        return dict((await self.http.post(f"/v2/gateway/api/{path}", json=body)).json())

    async def link(self) -> dict[str, Any]:
        terms = {"amount": 0, "orderInfo": "Liên kết", "extraData": "", "ipnUrl": ""}
        kind = {"redirectUrl": "", "requestType": "linkWallet"}
        return await self.call("create", CREATE, **terms, **kind)

    async def act(self, **acted: Any) -> None:
        answer = await self.http.post("/control/link", json={"client": CLIENT, **acted})
        assert answer.status_code == 200

    async def cb_query(self) -> dict[str, Any]:
        return await self.call("tokenization/cbQuery", ASK)

    async def bind(self, token: str) -> dict[str, Any]:
        return await self.call("tokenization/bind", (*ASK, "callbackToken"), callbackToken=token)

    async def bound(self) -> str:
        """Link, agree, bind, and give what `token` is encrypted from."""
        await self.link()
        await self.act(act="agree")
        answer = await self.bind((await self.cb_query())["callbackToken"])
        aes = Cipher(algorithms.AES(SECRET.encode()), modes.CBC(bytes(16))).decryptor()
        padded = aes.update(base64.b64decode(answer["aesToken"])) + aes.finalize()
        return padded[: -padded[-1]].decode()

    async def pay(self, plain: str, number: int = 1, **changed: Any) -> dict[str, Any]:
        names = (*ASK, "amount", "extraData", "orderInfo", "token")
        pem = (await self.http.get("/control/public-key")).content
        key = load_pem_public_key(pem)
        assert isinstance(key, rsa.RSAPublicKey)
        token = base64.b64encode(key.encrypt(plain.encode(), padding.PKCS1v15())).decode()
        order = {"orderId": f"o{number}", "requestId": f"pay{number}", "amount": 100_000}
        more = {"orderInfo": "x", "extraData": "", "ipnUrl": "", "redirectUrl": "", "token": token}
        return await self.call("tokenization/pay", names, **{**order, **more, **changed})


@pytest.fixture
async def merchant() -> AsyncIterator[Merchant]:
    momo = MoMoMandate(key=KEY)
    transport = httpx.ASGITransport(momo.application())
    async with httpx.AsyncClient(transport=transport, base_url="http://momo") as http:
        yield Merchant(momo, http)


async def test_a_link_gives_its_token_only_after_the_payer_agreed(merchant: Merchant) -> None:
    assert (await merchant.link())["resultCode"] == 0
    assert (await merchant.link())["resultCode"] == 41
    assert (await merchant.cb_query())["resultCode"] == 1000
    assert (await merchant.bind("v2/cb000000000001"))["resultCode"] == 42
    await merchant.act(act="agree")
    assert (await merchant.bind("another"))["resultCode"] == 47
    assert (await merchant.bind((await merchant.cb_query())["callbackToken"]))["resultCode"] == 0


async def test_a_payer_who_refuses_is_told(merchant: Merchant) -> None:
    await merchant.link()
    await merchant.act(act="refuse")
    assert (await merchant.cb_query())["resultCode"] == 1006


async def test_a_repetition_is_the_same_payment_though_its_token_differs(
    merchant: Merchant,
) -> None:
    plain = await merchant.bound()
    assert json.loads(plain)["value"] == "tok000000000001"
    first, again = [await merchant.pay(plain) for _ in range(2)]
    assert (first["resultCode"], again["transId"]) == (0, first["transId"])
    assert (await merchant.pay(plain, amount=1))["resultCode"] == 20
    assert (await merchant.pay(plain, amount=2_000))["resultCode"] == 40
    assert (await merchant.pay(plain, requestId="other"))["resultCode"] == 41
    assert [charge.amount_dong for charge in merchant.momo.charges] == [100_000]


async def test_a_payer_without_money_is_not_charged(merchant: Merchant) -> None:
    plain = await merchant.bound()
    await merchant.act(balance_dong=99_999)
    assert (await merchant.pay(plain))["resultCode"] == 1001
    assert merchant.momo.charges == []


async def test_a_deleted_link_pays_nothing(merchant: Merchant) -> None:
    plain = await merchant.bound()
    await merchant.act(act="delete")
    assert (await merchant.pay(plain))["resultCode"] == 1007
    assert merchant.momo.charges == []


@pytest.mark.parametrize("plain", ['{"value":"stolen"}', "no JSON", "{}"])
async def test_a_token_that_is_not_this_links_pays_nothing(merchant: Merchant, plain: str) -> None:
    await merchant.bound()
    assert (await merchant.pay(plain))["resultCode"] == 20
    assert merchant.momo.charges == []
