"""Ciphers that providers' protocols prescribe; none of them is our choice."""

import base64

from cryptography.hazmat.primitives import padding as blocks
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.kit.messages import Unreadable

AES_BLOCK_BITS = 128


def decrypt_cbc(key: bytes, text: str, *, what: str) -> bytes:
    """Decrypt base64 of AES-CBC with 16 zero bytes as initial vector and PKCS7.

    Raises:
        Unreadable: it was not encrypted so, or not with this key.
    """
    try:
        aes = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).decryptor()
        padded = aes.update(base64.b64decode(text, validate=True)) + aes.finalize()
        unpad = blocks.PKCS7(AES_BLOCK_BITS).unpadder()
        return unpad.update(padded) + unpad.finalize()
    except ValueError as error:
        raise Unreadable(what=what) from error


def rsa_key(pem: str) -> rsa.RSAPublicKey:
    """Read an RSA public key.

    Raises:
        ValueError: it is none.
    """
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        message = "not an RSA public key"
        raise ValueError(message)  # noqa: TRY004 (what pydantic reads)
    return key


def encrypt_rsa(pem: str, plain: bytes) -> str:
    """Encrypt with PKCS#1 v1.5 and write base64; the same text differs each time.

    Raises:
        ValueError: the text is longer than the key can carry.
    """
    return base64.b64encode(rsa_key(pem).encrypt(plain, padding.PKCS1v15())).decode()


def carries(pem: str, plain: bytes) -> bool:
    """Say whether a key is long enough for a text."""
    return len(plain) <= rsa_key(pem).key_size // 8 - 11
