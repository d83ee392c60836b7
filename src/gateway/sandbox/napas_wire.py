"""NAPAS e-commerce on the wire, by the profile `napas-ecom/0.1` of docs/providers/napas.md.

One public implementation shows shapes and the checksum (read 2026-11-24); the rest is the profile.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel
from starlette.responses import JSONResponse

API = "/api/rest/version/1/merchant/{merchant}/order/{order}/transaction/{transaction}"
TOKEN = "/api/oauth/token"  # noqa: S105 (a path)

SUCCESS, INITIATED, AUTHENTICATING = "SUCCESS/0", "INITIATED/", "AUTHENTICATING/"
PENDING, TIMED_OUT, EXPIRED = "PENDING/", "TIMED_OUT/", "EXPIRED/"
CANCELLED, NOT_AUTHENTICATED = "CANCELLED/", "AUTHENTICATION_FAILED/"
DECLINED, REFUND_REFUSED = "DECLINED/5", "REFUND_REFUSED/"
"""Codes are gatewayCode and acquirerCode with a stroke between them."""

_PENDING = {"INITIATED": "PENDING", "AUTHENTICATING": "PENDING", "PENDING": "PENDING"}
RESULTS = {"SUCCESS": "SUCCESS", "TIMED_OUT": "UNKNOWN", **_PENDING}
"""By gatewayCode; anything else is a FAILURE."""
CAUSES = {
    "INVALID_REQUEST": 400,
    "UNAUTHORIZED": 401,
    "MERCHANT_UNKNOWN": 403,
    "NOT_FOUND": 404,
    "DUPLICATE": 409,
    "NOT_REFUNDABLE": 409,
    "TOO_MANY_REQUESTS": 429,
}

Id = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,40}$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{4,500}$")]
Dong = Annotated[int, Field(strict=True, gt=0, lt=10**13)]


@dataclass(frozen=True)
class Account:
    """The simulator's own account; NAPAS publishes none."""

    merchant: str = "EVNSPC"
    username: str = "napas-sandbox-user"
    password: str = "napas-sandbox-simulator-password-0001"  # noqa: S105 (documented, of the sandbox)
    client_id: str = "napas-sandbox-client"
    client_secret: str = "napas-sandbox-simulator-client-secret-0001"  # noqa: S105 (as above)
    secret: str = "napas-sandbox-simulator-checksum-secret-0001"  # noqa: S105 (as above)


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)


class Money(_Shape):
    """`order` of a request."""

    amount: Dong
    currency: Literal["VND"]
    reference: str = Field(default="", max_length=200)


class Inputs(_Shape):
    """`inputParameters`."""

    client_ip: str = Field(alias="clientIP", pattern=r"^[0-9A-Fa-f.:]{2,45}$")
    device_id: str = Field(max_length=100)
    environment: Literal["WEB", "MOBILE"]
    card_scheme: Literal["AtmCard", "CreditCard", "All"]
    is_secure: Literal[True] = Field(alias="enable3DSecure")


class Interaction(_Shape):
    """`interaction`: where browser and callback go, and how long the page lives."""

    return_url: Url
    notification_url: Url
    locale: Literal["vi", "en"]
    timeout_seconds: int = Field(strict=True, ge=60, le=3600)


class Target(_Shape):
    """`transaction` of a refund."""

    target_transaction_id: Id


class PurchaseAsked(_Shape):
    """PURCHASE_HOSTED."""

    api_operation: Literal["PURCHASE_HOSTED"]
    channel: Literal["ECOMMERCE"]
    order: Money
    input_parameters: Inputs
    interaction: Interaction


class QueryAsked(_Shape):
    """QUERY."""

    api_operation: Literal["QUERY"]
    channel: Literal["ECOMMERCE"]


class RefundAsked(_Shape):
    """REFUND."""

    api_operation: Literal["REFUND"]
    channel: Literal["ECOMMERCE"]
    order: Money
    transaction: Target


SHAPES: dict[str, type[PurchaseAsked | QueryAsked | RefundAsked]] = {
    "PURCHASE_HOSTED": PurchaseAsked,
    "QUERY": QueryAsked,
    "REFUND": RefundAsked,
}


def read(body: bytes) -> PurchaseAsked | QueryAsked | RefundAsked | str:
    """Read a call; a text names what is wrong with it."""
    try:
        fields = json.loads(body)
        shape = SHAPES[fields["apiOperation"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        return "apiOperation"
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        return ", ".join(".".join(map(str, e["loc"])) or "body" for e in error.errors())


def checksum(data: str, secret: str) -> str:
    """Give the checksum of a callback.

    >>> checksum("e30=", "s")[:16]
    'ff09fee2d08f8e0f'
    """
    return hashlib.sha256(f"{data}{secret}".encode()).hexdigest()


def envelope(result: dict[str, Any], secret: str) -> dict[str, str]:
    """Wrap a payment's result as callback and return carry it."""
    text = json.dumps({"paymentResult": result}, ensure_ascii=False)
    data = base64.b64encode(text.encode()).decode()
    return {"data": data, "checksum": checksum(data, secret)}


def refusal(cause: str, explanation: str) -> JSONResponse:
    """Refuse a call, with nothing done."""
    said = {"error": {"cause": cause, "explanation": explanation}, "result": "ERROR"}
    return JSONResponse(said, CAUSES[cause])


def is_taken(status: int, body: bytes) -> bool:
    """Say whether an answer to a callback ends it."""
    try:
        said = json.loads(body)
    except ValueError:
        return False
    return status == 200 and said == {"result": "OK"}  # noqa: PLR2004 (HTTP)
