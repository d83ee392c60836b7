"""What travels between the house, an adapter and a provider, and what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from urllib.parse import parse_qsl

from gateway.domain.evidence import Finding
from gateway.domain.posting import Clearing, Undoing

REPLY_BYTES_MAX = 256 * 1024


class Garbled(Exception):
    """A provider's message that proves nothing: raise one of its kinds.

    It is between an adapter and the house: no caller of the API is ever answered with it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the provider's message proves nothing: {reason}")
        self.reason = reason


class SignatureWrong(Garbled):
    """The signature is missing or not the sender's."""

    def __init__(self) -> None:
        super().__init__("its signature is missing or wrong")


class Unreadable(Garbled):
    """The message is not what the provider's documents describe; `what` says which part."""

    def __init__(self, *, what: str) -> None:
        super().__init__(f"{what} cannot be read")


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request to a provider, whole: what is signed is what is sent.

    `operation` is a short stable word (`create`, `query`, `cancel`, `refund`, …) for the circuit
    breaker, metrics and log.
    """

    operation: str
    url: str
    body: bytes = b""
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    reply_bytes_max: int = REPLY_BYTES_MAX
    """A longer answer is not read: SILENT."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back whole, with a status under 500; header names are lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Token:
    """What opens a provider's calls for a while: `headers` go with each of them."""

    headers: Mapping[str, str] = field(repr=False)
    life_s: float


@dataclass(frozen=True, slots=True)
class NextAction:
    """What the payer does next; none is given where a device before the payer asks for a card.

    `qr_content` is the text to encode into a QR picture, not a picture. `payment_code` is what the
    payer says at a counter, or types in an app.
    """

    redirect_url: str | None = None
    deeplink: str | None = None
    qr_content: str | None = None
    payment_code: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The order is open at the provider and the payer can go on; nothing is paid yet.

    `memory` is what the adapter wants back with every later call for this attempt.
    """

    action: NextAction
    provider_id: str | None = None
    memory: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt as an adapter sees it; equal on every repetition. Times are aware UTC.

    `reference` is our id at the provider, minted before anything is sent. `text` is Vietnamese
    (NFC) and short; the adapter folds it as its provider needs. `request_id` (32 hex) is the same
    for each repetition of `create`. `payer_ip` is the payer's address, v4 or v6.
    """

    reference: str
    amount_dong: int
    text: str
    created_at: datetime
    expires_at: datetime
    request_id: str
    return_url: str
    notify_url: str
    payer_ip: str = "127.0.0.1"
    locale: str = "vi"
    option: str | None = None
    provider_id: str | None = None
    memory: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moment:
    """The instant of one call (aware UTC) and an id of 32 hex digits that no other call has."""

    now: datetime
    request_id: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request that a provider, or a payer's browser, made to us; header names are lower case.

    `peer` is the address that it came from, seen through the proxies that we trust. `received_at`
    (aware UTC) is there for protocols whose signatures grow old; adapters have no clock.
    """

    method: str
    query: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    peer: str = ""
    received_at: datetime | None = None

    def query_pairs(self) -> list[tuple[str, str]]:
        """Decode the query string once, as form-urlencoded UTF-8, empty values kept.

        Raises:
            Unreadable: it is not UTF-8, or has too many fields.
        """
        try:
            return parse_qsl(
                self.query, keep_blank_values=True, errors="strict", max_num_fields=100
            )
        except ValueError as error:
            raise Unreadable(what="query string") from error


@dataclass(frozen=True, slots=True)
class Notification:
    """An authentic notification. `key` names it and its status, so that a repeat is known.

    The same movement of money with another status has another key; the same status repeated has
    the same. `finding.reference` is always given.
    """

    key: str
    finding: Finding


class Verdict(StrEnum):
    """What became of a notification; the adapter turns it into the reply its provider expects."""

    RECORDED = "recorded"
    """Written, and settled if it settles anything."""
    REPEATED = "repeated"
    """Known already, or the attempt had ended so before."""
    UNKNOWN_REFERENCE = "unknown_reference"
    """Authentic, but we never made such an order."""
    AMOUNT_DIFFERS = "amount_differs"
    """Authentic, but not the amount that we asked for; nothing was settled."""
    REFUSED = "refused"
    """Not authentic, or unreadable."""
    TRY_LATER = "try_later"
    """We could not write it down; the provider must send it again."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The exact answer to a notification."""

    status: int
    body: bytes = b""
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """Money to give back. `reference` is the refund's own id, `order` the payment's attempt."""

    order: Order
    reference: str
    amount_dong: int
    reason: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of a provider's statement, in đồng."""

    reference: str
    provider_id: str
    amount_dong: int
    fee_dong: int
    business_date: date


@dataclass(frozen=True, slots=True)
class OwedBill:
    """One bill at its biller, in đồng; `period` is the first day of its month.

    `memory` is what the adapter wants back when this bill is cleared.
    """

    id: str
    period: date
    amount_dong: int
    memory: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Owed:
    """What a customer owes; name and address as the biller writes them."""

    name: str
    address: str
    bills: tuple[OwedBill, ...]


@dataclass(frozen=True, slots=True)
class PostingLine:
    """One bill whose debt is cleared; `reference` is our own number of it, equal for ever."""

    bill_id: str
    amount_dong: int
    reference: str
    memory: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Posting:
    """Paid bills of one customer, to be cleared at the biller. `paid_at` is aware UTC."""

    customer_code: str
    paid_at: datetime
    lines: tuple[PostingLine, ...]


@dataclass(frozen=True, slots=True)
class Cleared:
    """What a biller says of one bill; `code` is its own word, as received."""

    said: Clearing
    code: str = ""


@dataclass(frozen=True, slots=True)
class Undone:
    """What a biller says of one clearing that was undone."""

    said: Undoing
    code: str = ""


@dataclass(frozen=True, slots=True)
class ListedBill:
    """One line of the biller's own list of what we have paid."""

    reference: str
    bill_id: str
    customer_code: str
    amount_dong: int
    is_undone: bool
