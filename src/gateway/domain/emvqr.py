"""The QR of a transfer over the national switch, which every Vietnamese bank's app reads.

Amounts are whole đồng. Text is folded to ASCII when written. Nothing in such a QR makes it valid
once only or for a time: whoever receives the money must know what it is for.

Sources: the switch's QR specification v1.0 (09/2021) and v1.5.2, read 2026-11-24.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.domain.emv_fields import QrRefused, read_row, seal, unseal, write_row
from gateway.domain.folding import printable

SWITCH = "A000000727"
DONG, VIETNAM = "704", "VN"
STATIC, DYNAMIC = "11", "12"
PROMPT = "***"
"""A value that asks the payer's app to have it typed in."""
NAME, CITY, POSTAL, CATEGORY = "59", "60", "61", "52"
"""Identifiers in `others`."""
BILL_NUMBER, MOBILE, STORE, LOYALTY, REFERENCE, CUSTOMER, TERMINAL = (
    f"0{number}" for number in range(1, 8)
)
"""Identifiers in `notes`."""

PURPOSE_MAX, LONG_PURPOSE_MAX = 25, 90
AMOUNT_MAX_DONG = 9_999_999_999_999
_NOTE_MAX = dict.fromkeys((f"0{number}" for number in range(1, 8)), 25) | {"09": 3}
_OTHER_MAX = {"52": 4, "55": 2, "56": 13, "57": 5, "59": 25, "60": 15, "61": 10}
_OURS = frozenset({"00", "01", "38", "53", "54", "58", "62", "63"})
_AMOUNT = re.compile(r"([0-9]{1,13})(?:\.(0*))?")


class Service(StrEnum):
    """What the QR asks the payer's bank to do; others may come, and are kept as they are."""

    TO_ACCOUNT = "QRIBFTTA"
    TO_CARD = "QRIBFTTC"
    MERCHANT = "QRPUSH"
    CASH = "QRCASH"


@dataclass(frozen=True, slots=True)
class TransferQr:
    """What a transfer's QR says.

    `is_dynamic` (12) means one payment, else (11) many; both with or without an amount. `notes` are
    the other fields of the additional data (62), `others` all other fields, by identifier, as
    they came.
    """

    bank_bin: str
    account: str
    amount_dong: int | None = None
    purpose: str = ""
    is_dynamic: bool = False
    service: str = Service.TO_ACCOUNT
    notes: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)


def encode(qr: TransferQr, *, has_long_purpose: bool = False) -> str:
    """Write the text of the QR; its objects stand in ascending order, as all libraries write them.

    The specification allows 25 characters of purpose. `has_long_purpose` allows 90, which some
    banks' apps read and others cut.

    >>> encode(TransferQr("970403", "0011012345678"))
    '00020101021138570010A00000072701270006970403011300110123456780208QRIBFTTA53037045802VN63049E6F'

    Raises:
        QrRefused: a value does not fit; it says which.
    """
    _check_account(qr)
    fields = {
        "00": "01",
        "01": DYNAMIC if qr.is_dynamic else STATIC,
        "38": write_row(
            {
                "00": SWITCH,
                "01": write_row({"00": qr.bank_bin, "01": qr.account}, within="38.01."),
                "02": qr.service,
            },
            within="38.",
        ),
        "53": DONG,
        "54": _written(qr.amount_dong),
        "58": VIETNAM,
        "62": write_row(_notes(qr, has_long_purpose=has_long_purpose), within="62."),
    }
    return seal(write_row(fields | _others(qr)))


