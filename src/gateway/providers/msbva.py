"""MSB's virtual accounts: the bank tells of each transfer into one of them.

Units: whole đồng. Signature: SHA-256 in hex over the access code and, without anything between
them, tranSeq, tranDate, vaNumber, tranAmount, fromAccountNumber and toAccountNumber. Because
nothing stands between them, text could move from one field into the next unseen: so our account,
the beginning and length of the virtual account, and the form of date and accounts are checked.

Source: a public multi-bank Java gateway (msb_va), read 2026-11-24. MSB publishes no document; the
answer that it expects is our proposal `msb-va/0.1`.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from pydantic import Field, SecretStr

from gateway.domain.biller import Channel
from gateway.kit import abilities, messages
from gateway.kit.abilities.credits import Credit, NotifiesCredits
from gateway.kit.messages import Incoming, Unreadable
from gateway.kit.payload import (
    check_signature,
    dong_of,
    id_of,
    read_exact,
    text_of,
    vietnam_time_of,
)

SIGNED: Final = (
    "tranSeq",
    "tranDate",
    "vaNumber",
    "tranAmount",
    "fromAccountNumber",
    "toAccountNumber",
)
_FROM = re.compile(r"[0-9A-Za-z]{6,19}")
_AMOUNT = re.compile(r"[1-9][0-9]{0,14}")


class Config(abilities.Config):
    """`GATEWAY_MSBVA__…`; all of it comes with the contract."""

    account: str = Field(pattern=r"^[0-9A-Za-z]{6,24}$")
    """The account behind the virtual ones; a notice about another one is refused."""
    virtual_account_prefix: str = Field(pattern=r"^[0-9A-Z]{1,12}$")
    virtual_account_length: int = Field(default=19, ge=6, le=24)
    date_format: str = Field(default="%Y%m%d%H%M%S", min_length=6, max_length=30)
    """How tranDate is written, as Python's strptime calls it (unconfirmed)."""
    access_code: SecretStr = Field(min_length=8)


class MsbVa(NotifiesCredits[Config]):
    """MSB's notices about its virtual accounts."""

    code, title = "msbva", "MSB virtual accounts"
    channels = frozenset({Channel.QR})
    Config: ClassVar[type[abilities.Config]] = Config
    private_fields = frozenset(("fromAccountName", "fromAccountNumber"))

    @property
    def merchant(self) -> str:
        """The account."""
        return self.config.account

    def read_credits(self, incoming: Incoming) -> Sequence[Credit]:
        """Read one transfer into a virtual account."""
        fields = read_exact(incoming.body)
        key = self.config.access_code.get_secret_value()
        check_signature(sign(key, fields), text_of(fields, "signature").lower())
        self._check_limits(fields)
        number, amount_dong = id_of(fields, "tranSeq"), dong_of(fields, "tranAmount")
        if not number or not amount_dong:
            raise Unreadable(what="tranSeq or tranAmount")
        return (
            Credit(
                key=number,
                amount_dong=amount_dong,
                account=self.config.account,
                virtual_account=id_of(fields, "vaNumber"),
                bank_reference=number,
                text=text_of(fields, "tranRemark"),
                order_code=None,
                at=vietnam_time_of(fields, "tranDate", self.config.date_format),
            ),
        )

    def acknowledge_credits(self, verdict: messages.Verdict) -> messages.Acknowledgement:
        """Answer by `msb-va/0.1`: 200 and code 00 once it is written down, else another status."""
        status = {messages.Verdict.TRY_LATER: 503, messages.Verdict.REFUSED: 401}.get(verdict, 200)
        code = b"00" if status == 200 else b"99"  # noqa: PLR2004
        return messages.Acknowledgement(status, b'{"code":"%s"}' % code, "application/json")

    def _check_limits(self, fields: Mapping[str, Any]) -> None:
        """See that each signed text begins and ends where it must, for nothing separates them."""
        virtual = text_of(fields, "vaNumber")
        is_ours = virtual.startswith(self.config.virtual_account_prefix)
        if not is_ours or len(virtual) != self.config.virtual_account_length:
            raise Unreadable(what="vaNumber: it is not ours, so its notice")
        if text_of(fields, "toAccountNumber") != self.config.account:
            raise Unreadable(what="toAccountNumber: it is not ours, so its notice")
        if not _FROM.fullmatch(text_of(fields, "fromAccountNumber")):
            raise Unreadable(what="fromAccountNumber")
        if not _AMOUNT.fullmatch(text_of(fields, "tranAmount")):
            raise Unreadable(what="tranAmount")


def sign(access_code: str, fields: Mapping[str, Any]) -> str:
    """Give the SHA-256 of access code and signed fields, in lower hex."""
    text = access_code + "".join(text_of(fields, name) for name in SIGNED)
    return hashlib.sha256(text.encode()).hexdigest()
