"""What the routes of the cash phase-out take and give."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from gateway.api.fields import CustomerCode, Day, Limit
from gateway.api.hand_over_models import AreaCode, Code
from gateway.api.reading import PlainText, Strict
from gateway.domain.cash_phase_out import ConsentBasis, Schedule, Stage, mask_phone, stage_on
from gateway.domain.masking import mask_address, mask_name
from gateway.store.outreach import CashPayer

Percent = Annotated[int, Field(ge=0, le=100)]


class ScheduleIn(Strict):
    """An area's plan; the days are Vietnamese and follow each other."""

    announced_on: Day
    without_phone_from: Day = Field(description="New lists only for customers without a phone")
    ends_on: Day = Field(description="No new lists from this day on")
    caps_step_percent: Percent = Field(description="Caps shrink by so much every 30 days")
    complaints_max: Annotated[int, Field(ge=0, le=100_000)]
    arrears_percent_max: Percent


class ScheduleOut(BaseModel):
    """A schedule and where it stands today."""

    area_code: str
    stage: Stage
    announced_on: date
    without_phone_from: date
    ends_on: date
    caps_step_percent: int
    complaints_max: int
    arrears_percent_max: int
    paused_on: date | None
    pause_reason: str | None


class ScheduleList(BaseModel):
    """All schedules of the biller."""

    data: list[ScheduleOut]


class PauseIn(Strict):
    """Why a schedule is to stand still."""

    reason: PlainText


class ComplaintIn(Strict):
    """What somebody complained of."""

    area_code: AreaCode
    words: PlainText
    customer_code: CustomerCode | None = None


class AssistIn(Strict):
    """Who helped whom to pay electronically."""

    collector: Code
    customer_code: CustomerCode


class OptOutIn(Strict):
    """Who wants no messages."""

    customer_code: CustomerCode


class Recorded(BaseModel):
    """It is written down; `id` where there is one to ask by."""

    id: str | None = None


class CashPayerQuery(Strict):
    """Whose list."""

    area: AreaCode
    only: Annotated[str, Field(pattern="^relapsed$")] | None = None
    cursor: CustomerCode | None = None
    limit: Limit = 20


class CashPayerOut(BaseModel):
    """A customer who pays cash, masked."""

    customer_code: str
    name: str
    address: str
    segment: str
    last_paid_on: date
    channel: str
    phone: str | None = Field(description="Its last three digits")
    consent_basis: ConsentBasis | None
    has_opted_out: bool


class CashPayerPage(BaseModel):
    """A page of cash payers, by code."""

    data: list[CashPayerOut]
    next_cursor: str | None


class HelperOut(BaseModel):
    """A collector's help and the first electronic payments that came of it."""

    collector: str
    assists: int
    first_payments: int


class HelperList(BaseModel):
    """All who helped."""

    data: list[HelperOut]


def schedule_out(one: Schedule, today: date) -> ScheduleOut:
    """Show a schedule and where it stands on a day."""
    return ScheduleOut(
        area_code=one.area_code,
        stage=stage_on(one, today),
        announced_on=one.announced_on,
        without_phone_from=one.without_phone_from,
        ends_on=one.ends_on,
        caps_step_percent=one.caps_step_percent,
        complaints_max=one.complaints_max,
        arrears_percent_max=one.arrears_percent_max,
        paused_on=one.paused_on,
        pause_reason=one.pause_reason,
    )


def payer_out(one: CashPayer) -> CashPayerOut:
    """Show a cash payer, masked."""
    basis = None if one.consent_basis is None else ConsentBasis(one.consent_basis)
    return CashPayerOut(
        customer_code=one.code,
        name=mask_name(one.name),
        address=mask_address(one.address),
        segment=one.segment,
        last_paid_on=one.last_paid_on,
        channel=one.channel,
        phone=None if one.phone is None else mask_phone(one.phone),
        consent_basis=basis,
        has_opted_out=one.has_opted_out,
    )
