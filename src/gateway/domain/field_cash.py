"""Field cash: a collector's signed receipts, what each becomes, and who owns what cannot be booked.

Profile `field-cash/0.1`, our proposed contract: no public document of the utility's own collectors
exists. Its shape follows a collection wallet's tablet (bills handed over, offline receipts, "paid
by another source"), read 2026-11-24; see docs/field-cash.md.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from gateway.domain.errors import CallerError
from gateway.domain.exceptions import ACCOUNTING, OPERATIONS
from gateway.domain.provider_refusals import BillBeingPaid
from gateway.domain.refusals import (
    AmountMismatch,
    BillAlreadyPaid,
    BillCancelled,
    BillNotFound,
    ChannelNotAllowed,
    OlderBillOpen,
)
from gateway.domain.suspense import Reason

PROFILE = "field-cash/0.1"
PROVIDER = "field-cash"
"""Who told of cash in suspense; the credit's account is the collector's cash."""
SKEW = timedelta(hours=1)
"""A tablet's clock may run ahead by so much."""
DEPOSIT_DAYS = 1
"""Cash of a day is paid in by the end of the next."""


class Result(StrEnum):
    """What became of one line of an upload."""

    ACCEPTED = "ACCEPTED"
    """It paid its bill."""
    DUPLICATE = "DUPLICATE"
    """The receipt is known; `first_result` says what became of it."""
    ALREADY_PAID = "ALREADY_PAID"
    """The bill was paid otherwise meanwhile: the cash goes back or is booked forward."""
    BEING_PAID = "BEING_PAID"
    """Another payment's money may be moving for the bill; the cash waits with an owner."""
    BILL_CANCELLED = "BILL_CANCELLED"
    AMOUNT_DIFF = "AMOUNT_DIFF"
    OLDER_BILL_OPEN = "OLDER_BILL_OPEN"
    UNKNOWN_BILL = "UNKNOWN_BILL"
    """The list holds no such bill."""
    LIST_EXPIRED = "LIST_EXPIRED"
    """It was collected after the list's time, or in a future that no clock has."""
    CHANNEL_CLOSED = "CHANNEL_CLOSED"
    """The biller does not take cash at home, or not so much."""
    NUMBER_REUSED = "NUMBER_REUSED"
    """Another receipt of this device has its sequence or its receipt number."""
    DEVICE_REVOKED = "DEVICE_REVOKED"
    SIGNATURE_WRONG = "SIGNATURE_WRONG"
    """Nothing proves that this is a receipt; no money is booked, a person looks at it."""
    SEQUENCE_GAP = "SEQUENCE_GAP"
    """Not a receipt: numbers of the device that never came, `seq` to `until_seq`."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a collector's device wrote for cash that it took; `collected_text` as it was signed."""

    seq: int
    receipt_no: str
    bill_id: str
    amount_dong: int
    collected_at: datetime
    collected_text: str
    gps: str | None
    mac: str


def canonical(key_id: str, list_id: str, receipt: Receipt) -> str:
    """Write a receipt as its device signs it: the profile and its fields, a line each.

    No field can hold a line break.
    """
    fields = (
        PROFILE,
        key_id,
        list_id,
        str(receipt.seq),
        receipt.receipt_no,
        receipt.bill_id,
        str(receipt.amount_dong),
        receipt.collected_text,
        receipt.gps or "",
    )
    return "\n".join(fields)


def sign(secret: bytes, text: str) -> str:
    """Sign a canonical receipt: HMAC-SHA-256, in lower hex.

    >>> sign(b"k" * 32, "x")[:16]
    '5011cc61ff53aa5a'
    """
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def is_signed(secret: bytes, text: str, mac: str) -> bool:
    """Say whether a receipt's signature is its device's."""
    return hmac.compare_digest(sign(secret, text), mac)


def digest_of(text: str, mac: str) -> bytes:
    """Give what makes a receipt recognisable when it comes again."""
    return hashlib.sha256(f"{text}\n{mac}".encode()).digest()


_RESULTS: dict[type[CallerError], Result] = {
    BillAlreadyPaid: Result.ALREADY_PAID,
    BillBeingPaid: Result.BEING_PAID,
    BillCancelled: Result.BILL_CANCELLED,
    AmountMismatch: Result.AMOUNT_DIFF,
    OlderBillOpen: Result.OLDER_BILL_OPEN,
    BillNotFound: Result.UNKNOWN_BILL,
    ChannelNotAllowed: Result.CHANNEL_CLOSED,
}


def result_of(refusal: CallerError) -> Result:
    """Say what a payment's refusal means for a receipt whose cash was taken already."""
    return _RESULTS[type(refusal)]


def reason_of(result: Result) -> Reason:
    """Say why cash of such a receipt stands in suspense.

    >>> reason_of(Result.ALREADY_PAID), reason_of(Result.AMOUNT_DIFF)
    (<Reason.CASH_BACK: 'cash_back'>, <Reason.CASH_UNPLACED: 'cash_unplaced'>)
    """
    if result is Result.BEING_PAID:
        return Reason.BEING_PAID
    if result in (Result.ALREADY_PAID, Result.BILL_CANCELLED):
        return Reason.CASH_BACK
    return Reason.CASH_UNPLACED


def is_out_of_time(receipt: Receipt, valid_until: datetime, now: datetime) -> bool:
    """Say whether cash was taken after its list had ended, or in the future; all aware."""
    return receipt.collected_at > valid_until or receipt.collected_at > now + SKEW


def overdue_until(today: date) -> date:
    """Give the last day whose cash must have been paid in before `today`.

    >>> overdue_until(date(2026, 11, 26))
    datetime.date(2026, 11, 24)
    """
    return today - timedelta(days=DEPOSIT_DAYS + 1)


class Trouble(StrEnum):
    """What a person settles about cash that is not about one bill."""

    SIGNATURE_WRONG = "cash_signature_wrong"
    SEQUENCE_GAP = "cash_sequence_gap"
    TOTAL_DIFFERS = "cash_total_differs"
    AFTER_CLOSE = "cash_after_close"
    NOT_DEPOSITED = "cash_not_deposited"


_TROUBLES = {
    Trouble.SIGNATURE_WRONG: (
        OPERATIONS,
        0,
        "ask collector {collector} about receipt {what}: its signature is wrong, nothing is booked",
    ),
    Trouble.SEQUENCE_GAP: (
        OPERATIONS,
        1,
        "have collector {collector} upload receipts {what}: they never came",
    ),
    Trouble.TOTAL_DIFFERS: (
        ACCOUNTING,
        0,
        "count again with collector {collector}: the cash of list {what} is not its receipts'",
    ),
    Trouble.AFTER_CLOSE: (
        ACCOUNTING,
        1,
        "have collector {collector} pay in the cash of receipt {what}, after its list's close",
    ),
    Trouble.NOT_DEPOSITED: (
        ACCOUNTING,
        0,
        "have collector {collector} pay in cash of {what} and before: it is overdue",
    ),
}


@dataclass(frozen=True, slots=True)
class Care:
    """Who looks after a trouble, by when, and how."""

    owner: str
    due_on: date
    next_action: str


def care_of(trouble: Trouble, today: date, *, collector: str, what: str) -> Care:
    """Say who looks after a trouble with cash.

    >>> care_of(Trouble.NOT_DEPOSITED, date(2026, 11, 26), collector="an", what="24.11").owner
    'accounting'
    """
    owner, days, action = _TROUBLES[trouble]
    return Care(owner, today + timedelta(days=days), action.format(collector=collector, what=what))
