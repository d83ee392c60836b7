"""OnePay: the payer pays by card on OnePay's page; no card number ever reaches us.

Units: hundredths of a đồng on the wire, đồng inside. No call opens an order: we sign a URL and the
payer's browser carries it. Signature: HMAC-SHA256 in hex, capital in what we send and of either
case in what comes, over the non-empty `vpc_` and `user_` fields, raw, as `name=value` sorted by
ASCII and joined by `&`; the key is hex and is used decoded.

Sources, read 2026-11-24: npm vn-payments 1.1.0, phpviet/omnipay-onepay 7f5bc398, dungchv13/
ashno-onepay 0627a6be, duclong1997/portal-payment 1d38c79e. OnePay publishes no document itself.
docs/providers/onepay.md says what none of them confirms, and where we believe less than they say.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import ClassVar, Final
from urllib.parse import urlencode
from uuid import UUID

from pydantic import Field, SecretStr, field_validator

from gateway.domain.biller import Channel
from gateway.domain.evidence import Finding, Outcome
from gateway.domain.folding import plain_words
from gateway.kit import abilities, messages
from gateway.kit.abilities import AnswersQueries, Notifies, Refunds, TakesPayments
from gateway.kit.messages import Call, Incoming, Moment, Order, RefundOrder, Reply, Unreadable
from gateway.kit.payload import check_signature

PAY, QUERY = "/paygate/vpcpay.op", "/msp/api/v1/vpc/invoices/queries"
REFUND: Final = "/msp/api/v1/vpc/refunds"

_AT_WORK = {"300": Outcome.PENDING, "100": Outcome.PENDING}
# B and F: 3-D Secure refused the payer; E: the card's check number; Z: a rule against fraud.
_NUMBERED = map(str, (1, 2, 4, 5, 8, 9, 10, 11, 12, 13, 21, 22, 23, 24, 25, 99))
_DECLINED = dict.fromkeys((*_NUMBERED, "B", "E", "F", "Z"), Outcome.FAILED)
RESULT_CODES: Final = {"0": Outcome.SUCCEEDED, **_AT_WORK, **_DECLINED}
"""By vpc_TxnResponseCode; absent is UNKNOWN: 253 time-out; 3, 6, 7 no result or the bank fails."""
QUERIED: Final = {**RESULT_CODES, "100": Outcome.WAITING}  # in progress, or not yet paid: one code
# No table of a refund's codes is public, so none proves that it was refused.
REFUND_CODES: Final = {"0": Outcome.SUCCEEDED, **_AT_WORK}

# OnePay calls again unless it is thanked; by a third party, only after a status that is not 200.
THANKS, REFUSAL = b"responsecode=1&desc=confirm-success", b"responsecode=0&desc=confirm-fail"
THANKED = frozenset({messages.Verdict.RECORDED, messages.Verdict.REPEATED})

# Numbers by nature: a scheme's own (15 digits at Visa) passes for a card's one time in ten.
NO_CARD: Final = frozenset({"vpc_NetworkTransactionID", "vpc_TransactionNo"})
_DIGITS, _AMOUNT = re.compile("[0-9]{13,19}"), re.compile("([0-9]{1,13})00|0?")


class Config(abilities.Config):
    """`GATEWAY_ONEPAY__…`; all but the host comes with the contract."""

    merchant_id: str = Field(pattern=r"^[0-9A-Za-z_]{1,16}$")
    access_code: str = Field(pattern=r"^[0-9A-Za-z]{1,8}$")
    hash_key: SecretStr = Field(min_length=2)
    user: str = Field(pattern=r"^[0-9A-Za-z._-]{1,50}$")
    password: SecretStr = Field(min_length=1)
    host: str = Field(default="https://mtf.onepay.vn", pattern=r"^https?://[^\s/?#@]+$")
    server_ip: str = Field("127.0.0.1", min_length=7, max_length=15)
    """Stands for a payer whose IPv6 address is longer than the 15 characters that OnePay takes."""
    trust_unsigned_answers: bool = False
    """Whether an answer without a signature may prove a payment or its failure."""
    visibility_s: float = Field(default=900.0, ge=0, le=86400)

    @field_validator("hash_key")
    @classmethod
    def _is_hex(cls, key: SecretStr) -> SecretStr:
        bytes.fromhex(key.get_secret_value())
        return key


class OnePay(TakesPayments[Config], Notifies[Config], AnswersQueries[Config], Refunds[Config]):
    """OnePay's page for cards, its notifications, `queryDR` and `refund`; nothing cancels."""

    code, title = "onepay", "OnePay"
    channels = frozenset({Channel.CARD})
    Config: ClassVar[type[abilities.Config]] = Config
    options = ("", "INTERNATIONAL", "DOMESTIC")
    private_fields = frozenset(
        ("vpc_CardNum", "vpc_CardExp", "vpc_CardUid", "vpc_TokenNum", "vpc_TokenExp")
    )
    amount_max_dong = 9_999_999_999  # vpc_Amount has 12 digits at most

    @property
    def merchant(self) -> str:
        """OnePay's vpc_Merchant."""
        return self.config.merchant_id

    def reference_of(self, attempt_id: UUID, created_at: datetime) -> str:
        """Give 32 hex digits: older pages of OnePay take no more than 34 characters."""
        return attempt_id.hex

    def create(self, order: Order) -> messages.Opened:
        """Sign the URL of the payment page; nothing is sent, so OnePay knows nothing yet."""
        fields = self._about("pay", order.reference) | {
            "vpc_Currency": "VND",
            "vpc_Locale": "en" if order.locale == "en" else "vn",
            "vpc_OrderInfo": to_order_info(order.text) or order.reference,
            "vpc_Amount": to_onepay_amount(order.amount_dong),
            "vpc_ReturnURL": order.return_url,
            "vpc_CallbackURL": order.notify_url,
            "vpc_TicketNo": self._ticket(order.payer_ip),
            **({"vpc_CardList": order.option} if order.option else {}),
        }
        url = f"{self.config.host}{PAY}?{self._signed(fields)}"
        return messages.Opened(messages.NextAction(redirect_url=url))

    def read_created(self, order: Order, reply: Reply) -> messages.Opened | Finding:
        """Refuse: no call opens an order here, so there is no answer to one."""
        raise Unreadable(what="the answer to a call that OnePay does not have")

    def read_return(self, incoming: Incoming) -> Finding:
        """Read what the browser brought back: the fields and signature of the notification."""
        fields = read_fields(incoming.body or incoming.query.encode("utf-8", "surrogatepass"))
        check_signature(self._sign(fields), _signature_of(fields))
        if fields.get("vpc_Command") != "pay":  # a refund's answer is signed by the same key
            raise Unreadable(what="vpc_Command")
        return _found(fields, RESULT_CODES)

    def read_notification(self, incoming: Incoming) -> messages.Notification:
        """Verify and read a notification; `key` is order, transaction and code."""
        finding = self.read_return(incoming)
        if not (finding.reference and finding.merchant and finding.code):
            raise Unreadable(what="vpc_MerchTxnRef, vpc_Merchant or vpc_TxnResponseCode")
        key = f"{finding.reference}:{finding.provider_id}:{finding.code}"
        return messages.Notification(key, finding)

    def acknowledge(self, verdict: messages.Verdict) -> messages.Acknowledgement:
        """Thank for what is written down, a failed payment too; 503 makes OnePay call again."""
        status = 503 if verdict is messages.Verdict.TRY_LATER else 200
        body = THANKS if verdict in THANKED else REFUSAL
        return messages.Acknowledgement(status, body, "text/plain")

    def query(self, order: Order, moment: Moment) -> Call:
        """Ask `queryDR` about the order."""
        return self._ask("query", order.reference)

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        """Read `queryDR`: paid only if it exists (Y), the code is 0, and the answer is signed."""
        fields = self._answered(reply)
        if fields.get("vpc_DRExists") == "N":
            return replace(_found(fields, {}), outcome=Outcome.ABSENT)
        is_payment = fields.get("vpc_Command", "") in {"", "pay", "queryDR"}
        says_so = fields.get("vpc_DRExists") == "Y" and is_payment
        return self._weighed(fields, QUERIED if says_so else {})

    def refund(self, refund: RefundOrder, moment: Moment) -> Call:
        """Ask for a refund under an id that is the same for each repetition."""
        more = {"vpc_OrgMerchTxnRef": refund.order.reference, "vpc_Operator": "gateway"}
        more["vpc_Amount"] = to_onepay_amount(refund.amount_dong)
        return self._call("refund", REFUND, {**self._about("refund", refund_id_of(refund)), **more})

    def read_refunded(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read the answer: 0 is refunded; no code is known to prove a refusal."""
        fields = self._answered(reply)
        return self._of_refund(refund, fields, says_so=fields.get("vpc_Command") == "refund")

    def query_refund(self, refund: RefundOrder, moment: Moment) -> Call:
        """Ask `queryDR` by the refund's own id (unconfirmed: it may know payments only)."""
        return self._ask("query_refund", refund_id_of(refund))

    def read_refund_queried(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read the answer; "does not exist" proves nothing: it may be about payments only."""
        fields = self._answered(reply)
        says_so = (fields.get("vpc_DRExists"), fields.get("vpc_Command")) == ("Y", "refund")
        return self._of_refund(refund, fields, says_so=says_so)

    def _about(self, command: str, reference: str) -> dict[str, str]:
        who = {"vpc_Merchant": self.merchant, "vpc_AccessCode": self.config.access_code}
        return {"vpc_Version": "2", "vpc_Command": command, "vpc_MerchTxnRef": reference, **who}

    def _ask(self, operation: str, reference: str) -> Call:
        password = self.config.password.get_secret_value()
        who = {"vpc_User": self.config.user, "vpc_Password": password}
        return self._call(operation, QUERY, {**self._about("queryDR", reference), **who})

    def _call(self, operation: str, path: str, fields: dict[str, str]) -> Call:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return Call(operation, self.config.host + path, self._signed(fields).encode(), headers=kind)

    def _signed(self, fields: dict[str, str]) -> str:
        return urlencode({**fields, "vpc_SecureHash": self._sign(fields)})

    def _sign(self, fields: Mapping[str, str]) -> str:
        return sign(self.config.hash_key.get_secret_value(), canonical(fields))

    def _ticket(self, payer_ip: str) -> str:
        address = ip_address(payer_ip)
        plain = str(getattr(address, "ipv4_mapped", None) or address)
        return plain if len(plain) <= 15 else self.config.server_ip  # noqa: PLR2004

    def _answered(self, reply: Reply) -> dict[str, str]:
        if reply.status != 200:  # noqa: PLR2004
            raise Unreadable(what=f"HTTP status {reply.status}")
        fields = read_fields(reply.body.strip())
        if not fields.keys() & {"vpc_DRExists", "vpc_TxnResponseCode"}:
            raise Unreadable(what="answer")
        if _signature_of(fields):
            check_signature(self._sign(fields), _signature_of(fields))
        return fields

    def _of_refund(self, refund: RefundOrder, fields: dict[str, str], *, says_so: bool) -> Finding:
        finding = self._weighed(fields, REFUND_CODES if says_so else {})
        is_ours = finding.reference == refund_id_of(refund)
        return replace(finding, reference=refund.reference) if is_ours else finding

    def _weighed(self, fields: Mapping[str, str], codes: Mapping[str, Outcome]) -> Finding:
        finding = _found(fields, codes)
        if _signature_of(fields) or self.config.trust_unsigned_answers:
            return finding
        is_proof = finding.outcome in {Outcome.SUCCEEDED, Outcome.FAILED}
        return replace(finding, outcome=Outcome.UNKNOWN) if is_proof else finding


def canonical(fields: Mapping[str, str]) -> str:
    """Write what is signed; the order is ASCII's: `vpc_MerchTxnRef` before `vpc_Merchant`."""
    names = {name for name in fields if name.startswith(("vpc_", "user_")) and fields[name]}
    names -= {"vpc_SecureHash", "vpc_SecureHashType"}
    return "&".join(f"{name}={fields[name]}" for name in sorted(names))


def sign(key: str, text: str) -> str:
    """HMAC-SHA256 in capital hex over the UTF-8 of `text`; the key is hex, used decoded."""
    return hmac.new(bytes.fromhex(key), text.encode(), hashlib.sha256).hexdigest().upper()


def read_fields(form: bytes) -> dict[str, str]:
    """Read OnePay's own fields of a form: none twice, and none with a card's number."""
    try:
        pairs = Incoming("POST", form.decode()).query_pairs()
    except UnicodeDecodeError as error:
        raise Unreadable(what="form") from error
    pairs = [pair for pair in pairs if pair[0].startswith(("vpc_", "user_"))]
    fields = dict(pairs)
    text = "".join(map("".join, pairs))
    # An & or an = of a name would let text move from one signed field into another unseen.
    if len(fields) != len(pairs) or not text.isprintable() or "&" in text or "=" in "".join(fields):
        raise Unreadable(what="form")
    if any(is_card_number(value) for name, value in pairs if name not in NO_CARD):
        raise Unreadable(what="a field that holds a card's number")
    return fields


def is_card_number(text: str) -> bool:
    """Say whether a text is 13 to 19 digits that Luhn's check takes for a card's number."""
    digits = text.replace(" ", "").replace("-", "")
    if not _DIGITS.fullmatch(digits):
        return False
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(map(int, digits[-1::-2]))) % 10 == 0


def refund_id_of(refund: RefundOrder) -> str:
    """Derive the vpc_MerchTxnRef of a refund: 32 hex digits, the same for ever."""
    return hashlib.sha256(refund.reference.encode()).hexdigest()[:32]


def to_order_info(text: str) -> str:
    """Write Vietnamese without diacritics or special characters, 32 at most; no card's number."""
    info = plain_words(text)[:32].rstrip()
    return "" if is_card_number(info) else info


def to_onepay_amount(amount_dong: int) -> str:
    """OnePay counts in hundredths of a đồng."""
    return str(amount_dong * 100)


def _signature_of(fields: Mapping[str, str]) -> str:
    return fields.get("vpc_SecureHash", "").upper()


def _found(fields: Mapping[str, str], codes: Mapping[str, Outcome]) -> Finding:
    code, number = fields.get("vpc_TxnResponseCode", ""), fields.get("vpc_TransactionNo", "")
    amount = _AMOUNT.fullmatch(fields.get("vpc_Amount", ""))
    if amount is None:
        raise Unreadable(what="vpc_Amount")
    is_dong = fields.get("vpc_CurrencyCode") in {None, "", "VND"}
    paid_at, at = None, fields.get("vpc_PaymentTime", "")
    with suppress(ValueError):
        paid_at = datetime.strptime(at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return Finding(
        codes.get(code, Outcome.UNKNOWN),
        code,
        fields.get("vpc_Message", ""),
        reference=fields.get("vpc_MerchTxnRef") or None,
        amount_dong=int(amount[1]) if amount[1] and is_dong else None,
        merchant=fields.get("vpc_Merchant") or None,
        provider_id=number if number not in {"", "0"} else None,
        paid_at=paid_at,
    )
