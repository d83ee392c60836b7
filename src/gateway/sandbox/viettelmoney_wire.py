"""Viettel Money's paybiz on the wire, by the profile `viettelmoney-paybiz/0.1`.

docs/providers/viettelmoney.md gives it; authenhub's developer pages (read 2026-11-24) show the
hosts, the token, and the signature: ECDSA over P-256 with SHA-256 of the exact body, in base64.
"""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from pydantic import BaseModel, ConfigDict, Field

BASE = "/uatmm/paybiz/payment-gateway/public/api"
DONE, BAD_DATA, BAD_SIGNATURE, FAILS = "00", "01", "02", "03"
USED, NO_ORDER, NOT_KNOWN = "04", "05", "06"
PAID, WORKING, FAILED, UNCLEAR, LEFT, NONE_YET = 1, 0, 2, 3, 5, -1
"""transStatus: paid, being worked on, failed, unknown, cancelled by the payer, nothing yet."""

MERCHANT_PRIVATE = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgNkvr3Big7WgEXJ0h
rGxpaqtSdfbfs1LrKvZKJ2Qua/ShRANCAASTsGiCcExWNHYVDYDcN4v7nRm+92Mu
UoUtz2jaSzkqj0BKQRx5FbHvHqi/IQifjwA4rChlWas7xM50PoFmjs1C
-----END PRIVATE KEY-----
"""
MERCHANT_PUBLIC = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEk7BognBMVjR2FQ2A3DeL+50Zvvdj
LlKFLc9o2ks5Ko9ASkEceRWx7x6ovyEIn48AOKwoZVmrO8TOdD6BZo7NQg==
-----END PUBLIC KEY-----
"""
VIETTEL_PRIVATE = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg2SrSsOQ8UmZrTIhw
okx5MSf4pIB4bWKrbNqiH5Zb3RuhRANCAARgJume6fCWCDDBXzdMl1w7zKygiE1d
UTtVWHZ4C+oZK5zejIe/CvbOPVDAHbFJusUicjJyh++BQwve44JavqqY
-----END PRIVATE KEY-----
"""
VIETTEL_PUBLIC = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYCbpnunwlggwwV83TJdcO8ysoIhN
XVE7VVh2eAvqGSuc3oyHvwr2zj1QwB2xSbrFInIycofvgUML3uOCWr6qmA==
-----END PUBLIC KEY-----
"""
_CURVE = ec.ECDSA(SHA256())


@dataclass(frozen=True)
class Account:
    """One merchant's account. The keys above and the token are our simulator's own, for tests."""

    merchant: str = "EVNSPC"
    token: str = "viettelmoney-sandbox-simulator-token-0001"  # noqa: S105 (ours, for the simulator)
    merchant_key: str = MERCHANT_PUBLIC
    """The merchant's public key, in PEM."""
    viettel_key: str = VIETTEL_PRIVATE
    """The simulated Viettel's private key, in PEM."""

    def sign(self, body: bytes) -> str:
        """Sign as Viettel."""
        key = load_pem_private_key(self.viettel_key.encode(), None)
        return b64encode(key.sign(body, _CURVE)).decode()  # type: ignore[call-arg,union-attr,arg-type]

    def is_merchants(self, body: bytes, signature: str) -> bool:
        """Say whether the merchant signed this."""
        key = load_pem_public_key(self.merchant_key.encode())
        try:
            key.verify(b64decode(signature, validate=True), body, _CURVE)  # type: ignore[call-arg,union-attr,arg-type]
        except (ValueError, InvalidSignature):
            return False
        return True


Id = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,40}$")]
Amount = Annotated[int, Field(strict=True, ge=1, le=10**15)]
Url = Annotated[str, Field(pattern=r"^https?://[!-~]{4,500}$")]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CreateAsked(_Asked):
    """orders/create."""

    merchantCode: Id  # noqa: N815 (theirs)
    orderId: Id  # noqa: N815
    transAmount: Amount  # noqa: N815
    description: Annotated[str, Field(pattern=r"^[ -~]{1,100}$")]
    returnType: Literal["WEB", "QR", "DEEPLINK"]  # noqa: N815
    returnUrl: Url  # noqa: N815
    cancelUrl: Url  # noqa: N815
    expireAfter: Annotated[int, Field(strict=True, ge=1, le=60)]  # noqa: N815


class QueryAsked(_Asked):
    """orders/query."""

    merchantCode: Id  # noqa: N815
    orderId: Id  # noqa: N815
    requestId: Id  # noqa: N815


class RefundAsked(_Asked):
    """refunds/create."""

    merchantCode: Id  # noqa: N815
    refundId: Id  # noqa: N815
    originalOrderId: Id  # noqa: N815
    originalTransId: Id  # noqa: N815
    refundType: Literal[0, 1]  # noqa: N815
    transAmount: Amount  # noqa: N815
    description: Annotated[str, Field(pattern=r"^[ -~]{1,100}$")]


class RefundQueryAsked(_Asked):
    """refunds/query."""

    merchantCode: Id  # noqa: N815
    refundId: Id  # noqa: N815
    requestId: Id  # noqa: N815


def dump(said: Any) -> bytes:
    """Write JSON as it is signed and sent."""
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def read_answer(status: int, body: bytes) -> dict[str, Any]:
    """Read a merchant's answer; empty if it is none."""
    try:
        said = json.loads(body) if status == 200 else None  # noqa: PLR2004 (HTTP)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
