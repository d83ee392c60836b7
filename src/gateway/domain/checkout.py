"""A checkout: bills of one customer that a payer pays on our page, and the link to it.

The link's token is the checkout's id and a MAC of it: nobody can make or guess one, what is no
token of ours is refused before the database is asked, and the same link can be given again. It is
short enough for an SMS, and says nothing about the customer.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from gateway.domain.errors import CallerError
from gateway.domain.payment import Line
from gateway.domain.progress import Certainty, PayAgain, Shown, Status

MAC_BYTES = 16
ID_BYTES = 16


class CheckoutNotFound(CallerError):
    """The link is none of ours, or is mutilated."""

    code = "checkout_not_found"

    def __init__(self) -> None:
        super().__init__(
            "there is no such payment link; check that it was copied whole",
            "không có liên kết thanh toán này; hãy kiểm tra xem đã sao chép đủ chưa",
        )


class CheckoutReferenceUsed(CallerError):
    """The partner's own reference already names a checkout of something else."""

    code = "checkout_reference_used"

    def __init__(self, partner_reference: str) -> None:
        super().__init__(
            f"your reference '{partner_reference}' already names another checkout",
            f"mã tham chiếu '{partner_reference}' đã gắn với một yêu cầu thanh toán khác",
        )


@dataclass(frozen=True, slots=True)
class Checkout:
    """What a payer is asked to pay. Times are aware UTC; the partner's reference names its payment.

    `return_url` is where the payer goes afterwards; None: our own page.
    """

    id: UUID
    partner_id: int
    biller_id: int
    partner_reference: str
    customer_code: str
    lines: tuple[Line, ...]
    return_url: str | None
    created_at: datetime
    expires_at: datetime

    @property
    def amount_dong(self) -> int:
        """The sum of the lines."""
        return sum(line.amount_dong for line in self.lines)

    def is_same_order(self, other: "Checkout") -> bool:
        """Say whether two ask for the same; a repetition asks at another time."""
        again = replace(other, id=self.id, created_at=self.created_at)
        return replace(again, expires_at=self.expires_at) == self


class Step(StrEnum):
    """What the page shows."""

    CHOOSE = "choose"
    """Nothing is under way: choose a way to pay."""
    TRY_AGAIN = "try_again"
    """The last try is proved not to have taken money: choose a way again."""
    PAY = "pay"
    """The payer pays at the provider now."""
    WAIT = "wait"
    """The provider is at it."""
    UNKNOWN = "unknown"
    """We do not know: do not pay again."""
    PAID = "paid"
    REVERSED = "reversed"
    REFUND = "refund"
    """Money came that could not pay the bills; it is given back."""
    GIVEN_UP = "given_up"
    EXPIRED = "expired"
    """Nobody paid, and the link's time is over."""
    CHANGED = "changed"
    """The bills are paid, withdrawn or changed."""
    BUSY = "busy"
    """Another payment holds the bills, and its money may be moving."""


LIVE = frozenset({Step.PAY, Step.WAIT, Step.UNKNOWN})
"""Steps that the page asks about again by itself."""


@dataclass(frozen=True, slots=True)
class Bills:
    """How the bills stand: as the link says, and whether somebody else is paying them."""

    are_due: bool
    are_being_paid: bool


def step_of(
    shown: Shown | None, *, bills: Bills, is_over: bool, is_reversed: bool, has_refund: bool
) -> Step:
    """Say what a payer sees; `shown` is how the checkout's payment goes, None if there is none.

    The order is one of caution: what may have moved money is said first.
    """
    if shown is not None:
        ended = _of_payment(shown, is_reversed=is_reversed, has_refund=has_refund)
        if ended is not None:
            return ended
    if bills.are_being_paid:
        return Step.BUSY
    if not bills.are_due:
        return Step.CHANGED
    if is_over:
        return Step.EXPIRED
    return Step.CHOOSE if shown is None else Step.TRY_AGAIN


def _of_payment(shown: Shown, *, is_reversed: bool, has_refund: bool) -> Step | None:
    """Give the step that a payment alone decides; None if it is proved not to have taken money."""
    if shown.status is Status.SUCCEEDED:
        return Step.REVERSED if is_reversed else Step.PAID
    if has_refund:
        return Step.REFUND
    if shown.certainty in {Certainty.IN_DOUBT, Certainty.DISPUTED}:
        return Step.UNKNOWN
    if shown.status is Status.REQUIRES_ACTION:
        return Step.PAY
    if shown.certainty is not Certainty.PROVED or shown.may_pay_again is not PayAgain.YES:
        return Step.WAIT
    return Step.GIVEN_UP if shown.status is Status.CANCELLED else None


def token_of(key: bytes, checkout_id: UUID) -> str:
    """Give the token in the link to a checkout.

    >>> token = token_of(b"k" * 32, UUID(int=1))
    >>> len(token), read_token(b"k" * 32, token)
    (43, UUID('00000000-0000-0000-0000-000000000001'))
    """
    raw = checkout_id.bytes + _mac(key, checkout_id)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read_token(key: bytes, token: str) -> UUID:
    """Read a token that a browser sent.

    Raises:
        CheckoutNotFound: it is none of ours.
    """
    try:
        raw = base64.b64decode(token.encode() + b"=", altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as wrong:
        raise CheckoutNotFound from wrong
    checkout_id = UUID(bytes=raw[:ID_BYTES].ljust(ID_BYTES, b"\0"))
    # The whole token, so that two spellings of one MAC are not both taken.
    if not hmac.compare_digest(token.encode(), token_of(key, checkout_id).encode()):
        raise CheckoutNotFound
    return checkout_id


def _mac(key: bytes, checkout_id: UUID) -> bytes:
    return hmac.digest(key, b"checkout/" + checkout_id.bytes, "sha256")[:MAC_BYTES]
