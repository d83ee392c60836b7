"""What travels between the house and a bank about mandates and their debits; see `messages.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from gateway.domain.evidence import Finding
from gateway.domain.mandate import MandateState
from gateway.kit.messages import NextAction, Order


@dataclass(frozen=True, slots=True)
class Mandate:
    """A mandate as an adapter sees it; equal on every repetition.

    `reference` is our id at the bank, `provider_id` the bank's own once it gave one. `bank` is the
    six-digit BIN. Names are Vietnamese (NFC); the adapter folds them as its bank needs. Amounts are
    in đồng; `day_of_month` None means: when the bill is issued.
    """

    reference: str
    biller: str
    customer_code: str
    bank: str
    account_no: str
    account_name: str
    id_no: str
    phone: str
    max_debit_dong: int
    max_month_dong: int | None
    day_of_month: int | None
    retry_days: int
    starts_on: date
    ends_on: date | None
    consent_channel: str
    """How the payer consented: `otp`, `branch`, `app`, `agency_list`."""
    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class MandateSaid:
    """What a bank's message says of a mandate; `state` None: nothing can be concluded, ask.

    `provider_id`, from whichever message it comes (an answer or news), replaces what is kept: a
    wallet gives it in steps, and with the last one the mandate can be debited.

    `is_refused` says that the bank did not do what was asked (a wrong OTP), the state stands.
    """

    state: MandateState | None
    code: str = ""
    message: str = ""
    reference: str | None = None
    provider_id: str | None = None
    is_refused: bool = False
    action: NextAction | None = None
    """Where the payer agrees, at a wallet whose own app asks; None at a bank."""


@dataclass(frozen=True, slots=True)
class MandateNews:
    """An authentic notification of a mandate; `said.reference` and `said.state` are given.

    `key` names the mandate and its change, so that a repeat is known.
    """

    key: str
    said: MandateSaid


@dataclass(frozen=True, slots=True)
class Return:
    """A debit that was settled and is given back by the bank (late return, authorisation disputed).

    `key` as of a notification. `finding.reference` is the debit's, `finding.outcome` FAILED.
    """

    key: str
    finding: Finding


class AfterFailure(StrEnum):
    """What a bank's code of a failed debit means for what comes next."""

    RETRY = "retry"
    """Again on a later business day (no funds)."""
    GIVE_UP = "give_up"
    """Not again for this bill; the payer is told (over the limit, bad data)."""
    SUSPEND = "suspend"
    """The account is blocked: nothing is drawn until the mandate is resumed."""
    CANCEL = "cancel"
    """The mandate or the account is gone."""


@dataclass(frozen=True, slots=True)
class DebitLine:
    """One debit of a file: its order, whose mandate, which bill, which try of it (from 1)."""

    order: Order
    mandate: Mandate
    bill_id: str
    number: int


@dataclass(frozen=True, slots=True)
class DebitFile:
    """A file as it is handed to the bank: equal bytes whenever it is written again."""

    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class FileNamed:
    """What a file's name is made of: the business day, and its number on this day (from 1)."""

    day: date
    number: int


@dataclass(frozen=True, slots=True)
class ResultLine:
    """One line of a bank's result file; `is_return`: a settled debit that is given back."""

    number: int
    finding: Finding
    is_return: bool = False
    booked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """A whole result file, its trailer checked; `lines` stand in the file's order.

    Where lines carry no amounts (`vn-autodebit/0.1`), their findings have none, and `taken_dong` is
    what the trailer says was debited: the house holds it against the sum of its own orders whose
    lines succeeded, and only if they agree gives each finding its order's amount.
    """

    lines: Sequence[ResultLine]
    taken_dong: int | None = None
