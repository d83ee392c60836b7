import base64
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gateway.kit.ciphers import carries, decrypt_cbc, encrypt_rsa, rsa_key
from gateway.kit.messages import Unreadable

KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
SECRET = b"K951B6PE1waDMi640xX08PD3vg6EkVlz"
# openssl enc -aes-256-cbc -K <hex of SECRET> -iv 00… -base64 of {"value":"t"}
SEALED = "q4ywqRoMEyjGYDOQ7ot4cQ=="


def test_what_openssl_encrypted_is_read() -> None:
    assert decrypt_cbc(SECRET, SEALED, what="token") == b'{"value":"t"}'


@pytest.mark.parametrize("text", ["", "AAAA", "no base64!", SEALED[:-8], "é"])
def test_what_was_not_encrypted_so_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable, match="token"):
        decrypt_cbc(SECRET, text, what="token")


@given(st.binary(max_size=64))
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    with suppress(Unreadable):
        decrypt_cbc(SECRET, base64.b64encode(raw).decode(), what="token")


def test_only_the_private_key_reads_what_was_encrypted() -> None:
    first, again = encrypt_rsa(PEM, b"text"), encrypt_rsa(PEM, b"text")
    assert first != again
    assert KEY.decrypt(base64.b64decode(first), padding.PKCS1v15()) == b"text"


def test_a_key_carries_no_more_than_its_length() -> None:
    assert carries(PEM, b"x" * 245)
    assert not carries(PEM, b"x" * 246)
    with pytest.raises(ValueError, match=r".+"):
        encrypt_rsa(PEM, b"x" * 246)


def test_another_kind_of_key_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(ValueError, match="RSA"):
        rsa_key(pem)
