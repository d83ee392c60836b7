"""A partner that pays by AppotaPay's bill API, simulated from its side.

    python -m gateway.sandbox.appotabill --port 9423 --gateway http://127.0.0.1:8000

Written from docs.appotapay.com (read 2026-11-24): a bearer JWT signed by HS256, the body's
signature over the fields sorted by name, `billDetail` cut out of the check's answer as it came.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from gateway.sandbox.bank_collector import Asked, Heard, Transfer, Wire, serve
from gateway.sandbox.rail_faults import Fault

SECRET = "appotabill-simulator-secret-0001"  # noqa: S105 (the simulator's own)


@dataclass(frozen=True)
class AppotaWire(Wire):
    """bill/check, bill/pay and bill/transaction."""

    secret: str = SECRET
    partner_code: str = "EVNSANDBOX"
    api_key: str = "appotabill-simulator-key"
    service_code: str = "EVN"
    details: dict[str, str] = field(default_factory=dict)
    """By bill: its element of billDetail, as text."""
    clock: Callable[[], float] = time.time
    """Gives the seconds since 1970 by which a token ends."""
    code: ClassVar[str] = "appotabill"
    done: ClassVar[frozenset[str]] = frozenset({"0"})
    unknown: ClassVar[frozenset[str]] = frozenset({"35", "91", "94", "99", "500"})
    channels: ClassVar[Mapping[str, str]] = {"mobile": ""}

    def inquire(self, customer_code: str, trace: str, fault: Fault | None) -> Asked:
        """Write bill/check."""
        said = {"partnerRefId": trace, "billCode": customer_code, "serviceCode": self.service_code}
        return self._signed("bill/check", said, fault)

    def pay(self, transfer: Transfer, fault: Fault | None) -> Asked:
        """Write bill/pay."""
        plain = (
            json.dumps({"billNumber": bill, "amount": amount})
            for bill, amount in transfer.bills.items()
        )
        listed = (
            self.details.get(bill, text) for bill, text in zip(transfer.bills, plain, strict=True)
        )
        said = {
            "partnerRefId": transfer.trace,
            "billCode": transfer.customer_code,
            "serviceCode": self.service_code,
            "billDetail": f"[{','.join(listed)}]",
            "amount": transfer.amount_dong,
        }
        return self._signed("bill/pay", said, fault)

    def status(self, transfer: Transfer) -> Asked:
        """Ask for the transaction."""
        return Asked(
            f"bill/transaction/{transfer.trace}", headers=self._headers(None), method="GET"
        )

    def read(self, body: bytes) -> Heard:
        """Read errorCode, and keep each bill's text."""
        said: dict[str, Any] = json.loads(body)
        bills = {bill["billNumber"]: bill["amount"] for bill in said.get("billDetail", [])}
        if "transaction" not in said and bills:
            self._keep(body.decode(), list(bills))
        number = said.get("transaction", {}).get("appotapayTransId", "")
        return Heard(str(said["errorCode"]), bills, number)

    def _keep(self, text: str, names: list[str]) -> None:
        decode = json.JSONDecoder().raw_decode
        at = text.index("[", text.index('"billDetail"')) + 1
        for name in names:
            end = decode(text, at)[1]
            self.details[name] = text[at:end]
            at = end + 1

    def _signed(self, path: str, said: Mapping[str, object], fault: Fault | None) -> Asked:
        text = "&".join(f"{name}={said[name]}" for name in sorted(said))
        secret = "another" if fault is Fault.BAD_SIGNATURE else self.secret
        body = {**said, "signature": _mac(secret, text).hex()}
        return Asked(path, json.dumps(body).encode(), self._headers(fault))

    def _headers(self, fault: Fault | None) -> dict[str, str]:
        now = int(self.clock())
        head = {"typ": "JWT", "alg": "HS256", "cty": "appotapay-api;v=1"}
        claims = {
            "iss": self.partner_code,
            "jti": f"{self.api_key}-{now}",
            "api_key": self.api_key,
            "exp": now + 300,
        }
        signed = f"{_part(head)}.{_part(claims)}"
        token = f"{signed}.{_text(_mac(self.secret, signed))}"
        bearer = "" if fault is Fault.UNSIGNED else f"Bearer {token}"
        return {"content-type": "application/json", "x-appotapay-auth": bearer}


def _part(value: object) -> str:
    return _text(json.dumps(value).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _mac(secret: str, text: str) -> bytes:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()


def main() -> None:
    """Serve until stopped."""
    serve(AppotaWire(), "AppotaPay's bill API")


if __name__ == "__main__":
    main()
