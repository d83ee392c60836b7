"""A mandate: a payer's standing permission to debit, its states, its limits, its consent.

Pure: which change leads where is one table (contract `vn-autodebit/0.1`, section e.3 of the
protocol sheet; states after GoCardless, Bacs and SEPA, read 2026-11-24).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType


class MandateState(StrEnum):
    """Where a mandate stands."""

    PENDING_CUSTOMER = "pending_customer"
    """Registered; the payer has not confirmed."""
    PENDING_BANK = "pending_bank"
    """Confirmed; the bank has not accepted."""
    ACTIVE = "active"
    SUSPENDED = "suspended"
    """Paused by the payer, the bank, the biller, or after three months without a debit."""
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    """Never accepted: wrong account, another name."""
    EXPIRED = "expired"
    """Its last day passed, or 13 months without a debit."""


class Change(StrEnum):
    """What happens to a mandate."""

    CONFIRM = "confirm"
    ACTIVATE = "activate"
    SUSPEND = "suspend"
    RESUME = "resume"
    CANCEL = "cancel"
    REJECT = "reject"
    EXPIRE = "expire"


class ConsentChannel(StrEnum):
    """How a payer consented; each leaves another trace that can be shown in a dispute."""

    OTP = "otp"
    BRANCH = "branch"
    APP = "app"
    AGENCY_LIST = "agency_list"
    """Signed on a list that the payer's employer handed in."""


FINAL = frozenset({MandateState.CANCELLED, MandateState.REJECTED, MandateState.EXPIRED})
PENDING = frozenset({MandateState.PENDING_CUSTOMER, MandateState.PENDING_BANK})
_S = MandateState
TRANSITIONS: Mapping[Change, Mapping[MandateState, MandateState]] = MappingProxyType(
    {
        Change.CONFIRM: {_S.PENDING_CUSTOMER: _S.PENDING_BANK},
        # A bank that accepts tells only that: the payer has confirmed there, or before it.
        Change.ACTIVATE: {_S.PENDING_CUSTOMER: _S.ACTIVE, _S.PENDING_BANK: _S.ACTIVE},
        Change.SUSPEND: {_S.ACTIVE: _S.SUSPENDED},
        Change.RESUME: {_S.SUSPENDED: _S.ACTIVE},
        Change.CANCEL: {
            _S.PENDING_CUSTOMER: _S.CANCELLED,
            _S.PENDING_BANK: _S.CANCELLED,
            _S.ACTIVE: _S.CANCELLED,
            _S.SUSPENDED: _S.CANCELLED,
        },
        Change.REJECT: {_S.PENDING_CUSTOMER: _S.REJECTED, _S.PENDING_BANK: _S.REJECTED},
        Change.EXPIRE: {_S.ACTIVE: _S.EXPIRED, _S.SUSPENDED: _S.EXPIRED},
    }
)
_TOLD = {
    MandateState.PENDING_BANK: (Change.CONFIRM,),
    MandateState.ACTIVE: (Change.ACTIVATE, Change.RESUME),
    MandateState.SUSPENDED: (Change.SUSPEND,),
    MandateState.CANCELLED: (Change.CANCEL,),
    MandateState.REJECTED: (Change.REJECT,),
    MandateState.EXPIRED: (Change.EXPIRE, Change.CANCEL),
}
UNUSED_MONTHS = 13
"""After so many months without a debit a mandate lapses (Bacs, read 2026-11-24)."""
FAILED_MONTHS_MAX = 3
RETRY_DAYS = 3
DAY_OF_MONTH_MAX = 28


def after(state: MandateState, change: Change) -> MandateState | None:
    """Give the state after a change, or None where the change is not allowed.

    >>> after(MandateState.ACTIVE, Change.SUSPEND)
    <MandateState.SUSPENDED: 'suspended'>
    >>> after(MandateState.CANCELLED, Change.RESUME) is None
    True
    """
    return TRANSITIONS[change].get(state)


def change_to(now: MandateState, told: MandateState, *, by_bank_suspended: bool) -> Change | None:
    """Give the change by which a bank's word moves a mandate, or None if it moves nothing.

    A bank that says "active" resumes only what the bank itself had paused: what the payer or the
    biller paused stays so.
    """
    for change in _TOLD.get(told, ()):
        if change is Change.RESUME and not by_bank_suspended:
            continue
        if after(now, change) is not None:
            return change
    return None


@dataclass(frozen=True, slots=True)
class Terms:
    """What the payer permits. Amounts in đồng; `day_of_month` None: when a bill is issued."""

    max_debit_dong: int
    max_month_dong: int | None
    day_of_month: int | None
    retry_days: int
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class Account:
    """The account that is debited and its holder; personal data, sealed where it is stored."""

    number: str
    name: str
    id_no: str
    phone: str


@dataclass(frozen=True, slots=True)
class Consent:
    """Who consented, when, how, and to which text; `sha256` is of the text as it was shown."""

    given_by: str
    given_at: datetime
    channel: ConsentChannel
    text_version: str
    text: str
    evidence: str
    """Where the proof is: the OTP's id, the paper's number, the list's file and line."""

    @property
    def sha256(self) -> bytes:
        """Give the hash of the text."""
        return hashlib.sha256(self.text.encode()).digest()


def masked_account(number: str) -> str:
    """Show an account so that only its holder knows it.

    >>> masked_account("0123456789")
    '******6789'
    """
    return "*" * (len(number) - 4) + number[-4:]


def lapses_on(last_used_on: date) -> date:
    """Give the day on which a mandate lapses if it is not used any more.

    >>> lapses_on(date(2026, 11, 30))
    datetime.date(2027, 12, 28)
    """
    months = last_used_on.month - 1 + UNUSED_MONTHS
    year, month = last_used_on.year + months // 12, months % 12 + 1
    return date(year, month, min(last_used_on.day, DAY_OF_MONTH_MAX))
