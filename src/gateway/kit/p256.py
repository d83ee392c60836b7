"""ECDSA on P-256 with SHA-256, DER in base64, as partners' gateways write it."""

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from gateway.kit.messages import SignatureWrong

# RFC 6979: the same text has the same signature, so a repeated call is equal to the byte.
_SIGNING = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


class NotOnP256(ValueError):
    """A key is of another kind, or on another curve."""

    def __init__(self) -> None:
        super().__init__("it is no key on P-256; give one in PEM")


def private_key_of(pem: str) -> ec.EllipticCurvePrivateKey:
    """Read a private key.

    Raises:
        ValueError: it is no PEM, encrypted, or of another kind.
    """
    try:
        key = load_pem_private_key(pem.encode(), None)
    except TypeError as error:  # encrypted
        raise NotOnP256 from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise NotOnP256
    return key


def public_key_of(pem: str) -> ec.EllipticCurvePublicKey:
    """Read a public key.

    Raises:
        ValueError: it is no PEM, or of another kind.
    """
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise NotOnP256
    return key


def sign(key: ec.EllipticCurvePrivateKey, text: bytes) -> str:
    """Sign a text."""
    return base64.b64encode(key.sign(text, _SIGNING)).decode()


def check(key: ec.EllipticCurvePublicKey, text: bytes, given: str) -> None:
    """Verify a signature; a decoder may have made blanks of its `+`.

    Raises:
        SignatureWrong: another text, another key, or no signature.
    """
    try:
        key.verify(base64.b64decode(given.replace(" ", "+"), validate=True), text, _SIGNING)
    except (InvalidSignature, ValueError) as error:
        raise SignatureWrong from error
