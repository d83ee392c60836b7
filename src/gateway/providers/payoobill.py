"""Payoo's bill side: what its billers' customers owe, and clearing it out of our deposit there.

Units: whole đồng. Clocks: Vietnam. Signature: RSA (PKCS#1 v1.5) with SHA-256 over the text of
`Data`, base64, in the header `Signature`; of an answer by the profile `payoo-bill-be/1.0`, held
against Payoo's key where there is one. Code 1 of a payment is taken by Payoo and not yet cleared at
the biller: never a failure. Codes that stand in no table here are UNKNOWN, and the status is asked.

Source, read 2026-11-24: a public bank's connector to Payoo (one implementation).
docs/providers/payoobill.md says what is open.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from pydantic import Field, SecretStr, field_validator

from gateway.domain.clock import VIETNAM
from gateway.domain.posting import Clearing, Undoing
from gateway.kit import abilities, rsa_keys
from gateway.kit.abilities import ClearsDebt, LooksUpBills
from gateway.kit.messages import (
    Call,
    Cleared,
    Moment,
    Owed,
    OwedBill,
    Posting,
    PostingLine,
    Reply,
    Undone,
    Unreadable,
)
from gateway.kit.payload import body_of, dong_of, integer_of, read_exact, text_of

NO_CUSTOMER = 4
# None yet, unknown code or none, paid already, booking paid or over, order over: nothing to pay.
NOTHING_TO_PAY = frozenset({3, -109, -106, -107, -110})
_REFUSED = (-1, -4, -112, -113, -114, -115, -116, -117, -118, -119)
PAID = {
    0: Clearing.CLEARED,
    1: Clearing.PENDING,
    -7: Clearing.FLOAT_EMPTY,
    -28: Clearing.LOCKED,
    -111: Clearing.PAID_BY_OTHER,
    **dict.fromkeys(_REFUSED, Clearing.REFUSED),
    **dict.fromkeys((2001, 2004, 2005), Clearing.SET_UP_WRONG),
}
# Of a sub-code, which says more of -9: a failure only; nothing is proved paid by one.
_SUB_PAID = {code: said for code, said in PAID.items() if code not in {0, 1}}
READ_SUB_CODE, NOT_FOUND = -9, -2
STATUSES = {
    1: Clearing.CLEARED,
    **dict.fromkeys((2, 5), Clearing.REFUSED),
    **dict.fromkeys((0, 3, 4), Clearing.PENDING),
}
UNDONE = {Clearing.CLEARED: Undoing.TOO_LATE, Clearing.REFUSED: Undoing.NOTHING_TO_UNDO}
ANY_ORDER, OLDEST_FIRST, ALL_TOGETHER, PARTIAL = range(4)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
_MONTH = re.compile(r"(0?[1-9]|1[0-2])/(20[0-9]{2})", re.ASCII)


class Config(abilities.Config):
    """`GATEWAY_PAYOOBILL__…`: everything comes with the contract, so nothing of it has a default.

    `visibility_s` is how long "not found" is not believed: the sheet's query window.
    """

    url: str = Field(pattern=r"^https?://[^\s?#@]+$")
    partner_code: str = Field(pattern=r"^[\w.-]{1,32}$")
    user_id: str = Field(pattern=r"^[\w.-]{1,32}$")
    service_id: str = Field(pattern=r"^[\w.-]{1,32}$")
    provider_id: str = Field(pattern=r"^[\w.-]{1,32}$")
    channel: str = Field(pattern=r"^[\w.-]{1,32}$")
    contact_phone: str = Field(pattern=r"^[0-9+]{8,15}$")
    """Ours: no payer's number is told."""
    private_key: SecretStr
    """Ours, PEM, RSA: the key of the PFX."""
    public_key: str
    """Payoo's, PEM, RSA."""
    visibility_s: float = Field(default=900.0, ge=0, le=86400)

    @field_validator("private_key")
    @classmethod
    def _is_private(cls, key: SecretStr) -> SecretStr:
        rsa_keys.read_private_key(key.get_secret_value())
        return key

    @field_validator("public_key")
    @classmethod
    def _is_public(cls, key: str) -> str:
        rsa_keys.read_public_key(key)
        return key


