"""Keys derived from the deployment's master secret: HKDF-SHA256 (RFC 5869), one block.

From the standard library, so that the API, which never opens a sealed secret, need not load a
cryptography library; a test holds it against one.
"""

import hmac
from hashlib import sha256

MASTER_SECRET_MIN_BYTES = 32


def derive_key(master_secret: bytes, purpose: str) -> bytes:
    """Derive the 32-byte key of one purpose; keys of different purposes tell nothing of another.

    >>> derive_key(b"m" * 32, "lookup") == derive_key(b"m" * 32, "sealing")
    False
    """
    extracted = hmac.digest(bytes(sha256().digest_size), master_secret, "sha256")
    return hmac.digest(extracted, f"gateway/{purpose}".encode() + b"\x01", "sha256")
