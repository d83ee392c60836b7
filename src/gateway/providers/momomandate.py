"""MoMo tokenization: the payer links the wallet once in the app, we debit each bill with a token.

A mandate's `provider_id` grows in two steps: `cb:` and the callbackToken once the payer agreed,
`tk:` and the aesToken once it was exchanged (`tokenization/bind`). The aesToken stays encrypted
with our secret key (AES-256-CBC, 16 zero bytes, PKCS7); for each call its JSON is encrypted with
MoMo's public key (RSA, PKCS#1 v1.5) as `token`. Whole đồng; signatures as in one-time payments.

Sources, all read 2026-11-24: developers.momo.vn/v3 (pay with token); MoMo's Postman collections 2
and 3; momo-wallet/java (BindingToken, PayByToken, InquiryCbToken, DeleteToken). The members of the
token's JSON beyond `value` are unconfirmed: docs/providers/momomandate.md.
"""

import hmac
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import Field, SecretStr, field_validator

from gateway.domain.biller import Channel
from gateway.domain.evidence import Finding, Outcome
from gateway.domain.mandate import MandateState
from gateway.kit import abilities, messages
from gateway.kit import mandate_messages as wallet
from gateway.kit.abilities import AnswersQueries, DebitsMandates, Notifies
from gateway.kit.ciphers import carries, decrypt_cbc, encrypt_rsa, rsa_key
from gateway.kit.mandate_messages import AfterFailure, Mandate, MandateSaid
from gateway.kit.messages import Call, Incoming, Moment, Order, Reply, Unreadable, Verdict
from gateway.kit.payload import check_signature, integer_of, read_object, text_of

API: Final = "/v2/gateway/api/"
AGREED, BOUND = "cb:", "tk:"
_DECLINED = (1001, 1002, 1003, 1004, 1005, 1006, 1007, 1017, 1026, 4001, 4002, 4100)
_REFUSED = (11, 12, 13, 20, 21, 22, 42, 45, 47, 2019)
_GOING = dict.fromkeys((7000, 7002, 8200, 9000), Outcome.PENDING)
_ENDED = {**_GOING, 0: Outcome.SUCCEEDED, **dict.fromkeys(_DECLINED, Outcome.FAILED)}
RESULT_CODES: Final[Mapping[str, Mapping[int, Outcome]]] = {
    "pay": {**_ENDED, **dict.fromkeys(_REFUSED, Outcome.FAILED)},
    "query": {**_ENDED, 1000: Outcome.WAITING, 42: Outcome.ABSENT},
    "notification": {**_ENDED, 1000: Outcome.WAITING},
}
# Absent, so UNKNOWN and asked about: 10, 40, 41, 43, 99.
_AFTER = {
    **dict.fromkeys(("1001", "1004"), AfterFailure.RETRY),  # no money, or over a day's limit
    **dict.fromkeys(("1007", "4001"), AfterFailure.SUSPEND),  # wallet inactive or restricted
}
_WAITS, _AGREED, _GONE = frozenset({1000, 7000, 7002}), frozenset({0, 9000}), 42
SIGNED: Final = {
    "create": "accessKey amount extraData ipnUrl orderId orderInfo partnerClientId partnerCode"
    " redirectUrl requestId requestType",
    "tokenization/bind": "accessKey callbackToken orderId partnerClientId partnerCode requestId",
    "tokenization/pay": "accessKey amount extraData orderId orderInfo partnerClientId partnerCode"
    " requestId token",
    "tokenization/cbQuery": "accessKey orderId partnerClientId partnerCode requestId",
    "tokenization/delete": "accessKey orderId partnerClientId partnerCode requestId token",
    "query": "accessKey orderId partnerCode requestId",
    "notification": "accessKey amount extraData message orderId orderInfo orderType partnerCode"
    " payType requestId responseTime resultCode transId",
    # Third parties' list: two fields more than the payment's.
    "binding": "accessKey amount callbackToken extraData message orderId orderInfo orderType"
    " partnerClientId partnerCode payType requestId responseTime resultCode transId",
}
_ANSWERED = frozenset({200, 201, 400})


