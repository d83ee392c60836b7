"""BVBank's (Ban Viet) virtual accounts: the bank tells of each booking on the account behind them.

Units: whole đồng. Signature: RSA with SHA-256 (PKCS#1 v1.5) over the raw body, in base64 in the
header `signature`; we hold the bank's public key, so nothing of ours is secret.

Source: a public multi-bank Java gateway (vccb_va), read 2026-11-24. BVBank publishes no document;
the answer that it expects is our proposal `bvbank-va/0.1`.
"""

import base64
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from pydantic import Field, SecretStr, field_validator

from gateway.domain.biller import Channel
from gateway.kit import abilities, messages
from gateway.kit.abilities.credits import Credit, NotifiesCredits
from gateway.kit.messages import Incoming, SignatureWrong, Unreadable
from gateway.kit.payload import dong_of, id_of, read_exact, text_of, vietnam_time_of

KEY_BITS_MIN: Final = 2048


class Config(abilities.Config):
    """`GATEWAY_BVBANKVA__…`; all of it comes with the contract."""

    account: str = Field(pattern=r"^[0-9A-Za-z]{6,24}$")
    """The account behind the virtual ones; a notice about another one is refused."""
    public_key: SecretStr = Field(min_length=100)
    """The bank's public key, in PEM: whoever could change it could forge notices."""
    date_format: str = Field(default="", max_length=30)
    """How txnInitDt is written, as Python's strptime calls it (unconfirmed); empty: ISO 8601."""

    @field_validator("public_key")
    @classmethod
    def _is_rsa(cls, pem: SecretStr) -> SecretStr:
        _key(pem)
        return pem


class BvBankVa(NotifiesCredits[Config]):
    """BVBank's notices about its virtual accounts."""

    code, title = "bvbankva", "BVBank virtual accounts"
    channels = frozenset({Channel.QR})
    Config: ClassVar[type[abilities.Config]] = Config

    @property
    def merchant(self) -> str:
        """The account."""
        return self.config.account

    def read_credits(self, incoming: Incoming) -> Sequence[Credit]:
        """Read one booking; a debit brings nothing in."""
        self._check(incoming)
        data = read_exact(incoming.body).get("data")
        if not isinstance(data, dict):
            raise Unreadable(what="data")
        if text_of(data, "drcr") == "D":
            return ()
        return (self._credit(data),)

    def acknowledge_credits(self, verdict: messages.Verdict) -> messages.Acknowledgement:
        """Answer by `bvbank-va/0.1`: 200 and code 00 once it is written down."""
        status = {messages.Verdict.TRY_LATER: 503, messages.Verdict.REFUSED: 401}.get(verdict, 200)
        code = b"00" if status == 200 else b"99"  # noqa: PLR2004
        return messages.Acknowledgement(status, b'{"code":"%s"}' % code, "application/json")

    @cached_property
    def _bank_key(self) -> rsa.RSAPublicKey:
        return _key(self.config.public_key)

    def _check(self, incoming: Incoming) -> None:
        try:
            given = base64.b64decode(incoming.headers.get("signature", ""), validate=True)
            self._bank_key.verify(given, incoming.body, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError) as error:
            raise SignatureWrong from error

    def _credit(self, data: Mapping[str, Any]) -> Credit:
        number, entry = id_of(data, "trnRefNo"), id_of(data, "acEntrySrNo")
        amount_dong = dong_of(data, "lcyAmount")
        if text_of(data, "drcr") != "C" or text_of(data, "ccy") != "VND":
            raise Unreadable(what="drcr or ccy")
        if text_of(data, "accNo") != self.config.account:
            raise Unreadable(what="accNo: it is not ours, so its notice")
        if not number or not amount_dong:
            raise Unreadable(what="trnRefNo or lcyAmount")
        return Credit(
            key=f"{number}:{entry or ''}",
            amount_dong=amount_dong,
            account=self.config.account,
            virtual_account=id_of(data, "relatedAccount"),
            bank_reference=id_of(data, "externalRefNo") or number,
            text=text_of(data, "narrative"),
            order_code=None,
            at=vietnam_time_of(data, "txnInitDt", self.config.date_format or None),
        )


def _key(pem: SecretStr) -> rsa.RSAPublicKey:
    key = serialization.load_pem_public_key(pem.get_secret_value().encode())
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < KEY_BITS_MIN:
        message = f"not a public RSA key of {KEY_BITS_MIN} bits or more"
        raise ValueError(message)
    return key
