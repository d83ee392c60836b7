"""The three wires of partners that ask us, as the partners write them: signed apart from us."""

import base64
import hashlib
import hmac
import json
import re
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gateway.kit.messages import Acknowledgement, Incoming
from gateway.testing.promises_of_inquiries import Sent

SECRET = "bidv-rest-test-secret-0001"
SERVICE = "010001"
PARTNER = {"partner": "bank", "biller": "evnspc-camau"}
REST = {**PARTNER, "secret": SECRET, "service_id": SERVICE}
APPOTA_SECRET = "appota-test-secret-key-0001"
APPOTA = {
    **PARTNER,
    "partner_code": "EVNTEST",
    "api_key": "key-0001",
    "secret_key": APPOTA_SECRET,
    "service_code": "EVN",
}
ORDER = "2 3 4 7 11 12 22 24 32 34 39 41 44 48 49 53 56 61 62"


# ── JSON ────────────────────────────────────────────────────────────────────────────────────────


def md5(*parts: str, secret: str = SECRET) -> str:
    return hashlib.md5(f"{secret}|{'|'.join(parts)}".encode()).hexdigest()  # noqa: S324 (theirs)


def post(operation: str, fields: dict[str, Any], **headers: str) -> Sent:
    body = json.dumps(fields).encode()
    return Sent(operation, Incoming("POST", body=body, headers=headers))


def getbill(customer: str = "PB14010012345", **changes: Any) -> Sent:
    fields = {
        "trans_id": "Q1",
        "trans_date": "20261124100000",
        "customer_id": customer,
        "service_id": SERVICE,
        "checksum": md5(SERVICE, customer),
    }
    return post("getbill", fields | changes)


def paybill(**changes: Any) -> Sent:
    fields: dict[str, Any] = {
        "trans_id": "BK20261124000001",
        "trans_bidv": "990001",
        "trans_date": "20261124100000",
        "customer_id": "PB14010012345",
        "service_id": SERVICE,
        "bill_id": "HD-10",
        "amount": 99_000,
        "channel": "MB",
    } | changes
    signed = md5(*(str(fields[name]) for name in ("trans_id", "bill_id", "amount")))
    return post("paybill", {"checksum": signed, **fields})


# ── XML ─────────────────────────────────────────────────────────────────────────────────────────


@cache
def key(owner: str) -> rsa.RSAPrivateKey:
    """One key pair an owner for the whole run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(owner: str) -> str:
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key(owner).private_bytes(serialization.Encoding.PEM, form, none).decode()


def public_pem(owner: str) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key(owner).public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def xml_config() -> dict[str, str]:
    return {
        **PARTNER,
        "bank_public_key": public_pem("bank"),
        "private_key": private_pem("gateway"),
        "service_id": SERVICE,
    }


def xml_text(fields: dict[str, str]) -> bytes:
    return "|".join(fields.get(f"f{number}", "") for number in ORDER.split()).encode()


def message(mti: str, owner: str = "bank", **changes: str) -> Sent:
    """Sign a message of the bank; "absent" leaves a field out."""
    fields = {
        "f2": "PB14010012345",
        "f3": SERVICE,
        "f7": "1124100000",
        "f11": "000001",
        "f22": "211701",
        "f24": "200",
        "f32": "BIDV",
        "f41": "APP00001",
        "f49": "VND",
    } | changes
    fields = {name: value for name, value in fields.items() if value != "absent"}
    signature = key(owner).sign(xml_text(fields), padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 (theirs)
    return written({"mti": mti, **fields, "f63": base64.b64encode(signature).decode()})


def written(fields: dict[str, str]) -> Sent:
    escaped = {n: v.replace("&", "&amp;").replace("<", "&lt;") for n, v in fields.items()}
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in escaped.items())
    body = f"<message>{inside}</message>".encode()
    return Sent("message", Incoming("POST", body=body, headers={"content-type": "text/xml"}))


def pays(**changes: str) -> Sent:
    bill = {"f4": "9900000", "f12": "20261124100000", "f62": "[HD-10||99000|Ky 10/2026]"}
    return message("1200", **{**bill, **changes})


def xml_fields(body: bytes) -> dict[str, str]:
    """Take a message apart with a pattern: it is flat."""
    found = re.findall(r"<(f\d+|mti)>([^<]*)</\1>", body.decode())
    plain = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
    return {n: re.sub("&(lt|gt|amp);", lambda m: plain[m[0]], v) for n, v in found}


def signed_fields(said: Acknowledgement) -> dict[str, str]:
    """Read our answer, after our signature is seen to be right."""
    fields = xml_fields(said.body)
    signature = base64.b64decode(fields["f63"])
    public = key("gateway").public_key()
    public.verify(signature, xml_text(fields), padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 (theirs)
    return fields


# ── AppotaPay ───────────────────────────────────────────────────────────────────────────────────


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def token(secret: str = APPOTA_SECRET, alg: str = "HS256", **claims: Any) -> str:
    head = {"typ": "JWT", "alg": alg, "cty": "appotapay-api;v=1"}
    said = {"iss": "EVNTEST", "jti": "key-0001-1", "api_key": "key-0001", "exp": 1_900_000_000}
    signed = f"{part(head)}.{part(said | claims)}"
    mac = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def appota(operation: str, fields: dict[str, Any], bearer: str | None = None) -> Sent:
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    mac = hmac.new(APPOTA_SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    headers = {"x-appotapay-auth": f"Bearer {bearer or token()}"}
    return post(operation, {**fields, "signature": mac}, **headers)


DETAIL = '[{"billNumber": "HD-10", "period":"10/2026","amount":99000, "extraInfo":"\\u0111"}]'


def check(**changes: Any) -> Sent:
    asked = {"partnerRefId": "Q1", "billCode": "PB14010012345", "serviceCode": "EVN"}
    return appota("bill/check", asked | changes)


def appota_pays(**changes: Any) -> Sent:
    asked = {
        "partnerRefId": "BK20261124000001",
        "billCode": "PB14010012345",
        "serviceCode": "EVN",
        "billDetail": DETAIL,
        "amount": 99_000,
    }
    return appota("bill/pay", asked | changes)


def asks_status(reference: str = "BK20261124000001", bearer: str | None = None) -> Sent:
    headers = {"x-appotapay-auth": f"Bearer {bearer or token()}"}
    return Sent(f"bill/transaction/{reference}", Incoming("GET", headers=headers))
