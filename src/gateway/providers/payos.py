"""payOS: the payer transfers to a bank account by a link's QR; payOS watches the account.

Units: whole đồng, integers. Signature: HMAC-SHA256 in lower hex over `name=value` in the order of
the names, joined by `&`, nothing encoded. Only `data` is signed: the code, desc and success around
it can be written by anybody, so nothing is decided by them. A link may be paid by several transfers
(UNDERPAID), and each has its notice: a notice is one credit, and not the end of an order.

Sources: payos.vn/docs/api, the official SDKs for Node and Python (both run), read 2026-11-24.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from pydantic import Field, SecretStr

from gateway.domain import emvqr
from gateway.domain.biller import Channel
from gateway.domain.emv_fields import QrRefused
from gateway.domain.evidence import Finding, Outcome
from gateway.domain.folding import plain_words
from gateway.kit import abilities, messages
from gateway.kit.abilities import AnswersQueries, Cancels, TakesPayments
from gateway.kit.abilities.credits import Credit, NotifiesCredits
from gateway.kit.messages import Call, Incoming, Moment, Order, Reply, Unreadable
from gateway.kit.payload import check_signature, id_of, read_object, text_of, vietnam_time_of

LINKS: Final = "/v2/payment-requests"
OK: Final = "00"
STATUSES: Final = {
    "PAID": Outcome.SUCCEEDED,
    "PENDING": Outcome.WAITING,
    "PROCESSING": Outcome.PENDING,
    "UNDERPAID": Outcome.PENDING,
    "CANCELLED": Outcome.FAILED,
    "EXPIRED": Outcome.FAILED,
    "FAILED": Outcome.FAILED,
}
"""By the link's status; absent is UNKNOWN. No list of the codes of a refused call is public."""
# PENDING, and yet something came in; or closed, and payOS does not say what becomes of it.
_PARTLY_PAID = {Outcome.WAITING: Outcome.PENDING, Outcome.FAILED: Outcome.HELD}
# confirm-webhook sends one of these two, signed like any other.
TRIALS: Final = frozenset({"VQRIO123", "Ma giao dich thu nghiem"})
REFERENCE_MAX: Final = 9_000_000_000_000_000  # under 2**53 - 1, the greatest orderCode
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]+")


class Config(abilities.Config):
    """`GATEWAY_PAYOS__…`; payOS has no sandbox, so that its host must be given."""

    client_id: str = Field(pattern=r"^[0-9A-Za-z-]{1,64}$")
    api_key: SecretStr = Field(min_length=1)
    checksum_key: SecretStr = Field(min_length=1)
    account: str = Field(pattern=r"^[0-9A-Za-z]{1,24}$")
    """The account that is linked with payOS; a notice about another one is refused."""
    host: str = Field(pattern=r"^https?://[^\s/?#@]+$")
    description_max: int = Field(default=9, ge=9, le=25)
    """payOS is said to take nine characters for accounts that are not linked through it."""


