"""What Viettel's MO service sends, after OpenCPS (read 2026-11-24)."""

from gateway.kit.messages import Incoming
from gateway.kit.text_messages import TextIn
from gateway.providers.viettelmo import Config, ViettelMo

WORD = "a-word-that-only-tests-know"
ACCOUNT = {
    "bank": "VBA",
    "biller": "evnspc-camau",
    "mandates": "autodebit",
    "username": "evn",
    "password": "sms-sandbox-password",
    "cp_code": "CP1",
    "brand": "EVN",
    "word": WORD,
}


def viettel() -> ViettelMo:
    return ViettelMo(Config.model_validate({**ACCOUNT, "host": "http://viettel.example.vn"}))


def asked(inner: str, query: str = f"key={WORD}") -> Incoming:
    body = (
        '<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>'
        f'<n:messageReceiver xmlns:n="http://mo.example/">{inner}</n:messageReceiver>'
        "</S:Body></S:Envelope>"
    )
    return Incoming("POST", query=query, body=body.encode())


def an_answer(text: str, reply: str) -> str:
    return viettel().answer(TextIn("1", "84912345678", "8149", text), reply).body.decode()
