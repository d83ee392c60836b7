"""NAPAS e-commerce: the payer pays by card on a page that NAPAS hosts; no card number reaches us.

Units: whole đồng. A bearer token (OAuth2, password grant) opens the calls; answers are not signed,
the token and TLS are their proof. Callback and browser's return carry `data` (base64 of JSON) and
`checksum`: SHA-256 in hex over the text of `data` with the secret behind it.

Sources: one public gateway of several banks, read 2026-11-24, for words and shapes; the rest is our
proposed contract `napas-ecom/0.1`, which docs/providers/napas.md gives. Not tried with NAPAS.
"""

import hashlib
import json
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlencode
from uuid import UUID

from pydantic import Field, SecretStr

from gateway.domain.biller import Channel
from gateway.domain.cards import holds_card_number
from gateway.domain.evidence import Finding, Outcome
from gateway.kit import abilities, messages
from gateway.kit.abilities import AnswersQueries, NeedsToken, Notifies, Refunds, TakesPayments
from gateway.kit.messages import Call, Incoming, Moment, Order, RefundOrder, Reply, Unreadable
from gateway.kit.payload import check_signature, integer_of, read_object, text_of

TOKEN: Final = "/api/oauth/token"  # noqa: S105 (a path)
TRANSACTION: Final = "/api/rest/version/1/merchant/{}/order/{}/transaction/{}"
PAY, QUERY, REFUND = "PURCHASE_HOSTED", "QUERY", "REFUND"

_REFUSED = ("5", "51", "54", "57", "61")
_OVER = ("AUTHENTICATION_FAILED", "CANCELLED", "EXPIRED")  # the first: 3-D Secure said no
_IN_DOUBT = ("UNKNOWN/TIMED_OUT/", "FAILURE/DECLINED/91")
_PAID, _AT_WORK = "SUCCESS/SUCCESS/0", "PENDING/PENDING/"
RESULT_CODES: Final = {
    _PAID: Outcome.SUCCEEDED,
    "PENDING/INITIATED/": Outcome.WAITING,
    # A challenge may be answered at any moment; a bank that timed out, or was away, may have paid.
    **dict.fromkeys(("PENDING/AUTHENTICATING/", _AT_WORK, *_IN_DOUBT), Outcome.PENDING),
    **dict.fromkeys((f"FAILURE/DECLINED/{code}" for code in _REFUSED), Outcome.FAILED),
    **dict.fromkeys((f"FAILURE/{code}/" for code in _OVER), Outcome.FAILED),
}
"""By result/gatewayCode/acquirerCode, which must agree; anything else is UNKNOWN."""
REFUND_CODES: Final = {
    _PAID: Outcome.SUCCEEDED,
    _AT_WORK: Outcome.PENDING,
    "FAILURE/REFUND_REFUSED/": Outcome.FAILED,
}
# By HTTP status and cause. DUPLICATE and TOO_MANY_REQUESTS say nothing of the order.
_UNOPENED = ((400, "INVALID_REQUEST"), (401, "UNAUTHORIZED"), (403, "MERCHANT_UNKNOWN"))
REFUSALS: Final = dict.fromkeys(_UNOPENED, Outcome.FAILED)
ABSENT: Final = {(404, "NOT_FOUND"): Outcome.ABSENT}
_UNDONE = ((400, "INVALID_REQUEST"), (404, "NOT_FOUND"), (409, "NOT_REFUNDABLE"))
NOT_REFUNDED: Final = dict.fromkeys(_UNDONE, Outcome.FAILED)
THANKED: Final = frozenset({messages.Verdict.RECORDED, messages.Verdict.REPEATED})
_OK, _LIFE_S_MAX = 200, 86_400
_FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
_JSON: Final = {"content-type": "application/json"}
Said = dict[str, Any]


class Config(abilities.Config):
    """`GATEWAY_NAPAS__…`; all but the host comes with the contract."""

    merchant_id: str = Field(pattern=r"^[0-9A-Za-z_-]{1,40}$")
    username: str = Field(min_length=1, max_length=64)
    password: SecretStr = Field(min_length=1)
    client_id: str = Field(min_length=1, max_length=64)
    client_secret: SecretStr = Field(min_length=1)
    checksum_secret: SecretStr = Field(min_length=8)
    host: str = Field(pattern=r"^https?://[^\s/?#@]+$")
    device_id: str = Field(default="gateway", pattern=r"^[0-9A-Za-z._-]{1,40}$")
    visibility_s: float = Field(default=900.0, ge=0, le=86400)