def decode(text: str) -> TransferQr:
    """Read the text of a QR: the checksum, then every length by itself, then what it says.

    A right checksum does not mean that the lengths inside are right.

    Raises:
        QrRefused: it is no QR of a transfer, or a broken one; it says which field.
    """
    fields = read_row(unseal(text))
    if next(iter(fields), None) != "00" or fields["00"] != "01":
        raise QrRefused(tag="00", reason="is not 01 at the beginning")
    if "63" in fields:
        raise QrRefused(tag="63", reason="stands before the end too")
    if fields.get("01") not in {STATIC, DYNAMIC}:
        raise QrRefused(tag="01", reason=f"is neither {STATIC} (static) nor {DYNAMIC} (dynamic)")
    _check(fields, "53", DONG)
    _check(fields, "58", VIETNAM)
    bank_bin, account, service = _read_account(fields.get("38"))
    notes = read_row(fields.get("62", ""), within="62.")
    return TransferQr(
        bank_bin,
        account,
        _read_amount(fields.get("54")),
        notes.pop("08", ""),
        is_dynamic=fields["01"] == DYNAMIC,
        service=service,
        notes=notes,
        others={tag: value for tag, value in fields.items() if tag not in _OURS},
    )


def _check(fields: Mapping[str, str], tag: str, due: str) -> None:
    if fields.get(tag) != due:
        raise QrRefused(tag=tag, reason=f"is not {due}")


def _check_account(qr: TransferQr) -> None:
    if not re.fullmatch(r"[0-9]{6}", qr.bank_bin):
        raise QrRefused(tag="38.01.00", reason="is no bank's number of six digits")
    if not re.fullmatch(r"[0-9A-Za-z]{1,19}", qr.account):
        raise QrRefused(tag="38.01.01", reason="is not an account of 1 to 19 letters and digits")
    if not re.fullmatch(r"[0-9A-Z]{1,10}", qr.service):
        raise QrRefused(tag="38.02", reason="is no service of 1 to 10 capital letters and digits")


def _read_account(template: str | None) -> tuple[str, str, str]:
    if template is None:
        raise QrRefused(tag="38", reason="is missing: no account to transfer to")
    outer = read_row(template, within="38.")
    if outer.get("00") != SWITCH:
        raise QrRefused(tag="38.00", reason=f"is not {SWITCH}")
    inner = read_row(outer.get("01", ""), within="38.01.")
    found = TransferQr(
        inner.get("00", ""), inner.get("01", ""), service=outer.get("02", Service.MERCHANT)
    )
    _check_account(found)
    return found.bank_bin, found.account, found.service


def _written(amount_dong: int | None) -> str:
    if amount_dong is None:
        return ""
    if not 0 < amount_dong <= AMOUNT_MAX_DONG:
        raise QrRefused(tag="54", reason="is not an amount of 1 to 13 digits, above zero")
    return str(amount_dong)


def _read_amount(text: str | None) -> int | None:
    if text is None:
        return None
    amount = _AMOUNT.fullmatch(text)
    if amount is None or int(amount[1]) == 0:
        raise QrRefused(tag="54", reason="is not an amount in whole đồng, above zero")
    return int(amount[1])


def _notes(qr: TransferQr, *, has_long_purpose: bool) -> dict[str, str]:
    most = LONG_PURPOSE_MAX if has_long_purpose else PURPOSE_MAX
    notes = {tag: printable(value) for tag, value in qr.notes.items()}
    if "08" in notes:
        raise QrRefused(tag="62.08", reason="is given as a note; it is the purpose")
    notes["08"] = printable(qr.purpose)
    for tag, value in notes.items():
        limit = most if tag == "08" else _NOTE_MAX.get(tag)
        if limit is not None and len(value) > limit:
            raise QrRefused(tag=f"62.{tag}", reason=f"has {len(value)} characters, {limit} at most")
    return notes


def _others(qr: TransferQr) -> dict[str, str]:
    others = {}
    for tag, value in qr.others.items():
        if tag in _OURS:
            raise QrRefused(tag=tag, reason="has its own place")
        # 64 is the merchant's name in its own language, and may have its own letters.
        others[tag] = printable(value) if tag in _OTHER_MAX else value
        if not value.isprintable():
            raise QrRefused(tag=tag, reason="has a sign that cannot be printed")
        if len(others[tag]) > _OTHER_MAX.get(tag, len(others[tag])):
            raise QrRefused(
                tag=tag, reason=f"has {len(others[tag])} characters, {_OTHER_MAX[tag]} at most"
            )
    return others