class Config(abilities.Config):
    """The account at MoMo, with tokenization enabled, and MoMo's public key as PEM."""

    partner_code: str = Field(pattern=r"^[0-9A-Za-z_]{1,50}$")
    access_key: SecretStr = Field(min_length=1)
    secret_key: SecretStr = Field(min_length=32, max_length=32)
    public_key: str
    host: str = Field(default="https://test-payment.momo.vn", pattern=r"^https?://[^\s/?#@]+$")
    notify_url: str = ""
    return_url: str = ""
    """Where MoMo tells of links, and where the payer goes after agreeing."""

    @field_validator("public_key")
    @classmethod
    def _is_rsa(cls, pem: str) -> str:
        rsa_key(pem)
        return pem


class MoMoMandate(Notifies[Config], AnswersQueries[Config], DebitsMandates[Config]):
    """A linked MoMo wallet; partnerClientId and the link's orderId are the mandate's reference."""

    code, title = "momomandate", "MoMo (liên kết ví)"
    channels = frozenset({Channel.AUTO_DEBIT})
    Config = Config
    private_fields = frozenset({"callbackToken", "aesToken", "token", "partnerUserId", "userInfo"})
    amount_min_dong, amount_max_dong = 1_000, 30_000_000

    @property
    def merchant(self) -> str:
        """MoMo's partnerCode."""
        return self.config.partner_code

    def register(self, mandate: Mandate, moment: Moment) -> Call:
        """Build `create` with requestType linkWallet and amount 0; equal on every repetition."""
        terms = {"amount": 0, "orderInfo": f"Liên kết ví {mandate.customer_code}"}
        back = {"redirectUrl": self.config.return_url, "ipnUrl": self.config.notify_url}
        kind = {"requestType": "linkWallet", "extraData": ""}
        fields = {**self._link(mandate, mandate.reference), **terms, **back, **kind}
        return self._call("register", "create", fields)

    def read_registered(self, mandate: Mandate, reply: Reply) -> MandateSaid:
        """Read where the payer links the wallet; an id used before says nothing: ask."""
        code, fields = self._answer(mandate, reply)
        if code != 0:
            return _said(MandateState.REJECTED if code in _REFUSED else None, fields, code)
        page = text_of(fields, "payUrl") or text_of(fields, "bindingUrl")
        link, qr = text_of(fields, "deeplink"), text_of(fields, "qrCodeUrl")
        if not (page or link or qr):
            raise Unreadable(what="payUrl")
        action = messages.NextAction(page or None, link or None, qr or None)
        return replace(_said(MandateState.PENDING_CUSTOMER, fields, code), action=action)

    def confirm(self, mandate: Mandate, otp: str, moment: Moment) -> Call:
        """Ask how the link stands: the payer confirms in the app, no password comes to us."""
        return self.query_mandate(mandate, moment)

    def read_confirmed(self, mandate: Mandate, reply: Reply) -> MandateSaid:
        """Read how it stands; refused while the payer has not agreed in the app."""
        said = self.read_mandate_queried(mandate, reply)
        return replace(said, is_refused=said.state is MandateState.PENDING_CUSTOMER)

    def query_mandate(self, mandate: Mandate, moment: Moment) -> Call:
        """Exchange the callbackToken once there is one; before that, ask whether there is."""
        if (held := mandate.provider_id or "").startswith(AGREED):
            link = self._link(mandate, f"{mandate.reference}-bind")
            link["callbackToken"] = held.removeprefix(AGREED)
            return self._call("bind", "tokenization/bind", link)
        return self._call(
            "cb_query", "tokenization/cbQuery", self._link(mandate, moment.request_id)
        )

    def read_mandate_queried(self, mandate: Mandate, reply: Reply) -> MandateSaid:
        """Read the token; of a link that has one MoMo has no question, so nothing is concluded."""
        code, fields = self._answer(mandate, reply)
        if (mandate.provider_id or "").startswith(BOUND):
            return _said(None, fields, code)
        is_agreed, token = (
            (mandate.provider_id or "").startswith(AGREED),
            text_of(fields, "aesToken"),
        )
        if is_agreed and token and code == 0:
            self._plain(token)
            return replace(_said(MandateState.ACTIVE, fields, code), provider_id=BOUND + token)
        return _linked(fields, code)

    def cancel_mandate(self, mandate: Mandate, reason: str, moment: Moment) -> Call:
        """Build `tokenization/delete`; a link without a token ends by itself."""
        fields = {**self._link(mandate, moment.request_id), "token": self._token(mandate)}
        return self._call("unlink", "tokenization/delete", fields)

    def read_mandate_cancelled(self, mandate: Mandate, reply: Reply) -> MandateSaid:
        """Read the answer; a link that MoMo does not know is cancelled."""
        code, fields = self._answer(mandate, reply)
        return _said(MandateState.CANCELLED if code in {0, _GONE} else None, fields, code)

    def debit(self, line: wallet.DebitLine, moment: Moment) -> Call:
        """Build `tokenization/pay`; a repetition has the same requestId, only `token` differs."""
        order = line.order
        ids = {**self._link(line.mandate, order.request_id), "orderId": order.reference}
        text = unicodedata.normalize("NFC", order.text.replace("&", " ").replace("=", " "))[:200]
        terms = {"amount": order.amount_dong, "orderInfo": text, "token": self._token(line.mandate)}
        more = {"ipnUrl": order.notify_url, "redirectUrl": order.return_url, "extraData": ""}
        return self._call("pay", "tokenization/pay", {**ids, **terms, **more, "autoCapture": True})

    def read_debited(self, order: Order, reply: Reply) -> Finding:
        """Read the answer; unsigned, so it must be for this very request."""
        fields = _read(reply)
        finding = _finding(fields, "pay")
        is_other = text_of(fields, "requestId") not in {"", order.request_id}
        return replace(finding, outcome=Outcome.UNKNOWN) if is_other else finding

    def query(self, order: Order, moment: Moment) -> Call:
        """Ask for the order's state."""
        ids = {"requestId": moment.request_id, "orderId": order.reference, "lang": "vi"}
        return self._call("query", "query", {"partnerCode": self.merchant, **ids})

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        """Read the order's state."""
        return _finding(_read(reply), "query")

    def after_failure(self, code: str) -> AfterFailure:
        """Say what follows: want of money is tried again, a closed wallet is drawn on no more."""
        return _AFTER.get(code, AfterFailure.GIVE_UP)

    def read_notification(
        self, incoming: Incoming
    ) -> messages.Notification | wallet.MandateNews | wallet.Return:
        """Verify and read an IPN: that of a link names its partnerClientId."""
        fields = read_object(incoming.body)
        is_link = bool(fields.get("partnerClientId"))
        due = self._signature(fields, "binding" if is_link else "notification")
        check_signature(due, fields.get("signature"))
        if is_link:
            said = _linked(fields, _code(fields))
            if said.state is None:
                raise Unreadable(what="resultCode of a link")
            return wallet.MandateNews(f"{said.reference}:{said.code}", said)
        finding = _finding(fields, "notification")
        if finding.reference is None:
            raise Unreadable(what="orderId")
        return messages.Notification(f"{finding.reference}:{finding.code}", finding)

    def acknowledge(self, verdict: Verdict) -> messages.Acknowledgement:
        """Answer 204 with no body."""
        statuses = {Verdict.REFUSED: 400, Verdict.TRY_LATER: 503}
        return messages.Acknowledgement(statuses.get(verdict, 204))

    def _link(self, mandate: Mandate, request_id: str) -> dict[str, Any]:
        ids = {"partnerCode": self.merchant, "requestId": request_id, "lang": "vi"}
        return {**ids, "orderId": mandate.reference, "partnerClientId": mandate.reference}

    def _answer(self, mandate: Mandate, reply: Reply) -> tuple[int, dict[str, Any]]:
        fields = _read(reply)
        if text_of(fields, "orderId") not in {"", mandate.reference}:
            raise Unreadable(what="orderId, another mandate's,")
        return _code(fields), fields

    def _plain(self, token: str) -> bytes:
        """Decrypt an aesToken; Unreadable unless it is JSON with `value` that RSA can carry."""
        secret = self.config.secret_key.get_secret_value().encode()
        plain = decrypt_cbc(secret, token, what="aesToken")
        if not text_of(read_object(plain), "value") or not carries(self.config.public_key, plain):
            raise Unreadable(what="value of the aesToken")
        return plain

    def _token(self, mandate: Mandate) -> str:
        if not (held := mandate.provider_id or "").startswith(BOUND):
            return ""
        return encrypt_rsa(self.config.public_key, self._plain(held.removeprefix(BOUND)))

    def _call(self, operation: str, path: str, fields: dict[str, Any]) -> Call:
        signed = {**fields, "signature": self._signature(fields, path)}
        body = json.dumps(signed, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"content-type": "application/json; charset=UTF-8"}
        return Call(operation, self.config.host + API + path, body, headers=headers)

    def _signature(self, fields: Mapping[str, Any], message: str) -> str:
        whole = {**fields, "accessKey": self.config.access_key.get_secret_value()}
        return sign(self.config.secret_key, canonical(whole, SIGNED[message]))


