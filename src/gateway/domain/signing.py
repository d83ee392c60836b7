"""Sign and verify webhooks exactly as Standard Webhooks 1.0.0 says (spec read 2026-11-24).

The signed content is `{webhook-id}.{webhook-timestamp}.{body}` over raw bytes. `v1` is HMAC-SHA256
under a `whsec_` secret; `v1a` is Ed25519 under a `whsk_` secret, verified with its `whpk_` key.

>>> secret = HmacSecret.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
>>> body = b'{"test": 2432232314}'
>>> signature = sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, [secret])
>>> signature
'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
>>> headers = {
...     "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
...     "Webhook-Timestamp": "1614265330",
...     "Webhook-Signature": signature,
... }
>>> verify(headers, body, [secret], now=1614265331).message_id
'msg_p5jXN8AQM9LWM0D4loKWxJek'

The verifier is stricter than the official libraries, which take `1764000000.9` for a time, two
spellings of one signature, and crash on others (standardwebhooks 1.1.0, tried 2026-11-24). It
belongs to receivers as much as to us, so its errors stand outside the three families of the house.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.errors import ensure
from gateway.domain.signing_keys import (
    Ed25519Public,
    Ed25519Secret,
    HmacSecret,
    SecretMalformed,
    SigningSecret,
    VerifyingKey,
    from_base64,
    parse_signing_secret,
    parse_verifying_key,
)

__all__ = [
    "SIGNATURES_MAX",
    "TOLERANCE_S",
    "Ed25519Public",
    "Ed25519Secret",
    "HmacSecret",
    "Reason",
    "SecretMalformed",
    "SignatureRefused",
    "SigningSecret",
    "Verified",
    "VerifyingKey",
    "parse_signing_secret",
    "parse_verifying_key",
    "sign",
    "verify",
]

SIGNATURES_MAX = 10
TOLERANCE_S = 300

_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
# No dots: `a.1.b` could otherwise be read as two different (id, time, body) triples.
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_TIMESTAMP = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)
_SIGNATURE = re.compile(r"(v[0-9]+[a-z]?),([A-Za-z0-9+/]{1,256}={0,2})", re.ASCII)
_SIGNATURE_BYTES = {"v1": 32, "v1a": 64}


class Reason(StrEnum):
    """Why a signature was refused."""

    MISSING_HEADER = "missing_header"
    REPEATED_HEADER = "repeated_header"
    BAD_ID = "bad_id"
    BAD_TIMESTAMP = "bad_timestamp"
    TOO_OLD = "too_old"
    TOO_NEW = "too_new"
    MALFORMED_SIGNATURE = "malformed_signature"
    NO_MATCH = "no_match"


class SignatureRefused(Exception):
    """The message is not proved to be ours; nothing of it may be acted on or remembered."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"webhook refused: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Verified:
    """What a good signature proves. `sent_at` is unix seconds; `key_index` counts into the keys."""

    message_id: str
    sent_at: int
    scheme: str
    key_index: int


def sign(message_id: str, timestamp: int, body: bytes, secrets: Sequence[SigningSecret]) -> str:
    """Give the `webhook-signature` header: one signature per secret, one blank between two.

    `timestamp` is the unix time of this try in whole seconds, so a retry is signed anew.
    About 4 µs for one HMAC secret and a body of 600 bytes, 40 µs for Ed25519.
    """
    ensure(_MESSAGE_ID.fullmatch(message_id) is not None, "a webhook id is 1-128 of A-Za-z0-9_-")
    ensure(0 < timestamp < 10**12, "a webhook timestamp is in unix seconds")
    ensure(0 < len(secrets) <= SIGNATURES_MAX, "a webhook carries 1 to 10 signatures")
    content = f"{message_id}.{timestamp}.".encode() + body
    return " ".join([secret.signature(content) for secret in secrets])


def verify(
    headers: Mapping[str, str],
    body: bytes,
    keys: Sequence[VerifyingKey],
    now: int,
    tolerance_s: int = TOLERANCE_S,
) -> Verified:
    """Prove that `body` is the sender's and fresh; `now` is unix seconds; names in any case.

    Everything that is not exactly as the spec writes it is refused: times in ASCII digits, at most
    ten signatures with one blank between two, canonical base64. Signatures of a version that we do
    not know are passed over, as the spec asks.

    Raises:
        SignatureRefused: with the `reason`; the message must not be acted on.
    """
    message_id, sent_text, signature_text = _read_headers(headers)
    if _MESSAGE_ID.fullmatch(message_id) is None:
        raise SignatureRefused(Reason.BAD_ID)
    if _TIMESTAMP.fullmatch(sent_text) is None:
        raise SignatureRefused(Reason.BAD_TIMESTAMP)
    sent_at = int(sent_text)
    if sent_at < now - tolerance_s:
        raise SignatureRefused(Reason.TOO_OLD)
    if sent_at > now + tolerance_s:
        raise SignatureRefused(Reason.TOO_NEW)
    content = f"{message_id}.{sent_text}.".encode() + body
    for scheme, signature in _read_signatures(signature_text):
        for index, key in enumerate(keys):
            if key.accepts(scheme, signature, content):
                return Verified(message_id, sent_at, scheme, index)
    raise SignatureRefused(Reason.NO_MATCH)


def _read_headers(headers: Mapping[str, str]) -> tuple[str, str, str]:
    found: dict[str, str] = {}
    # Starlette's mapping gives a repeated header twice; taking the last one would let a proxy in
    # front and us read two different messages.
    for name, value in headers.items():
        lower = name.lower()
        if lower in found and lower in _HEADERS:
            raise SignatureRefused(Reason.REPEATED_HEADER)
        found[lower] = value
    message_id, timestamp, signature = (found.get(name, "") for name in _HEADERS)
    if not (message_id and timestamp and signature):
        raise SignatureRefused(Reason.MISSING_HEADER)
    return message_id, timestamp, signature


def _read_signatures(text: str) -> list[tuple[str, bytes]]:
    tokens = text.split(" ", SIGNATURES_MAX)
    if len(tokens) > SIGNATURES_MAX:
        raise SignatureRefused(Reason.MALFORMED_SIGNATURE)
    return [known for token in tokens if (known := _read_signature(token)) is not None]


def _read_signature(token: str) -> tuple[str, bytes] | None:
    match = _SIGNATURE.fullmatch(token)
    if match is None:
        raise SignatureRefused(Reason.MALFORMED_SIGNATURE)
    scheme, encoded = match[1], match[2]
    if scheme not in _SIGNATURE_BYTES:
        return None
    raw = from_base64(encoded)
    if raw is None or len(raw) != _SIGNATURE_BYTES[scheme]:
        raise SignatureRefused(Reason.MALFORMED_SIGNATURE)
    return scheme, raw