class PayooBill(LooksUpBills[Config], ClearsDebt[Config]):
    """QueryBillBE, PayBillBE, GetTransactionStatusBE; it gives no list, and nothing undoes."""

    code, title = "payoobill", "Payoo Bill"
    channels = frozenset()
    Config = Config
    private_fields = frozenset({"CustomerName", "Address", "IdentityCode"})
    lines_max = 1

    @cached_property
    def _keys(self) -> tuple[rsa.RSAPrivateKey, rsa.RSAPublicKey]:
        private = rsa_keys.read_private_key(self.config.private_key.get_secret_value())
        return private, rsa_keys.read_public_key(self.config.public_key)

    @property
    def merchant(self) -> str:
        """Our code as a partner."""
        return self.config.partner_code

    # ── what is owed ─────────────────────────────────────────────────────────────────────────

    def look_up(self, customer_code: str, moment: Moment) -> Call:
        """Ask QueryBillBE."""
        about = {"ProviderId": self.config.provider_id, "ServiceId": self.config.service_id}
        asked = {"SearchValue": customer_code, **about, "ChannelPerform": self.config.channel}
        return self._call(
            "look_up", "QueryBillBE", {"UserId": self.config.user_id, **asked}, moment
        )

    def read_looked_up(self, customer_code: str, reply: Reply) -> Owed | None:
        """Read the bills; a code that is neither 0, nor nothing to pay, says nothing."""
        data = self._data(reply)
        code = _code(data)
        if code == NO_CUSTOMER:
            return None
        if code in NOTHING_TO_PAY:
            return Owed("", "", ())
        if code != 0:
            raise Unreadable(what=f"ReturnCode {code}")
        rows = _rows(data, customer_code, self.config)
        bills = tuple(sorted(map(_owed, rows), key=lambda bill: bill.period))
        if len({bill.id for bill in bills}) != len(bills):
            raise Unreadable(what="BillId")
        first: Mapping[str, Any] = rows[0] if rows else {}
        owed = tuple(bill for bill in bills if bill.amount_dong > 0)
        return Owed(text_of(first, "CustomerName"), text_of(first, "Address"), owed)

    # ── clearing it ──────────────────────────────────────────────────────────────────────────

    def clear(self, posting: Posting, moment: Moment) -> Call:
        """Ask PayBillBE for the one bill; SystemTrace is its own number of ours."""
        line, config = posting.lines[0], self.config
        asked = {
            "UserId": config.user_id,
            "BillIds": line.bill_id,
            "ContactPhone": config.contact_phone,
            "SystemTrace": line.reference,
            "TransactionTime": stamp(posting.paid_at),
            "ChannelPerform": config.channel,
            "MoneyTotal": line.amount_dong,
            "PaymentFee": int(line.memory.get("fee", "0")),
        }
        return self._call("clear", "PayBillBE", asked, moment)

    def read_cleared(self, posting: Posting, reply: Reply) -> Sequence[Cleared]:
        """Read the code; an answer with another SystemTrace is another's."""
        data, line = self._data(reply), posting.lines[0]
        if text_of(data, "Systemtrace") not in {"", line.reference}:
            raise Unreadable(what="Systemtrace")
        code = _code(data)
        if code != READ_SUB_CODE:
            return [Cleared(PAID.get(code, Clearing.UNKNOWN), str(code))]
        sub_code = integer_of(data, "SubReturnCode")
        said = Clearing.UNKNOWN if sub_code is None else _SUB_PAID.get(sub_code, Clearing.UNKNOWN)
        return [Cleared(said, f"{code}/{'' if sub_code is None else sub_code}")]

    def check(self, posting: Posting, line: PostingLine, moment: Moment) -> Call:
        """Ask GetTransactionStatusBE by SystemTrace."""
        return self._ask_status("check", posting, line, moment)

    def read_checked(self, posting: Posting, line: PostingLine, reply: Reply) -> Cleared:
        """Read the status; "not found" is believed by the house after `visibility_s` only."""
        data = self._data(reply)
        code = _code(data)
        if code != 0:
            said = Clearing.NOT_CLEARED if code == NOT_FOUND else Clearing.UNKNOWN
            return Cleared(said, str(code))
        status = integer_of(data, "Status")
        if status is None:
            raise Unreadable(what="Status")
        return Cleared(STATUSES.get(status, Clearing.UNKNOWN), f"0/{status}")

    def undo(self, posting: Posting, line: PostingLine, moment: Moment) -> Call:
        """Ask how the payment stands: Payoo has no call that undoes one."""
        return self._ask_status("undo", posting, line, moment)

    def read_undone(self, posting: Posting, line: PostingLine, reply: Reply) -> Undone:
        """Read the status: what is paid stays paid, and a person agrees with Payoo on it."""
        found = self.read_checked(posting, line, reply)
        return Undone(UNDONE.get(found.said, Undoing.UNKNOWN), found.code)

    def _ask_status(
        self, operation: str, posting: Posting, line: PostingLine, moment: Moment
    ) -> Call:
        times = {"RequestTime": stamp(moment.now), "TransactionTime": stamp(posting.paid_at)}
        asked = {"SystemTrace": line.reference, **times}
        return self._call(operation, "GetTransactionStatusBE", asked, moment)

    # ── the wire ─────────────────────────────────────────────────────────────────────────────

    def _call(self, operation: str, name: str, fields: Mapping[str, Any], moment: Moment) -> Call:
        data = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        headers = {
            "content-type": "application/json",
            "PARTNERCODE": self.config.partner_code,
            "Operation": name,
            "RequestTime": stamp(moment.now),
            "Signature": rsa_keys.sign(self._keys[0], data.encode(), SHA256()),
        }
        body = json.dumps({"Data": data}, ensure_ascii=False).encode()
        return Call(operation, f"{self.config.url}/execute", body, headers=headers)

    def _data(self, reply: Reply) -> dict[str, Any]:
        data = text_of(read_exact(body_of(reply)), "Data").encode()
        signature = reply.headers.get("signature")
        if signature is not None:
            rsa_keys.verify(self._keys[1], signature, data, SHA256())
        return read_exact(data)