def canonical(fields: Mapping[str, Any], signed: str) -> str:
    """Write the base string of the fields named; Unreadable if one is not there."""
    for name in signed.split():
        if not isinstance(fields.get(name), str) and type(fields.get(name)) is not int:
            raise Unreadable(what=name)
    return "&".join(f"{name}={fields[name]}" for name in signed.split())


def sign(secret: SecretStr, base: str) -> str:
    """Give the HMAC-SHA256 of a base string, in lower hex."""
    text = base.encode("utf-8", "surrogatepass")
    return hmac.new(secret.get_secret_value().encode(), text, "sha256").hexdigest()


def _read(reply: Reply) -> dict[str, Any]:
    if reply.status not in _ANSWERED:
        raise Unreadable(what=f"HTTP status {reply.status}")
    return read_object(reply.body)


def _code(fields: Mapping[str, Any]) -> int:
    if (code := integer_of(fields, "resultCode")) is None:
        raise Unreadable(what="resultCode")
    return code


def _said(state: MandateState | None, fields: Mapping[str, Any], code: int) -> MandateSaid:
    reference = text_of(fields, "orderId") or None
    return MandateSaid(state, str(code), text_of(fields, "message"), reference)


def _linked(fields: Mapping[str, Any], code: int) -> MandateSaid:
    """Read whether the payer agreed; a link that was agreed carries the callbackToken."""
    token = text_of(fields, "callbackToken")
    if code in _AGREED and token:
        return replace(_said(MandateState.PENDING_BANK, fields, code), provider_id=AGREED + token)
    waits = MandateState.PENDING_CUSTOMER if code in _WAITS else None
    return _said(MandateState.REJECTED if code in _DECLINED else waits, fields, code)


def _finding(fields: Mapping[str, Any], message: str) -> Finding:
    code = _code(fields)
    return Finding(
        RESULT_CODES[message].get(code, Outcome.UNKNOWN),
        str(code),
        text_of(fields, "message"),
        reference=text_of(fields, "orderId") or None,
        amount_dong=integer_of(fields, "amount") or None,
        merchant=text_of(fields, "partnerCode") or None,
        provider_id=str(integer_of(fields, "transId") or "") or None,
    )
