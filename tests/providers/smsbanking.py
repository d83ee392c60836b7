"""What a centre of sms-banking/0.1 sends, signed by hand from docs/providers/smsbanking.md."""

import hmac
import json
from hashlib import sha256
from typing import Any

from gateway.kit.messages import Incoming, Reply
from gateway.providers.smsbanking import Config, SmsBanking

SECRET = "sms-sandbox-simulator-secret-0001"
ACCOUNT = {"bank": "VBA", "biller": "evnspc-camau", "mandates": "autodebit", "secret": SECRET}
STAMP = "1764000000"


def centre() -> SmsBanking:
    return SmsBanking(Config.model_validate({**ACCOUNT, "host": "https://sms.example.vn"}))


def mac(body: bytes, stamp: str = STAMP) -> str:
    return hmac.new(SECRET.encode(), stamp.encode() + b"." + body, sha256).hexdigest()


def signed(**fields: Any) -> Incoming:
    body = json.dumps(fields).encode()
    headers = {"x-timestamp": STAMP, "x-signature": mac(body)}
    return Incoming("POST", body=body, headers=headers)


def a_reply(**fields: Any) -> Reply:
    incoming = signed(**fields)
    return Reply(200, incoming.body, incoming.headers)