class PayOs(
    TakesPayments[Config], AnswersQueries[Config], Cancels[Config], NotifiesCredits[Config]
):
    """payOS's payment links, their queries and cancelling, and notices of each transfer."""

    code, title = "payos", "payOS"
    channels = frozenset({Channel.QR})
    Config: ClassVar[type[abilities.Config]] = Config
    private_fields = frozenset(("counterAccountName", "counterAccountNumber"))

    @property
    def merchant(self) -> str:
        """The account; no answer of payOS names a merchant."""
        return self.config.account

    def reference_of(self, attempt_id: UUID, created_at: datetime) -> str:
        """Give an orderCode, an integer that JavaScript can hold: 53 bits of a hash."""
        number = int.from_bytes(hashlib.sha256(attempt_id.bytes).digest())
        return str(number % REFERENCE_MAX + 1)

    def create(self, order: Order) -> Call:
        """Build the call that makes the link."""
        signed = {
            "amount": order.amount_dong,
            "cancelUrl": order.return_url,
            "description": description_of(order, self.config.description_max),
            "orderCode": int(order.reference),
            "returnUrl": order.return_url,
        }
        rest = {"expiredAt": int(order.expires_at.timestamp()), "signature": self._sign(signed)}
        return self._call("create", LINKS, signed | rest)

    def read_created(self, order: Order, reply: Reply) -> messages.Opened | Finding:
        """Read the link; a repeated orderCode is refused by a code that proves nothing."""
        data = self._answered(reply)
        if isinstance(data, Finding):
            return data
        reference, amount_dong = str(whole_of(data, "orderCode")), whole_of(data, "amount")
        url, number = text_of(data, "checkoutUrl"), id_of(data, "paymentLinkId")
        is_ours = (reference, amount_dong) == (order.reference, order.amount_dong)
        if not is_ours or not number or not url.startswith("https://"):
            return Finding(Outcome.UNKNOWN, OK, "", reference, amount_dong)
        qr_content = _qr_of(data, amount_dong)
        action = messages.NextAction(redirect_url=url, qr_content=qr_content)
        return messages.Opened(action, provider_id=number)

    def read_return(self, incoming: Incoming) -> Finding:
        """Read whose browser came back; nothing of it is signed, so it says nothing of money."""
        fields = dict(incoming.query_pairs())
        reference = fields.get("orderCode", "")
        if not re.fullmatch(r"[1-9][0-9]{0,15}", reference):
            raise Unreadable(what="orderCode")
        return Finding(Outcome.UNKNOWN, fields.get("status", ""), reference=reference)

    def query(self, order: Order, moment: Moment) -> Call:
        """Ask for the link by our orderCode."""
        return self._call("query", f"{LINKS}/{order.reference}")

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        """Read the link's state; a part that was paid keeps it from being over."""
        data = self._answered(reply)
        return data if isinstance(data, Finding) else _link(data)

    def cancel(self, order: Order, moment: Moment) -> Call:
        """Ask payOS to close the link."""
        path = f"{LINKS}/{order.reference}/cancel"
        return self._call("cancel", path, {"cancellationReason": "Cancelled by the shop"})

    def read_cancelled(self, order: Order, reply: Reply) -> Finding:
        """Read what the link is afterwards: as `read_queried`."""
        return self.read_queried(order, reply)

    def read_credits(self, incoming: Incoming) -> Sequence[Credit]:
        """Read one transfer into a link; payOS's own trial call brings none."""
        data = self._signed(read_object(incoming.body))
        said = text_of(data, "code")
        if not said:
            raise Unreadable(what="data.code")
        if said != OK:
            return ()
        account = text_of(data, "accountNumber") or self.config.account
        if account == self.config.account:
            return (_credit(data, account),)
        if text_of(data, "description") in TRIALS:
            return ()
        raise Unreadable(what="accountNumber: it is not ours, so its notice")

    def acknowledge_credits(self, verdict: messages.Verdict) -> messages.Acknowledgement:
        """Answer 200 once it is written down, whatever it was for; else payOS sends it again."""
        status = {messages.Verdict.TRY_LATER: 503, messages.Verdict.REFUSED: 401}.get(verdict, 200)
        body = b'{"success":true}' if status == 200 else b'{"success":false}'  # noqa: PLR2004
        return messages.Acknowledgement(status, body, "application/json")

    def _sign(self, fields: Mapping[str, Any]) -> str:
        return sign(self.config.checksum_key.get_secret_value(), canonical(fields))

    def _signed(self, whole: Mapping[str, Any]) -> dict[str, Any]:
        data, given = whole.get("data"), text_of(whole, "signature").lower()
        if not isinstance(data, dict):
            raise Unreadable(what="data")
        check_signature(self._sign(data), given)
        return data

    def _call(self, operation: str, path: str, body: Mapping[str, Any] | None = None) -> Call:
        headers = {
            "x-client-id": self.config.client_id,
            "x-api-key": self.config.api_key.get_secret_value(),
            "content-type": "application/json",
        }
        sent = json.dumps(body, ensure_ascii=False).encode() if body is not None else b""
        method = "GET" if body is None else "POST"
        return Call(operation, self.config.host + path, sent, method, headers)

    def _answered(self, reply: Reply) -> dict[str, Any] | Finding:
        """Give the signed data; a refusal of the call is unsigned and proves nothing."""
        whole = read_object(reply.body)
        code = text_of(whole, "code")
        if not code:
            raise Unreadable(what="code")
        if code != OK:
            return Finding(Outcome.UNKNOWN, code, text_of(whole, "desc"))
        return self._signed(whole)


