"""Casso: watches our bank account and tells of each movement; it takes no payments itself.

Units: whole đồng; what goes out is below zero. Signature (v2): HMAC-SHA512 in lower hex over
timestamp, point and the body as JavaScript writes it with its names sorted at every level, in
raw UTF-8 and without escaped slashes. (v1: a fixed text in a header.)

The vendor's sample in Python escapes what is not ASCII and refuses genuine notices in Vietnamese;
that in PHP escapes slashes. Ours follows JavaScript, and takes the raw body where it is that text.

Sources: CassoHQ/casso-webhook-v2-verify-signature 0bfff922, developer.casso.vn, read 2026-11-24.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
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
    read_object,
    text_of,
    vietnam_time_of,
)

_SIGNED = re.compile(r"t=([0-9]{1,16}),\s*v1=([0-9A-Fa-f]{128})")
# Id, account, virtual account, bank's reference, time: as v2 and v1 call them.
_V2: Final = ("accountNumber", "virtualAccountNumber", "reference", "transactionDateTime")
_V1: Final = ("bank_sub_acc_id", "virtualAccount", "tid", "when")
TRIAL_ID: Final = "0"
"""The id of the movement in a trial call ("Gọi thử"), which is signed like any other."""


class Config(abilities.Config):
    """`GATEWAY_CASSO__…`; the key is the checksum key of v2, or the secure token of v1."""

    account: str = Field(pattern=r"^[0-9A-Za-z]{1,24}(,[0-9A-Za-z]{1,24})*$")
    """Our accounts' numbers, with commas; a notice about another one is refused."""
    version: Literal["v2", "v1"] = "v2"
    key: SecretStr = Field(min_length=8)


class Casso(NotifiesCredits[Config]):
    """Casso's webhook: v2 brings one movement, v1 a list of them."""

    code, title = "casso", "Casso"
    channels = frozenset({Channel.QR})
    Config: ClassVar[type[abilities.Config]] = Config
    private_fields = frozenset(
        ("counterAccountName", "counterAccountNumber", "corresponsiveName", "corresponsiveAccount")
    )

    @property
    def merchant(self) -> str:
        """The first of our accounts."""
        return self.config.account.partition(",")[0]

    def read_credits(self, incoming: Incoming) -> Sequence[Credit]:
        """Read the movements; money that went out, and a trial call, bring none."""
        whole = read_object(incoming.body)
        if "error" in whole and not whole.get("data"):
            return ()  # a trial call without data, which need not be signed: it claims nothing
        self._check(incoming, whole)
        data: Any = read_exact(incoming.body).get("data")
        rows = data if isinstance(data, list) else [data]
        if not all(isinstance(row, dict) for row in rows):
            raise Unreadable(what="data")
        read = [self._credit(row, _V1 if self.config.version == "v1" else _V2) for row in rows]
        return [credit for credit in read if credit is not None]

    def acknowledge_credits(self, verdict: messages.Verdict) -> messages.Acknowledgement:
        """Answer 200 once it is written down; anything else is sent again."""
        status = {messages.Verdict.TRY_LATER: 503, messages.Verdict.REFUSED: 401}.get(verdict, 200)
        body = b'{"success":true}' if status == 200 else b'{"success":false}'  # noqa: PLR2004
        return messages.Acknowledgement(status, body, "application/json")

    def _check(self, incoming: Incoming, whole: Mapping[str, Any]) -> None:
        key = self.config.key.get_secret_value()
        if self.config.version == "v1":
            check_signature(key, incoming.headers.get("secure-token"))
            return
        header = _SIGNED.fullmatch(incoming.headers.get("x-casso-signature", "").strip())
        if header is None:
            raise SignatureWrong
        given = header[2].lower()
        # Whoever can sign the bytes as they are has the key, whatever the order of their names.
        with suppress(SignatureWrong):
            check_signature(sign(key, header[1], incoming.body), given)
            return
        check_signature(sign(key, header[1], canonical(whole)), given)

    def _credit(self, row: Mapping[str, Any], names: Sequence[str]) -> Credit | None:
        account, virtual, reference, at = names
        key, amount = id_of(row, "id"), text_of(row, "amount")
        if key == TRIAL_ID or amount.startswith("-"):
            return None
        if text_of(row, account) not in self.config.account.split(","):
            raise Unreadable(what=f"{account}: it is not ours, so its notice")
        amount_dong = dong_of(row, "amount")
        if not key or not amount_dong:
            raise Unreadable(what="id or amount")
        return Credit(
            key=key,
            amount_dong=amount_dong,
            account=text_of(row, account),
            virtual_account=id_of(row, virtual),
            bank_reference=id_of(row, reference),
            text=text_of(row, "description"),
            order_code=None,
            at=vietnam_time_of(row, at),
        )


def sign(key: str, stamp: str, body: bytes) -> str:
    """HMAC-SHA512 in lower hex over timestamp, point and body."""
    return hmac.new(key.encode(), f"{stamp}.".encode() + body, hashlib.sha512).hexdigest()


def canonical(whole: Mapping[str, Any]) -> bytes:
    """Write JSON as JavaScript does: compact, names sorted at every level, raw UTF-8.

    >>> canonical({"b": 1.0, "a": {"d": "Điện/nước", "c": None}}).decode()
    '{"a":{"c":null,"d":"Điện/nước"},"b":1}'
    """
    text = json.dumps(
        _as_javascript(whole), ensure_ascii=False, separators=(",", ":"), sort_keys=True
    )
    return text.encode()


def _as_javascript(value: Any) -> Any:
    """Write numbers as JavaScript does: 1.0 is 1 there."""
    if isinstance(value, Mapping):
        return {name: _as_javascript(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_as_javascript(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
