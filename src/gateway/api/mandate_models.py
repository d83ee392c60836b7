"""Mandates and debit runs as JSON: what is asked, and how they are shown."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, model_validator

from gateway.api.fields import AmountDong, BillerCode, CustomerCode, Day
from gateway.api.provider_fields import ProviderCode
from gateway.api.reading import PlainText, Strict
from gateway.domain.clock import to_text
from gateway.domain.ids import to_public
from gateway.domain.mandate import DAY_OF_MONTH_MAX, RETRY_DAYS, ConsentChannel, MandateState
from gateway.kit.messages import NextAction
from gateway.store.debit_results import DebitRow, RunRow
from gateway.store.mandates import EventRow, MandateRow

LongText = Annotated[str, StringConstraints(min_length=20, max_length=4000)]


class AccountGiven(Strict):
    """The account that is debited; it is stored sealed and shown masked."""

    number: Annotated[str, StringConstraints(pattern=r"^[0-9]{6,19}$")]
    name: PlainText
    id_no: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{8,12}$")]
    phone: Annotated[str, StringConstraints(pattern=r"^(84|0)[0-9]{9}$")]


class ConsentGiven(Strict):
    """Who consented, when, how and to which text: what is shown when it is disputed."""

    given_by: PlainText
    given_at: Annotated[AwareDatetime, Field(strict=False)]
    channel: ConsentChannel
    text_version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._-]{1,20}$")]
    text: LongText = Field(description="The text as the payer saw it; its SHA-256 is kept too")
    evidence: PlainText = Field(description="Where the proof is: OTP id, paper number")


class MandateRequest(Strict):
    """A payer's permission to debit the bills of one customer code."""

    biller: BillerCode
    customer_code: CustomerCode
    provider: ProviderCode = Field(description="A bank of GET /v1/providers that debits mandates")
    bank: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] = Field(description="Its BIN")
    account: AccountGiven
    max_debit_dong: AmountDong
    max_month_dong: AmountDong | None = None
    day_of_month: Annotated[int, Field(ge=1, le=DAY_OF_MONTH_MAX)] | None = Field(
        default=None, description="Null: when a bill is issued"
    )
    retry_days: Annotated[int, Field(ge=0, le=10)] = RETRY_DAYS
    starts_on: Annotated[date, Field(strict=False)]
    ends_on: Annotated[date, Field(strict=False)] | None = None
    consent: ConsentGiven

    @model_validator(mode="after")
    def _fits(self) -> "MandateRequest":
        if self.max_month_dong is not None and self.max_month_dong < self.max_debit_dong:
            message = "max_month_dong is under max_debit_dong"
            raise ValueError(message)
        if self.ends_on is not None and self.ends_on < self.starts_on:
            message = "ends_on is before starts_on"
            raise ValueError(message)
        return self


class OtpRequest(Strict):
    """The one-time password that the bank sent to the payer."""

    otp: Annotated[str, StringConstraints(pattern=r"^[0-9]{4,8}$")]


class ReasonRequest(Strict):
    """Why a mandate is changed."""

    reason: PlainText


class MandateChange(BaseModel):
    """One change of a mandate."""

    change: str
    state_before: MandateState
    state_after: MandateState
    origin: str = Field(description="payer, bank, partner, operator or house")
    reason: str
    at: str


class NextStep(BaseModel):
    """Where the payer agrees, at a wallet."""

    redirect_url: str | None
    deeplink: str | None
    qr_content: str | None


class Mandate(BaseModel):
    """A mandate. `mandate.*` webhooks carry its id, state and reason."""

    id: str = Field(examples=["mdt_019a3c84f40070008000000000000001"])
    state: MandateState
    reason: str
    biller: str
    customer_code: str
    partner: str
    provider: str
    bank: str
    account: str = Field(description="Masked")
    max_debit_dong: int
    max_month_dong: int | None
    day_of_month: int | None
    retry_days: int
    starts_on: date
    ends_on: date | None
    lapses_on: date = Field(description="When it expires if it is not used")
    agency: str | None
    consent: dict[str, Any]
    registered_at: str | None = Field(description="When the bank had it")
    created_at: str
    next_action: NextStep | None = None
    changes: list[MandateChange] | None = Field(default=None, description="Of one mandate alone")


