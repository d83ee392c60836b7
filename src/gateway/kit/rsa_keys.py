"""RSA signatures (PKCS#1 v1.5) of providers' protocols, with keys as they hand them over: PEM."""

import base64

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gateway.kit.messages import SignatureWrong


def read_public_key(pem: str) -> rsa.RSAPublicKey:
    """Read a public key.

    Raises:
        ValueError: it is none, or not of RSA.
    """
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        message = "is no public key in PEM"
        raise ValueError(message) from error
    if not isinstance(key, rsa.RSAPublicKey):
        message = "is no RSA key"
        raise ValueError(message)  # noqa: TRY004 (a configuration's value, not its type)
    return key


def read_private_key(pem: str) -> rsa.RSAPrivateKey:
    """Read a private key without a password.

    Raises:
        ValueError: it is none, or not of RSA.
    """
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        message = "is no private key in PEM, or has a password"
        raise ValueError(message) from error
    if not isinstance(key, rsa.RSAPrivateKey):
        message = "is no RSA key"
        raise ValueError(message)  # noqa: TRY004 (a configuration's value, not its type)
    return key


def sign(key: rsa.RSAPrivateKey, text: bytes, algorithm: hashes.HashAlgorithm) -> str:
    """Sign a text; base64."""
    return base64.b64encode(key.sign(text, padding.PKCS1v15(), algorithm)).decode()


def verify(
    key: rsa.RSAPublicKey, signature: str, text: bytes, algorithm: hashes.HashAlgorithm
) -> None:
    """Hold a base64 signature against a text.

    Raises:
        SignatureWrong: another text's, another key's, or none.
    """
    try:
        raw = base64.b64decode(signature, validate=True)
        key.verify(raw, text, padding.PKCS1v15(), algorithm)
    except (InvalidSignature, ValueError) as error:
        raise SignatureWrong from error