def stamp(moment: datetime) -> str:
    """Write an instant as Payoo does: 14 digits, Vietnam's."""
    return moment.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")


def _code(data: Mapping[str, Any]) -> int:
    code = integer_of(data, "ReturnCode")
    if code is None:
        raise Unreadable(what="ReturnCode")
    return code


def _rows(data: Mapping[str, Any], customer_code: str, config: Config) -> list[dict[str, Any]]:
    rows = data.get("Bills") or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unreadable(what="Bills")
    ours = {
        "CustomerId": customer_code,
        "ServiceId": config.service_id,
        "ProviderId": config.provider_id,
    }
    for row in rows:
        if any(text_of(row, name) != value for name, value in ours.items()):
            raise Unreadable(what="whose bill it is")
    rules = {integer_of(row, "PaymentRule") or ANY_ORDER for row in rows}
    # We pay one bill a call, so what must be paid with others cannot be paid here.
    if rules - {ANY_ORDER, OLDEST_FIRST, PARTIAL} and not (
        rules == {ALL_TOGETHER} and len(rows) == 1
    ):
        raise Unreadable(what="PaymentRule")
    return rows


def _owed(row: Mapping[str, Any]) -> OwedBill:
    number, month = text_of(row, "BillId"), _MONTH.fullmatch(text_of(row, "Month"))
    amount_dong, fee_dong = dong_of(row, "MoneyAmount"), dong_of(row, "PaymentFee") or 0
    if not _ID.fullmatch(number) or month is None or amount_dong is None:
        raise Unreadable(what="a bill")
    memory = {"fee": str(fee_dong)} if fee_dong else {}
    return OwedBill(number, date(int(month[2]), int(month[1]), 1), amount_dong, memory)
