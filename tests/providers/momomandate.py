"""What MoMo says about linked wallets, signed by hand from its documents (read 2026-11-24)."""

import base64
import hmac
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import padding as blocks
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.kit.mandate_messages import DebitLine, Mandate
from gateway.kit.messages import Call, Incoming, Moment, Order, Reply
from gateway.providers.momomandate import Config, MoMoMandate

# MoMo's public sandbox account, and a key of these tests in the place of MoMo's.
PARTNER, ACCESS, SECRET = "MOMO", "F8BBA842ECF85", "K951B6PE1waDMi640xX08PD3vg6EkVlz"
RSA = rsa.generate_private_key(65537, 2048)
PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
NOW = datetime.fromtimestamp(1_764_000_000, UTC)
MOMENT = Moment(NOW, "b" * 32)
NAME = "mdt_01936b2e000070008000000000000001"
MANDATE = Mandate(
    reference=NAME,
    biller="evn-camau",
    customer_code="PB14010000123",
    bank="momo",
    account_no="0912345678",
    account_name="Nguyễn Văn Đặng",
    id_no="",
    phone="0912345678",
    max_debit_dong=5_000_000,
    max_month_dong=None,
    day_of_month=None,
    retry_days=3,
    starts_on=date(2026, 11, 1),
    ends_on=None,
    consent_channel="app",
)


def momo(host: str = "https://test-payment.momo.vn") -> MoMoMandate:
    account = {"partner_code": PARTNER, "access_key": ACCESS, "secret_key": SECRET}
    more = {"public_key": PEM, "host": host, "notify_url": "https://pay.example/ipn"}
    return MoMoMandate(Config.model_validate({**account, **more}))


def sealed(plain: bytes, secret: str = SECRET) -> str:
    """Encrypt as MoMo encrypts an aesToken."""
    pad = blocks.PKCS7(128).padder()
    aes = Cipher(algorithms.AES(secret.encode()), modes.CBC(bytes(16))).encryptor()
    return base64.b64encode(
        aes.update(pad.update(plain) + pad.finalize()) + aes.finalize()
    ).decode()


TOKEN = sealed(b'{"value":"tok1","userAlias":"x"}')
AGREED = replace(MANDATE, provider_id="cb:v2/callback")
BOUND = replace(MANDATE, provider_id=f"tk:{TOKEN}")
ORDER = Order(
    reference="att_01936b2e000070008000000000000001",
    amount_dong=150_000,
    text="Tiền điện & nước = 11",
    created_at=NOW,
    expires_at=NOW + timedelta(hours=1),
    request_id="a" * 32,
    return_url="",
    notify_url="https://pay.example/ipn",
)
LINE = DebitLine(ORDER, BOUND, "HD1", 1)


def mac(fields: dict[str, Any], *names: str) -> str:
    whole = {**fields, "accessKey": ACCESS}
    base = "&".join(f"{name}={whole[name]}" for name in sorted({*names, "accessKey"}))
    return hmac.new(SECRET.encode(), base.encode(), sha256).hexdigest()


def sent(call: Call, *names: str) -> dict[str, Any]:
    """Give what a call says, once its signature is over these fields."""
    fields = dict(json.loads(call.body))
    assert fields.pop("signature") == mac(fields, *names)
    return fields


def opened(token: str) -> dict[str, Any]:
    """Give what only MoMo can read in a `token`."""
    plain = RSA.decrypt(base64.b64decode(token), padding.PKCS1v15())
    return dict(json.loads(plain))


def an_answer(code: int, **more: Any) -> Reply:
    fields = {"partnerCode": PARTNER, "resultCode": code, "message": "x", **more}
    return Reply(200, json.dumps(fields).encode())


def an_ipn(**changed: Any) -> dict[str, Any]:
    return {
        "partnerCode": PARTNER,
        "orderId": ORDER.reference,
        "requestId": ORDER.request_id,
        "amount": 150_000,
        "orderInfo": "Tiền điện",
        "orderType": "momo_wallet",
        "transId": 4088878653,
        "resultCode": 0,
        "message": "Thành công.",
        "payType": "webApp",
        "responseTime": 1_764_000_000_000,
        "extraData": "",
        **changed,
    }


def posted(fields: dict[str, Any]) -> Incoming:
    whole = {**fields, "signature": mac(fields, *fields)}
    return Incoming("POST", body=json.dumps(whole).encode())


def a_link(**changed: Any) -> dict[str, Any]:
    more = {"callbackToken": "v2/callback", "partnerClientId": NAME}
    told = {"orderId": NAME, "requestId": NAME, "amount": 0, "transId": 0, "resultCode": 9000}
    return an_ipn(**{**told, **more, **changed})
