"""The data objects of a merchant-presented EMV QR: identifier, length, value, and the checksum.

A payload is a row of objects: two digits of identifier, two digits of length (01 to 99, counted in
characters), the value. A template's value is such a row again. The last object, 63, is a checksum
over all that stands before its own value.

Source: EMVCo QR Code Specification for Payment Systems, Merchant-Presented Mode, and the switch's
specifications v1.0 (09/2021) and v1.5.2, read 2026-11-24.
"""

import re
from binascii import crc_hqx
from collections.abc import Mapping

LENGTH_MAX = 99
PAYLOAD_MAX = 4_296
"""The most characters that any QR picture holds."""
_HEAD = re.compile(r"[0-9]{4}")
_SEAL = re.compile(r"6304[0-9A-Fa-f]{4}\Z")
_SEAL_LENGTH = 8


class QrRefused(ValueError):
    """A payload, or a field to be written into one, is not what the specification says.

    `tag` names the object, with its template's before it: `38.01.00`.
    """

    def __init__(self, *, tag: str, reason: str) -> None:
        super().__init__(f"field '{tag}' of the QR {reason}")
        self.tag = tag
        self.reason = reason


def checksum(text: str) -> str:
    """Give CRC-16/CCITT-FALSE in four capital hex digits.

    >>> checksum("123456789")
    '29B1'
    """
    return f"{crc_hqx(text.encode(), 0xFFFF):04X}"


def seal(text: str) -> str:
    """Close a payload with its checksum.

    >>> seal("000201")
    '0002016304AAE6'
    """
    whole = f"{text}6304"
    return whole + checksum(whole)


def unseal(text: str) -> str:
    """Give the payload before its checksum, which may be in lower case.

    Raises:
        QrRefused: no checksum at the end, or another one (tag 63).
    """
    if len(text) > PAYLOAD_MAX:
        raise QrRefused(tag="63", reason="is missing: the text is longer than any QR")
    if not _SEAL.search(text) or not text.isprintable():
        raise QrRefused(tag="63", reason="is missing: the last eight characters are no checksum")
    body, given = text[:-4], text[-4:].upper()
    if checksum(body) != given:
        raise QrRefused(tag="63", reason="is wrong: the text was read or copied with a mistake")
    return text[:-_SEAL_LENGTH]


def read_row(text: str, *, within: str = "") -> dict[str, str]:
    """Read a row of objects; its last one ends exactly where the text ends.

    `within` names the template that it stands in, with a point behind it.

    >>> read_row("0010A0000007270208QRIBFTTA")
    {'00': 'A000000727', '02': 'QRIBFTTA'}

    Raises:
        QrRefused: cut short, a length that is none or does not fit, or an identifier twice.
    """
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        tag = f"{within}{text[at : at + 2]}"
        if not _HEAD.match(text, at):
            raise QrRefused(tag=tag, reason="has no identifier and length of two digits each")
        length = int(text[at + 2 : at + 4])
        value = text[at + 4 : at + 4 + length]
        if length == 0 or len(value) != length:
            raise QrRefused(
                tag=tag, reason=f"says {length} characters, and {len(value)} are left for it"
            )
        if text[at : at + 2] in found:
            raise QrRefused(tag=tag, reason="stands there twice")
        found[text[at : at + 2]] = value
        at += 4 + length
    return found


def write_row(fields: Mapping[str, str], *, within: str = "") -> str:
    """Write objects in the order of their identifiers; an empty value is left out.

    >>> write_row({"02": "QRIBFTTA", "00": "A000000727"})
    '0010A0000007270208QRIBFTTA'

    Raises:
        QrRefused: an identifier that is none, or a value of more than 99 characters.
    """
    row = []
    for tag, value in sorted(fields.items()):
        if not re.fullmatch(r"[0-9]{2}", tag):
            raise QrRefused(tag=f"{within}{tag}", reason="has no identifier of two digits")
        if len(value) > LENGTH_MAX:
            raise QrRefused(
                tag=f"{within}{tag}", reason=f"has {len(value)} characters, {LENGTH_MAX} at most"
            )
        row.append(f"{tag}{len(value):02d}{value}" if value else "")
    return "".join(row)
