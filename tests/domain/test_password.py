"""Passwords and the codes of an app."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from gateway.domain import password

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def test_a_password_is_known_again_and_no_other_is() -> None:
    hashed = password.hash_password("mùa nước nổi ở Cà Mau")
    assert hashed.startswith("$argon2id$")
    assert password.is_password(hashed, "mùa nước nổi ở Cà Mau")
    assert not password.is_password(hashed, "mùa nước nổi ở Cà mau")
    assert not password.is_outdated(hashed)


def test_nobody_has_no_password_and_a_spoilt_hash_opens_nothing() -> None:
    assert not password.is_password(None, "")
    assert not password.is_password("$argon2id$spoilt", "anything")


def test_a_code_of_now_or_half_a_minute_off_is_taken_and_names_its_step() -> None:
    totp = pyotp.TOTP(SECRET)
    present = int(NOW.timestamp()) // 30
    for steps in (-1, 0, 1):
        code = totp.at(NOW + timedelta(seconds=30 * steps))
        assert password.step_of_code(SECRET, code, NOW) == present + steps
    assert password.step_of_code(SECRET, totp.at(NOW - timedelta(seconds=61)), NOW) is None


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "12345a", "\uff11\uff12\uff13\uff14\uff15\uff16", "١٢٣٤٥٦"]
)
def test_what_is_not_six_plain_digits_is_no_code(code: str) -> None:
    assert password.step_of_code(SECRET, code, NOW) is None


def test_the_secret_offered_to_an_app_belongs_to_its_session() -> None:
    one = password.secret_of(b"k" * 32, b"session one")
    assert one == password.secret_of(b"k" * 32, b"session one")
    assert one != password.secret_of(b"k" * 32, b"session two")
    assert len(one) == 32
    url = password.app_url(one, name="dung.nt", issuer="EVN Ca Mau")
    assert url.startswith("otpauth://totp/EVN%20Ca%20Mau:dung.nt?secret=" + one)


def test_recovery_codes_are_many_different_and_forgiving_to_type() -> None:
    codes = password.new_recovery_codes()
    assert len(set(codes)) == 10
    typed = f" {codes[0][:5].upper()}-{codes[0][5:]} "
    assert password.digest_recovery(typed) == password.digest_recovery(codes[0])
