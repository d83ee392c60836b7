"""VietQR: the payer scans a QR with any bank's app and transfers to our account; nobody is called.

Units: whole đồng. Nothing is signed: the QR is a text that anybody can write, so it proves nothing.
That the money arrived is told by a credit notice of another provider, and the money finds its
attempt by the code that stands first in the purpose (`domain/order_code.py`), or by the attempt's
own virtual account where the bank gives us a range of them.

Sources: NAPAS QR specification v1.0 (09/2021) and v1.5.2, read 2026-11-24.
"""

import re
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from pydantic import Field

from gateway.domain import emvqr, order_code
from gateway.domain.biller import Channel
from gateway.domain.evidence import Finding
from gateway.domain.folding import plain_words
from gateway.kit import abilities
from gateway.kit.abilities import TakesPayments
from gateway.kit.messages import NextAction, Opened, Order, Reply, Unreadable

_CUSTOMER_CODE: Final = re.compile(r"[A-Z]{2}[0-9]{6,}")


class Config(abilities.Config):
    """`GATEWAY_VIETQR__…`: the account into which the payers transfer."""

    bank_bin: str = Field(pattern=r"^[0-9]{6}$")
    """The bank's number at NAPAS, `970436` for Vietcombank."""
    account: str = Field(pattern=r"^[0-9A-Za-z]{1,19}$")
    account_name: str = Field(min_length=1, max_length=70)
    virtual_account_prefix: str = Field(default="", pattern=r"^[0-9A-Z]{0,8}$")
    """What our virtual accounts begin with; empty if the bank gives us none."""
    purpose_max: int = Field(
        default=emvqr.PURPOSE_MAX, ge=emvqr.PURPOSE_MAX, le=emvqr.LONG_PURPOSE_MAX
    )
    """Over 25 the specification is left, and some banks' apps cut."""
    credits: str = Field(default="", pattern=r"^[a-z0-9_]*$")
    """The provider that tells us what arrives on this account; for whoever reads the settings."""


class VietQr(TakesPayments[Config]):
    """A QR for each attempt; it neither answers nor tells, and can be paid for ever."""

    code, title = "vietqr", "VietQR"
    channels = frozenset({Channel.QR})
    Config: ClassVar[type[abilities.Config]] = Config
    amount_max_dong = emvqr.AMOUNT_MAX_DONG
    is_paid_by_credits = True

    @property
    def merchant(self) -> str:
        """The account."""
        return self.config.account

    def reference_of(self, attempt_id: UUID, created_at: datetime) -> str:
        """Give the code by which the money finds its attempt."""
        return order_code.of_attempt(attempt_id)

    def create(self, order: Order) -> Opened:
        """Write the QR; no call is made, and nobody but the payer learns of it."""
        prefix = self.config.virtual_account_prefix
        qr = emvqr.TransferQr(
            self.config.bank_bin,
            f"{prefix}{order.reference}" if prefix else self.config.account,
            order.amount_dong,
            purpose_of(order, self.config.purpose_max),
            is_dynamic=True,
        )
        has_long_purpose = self.config.purpose_max > emvqr.PURPOSE_MAX
        content = emvqr.encode(qr, has_long_purpose=has_long_purpose)
        memory = {"account_name": self.config.account_name}
        return Opened(NextAction(qr_content=content), memory=memory)

    def read_created(self, order: Order, reply: Reply) -> Opened | Finding:
        """Refuse: no call opens an order here, so there is no answer to one."""
        raise Unreadable(what="the answer to a call that there is not")


def purpose_of(order: Order, most: int) -> str:
    """Give the purpose: the code first, since banks cut at the end, then who it is for if it fits.

    A customer code is what a person at the bank or the biller can find without us.
    """
    words = plain_words(order.text).upper().split()
    customer = next((word for word in words if _CUSTOMER_CODE.fullmatch(word)), "")
    whole = f"{order.reference} {customer}".rstrip()
    return whole if len(whole) <= most else order.reference
