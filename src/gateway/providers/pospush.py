"""POS terminals: a sale is pushed to the terminal at a counter, which takes the card.

Units: whole đồng. Signature: HMAC-SHA256 in lower hex over lines joined by one newline, the exact
body last. `option` names the terminal's serial. A TIMEOUT says that the terminal had no answer:
nobody knows until its own reversal, or its batch's settlement, and until then nothing is free.

Source: our proposed contract `pos-push/0.1`, which docs/providers/pospush.md gives; mPOS and
TConnect publish parts of such a service (read 2026-11-24). It was tried with no acquirer.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from pydantic import Field, SecretStr

from gateway.domain.biller import Channel
from gateway.domain.cards import holds_card_number
from gateway.domain.clock import business_date
from gateway.domain.evidence import Finding, Outcome
from gateway.kit import abilities, messages
from gateway.kit.abilities import AnswersQueries, Cancels, Notifies, Refunds, TakesPayments
from gateway.kit.messages import Call, Incoming, Moment, Order, RefundOrder, Reply, Unreadable
from gateway.kit.payload import check_signature, integer_of, read_object, text_of

RESULT_CODES: Final = {
    "PUSHED": Outcome.WAITING,
    "IN_PROGRESS": Outcome.PENDING,
    # Perhaps taken: the bills stay held, and the query asks until it is reversed or settled.
    "TIMEOUT": Outcome.PENDING,
    "APPROVED": Outcome.SUCCEEDED,
    "DECLINED": Outcome.FAILED,
    "CANCELLED": Outcome.FAILED,
    "REVERSED": Outcome.FAILED,
    # Taken and given back, by us or by the cashier: a person looks at it.
    "VOIDED": Outcome.HELD,
}
"""By a sale's status; absent is UNKNOWN."""
REFUND_CODES: Final = {
    "DONE": Outcome.SUCCEEDED,
    "PENDING": Outcome.PENDING,
    "REFUSED": Outcome.FAILED,
}
# By code; of a push these made no sale. ID_USED and TOO_MANY_REQUESTS say nothing of it.
_UNMADE = ("BAD_REQUEST", "BAD_SIGNATURE", "TERMINAL_UNKNOWN", "TERMINAL_BUSY", "TERMINAL_OFFLINE")
NOT_PUSHED: Final = dict.fromkeys(_UNMADE, Outcome.FAILED)
UNKNOWN_SALE: Final = {"SALE_UNKNOWN": Outcome.ABSENT}
NOT_CANCELLED: Final = {"SALE_IN_PROGRESS": Outcome.PENDING, **UNKNOWN_SALE}
# BATCH_OPEN and BATCH_CLOSED only mean the other way of giving back, another day.
_UNREFUNDED = ("BAD_REQUEST", "NOT_APPROVED", "AMOUNT_TOO_HIGH")
NOT_REFUNDED: Final = dict.fromkeys(_UNREFUNDED, Outcome.FAILED)
UNKNOWN_REFUND: Final = {"REFUND_UNKNOWN": Outcome.ABSENT}

ANSWERED, UNSIGNED = frozenset({200, 202, 404, 409}), frozenset({400, 401, 403, 429})
# What an answer without a signature may say; a signed one never says it.
_BARE: Final = frozenset({"BAD_REQUEST", "BAD_SIGNATURE", "TOO_MANY_REQUESTS"})
DONE: Final = frozenset({200, 202})
THANKED: Final = frozenset({messages.Verdict.RECORDED, messages.Verdict.REPEATED})
_SERIAL = "[0-9A-Za-z-]{1,32}"
Said = dict[str, Any]


class Config(abilities.Config):
    """`GATEWAY_POSPUSH__…`; it comes with the contract."""

    mid: str = Field(pattern=r"^[0-9A-Za-z]{1,15}$")
    secret: SecretStr = Field(min_length=16)
    terminals: str = Field(pattern=f"^{_SERIAL}(,{_SERIAL})*$")
    """The serials of the terminals to which sales may be pushed, with commas."""
    host: str = Field(pattern=r"^https?://[^\s/?#@]+$")


