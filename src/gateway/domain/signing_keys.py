"""The secrets and keys of webhook signatures, as Standard Webhooks 1.0.0 writes them.

`whsec_` is a shared HMAC-SHA256 secret, `whsk_` and `whpk_` the halves of an Ed25519 pair
(spec read 2026-11-24). Only canonical, padded, standard base64 is read: from an URL-safe secret
the official Python library silently derives another key (standardwebhooks 1.1.0, tried 2026-11-24).

>>> pair = Ed25519Secret.generate()
>>> Ed25519Public.parse(pair.public.reveal()) == pair.public
True
"""

import hmac
import secrets as randomness
from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

HMAC_BYTES = range(24, 65)
SEED_BYTES = 32
POINT_BYTES = 32

_P = 2**255 - 19
# The y of every point whose order divides 8. Under such a key OpenSSL accepts a signature that
# anybody can make for any message; the test derives this list from the curve itself.
_SMALL_ORDER_Y = frozenset(
    {
        0,
        1,
        _P - 1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    }
)


class SecretMalformed(Exception):
    """The text is not a secret or key of the wanted kind. The message never quotes the text."""


@dataclass(frozen=True, slots=True)
class HmacSecret:
    """A shared secret of 24 to 64 bytes, written `whsec_` and base64; signs and verifies `v1`."""

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) not in HMAC_BYTES:
            msg = f"a whsec_ secret holds 24 to 64 bytes, not {len(self.key)}"
            raise SecretMalformed(msg)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `whsec_…`; raises SecretMalformed unless it is canonical, padded base64."""
        return cls(_read_base64(text, "whsec_"))

    @classmethod
    def generate(cls) -> Self:
        """Make a new secret of 32 random bytes."""
        return cls(randomness.token_bytes(32))

    def reveal(self) -> str:
        """Write the secret as `whsec_…`, to be shown once."""
        return "whsec_" + to_base64(self.key)

    def signature(self, content: bytes) -> str:
        """Give `v1,…` over the signed content."""
        return "v1," + to_base64(hmac.digest(self.key, content, "sha256"))

    def accepts(self, scheme: str, signature: bytes, content: bytes) -> bool:
        """Say in constant time whether `signature` is this secret's over `content`."""
        return scheme == "v1" and hmac.compare_digest(
            hmac.digest(self.key, content, "sha256"), signature
        )


@dataclass(frozen=True, slots=True)
class Ed25519Public:
    """A public key written `whpk_` and base64 of 32 bytes; verifies `v1a`."""

    point: bytes
    _key: Ed25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.point) != POINT_BYTES:
            msg = f"a whpk_ key holds 32 bytes, not {len(self.point)}"
            raise SecretMalformed(msg)
        y = int.from_bytes(self.point, "little") & (2**255 - 1)
        if y >= _P or y in _SMALL_ORDER_Y:
            msg = "a whpk_ key must be a canonical point of large order"
            raise SecretMalformed(msg)
        object.__setattr__(self, "_key", Ed25519PublicKey.from_public_bytes(self.point))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `whpk_…`; raises SecretMalformed for bad base64 and for small-order points."""
        return cls(_read_base64(text, "whpk_"))

    def reveal(self) -> str:
        """Write the key as `whpk_…`; it is not secret."""
        return "whpk_" + to_base64(self.point)

    def accepts(self, scheme: str, signature: bytes, content: bytes) -> bool:
        """Say whether `signature` was made over `content` by the owner of this key."""
        if scheme != "v1a":
            return False
        try:
            self._key.verify(signature, content)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Ed25519Secret:
    """A private key, written `whsk_` and base64 of seed and public key (64 bytes); signs `v1a`."""

    seed: bytes = field(repr=False)
    _key: Ed25519PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.seed) != SEED_BYTES:
            msg = f"an Ed25519 seed has 32 bytes, not {len(self.seed)}"
            raise SecretMalformed(msg)
        object.__setattr__(self, "_key", Ed25519PrivateKey.from_private_bytes(self.seed))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `whsk_…`: 64 bytes (seed and public key) or the 32 bytes of the seed alone."""
        raw = _read_base64(text, "whsk_")
        is_pair = len(raw) == SEED_BYTES + POINT_BYTES
        secret = cls(raw[:SEED_BYTES] if is_pair else raw)
        if is_pair and raw[SEED_BYTES:] != secret.public.point:
            msg = "the two halves of a whsk_ secret do not belong together"
            raise SecretMalformed(msg)
        return secret

    @classmethod
    def generate(cls) -> Self:
        """Make a new key pair."""
        return cls(randomness.token_bytes(32))

    @property
    def public(self) -> Ed25519Public:
        """Give the key that receivers verify with."""
        return Ed25519Public(self._key.public_key().public_bytes_raw())

    def reveal(self) -> str:
        """Write the secret as `whsk_…`."""
        return "whsk_" + to_base64(self.seed + self.public.point)

    def signature(self, content: bytes) -> str:
        """Give `v1a,…` over the signed content."""
        return "v1a," + to_base64(self._key.sign(content))


SigningSecret = HmacSecret | Ed25519Secret
VerifyingKey = HmacSecret | Ed25519Public


def parse_signing_secret(text: str) -> SigningSecret:
    """Read `whsec_…` or `whsk_…`; raises SecretMalformed."""
    return Ed25519Secret.parse(text) if text.startswith("whsk_") else HmacSecret.parse(text)


def parse_verifying_key(text: str) -> VerifyingKey:
    """Read `whsec_…` or `whpk_…`; raises SecretMalformed."""
    return Ed25519Public.parse(text) if text.startswith("whpk_") else HmacSecret.parse(text)


def _read_base64(text: str, prefix: str) -> bytes:
    raw = from_base64(text.removeprefix(prefix)) if text.startswith(prefix) else None
    if raw is None:
        msg = f"not a {prefix} secret: write '{prefix}' and standard, padded base64"
        raise SecretMalformed(msg)
    return raw


def from_base64(text: str) -> bytes | None:
    """Decode canonical base64 only, so that each value has one spelling."""
    try:
        raw = a2b_base64(text.encode("ascii"), strict_mode=True)
    except (NotBase64, UnicodeEncodeError):
        return None
    return raw if to_base64(raw) == text else None


def to_base64(raw: bytes) -> str:
    """Write standard base64 with its padding."""
    return b2a_base64(raw, newline=False).decode("ascii")
