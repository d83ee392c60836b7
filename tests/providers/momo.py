"""MoMo's messages, signed by the documents' rule apart from the adapter."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from gateway.kit.messages import Call, Incoming, Moment, Order, RefundOrder, Reply
from gateway.providers.momo import Config, MoMo

# MoMo's public sandbox accounts (momo-wallet/payment and momo-wallet/java, read 2026-11-24).
KEYS = {
    "MOMO": ("F8BBA842ECF85", "K951B6PE1waDMi640xX08PD3vg6EkVlz"),
    "MOMOBKUN20180529": ("klm05TvNBzhg7h7j", "at67qH6mk8w5Y1nAyMoYKMWACiEi2bsa"),
    "MOMOLRJZ20181206": ("mTCKt9W3eU1m39TW", "SetA5RDnLHvt51AULf51DyauxUo3kDU6"),
}
# What MoMo's sandbox itself sent to browsers of these accounts, as merchants published it.
SANDBOX_RETURNS = {
    "paid": "partnerCode=MOMO&orderId=MOMO1721014629740&requestId=MOMO1721014629740&amount=50000"
    "&orderInfo=pay+with+MoMo&orderType=momo_wallet&transId=4084757146&resultCode=0"
    "&message=Th%C3%A0nh+c%C3%B4ng.&payType=qr&responseTime=1721014660600&extraData="
    "&signature=a5f1ec2a40181e82ae63153bad277bc6d46451a6724fecc88a92a6e869ea2621",
    "paid_with_diacritics": "partnerCode=MOMO&orderId=ORD-251111-B98B&requestId=ORD-251111-B98B"
    "&amount=17942000&orderInfo=Đơn+hàng+ORD-251111-B98B&orderType=momo_wallet"
    "&transId=4610849895&resultCode=0&message=Thành+công.&payType=qr"
    "&responseTime=1762884809397&extraData="
    "&signature=f03a51ba4d0c85471920036aa6e3ef0ec9993ef01ca23f46ee5405241c8a51d6",
    "paid_by_card": "partnerCode=MOMOBKUN20180529&orderId=673_20260602231442"
    "&requestId=673_20260602231442&amount=5910000&orderInfo=Thanh+toan+don+hang+%23673"
    "&orderType=momo_wallet&transId=4755295878&resultCode=0&message=Successful."
    "&payType=napas&responseTime=1780416956088&extraData="
    "&signature=38ec8d629f1756abd4b267bad14dc39a4a56a70a56a16fdb3f0a6ad82af45cb2",
    "refused": "partnerCode=MOMOLRJZ20181206&orderId=17e1530d-3387-4edb-95e7-3d7c36fd9b5b"
    "&requestId=394c6fbb-a28c-4e4a-b16a-69db8ce680ed&amount=235000&orderInfo=Mua+tivi"
    "&orderType=momo_wallet&transId=1679649685462&resultCode=1006"
    "&message=Giao+dịch+bị+từ+chối+bởi+người+dùng.&payType=&responseTime=1679649685558"
    "&extraData=&signature=7cbe81ab010074511fd07e7632a47a3ab983c9112343cdeed1f3d2eeec5749a7",
}
SIGNED_IPN = (
    *("accessKey", "amount", "extraData", "message", "orderId", "orderInfo", "orderType"),
    *("partnerCode", "payType", "requestId", "responseTime", "resultCode", "transId"),
)
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
MOMENT = Moment(NOW, "c" * 32)
ORDER = Order(
    reference="att_" + "1" * 32,
    amount_dong=150_000,
    text="Tiền điện 10/2026 PB14010000123",
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=15),
    request_id="a" * 32,
    return_url="https://pay.example/return?x=1",
    notify_url="https://pay.example/v1/notifications/momo",
    provider_id="4088878653",
)
REFUND = RefundOrder(ORDER, "ref_" + "2" * 32, 50_000, "Hoàn tiền", NOW)
ANSWER = {
    "partnerCode": "MOMO",
    "orderId": ORDER.reference,
    "requestId": ORDER.request_id,
    "amount": 150_000,
    "responseTime": 1_764_000_000_000,
    "message": "Thành công.",
    "resultCode": 0,
}
IPN: dict[str, Any] = {
    **ANSWER,
    "orderInfo": ORDER.text,
    "orderType": "momo_wallet",
    "transId": 4_088_878_653,
    "payType": "qr",
    "extraData": "",
}


def momo(partner: str = "MOMO", **changed: Any) -> MoMo:
    access_key, secret_key = KEYS[partner]
    given_ = {"partner_code": partner, "access_key": access_key, "secret_key": secret_key}
    return MoMo(Config.model_validate({**given_, **changed}))


def mac(fields: dict[str, Any], names: tuple[str, ...] = SIGNED_IPN) -> str:
    """Sign by the rule of the documents, apart from the adapter."""
    access_key, secret = KEYS["MOMO"]
    base = "&".join(f"{name}={ {**fields, 'accessKey': access_key}[name] }" for name in names)
    return hmac.new(secret.encode(), base.encode(), hashlib.sha256).hexdigest()


def an_ipn(**changed: Any) -> dict[str, Any]:
    fields = {**IPN, **changed}
    return {**fields, "signature": mac(fields)}


def posted(fields: dict[str, Any]) -> Incoming:
    return Incoming("POST", body=json.dumps(fields).encode())


def reply(status: int = 200, **changed: Any) -> Reply:
    fields = {k: v for k, v in {**ANSWER, **changed}.items() if v is not ...}
    return Reply(status, json.dumps(fields).encode())


def sent(call: Call) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(call.body))
