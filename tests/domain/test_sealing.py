import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import InvariantBroken
from gateway.domain.sealing import seal, unseal

KEY = b"k" * 32
SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ROW = "webhook_secrets:1"


def test_a_secret_moved_to_another_row_does_not_open() -> None:
    with pytest.raises(InvariantBroken):
        unseal(KEY, seal(KEY, SECRET, ROW), "webhook_secrets:2")


def test_a_secret_does_not_open_with_another_key() -> None:
    with pytest.raises(InvariantBroken):
        unseal(b"l" * 32, seal(KEY, SECRET, ROW), ROW)


@pytest.mark.parametrize("position", [0, 1, 12, 13, 20, -1])
def test_a_secret_with_one_byte_altered_does_not_open(position: int) -> None:
    sealed = bytearray(seal(KEY, SECRET, ROW))
    sealed[position] ^= 1
    with pytest.raises(InvariantBroken):
        unseal(KEY, bytes(sealed), ROW)


@pytest.mark.parametrize("length", [0, 1, 5, 12, 13, 28])
def test_a_secret_that_was_cut_short_does_not_open(length: int) -> None:
    with pytest.raises(InvariantBroken):
        unseal(KEY, seal(KEY, SECRET, ROW)[:length], ROW)


def test_a_failure_to_open_tells_nothing_of_the_secret() -> None:
    with pytest.raises(InvariantBroken) as caught:
        unseal(b"l" * 32, seal(KEY, SECRET, ROW), ROW)
    assert SECRET.decode() not in str(caught.value)


def test_the_same_secret_is_sealed_differently_each_time() -> None:
    assert seal(KEY, SECRET, ROW) != seal(KEY, SECRET, ROW)


@given(st.binary(max_size=200), st.text(max_size=50))
def test_a_sealed_secret_opens_in_its_own_row(secret: bytes, name: str) -> None:
    sealed = seal(KEY, secret, name)
    assert unseal(KEY, sealed, name) == secret
    assert len(secret) < 4 or secret not in sealed
