"""Billers over HTTP: who can be paid, and by which rules."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from gateway.api.exchange import Answered, asked_of, caller_of, response_of, runtime_of
from gateway.api.openapi import described
from gateway.domain.biller import AmountRule, Biller, Channel
from gateway.domain.partner import Scope
from gateway.flows.access import find_biller

router = APIRouter(prefix="/v1", tags=["billers"])


class Rules(BaseModel):
    """What a biller demands of a payment."""

    customer_code_pattern: str = Field(description="Regular expression of a customer code")
    amount_rule: AmountRule
    whole_bill_only: bool
    partial_min_dong: int | None = Field(description="Least part of a bill, when parts are taken")
    oldest_first: bool
    channels: list[Channel]
    channel_max_dong: dict[Channel, int] = Field(description="Most of one payment, per channel")
    lookup_token_required: bool
    reversal_cutoff: str = Field(description="Time of day, Asia/Ho_Chi_Minh", examples=["23:59"])


class BillerOut(BaseModel):
    """A company that is owed."""

    code: str = Field(examples=["evnspc-camau"])
    name: str
    version: int = Field(description="Moves when the rules change")
    rules: Rules


class BillerList(BaseModel):
    """All billers."""

    data: list[BillerOut]


def _out(biller: Biller) -> BillerOut:
    rules = biller.rules
    return BillerOut(
        code=biller.code,
        name=biller.name,
        version=biller.version,
        rules=Rules(
            customer_code_pattern=rules.customer_code_pattern.pattern,
            amount_rule=rules.amount_rule,
            whole_bill_only=rules.whole_bill_only,
            partial_min_dong=None if rules.whole_bill_only else rules.partial_min_dong,
            oldest_first=rules.oldest_first,
            channels=sorted(rules.channels),
            channel_max_dong=dict(rules.channel_max_dong),
            lookup_token_required=rules.lookup_token_required,
            reversal_cutoff=rules.reversal_cutoff.strftime("%H:%M"),
        ),
    )


@router.get("/billers", summary="List billers", **described(answer=BillerList))
async def list_billers(request: Request) -> Response:
    """List the billers whose bills can be paid here, with their rules."""
    rt = runtime_of(request)
    await caller_of(rt, await asked_of(request), Scope.LOOKUP)
    found = BillerList(data=[_out(biller) for biller in rt.directory.billers.values()])
    return response_of(Answered(200, found.model_dump_json().encode()))


@router.get(
    "/billers/{biller}",
    summary="Read a biller",
    **described(answer=BillerOut, errors=("biller_unknown",)),
)
async def get_biller(biller: str, request: Request) -> Response:
    """Read one biller and its rules."""
    rt = runtime_of(request)
    await caller_of(rt, await asked_of(request), Scope.LOOKUP)
    return response_of(Answered(200, _out(find_biller(rt, biller[:64])).model_dump_json().encode()))