class Napas(
    NeedsToken[Config],
    TakesPayments[Config],
    Notifies[Config],
    AnswersQueries[Config],
    Refunds[Config],
):
    """NAPAS's page for cards, its callback, query and refund; nothing closes an order."""

    code, title = "napas", "NAPAS"
    channels = frozenset({Channel.CARD})
    Config: ClassVar[type[abilities.Config]] = Config
    options = ("All", "AtmCard", "CreditCard")
    private_fields = frozenset(("access_token", "number", "nameOnCard", "issueDate"))
    amount_max_dong = 999_999_999_999

    @property
    def merchant(self) -> str:
        """NAPAS's merchantId."""
        return self.config.merchant_id

    def reference_of(self, attempt_id: UUID, created_at: datetime) -> str:
        """Give 32 hex digits, which are order and transaction at NAPAS."""
        return attempt_id.hex

    def authorise(self) -> Call:
        """Ask for a token with the account's password."""
        form = {
            "grant_type": "password",
            "username": self.config.username,
            "password": self.config.password.get_secret_value(),
            "client_id": self.config.client_id,
            "client_secret": self.config.client_secret.get_secret_value(),
        }
        return Call("authorise", self.config.host + TOKEN, urlencode(form).encode(), headers=_FORM)

    def read_token(self, reply: Reply) -> messages.Token:
        """Read the token; whatever is not a bearer token that lives is none."""
        said = read_object(reply.body)
        token, life_s = text_of(said, "access_token"), integer_of(said, "expires_in") or 0
        is_bearer = text_of(said, "token_type").lower() == "bearer"
        is_one = is_bearer and re.fullmatch("[!-~]{1,4096}", token)
        if reply.status != _OK or not is_one or not 0 < life_s <= _LIFE_S_MAX:
            raise Unreadable(what="token")
        return messages.Token({"authorization": f"Bearer {token}"}, float(life_s))

    def create(self, order: Order) -> Call:
        """Ask for a hosted page; the same content again is answered as it stands now."""
        life_s = int((order.expires_at - order.created_at).total_seconds())
        body = {
            "order": {**_money(order.amount_dong), "reference": order.reference},
            "inputParameters": {
                "clientIP": order.payer_ip,
                "deviceId": self.config.device_id,
                "environment": "WEB",
                "cardScheme": order.option or self.options[0],
                "enable3DSecure": True,
            },
            "interaction": {
                "returnUrl": order.return_url,
                "notificationUrl": order.notify_url,
                "locale": "en" if order.locale == "en" else "vi",
                "timeoutSeconds": min(max(life_s, 60), 3600),
            },
        }
        return self._put("create", PAY, order.reference, order.reference, body)

    def read_created(self, order: Order, reply: Reply) -> messages.Opened | Finding:
        """Read the answer: open with its page, or what the order has become already."""
        said = read_object(reply.body)
        if reply.status != _OK:
            return _refused(said, reply.status, REFUSALS)
        finding = self._found(said, "PAYMENT", RESULT_CODES)
        url = text_of(_part(said, "hostedPage"), "url")
        is_ours = (finding.reference, finding.merchant) == (order.reference, self.merchant)
        is_open = finding.outcome is Outcome.WAITING and is_ours
        if is_open and finding.amount_dong == order.amount_dong:
            if not re.fullmatch(r"https?://[!-~]{4,2000}", url):
                raise Unreadable(what="hostedPage")
            return messages.Opened(messages.NextAction(redirect_url=url))
        return finding

    def read_return(self, incoming: Incoming) -> Finding:
        """Read what the browser brought back: the data and checksum of the callback."""
        pairs = incoming.query_pairs()
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise Unreadable(what="query string")
        return self._opened(fields)

    def read_notification(self, incoming: Incoming) -> messages.Notification:
        """Verify and read a callback; `key` is order, the bank's number and the three codes."""
        finding = self._opened(read_object(incoming.body))
        key = f"{finding.reference}:{finding.provider_id or ''}:{finding.code}"
        return messages.Notification(key, finding)

    def acknowledge(self, verdict: messages.Verdict) -> messages.Acknowledgement:
        """Thank for what is written down; anything but a 200 with OK is sent again."""
        if verdict in THANKED:
            return messages.Acknowledgement(_OK, b'{"result":"OK"}', "application/json")
        status = 503 if verdict is messages.Verdict.TRY_LATER else 400
        return messages.Acknowledgement(status, b'{"result":"ERROR"}', "application/json")

    def query(self, order: Order, moment: Moment) -> Call:
        """Ask about the payment."""
        return self._put("query", QUERY, order.reference, order.reference, {})

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        """Read the answer; a 404 is "not found", other refusals are about the call."""
        return self._answered(reply, RESULT_CODES, ABSENT)

    def refund(self, refund: RefundOrder, moment: Moment) -> Call:
        """Give back all or a part, under an id that is the same for each repetition."""
        paid = refund.order.reference
        body = {"order": _money(refund.amount_dong), "transaction": {"targetTransactionId": paid}}
        return self._put("refund", REFUND, paid, refund_id_of(refund), body)

    def read_refunded(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read the answer: a refund's own table, and refusals that had no effect."""
        return self._of_refund(refund, self._answered(reply, REFUND_CODES, NOT_REFUNDED))

    def query_refund(self, refund: RefundOrder, moment: Moment) -> Call:
        """Ask about the refund by its own id."""
        return self._put("query_refund", QUERY, refund.order.reference, refund_id_of(refund), {})

    def read_refund_queried(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read the answer; "not found" is of the refund."""
        return self._of_refund(refund, self._answered(reply, REFUND_CODES, ABSENT))

    def _put(self, operation: str, kind: str, order: str, own: str, more: Said) -> Call:
        path = TRANSACTION.format(*(quote(part, safe="") for part in (self.merchant, order, own)))
        body = {"apiOperation": kind, "channel": "ECOMMERCE", **more}
        return Call(operation, self.config.host + path, json.dumps(body).encode(), "PUT", _JSON)

    def _answered(
        self, reply: Reply, codes: Mapping[str, Outcome], refusals: Mapping[Any, Outcome]
    ) -> Finding:
        said = read_object(reply.body)
        if reply.status != _OK:
            return _refused(said, reply.status, refusals)
        return self._found(said, "REFUND" if codes is REFUND_CODES else "PAYMENT", codes)

    def _opened(self, signed: Mapping[str, Any]) -> Finding:
        data = text_of(signed, "data")
        due = checksum(self.config.checksum_secret.get_secret_value(), data)
        check_signature(due, text_of(signed, "checksum").lower())
        try:
            text = b64decode(data, validate=True)
        except ValueError as error:
            raise Unreadable(what="data") from error
        said = _part(read_object(text), "paymentResult")
        if text_of(said, "apiOperation") != PAY:
            raise Unreadable(what="apiOperation")
        return self._found(said, "PAYMENT", RESULT_CODES)

    def _of_refund(self, refund: RefundOrder, finding: Finding) -> Finding:
        is_ours = finding.reference == refund_id_of(refund)
        return replace(finding, reference=refund.reference) if is_ours else finding

    def _found(self, said: Said, kind: str, codes: Mapping[str, Outcome]) -> Finding:
        """Read what an answer, or a callback, says of a transaction of one kind."""
        order, moved, response = (
            _part(said, name) for name in ("order", "transaction", "response")
        )
        if holds_card_number(json.dumps([response, said.get("sourceOfFunds")])):
            raise Unreadable(what="a field that holds a card's number")
        result, gateway = text_of(said, "result"), text_of(response, "gatewayCode")
        code = f"{result}/{gateway}/{text_of(response, 'acquirerCode')}"
        reference, amount = text_of(moved, "id"), integer_of(moved, "amount")
        if not result or not reference:
            raise Unreadable(what="result or transaction.id")
        # A payment's two ids and amounts are one; a refund's order is the payment, whole.
        agrees = text_of(moved, "type") == kind and text_of(order, "currency") == "VND"
        if kind == "PAYMENT":
            both = (text_of(order, "id"), integer_of(order, "amount"))
            agrees = agrees and both == (reference, amount)
        return Finding(
            codes.get(code, Outcome.UNKNOWN) if agrees else Outcome.UNKNOWN,
            code,
            text_of(response, "message"),
            reference=reference,
            amount_dong=amount,
            merchant=text_of(said, "merchantId"),
            provider_id=text_of(_part(moved, "acquirer"), "transactionId") or None,
        )


def checksum(secret: str, data: str) -> str:
    """SHA-256 in lower hex over the text of `data` and, at once after it, the secret.

    >>> checksum("s", "e30=")[:16]
    'ff09fee2d08f8e0f'
    """
    return hashlib.sha256(f"{data}{secret}".encode("utf-8", "surrogatepass")).hexdigest()


def refund_id_of(refund: RefundOrder) -> str:
    """Derive the transaction id of a refund: 32 hex digits, the same for ever."""
    return hashlib.sha256(refund.reference.encode()).hexdigest()[:32]


def _money(amount_dong: int) -> Said:
    return {"amount": amount_dong, "currency": "VND"}


def _part(said: Mapping[str, Any], name: str) -> Said:
    part = said.get(name)
    if part is not None and not isinstance(part, dict):
        raise Unreadable(what=name)
    return part or {}


def _refused(said: Said, status: int, refusals: Mapping[Any, Outcome]) -> Finding:
    error = _part(said, "error")
    cause = text_of(error, "cause")
    # A 401 says no more than its cause.
    if not cause or (text_of(said, "result") != "ERROR" and cause != "UNAUTHORIZED"):
        raise Unreadable(what=f"HTTP status {status}")
    outcome = refusals.get((status, cause), Outcome.UNKNOWN)
    return Finding(outcome, cause, text_of(error, "explanation"))
