"""How an error is answered, what it says of the money, and what to do next.

Every error answer of the API is an RFC 9457 problem. `type` is `/problems/{code}`, a page of this
service that explains the code; codes never change their meaning.
"""

import orjson
from pydantic import BaseModel, ConfigDict, Field

from gateway.api.problem_table import TABLE, Retry
from gateway.domain.errors import GatewayError, InvariantBroken, Unavailable
from gateway.domain.limit import TooManyRequests

BEFORE_THE_KEY = frozenset({"unauthenticated", "scope_missing", "overloaded"})

MEDIA_TYPE = "application/problem+json"


class FaultOut(BaseModel):
    """One thing wrong with one field."""

    field: str = Field(description="Path of the field", examples=["bills.0.amount_dong"])
    message: str


class Problem(BaseModel):
    """An RFC 9457 problem. Some codes add members of their own, e.g. `payment_id`, `due_dong`."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["/problems/bill_already_paid"])
    title: str
    status: int
    code: str = Field(description="Stable; one page each under /problems")
    detail: str = Field(description="What happened, to what, and what to do, in English")
    detail_vi: str = Field(description="The same in Vietnamese")
    request_id: str = Field(description="Name it when you ask us about this answer")
    money_may_have_moved: bool = Field(
        description="False: this request has certainly moved nothing. True: find out before "
        "you tell your customer that nothing was paid"
    )
    retry: Retry
    retry_after_s: int | None = None
    errors: list[FaultOut] | None = None


def write(error: GatewayError, request_id: str, *, moves_money: bool = False) -> tuple[int, bytes]:
    """Give the status and the body with which an error is answered.

    `moves_money`: the request was one that pays or reverses. Refused before its key was read, it
    says nothing about an earlier one under the same key, which may have been answered.
    """
    if error.code not in TABLE:
        error = InvariantBroken(f"'{error.code}' is an answer of the API")
    entry = TABLE[error.code]
    problem: dict[str, object] = {
        "type": f"/problems/{error.code}",
        "title": entry.title,
        "status": entry.status,
        "code": error.code,
        "detail": error.detail,
        "detail_vi": error.detail_vi,
        "request_id": request_id,
        "money_may_have_moved": entry.money_may_have_moved
        or (moves_money and error.code in BEFORE_THE_KEY),
        "retry": entry.retry,
        **error.facts,
    }
    if (wait_s := retry_after(error)) is not None:
        problem["retry_after_s"] = wait_s
    if error.faults:
        problem["errors"] = [{"field": f.field, "message": f.message} for f in error.faults]
    return entry.status, orjson.dumps(problem)


def retry_after(error: GatewayError) -> int | None:
    """Give the seconds after which the same request may be sent again, if it may."""
    if error.code in TABLE and TABLE[error.code].retry is Retry.NEVER:
        return None
    return error.retry_after_s if isinstance(error, (Unavailable, TooManyRequests)) else 1
