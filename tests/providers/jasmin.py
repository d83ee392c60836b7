"""What Jasmin sends, by its HTTP API (read 2026-11-24)."""

from urllib.parse import urlencode

from gateway.kit.messages import Incoming
from gateway.providers.jasmin import Config, Jasmin

WORD = "a-word-that-only-tests-know"
ACCOUNT = {
    "bank": "VBA",
    "biller": "evnspc-camau",
    "mandates": "autodebit",
    "username": "evn",
    "password": "sms-sandbox-password",
    "word": WORD,
    "short_number": "8149",
}


def jasmin() -> Jasmin:
    return Jasmin(Config.model_validate({**ACCOUNT, "host": "http://jasmin.example.vn:1401"}))


def form(query: str = f"key={WORD}", **fields: str) -> Incoming:
    return Incoming("POST", query=query, body=urlencode(fields).encode())
