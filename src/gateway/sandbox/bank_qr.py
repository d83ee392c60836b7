"""A VietQR as a payer's banking app reads and writes it; written again, apart from the gateway's.

Source: NAPAS's QR specification v1.5.2, read 2026-11-24.
"""

from dataclasses import dataclass

NAPAS = "A000000727"


class QrUnreadable(ValueError):
    """The app says: this QR cannot be read."""


@dataclass(frozen=True)
class Scanned:
    """What the app shows before the payer confirms."""

    bank: str
    account: str
    amount_dong: int | None
    purpose: str


def read_qr(text: str) -> Scanned:
    """Read a payload.

    Raises:
        QrUnreadable: its checksum or one of its lengths is wrong, or it is for another network.
    """
    if len(text) < 8 or text[-8:-4] != "6304" or f"{_crc(text[:-4]):04X}" != text[-4:].upper():  # noqa: PLR2004 (tag, length and four digits)
        message = "the checksum is wrong"
        raise QrUnreadable(message)
    fields = _parts(text)
    account = _parts(fields.get("38", ""))
    to = _parts(account.get("01", ""))
    if account.get("00") != NAPAS or not to.get("00") or not to.get("01"):
        message = "it names no account at NAPAS"
        raise QrUnreadable(message)
    amount = fields.get("54")
    notes = _parts(fields.get("62", ""))
    return Scanned(to["00"], to["01"], int(amount) if amount else None, notes.get("08", ""))


def write_qr(bank: str, account: str, amount_dong: int, purpose: str) -> str:
    """Write a payload for one payment."""
    to = _part("00", bank) + _part("01", account)
    napas = _part("00", NAPAS) + _part("01", to) + _part("02", "QRIBFTTA")
    text = (
        _part("00", "01")
        + _part("01", "12")
        + _part("38", napas)
        + _part("53", "704")
        + _part("54", str(amount_dong))
        + _part("58", "VN")
        + _part("62", _part("08", purpose))
        + "6304"
    )
    return f"{text}{_crc(text):04X}"


def _part(tag: str, value: str) -> str:
    return f"{tag}{len(value):02d}{value}"


def _parts(text: str) -> dict[str, str]:
    found, at = {}, 0
    while at < len(text):
        tag, length = text[at : at + 2], text[at + 2 : at + 4]
        end = at + 4 + int(length) if length.isdigit() else len(text) + 1
        if end > len(text):
            message = f"the length of part {tag} is wrong"
            raise QrUnreadable(message)
        found[tag] = text[at + 4 : end]
        at = end
    return found


def _crc(text: str) -> int:
    """CRC-16/CCITT-FALSE: 0x1021 from 0xFFFF, no reflection, no final xor."""
    value = 0xFFFF
    for byte in text.encode():
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return value