class MandatePage(BaseModel):
    """A page of mandates, newest first."""

    data: list[Mandate]
    next_cursor: str | None


class MandateQuery(Strict):
    """Which mandates to list."""

    customer_code: CustomerCode | None = None
    state: MandateState | None = None
    cursor: Annotated[str, StringConstraints(max_length=64)] | None = None


class Sums(BaseModel):
    """Debits of one state."""

    count: int
    amount_dong: int


class Debit(BaseModel):
    """One debit of a run."""

    id: str
    mandate: str
    customer_code: str
    bill: str
    amount_dong: int
    state: Literal["planned", "drawn", "settled", "failed", "skipped", "returned"]
    reason: str
    due_on: date
    tries: int
    payment: str | None


class DebitRun(BaseModel):
    """A day's debits at one bank; a debit that is tried again stays in its run."""

    id: str = Field(examples=["run_019a3c84f40070008000000000000001"])
    provider: str
    day: date
    prepared_at: str
    completed_at: str | None
    debits: dict[str, Sums]
    lines: list[Debit] | None = Field(default=None, description="Of one run alone, 100 at a time")
    next_cursor: str | None = None


class DebitRunPage(BaseModel):
    """Runs, the newest day first."""

    data: list[DebitRun]


class DebitRunQuery(Strict):
    """Which runs to list."""

    provider: ProviderCode | None = None
    day: Day | None = None


class DebitLinesQuery(Strict):
    """Which debits of a run to show."""

    cursor: Annotated[str, StringConstraints(max_length=64)] | None = None


def mandate_facts(
    row: MandateRow,
    *,
    biller: str,
    partner: str,
    action: NextAction | None = None,
    changes: list[EventRow] | None = None,
) -> dict[str, Any]:
    """Write a mandate; its account masked, its consent without the text."""
    facts: dict[str, Any] = {
        "id": to_public("mdt", row.id),
        "biller": biller,
        "partner": partner,
        "account": row.account_masked,
        "consent": {
            "given_by": row.consent_given_by,
            "given_at": to_text(row.consent_given_at),
            "channel": row.consent_channel,
            "text_version": row.consent_text_version,
            "text_sha256": row.consent_sha256.hex(),
            "evidence": row.consent_evidence,
        },
        "registered_at": _text(row.registered_at),
        "created_at": to_text(row.created_at),
    }
    for name in _PLAIN:
        facts[name] = getattr(row, name)
    if action is not None:
        facts["next_action"] = {name: getattr(action, name) for name in NextStep.model_fields}
    if changes is not None:
        facts["changes"] = [
            {name: getattr(c, name) for name in _CHANGE} | {"at": to_text(c.at)} for c in changes
        ]
    return facts


_PLAIN = (
    *("state", "reason", "customer_code", "provider", "bank", "max_debit_dong", "max_month_dong"),
    *("day_of_month", "retry_days", "starts_on", "ends_on", "lapses_on", "agency"),
)
_CHANGE = ("change", "state_before", "state_after", "origin", "reason")


def run_facts(row: RunRow) -> dict[str, Any]:
    """Write a run with its sums."""
    return {
        "id": to_public("run", row.id),
        "provider": row.provider,
        "day": row.day,
        "prepared_at": to_text(row.prepared_at),
        "completed_at": _text(row.completed_at),
        "debits": orjson.loads(row.sums),
    }


def debit_facts(row: DebitRow) -> dict[str, Any]:
    """Write one debit of a run."""
    return {
        "id": to_public("dbt", row.id),
        "mandate": to_public("mdt", row.mandate_id),
        "customer_code": row.customer_code,
        "bill": row.bill_id,
        "amount_dong": row.amount_dong,
        "state": row.state,
        "reason": row.reason,
        "due_on": row.due_on,
        "tries": row.tries,
        "payment": None if row.payment_id is None else to_public("pay", row.payment_id),
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else to_text(moment)
