import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.derivation import derive_key

MASTER = b"m" * 32


@given(st.binary(min_size=32, max_size=64), st.text(max_size=20))
def test_a_derived_key_is_what_another_library_derives(master: bytes, purpose: str) -> None:
    info = f"gateway/{purpose}".encode()
    assert derive_key(master, purpose) == HKDF(SHA256(), 32, salt=None, info=info).derive(master)


def test_a_key_is_32_bytes() -> None:
    assert len(derive_key(MASTER, "lookup")) == 32


@pytest.mark.parametrize(
    ("master", "purpose"), [(MASTER, "sealing"), (b"n" + MASTER[1:], "lookup")]
)
def test_another_purpose_or_another_secret_gives_another_key(master: bytes, purpose: str) -> None:
    assert derive_key(master, purpose) != derive_key(MASTER, "lookup")


def test_a_purpose_gets_the_same_key_each_time() -> None:
    assert derive_key(MASTER, "lookup") == derive_key(MASTER, "lookup")
