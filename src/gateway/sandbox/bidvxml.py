"""BIDV's bill collection as ISO 8583-like XML, simulated from the bank's side.

    python -m gateway.sandbox.bidvxml --port 9422 --gateway http://127.0.0.1:8000

Written from the facts of profile `bidv-billcollect-xml/0.1`: 19 fields joined by `|`, RSA-SHA1,
f4 in hundredths, f22 the channel, f56 the original of what is taken back. An answer whose signature
is not the gateway's is no answer.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import ClassVar
from xml.sax.saxutils import escape, unescape

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gateway.domain.clock import VIETNAM
from gateway.sandbox.bank_collector import Asked, Heard, Transfer, Wire, serve
from gateway.sandbox.bidvrest import SERVICE, UNKNOWN
from gateway.sandbox.bidvxml_keys import BANK_PRIVATE_KEY, GATEWAY_PRIVATE_KEY, GATEWAY_PUBLIC_KEY
from gateway.sandbox.rail_faults import Fault

_FIELDS = (2, 3, 4, 7, 11, 12, 22, 24, 32, 34, 39, 41, 44, 48, 49, 53, 56, 61, 62)
_ELEMENT = re.compile(r"<(f[0-9]+|mti)>([^<]*)</\1>")
_BILL = re.compile(r"\[([^|\]]+)\|\|([0-9]+)\|")
NOT_AUTHENTIC = "bad-signature"
"""What the bank makes of an answer that the gateway did not sign: nothing is known."""
_SHA1 = hashes.SHA1()  # noqa: S303 (theirs)


@dataclass(frozen=True)
class XmlWire(Wire):
    """1100 asks, 1200 pays, 1200 with f56 takes back."""

    service_id: str = SERVICE
    code: ClassVar[str] = "bidvxml"
    done: ClassVar[frozenset[str]] = frozenset({"000"})
    unknown: ClassVar[frozenset[str]] = UNKNOWN | {NOT_AUTHENTIC}
    channels: ClassVar[Mapping[str, str]] = {
        "mobile": "211701",
        "web": "211601",
        "sms": "211901",
        "counter": "211101",
    }

    def inquire(self, customer_code: str, trace: str, fault: Fault | None) -> Asked:
        """Write a 1100."""
        return self._message("1100", {"f2": customer_code, "f11": trace}, fault)

    def pay(self, transfer: Transfer, fault: Fault | None) -> Asked:
        """Write a 1200 with the bills."""
        listed = "".join(f"[{bill}||{amount}|]" for bill, amount in transfer.bills.items())
        said = {
            "f2": transfer.customer_code,
            "f4": f"{transfer.amount_dong}00",
            "f11": transfer.trace,
            "f12": f"{transfer.at:%Y%m%d%H%M%S}",
            "f22": self.channels[transfer.channel],
            "f62": listed,
        }
        return self._message("1200", said, fault)

    def undo(self, transfer: Transfer, trace: str) -> Asked:
        """Write a 1200 with the original in f56."""
        original = f"{transfer.at:%Y%m%d%H%M%S}{transfer.trace}"
        said = {"f2": transfer.customer_code, "f11": trace, "f56": original}
        return self._message("1200", said, None)

    def read(self, body: bytes) -> Heard:
        """Read f39, f62 and f61 of an answer that the gateway signed."""
        fields = {name: unescape(value) for name, value in _ELEMENT.findall(body.decode())}
        try:
            signature = base64.b64decode(fields.get("f63", ""))
            self._gateway.verify(signature, _text(fields), padding.PKCS1v15(), _SHA1)
        except InvalidSignature:
            return Heard(NOT_AUTHENTIC)
        bills = {bill: int(amount) for bill, amount in _BILL.findall(fields.get("f62", ""))}
        return Heard(fields.get("f39", ""), bills, fields.get("f61", ""))

    def _message(self, mti: str, said: Mapping[str, str], fault: Fault | None) -> Asked:
        shared = {"f3": self.service_id, "f7": f"{datetime.now(VIETNAM):%m%d%H%M%S}"}
        fields = {**shared, "f32": "BIDV", "f49": "VND", **said}
        key = self._stranger if fault is Fault.BAD_SIGNATURE else self._own
        if fault is not Fault.UNSIGNED:
            signature = key.sign(_text(fields), padding.PKCS1v15(), _SHA1)
            fields["f63"] = base64.b64encode(signature).decode()
        inside = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
        body = f"<message><mti>{mti}</mti>{inside}</message>"
        return Asked("message", body.encode(), {"content-type": "text/xml; charset=utf-8"})

    @cached_property
    def _own(self) -> rsa.RSAPrivateKey:
        return _private(BANK_PRIVATE_KEY)

    @cached_property
    def _stranger(self) -> rsa.RSAPrivateKey:
        return _private(GATEWAY_PRIVATE_KEY)

    @cached_property
    def _gateway(self) -> rsa.RSAPublicKey:
        key = serialization.load_pem_public_key(GATEWAY_PUBLIC_KEY.encode())
        if not isinstance(key, rsa.RSAPublicKey):
            raise TypeError
        return key


def _private(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError
    return key


def _text(fields: Mapping[str, str]) -> bytes:
    return "|".join(fields.get(f"f{number}", "") for number in _FIELDS).encode()


def main() -> None:
    """Serve until stopped."""
    serve(XmlWire(), "BIDV in XML")


if __name__ == "__main__":
    main()
