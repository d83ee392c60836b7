import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.kit import rsa_keys
from gateway.kit.messages import SignatureWrong
from tests.providers.bank_wires import private_pem, public_pem

SHA256 = hashes.SHA256()


def test_what_is_signed_verifies_and_nothing_else_does() -> None:
    ours, theirs = (rsa_keys.read_private_key(private_pem(who)) for who in ("bank", "gateway"))
    public = rsa_keys.read_public_key(public_pem("bank"))
    signature = rsa_keys.sign(ours, b"text", SHA256)
    rsa_keys.verify(public, signature, b"text", SHA256)
    for wrong in ("", "\u0111", "AAAA", signature[:-4], rsa_keys.sign(theirs, b"text", SHA256)):
        with pytest.raises(SignatureWrong):
            rsa_keys.verify(public, wrong, b"text", SHA256)
    with pytest.raises(SignatureWrong):
        rsa_keys.verify(public, signature, b"text2", SHA256)
    with pytest.raises(SignatureWrong):
        rsa_keys.verify(public, signature, b"text", hashes.SHA1())  # noqa: S303 (theirs)


def test_a_key_of_another_kind_is_refused() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private = curve.private_bytes(serialization.Encoding.PEM, form, none).decode()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    public = curve.public_key().public_bytes(serialization.Encoding.PEM, spki).decode()
    for pem in ("", "none", private):
        with pytest.raises(ValueError, match="is no"):
            rsa_keys.read_private_key(pem)
    for pem in ("", "none", public):
        with pytest.raises(ValueError, match="is no"):
            rsa_keys.read_public_key(pem)
