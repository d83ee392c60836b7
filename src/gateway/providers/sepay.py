"""SePay: watches our bank account and tells of each movement; it takes no payments itself.

Units: whole đồng. Proof of the sender, by setting `proof`: `apikey`, a fixed key in a header; or an
HMAC-SHA256 in hex, after `sha256=` or bare, over timestamp, point and raw body (`sepay-hmac/0.1`:
`hmac`), or over the raw body alone (`hmac_body`, as one community package signs), not older than
five minutes. SePay can also send without any proof; this is not offered here.

Sources: docs.sepay.vn (bodies, Apikey, retries), several public clients for the HMAC, whose text
SePay does not publish; read 2026-11-24.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, SecretStr

from gateway.domain.biller import Channel
from gateway.kit import abilities, messages
from gateway.kit.abilities.credits import Credit, NotifiesCredits
from gateway.kit.messages import Incoming, SignatureWrong, Unreadable
from gateway.kit.payload import (
    check_signature,
    dong_of,
    id_of,
    read_exact,
    text_of,
    vietnam_time_of,
)

FRESH: Final = timedelta(minutes=5)
OF_MAIN: Final = (
    *("id", "transferAmount", "subAccount", "referenceCode", "code", "transactionDate"),
)
OF_HUB: Final = (
    *("transaction_id", "amount", "va", "reference_code", "payment_code", "transaction_date"),
)
"""Number, amount, virtual account, bank's reference, code and time in the two kinds of body."""
DIRECTIONS: Final = {"in": True, "credit": True, "out": False, "debit": False}
# The button "send a trial" of SePay's dashboard writes this, about an account that nobody has.
TRIAL: Final = "Giao dich thu nghiem"


class Config(abilities.Config):
    """`GATEWAY_SEPAY__…`; the key is of whichever kind `proof` says."""

    account: str = Field(pattern=r"^[0-9A-Za-z_-]{1,40}(,[0-9A-Za-z_-]{1,40})*$")
    """Our accounts' numbers, or `bank_account_xid`, with commas; a notice of another is refused."""
    proof: Literal["apikey", "hmac", "hmac_body"] = "apikey"
    key: SecretStr = Field(min_length=8)


class SePay(NotifiesCredits[Config]):
    """SePay's webhook, its main body and that of BankHub."""

    code, title = "sepay", "SePay"
    channels = frozenset({Channel.QR})
    Config: ClassVar[type[abilities.Config]] = Config

    @property
    def merchant(self) -> str:
        """The first of our accounts."""
        return self.config.account.partition(",")[0]

    def read_credits(self, incoming: Incoming) -> Sequence[Credit]:
        """Read one movement; money that went out, and SePay's trial, bring none."""
        self._check(incoming)
        fields = read_exact(incoming.body)
        is_hub = "transaction_id" in fields
        is_in = DIRECTIONS.get(text_of(fields, "transfer_type" if is_hub else "transferType"))
        if is_in is None:
            raise Unreadable(what="transferType")
        account = self._account_of(fields)
        if not is_in or (account is None and text_of(fields, "content").startswith(TRIAL)):
            return ()
        if account is None:
            raise Unreadable(what="accountNumber: it is not ours, so its notice")
        return (_credit(fields, account, OF_HUB if is_hub else OF_MAIN),)

    def acknowledge_credits(self, verdict: messages.Verdict) -> messages.Acknowledgement:
        """Answer `{"success":true}`; anything else is sent again, seven times at most."""
        status = {messages.Verdict.TRY_LATER: 503, messages.Verdict.REFUSED: 401}.get(verdict, 200)
        body = b'{"success":true}' if status == 200 else b'{"success":false}'  # noqa: PLR2004
        return messages.Acknowledgement(status, body, "application/json")

    def _check(self, incoming: Incoming) -> None:
        key = self.config.key.get_secret_value()
        if self.config.proof == "apikey":
            scheme, _, given = incoming.headers.get("authorization", "").partition(" ")
            check_signature(key, given.strip() if scheme.lower() == "apikey" else None)
            return
        stamp = incoming.headers.get("x-sepay-timestamp", "")
        given = incoming.headers.get("x-sepay-signature", "").strip().lower()
        head = f"{stamp}.".encode() if self.config.proof == "hmac" else b""
        check_signature(sign(key, head + incoming.body), given.removeprefix("sha256="))
        _check_age(incoming, stamp)

    def _account_of(self, fields: Mapping[str, Any]) -> str | None:
        names = ("accountNumber", "account_number", "bank_account_xid")
        named = {text_of(fields, name) for name in names}
        return next((ours for ours in self.config.account.split(",") if ours in named), None)


def sign(key: str, text: bytes) -> str:
    """HMAC-SHA256 in lower hex."""
    return hmac.new(key.encode(), text, hashlib.sha256).hexdigest()


def _check_age(incoming: Incoming, stamp: str) -> None:
    """Refuse what is five minutes off; under `hmac_body` the time itself is not signed."""
    if not re.fullmatch(r"[0-9]{1,12}", stamp) or incoming.received_at is None:
        raise SignatureWrong
    age_s = incoming.received_at.timestamp() - int(stamp)
    if abs(age_s) > FRESH.total_seconds():
        raise SignatureWrong


def _credit(fields: Mapping[str, Any], account: str, names: Sequence[str]) -> Credit:
    number, amount, sub_account, reference, code, at = names
    key, amount_dong = id_of(fields, number), dong_of(fields, amount)
    if not key or not amount_dong:
        raise Unreadable(what=f"{number} or {amount}")
    return Credit(
        key=key,
        amount_dong=amount_dong,
        account=account,
        virtual_account=id_of(fields, sub_account),
        bank_reference=id_of(fields, reference),
        text=text_of(fields, "content"),
        order_code=id_of(fields, code),
        at=vietnam_time_of(fields, at),
    )