def canonical(fields: Mapping[str, Any]) -> str:
    """Write what is signed, as the SDKs do; a name that could pass for a separator is refused.

    Raises:
        Unreadable: a name with anything but letters, digits and low lines.
    """
    if not all(_PLAIN_NAME.fullmatch(name) for name in fields):
        raise Unreadable(what="a field's name")
    return "&".join(f"{name}={_shown(value)}" for name, value in sorted(fields.items()))


def sign(key: str, text: str) -> str:
    """HMAC-SHA256 in lower hex."""
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def description_of(order: Order, most: int) -> str:
    """Give what the payer's bank shows: the customer code, its end if it is too long."""
    words = plain_words(order.text).split()
    code = next((word for word in reversed(words) if any(map(str.isdecimal, word))), "")
    return code[-most:] or order.reference[-most:]


def whole_of(fields: Mapping[str, Any], name: str) -> int:
    """Give an integer; an amount sent as text is signed just as well, and is not one."""
    value = fields.get(name)
    if type(value) is not int or not 0 <= value <= 2**53:
        raise Unreadable(what=name)
    return value


def above_zero(fields: Mapping[str, Any], name: str) -> int:
    """Give an integer above zero."""
    value = whole_of(fields, name)
    if value == 0:
        raise Unreadable(what=name)
    return value


def _shown(value: Any) -> str:
    if value is None or value in ("null", "undefined"):
        return ""
    if isinstance(value, str):
        return value
    is_whole = isinstance(value, float) and value.is_integer()  # JavaScript has one kind of number
    return json.dumps(
        int(value) if is_whole else value,
        ensure_ascii=False,
        separators=(",", ":"),
        sort_keys=True,
    )


def _qr_of(data: Mapping[str, Any], amount_dong: int) -> str | None:
    """Give the link's QR if it is one, and for this amount."""
    content = text_of(data, "qrCode")
    with suppress(QrRefused):
        return content if emvqr.decode(content).amount_dong == amount_dong else None
    return None


def _link(data: Mapping[str, Any]) -> Finding:
    status, paid = text_of(data, "status"), whole_of(data, "amountPaid")
    outcome, due = STATUSES.get(status, Outcome.UNKNOWN), whole_of(data, "amount")
    if not status:
        raise Unreadable(what="status")
    if paid and outcome in _PARTLY_PAID:
        outcome = _PARTLY_PAID[outcome]
    if outcome is Outcome.SUCCEEDED and paid < due:
        outcome = Outcome.UNKNOWN  # it contradicts itself
    return Finding(
        outcome,
        status,
        reference=str(above_zero(data, "orderCode")),
        amount_dong=due,
        provider_id=id_of(data, "id"),
    )


def _credit(data: Mapping[str, Any], account: str) -> Credit:
    number, reference = id_of(data, "paymentLinkId"), id_of(data, "reference")
    if not number or not reference or (text_of(data, "currency") or "VND") != "VND":
        raise Unreadable(what="paymentLinkId, reference or currency")
    return Credit(
        key=f"{number}:{reference}",
        amount_dong=above_zero(data, "amount"),
        account=account,
        virtual_account=id_of(data, "virtualAccountNumber"),
        bank_reference=reference,
        text=text_of(data, "description"),
        order_code=str(above_zero(data, "orderCode")),
        at=vietnam_time_of(data, "transactionDateTime"),
    )
