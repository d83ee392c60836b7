"""Messages of Payoo's bill side, signed by the documents' rule apart from the adapter."""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.kit.messages import Moment, Posting, PostingLine, Reply
from gateway.providers.payoobill import Config, PayooBill
from gateway.sandbox.payoobill_keys import PARTNER_PRIVATE, PAYOO_PRIVATE, PAYOO_PUBLIC

CUSTOMER = "PB14010000001"
SETTINGS = {
    "url": "https://bill.payoo.example",
    "partner_code": "EVNGW",
    "user_id": "evngw",
    "service_id": "DIEN",
    "provider_id": "EVNSPC",
    "channel": "PARTNER",
    "contact_phone": "19001006",
    "private_key": PARTNER_PRIVATE,
    "public_key": PAYOO_PUBLIC,
}
# 00:30 of the 25th in Vietnam, still the 24th in UTC.
NOW = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)
MOMENT = Moment(NOW + timedelta(minutes=5), "c" * 32)
LINE = PostingLine("HD-1", 150_000, "pst_" + "1" * 32, {"fee": "1100"})
POSTING = Posting(CUSTOMER, NOW, (LINE,))
BILL: dict[str, Any] = {
    "BillId": "HD-1",
    "ServiceId": "DIEN",
    "ServiceName": "Điện",
    "ProviderId": "EVNSPC",
    "ProviderName": "EVN SPC",
    "Month": "11/2026",
    "MoneyAmount": "150000",
    "PaymentFee": 1100,
    "CustomerId": CUSTOMER,
    "CustomerName": "Nguyễn Văn Án",
    "Address": "12 Nguyễn Trãi",
    "PaymentRule": 0,
}


def payoobill(**changed: str) -> PayooBill:
    return PayooBill(Config.model_validate_strings(SETTINGS | changed))


def signature_of(data: str, pem: str = PAYOO_PRIVATE) -> str:
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    return b64encode(key.sign(data.encode(), PKCS1v15(), SHA256())).decode()


def answer(fields: Mapping[str, Any] | str, signature: str | None = None) -> Reply:
    """An answer; signed by Payoo unless a signature is given, and unsigned with an empty one."""
    data = fields if isinstance(fields, str) else json.dumps(fields, ensure_ascii=False)
    given = signature_of(data) if signature is None else signature
    body = json.dumps({"Data": data}).encode()
    return Reply(200, body, {"signature": given} if given else {})


def owing(*bills: Mapping[str, Any]) -> Reply:
    return answer({"ReturnCode": 0, "SubReturnCode": 0, "Bills": list(bills), "Customers": []})
