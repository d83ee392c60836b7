"""ECDSA on P-256: keys that are none, texts that were altered, and the published vector."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.kit.messages import SignatureWrong
from gateway.kit.p256 import check, private_key_of, public_key_of, sign

KEY = ec.derive_private_key(7, ec.SECP256R1())
PUBLIC = KEY.public_key()


@given(st.binary(max_size=60))
def test_what_is_signed_verifies_and_the_same_text_has_the_same_signature(text: bytes) -> None:
    check(PUBLIC, text, sign(KEY, text))
    assert sign(KEY, text) == sign(KEY, text)
    with pytest.raises(SignatureWrong):
        check(PUBLIC, text + b"1", sign(KEY, text))


def test_another_s_signature_is_wrong() -> None:
    other = ec.derive_private_key(8, ec.SECP256R1())
    with pytest.raises(SignatureWrong):
        check(PUBLIC, b"text", sign(other, b"text"))


@pytest.mark.parametrize("given_", ["", "AAAA", "not base64", "đ", "=", "A" * 1000])
def test_what_is_no_signature_is_wrong(given_: str) -> None:
    with pytest.raises(SignatureWrong):
        check(PUBLIC, b"text", given_)


def test_a_plus_that_became_a_blank_is_still_the_signature() -> None:
    text = next(b"%d" % n for n in range(1000) if "+" in sign(KEY, b"%d" % n))
    check(PUBLIC, text, sign(KEY, text).replace("+", " "))


def test_keys_are_read_from_pem() -> None:
    private = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    check(public_key_of(public), b"text", sign(private_key_of(private), b"text"))


def test_keys_of_another_kind_are_refused() -> None:
    locked = KEY.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")
    ).decode()
    for key in (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)):
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(ValueError, match="no key on P-256"):
            private_key_of(private)
        with pytest.raises(ValueError, match="no key on P-256"):
            public_key_of(public.decode())
    for none in ("", "text", locked):
        with pytest.raises(ValueError):  # noqa: PT011 (the library's words differ)
            private_key_of(none)