class PosPush(
    TakesPayments[Config],
    Notifies[Config],
    AnswersQueries[Config],
    Cancels[Config],
    Refunds[Config],
):
    """Sales pushed to terminals, their results, query, cancel, void and refund."""

    code, title = "pospush", "POS"
    channels = frozenset({Channel.POS})
    Config: ClassVar[type[abilities.Config]] = Config
    private_fields = frozenset(("masked_pan", "auth_code"))
    amount_max_dong = 999_999_999_999

    @property
    def merchant(self) -> str:
        """The acquirer's mid."""
        return self.config.mid

    @property
    def choices(self) -> tuple[str, ...]:
        """The terminals of this deployment."""
        return tuple(self.config.terminals.split(","))

    def allows(self, option: str | None) -> bool:
        """Say whether this is a terminal of ours; none need be named where there is only one."""
        return option in self.choices or (option is None and len(self.choices) == 1)

    def reference_of(self, attempt_id: UUID, created_at: datetime) -> str:
        """Give 32 hex digits, the sale_id."""
        return attempt_id.hex

    def create(self, order: Order) -> Call:
        """Push the sale; signed with the time of the order, so that it is equal to the byte."""
        life_s = int((order.expires_at - order.created_at).total_seconds())
        body = {
            "sale_id": order.reference,
            "amount": order.amount_dong,
            "bill_id": order.text[:40].rstrip(),
            "timeout_s": min(max(life_s, 10), 900),
            "notify_url": order.notify_url,
        }
        path = f"/terminals/{self._serial(order)}/sales"
        return self._call("create", "POST", path, order.created_at, body)

    def read_created(self, order: Order, reply: Reply) -> messages.Opened | Finding:
        """Read the answer: on the terminal, or what the sale has become already."""
        path = f"/terminals/{self._serial(order)}/sales"
        finding = self._sale(reply, [path], NOT_PUSHED)
        is_ours = (finding.reference, finding.merchant, finding.amount_dong) == (
            *(order.reference, self.merchant),
            order.amount_dong,
        )
        is_open = finding.outcome is Outcome.WAITING and is_ours
        return messages.Opened(messages.NextAction()) if is_open else finding

    def read_notification(self, incoming: Incoming) -> messages.Notification:
        """Verify and read a result; `key` is sale, status and the host's number."""
        self._check(incoming.headers, "CALLBACK", incoming.body)
        finding = _read_sale(read_object(incoming.body))
        key = f"{finding.reference}:{finding.code}:{finding.provider_id or ''}"
        return messages.Notification(key, finding)

    def acknowledge(self, verdict: messages.Verdict) -> messages.Acknowledgement:
        """Thank for what is written down; anything but a 200 with OK is sent again."""
        if verdict in THANKED:
            return messages.Acknowledgement(200, b'{"code":"OK"}', "application/json")
        status = 503 if verdict is messages.Verdict.TRY_LATER else 400
        return messages.Acknowledgement(status, b'{"code":"REFUSED"}', "application/json")

    def query(self, order: Order, moment: Moment) -> Call:
        """Ask about the sale."""
        return self._call("query", "GET", f"/sales/{order.reference}", moment.now)

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        """Read the answer; TIMEOUT ends nothing: the reversal or the settlement does."""
        return self._sale(reply, [f"/sales/{order.reference}"], UNKNOWN_SALE)

    def cancel(self, order: Order, moment: Moment) -> Call:
        """Take the sale off the terminal; refused once a card was presented."""
        return self._call("cancel", "POST", f"/sales/{order.reference}/cancel", moment.now, {})

    def read_cancelled(self, order: Order, reply: Reply) -> Finding:
        """Read the answer; only a sale that is CANCELLED is proved closed."""
        return self._sale(reply, [f"/sales/{order.reference}/cancel"], NOT_CANCELLED)

    def refund(self, refund: RefundOrder, moment: Moment) -> Call:
        """Void the whole on the day of the sale, or refund later, under the same id."""
        is_whole = refund.amount_dong == refund.order.amount_dong
        same_day = business_date(moment.now) == business_date(refund.order.created_at)
        void, later = _ways(refund)
        path = void if is_whole and same_day else later
        body = {"refund_id": refund_id_of(refund), "amount": refund.amount_dong}
        return self._call("refund", "POST", path, moment.now, body)

    def read_refunded(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read the answer to a void or a refund; a batch that is not as thought proves nothing."""
        return self._refund(refund, self._answered(reply, _ways(refund)), NOT_REFUNDED)

    def query_refund(self, refund: RefundOrder, moment: Moment) -> Call:
        """Ask about a void or a refund."""
        return self._call("query_refund", "GET", f"/refunds/{refund_id_of(refund)}", moment.now)

    def read_refund_queried(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read the answer."""
        said = self._answered(reply, [f"/refunds/{refund_id_of(refund)}"])
        return self._refund(refund, said, UNKNOWN_REFUND)

    def _serial(self, order: Order) -> str:
        return order.option or self.choices[0]

    def _call(
        self, operation: str, method: str, path: str, at: datetime, body: Said | None = None
    ) -> Call:
        raw = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        stamp = str(int(at.timestamp()))
        signature = sign(self.config.secret.get_secret_value(), method, path, stamp, raw)
        headers = {"x-merchant": self.merchant, "x-timestamp": stamp, "x-signature": signature}
        headers |= {} if body is None else {"content-type": "application/json"}
        return Call(operation, self.config.host + path, raw, method, headers)

    def _check(self, headers: Mapping[str, str], *parts: str | bytes) -> None:
        """Check the signature of a message whose time stands before its body."""
        *lines, body = parts
        due = sign(
            self.config.secret.get_secret_value(), *lines, headers.get("x-timestamp", ""), body
        )
        check_signature(due, headers.get("x-signature"))

    def _answered(self, reply: Reply, paths: Sequence[str]) -> tuple[int, Said]:
        """Read an answer to a call of one of these paths; which statuses are signed is listed."""
        if reply.status not in ANSWERED | UNSIGNED:
            raise Unreadable(what=f"HTTP status {reply.status}")
        if reply.status in ANSWERED:
            signed = [("ANSWER", path, reply.body) for path in paths]
            self._check_any(reply.headers, signed)
        return reply.status, read_object(reply.body)

    def _check_any(self, headers: Mapping[str, str], signed: list[tuple[str, str, bytes]]) -> None:
        for parts in signed[:-1]:
            try:
                return self._check(headers, *parts)
            except messages.SignatureWrong:
                continue
        return self._check(headers, *signed[-1])

    def _sale(self, reply: Reply, paths: Sequence[str], refusals: Mapping[str, Outcome]) -> Finding:
        status, said = self._answered(reply, paths)
        return _read_sale(said) if status in DONE else _refused(status, said, refusals)

    def _refund(
        self, refund: RefundOrder, answered: tuple[int, Said], refusals: Mapping[str, Outcome]
    ) -> Finding:
        status, said = answered
        if status not in DONE:
            return _refused(status, said, refusals)
        own, sale = text_of(said, "refund_id"), text_of(said, "sale_id")
        is_ours = (own, sale) == (refund_id_of(refund), refund.order.reference)
        code = text_of(said, "status")
        return Finding(
            REFUND_CODES.get(code, Outcome.UNKNOWN),
            code,
            reference=refund.reference if is_ours else own,
            amount_dong=integer_of(said, "amount"),
            provider_id=text_of(said, "rrn") or None,
        )


def sign(secret: str, *lines: str | bytes) -> str:
    """HMAC-SHA256 in lower hex over lines joined by one newline."""
    text = b"\n".join(
        line if isinstance(line, bytes) else line.encode("utf-8", "surrogatepass") for line in lines
    )
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def refund_id_of(refund: RefundOrder) -> str:
    """Derive the refund_id, of a void too: 32 hex digits, the same for ever."""
    return hashlib.sha256(refund.reference.encode()).hexdigest()[:32]


def _ways(refund: RefundOrder) -> tuple[str, str]:
    return f"/sales/{refund.order.reference}/void", f"/sales/{refund.order.reference}/refunds"


def _refused(status: int, said: Said, refusals: Mapping[str, Outcome]) -> Finding:
    code = text_of(said, "code")
    if not code:
        raise Unreadable(what="code")
    known = refusals if (code in _BARE) == (status in UNSIGNED) else {}
    return Finding(known.get(code, Outcome.UNKNOWN), code, text_of(said, "message"))


def _read_sale(said: Said) -> Finding:
    reference, code = text_of(said, "sale_id"), text_of(said, "status")
    if not reference or not code:
        raise Unreadable(what="sale_id or status")
    if holds_card_number(json.dumps({**said, "sale_id": ""})):
        raise Unreadable(what="a field that holds a card's number")
    return Finding(
        RESULT_CODES.get(code, Outcome.UNKNOWN),
        code,
        text_of(said, "response_code"),
        reference=reference,
        amount_dong=integer_of(said, "amount"),
        merchant=text_of(said, "mid"),
        provider_id=text_of(said, "rrn") or None,
    )
