"""Secrets at rest: AES-256-GCM under a key derived from the deployment's master secret.

The row's own name is authenticated along, so a sealed secret cannot be moved to another row.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.domain.errors import InvariantBroken, ensure

_NONCE_BYTES = 12
_TAG_BYTES = 16
_VERSION = b"\x01"


def seal(key: bytes, secret: bytes, name: str) -> bytes:
    """Encrypt a secret for the row called `name`."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, secret, name.encode())


def unseal(key: bytes, sealed: bytes, name: str) -> bytes:
    """Decrypt what `seal` made for the row called `name`.

    Raises:
        InvariantBroken: other key, other row, or altered.
    """
    nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    claim = f"the sealed secret of {name} opens with our key"
    ensure(sealed[:1] == _VERSION and len(ciphertext) >= _TAG_BYTES, claim)
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, name.encode())
    except InvalidTag as wrong:
        raise InvariantBroken(claim) from wrong
