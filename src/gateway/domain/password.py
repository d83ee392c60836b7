"""Passwords (argon2id) and the codes of an authenticator app (TOTP, RFC 6238).

The library's own costs are those of RFC 9106's second recommendation; a hash made with older costs
is made anew at the next sign-in.
"""

import hashlib
import hmac
import secrets
from base64 import b32encode
from datetime import datetime
from functools import cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

STEP_S = 30
DRIFT_STEPS = 1
"""A phone's clock may be half a minute off in either direction."""
CODE_DIGITS = 6
SECRET_BYTES = 20
RECOVERY_CODES = 10
RECOVERY_BYTES = 10


def hash_password(password: str) -> str:
    """Hash a password; slow on purpose, so call it off the event loop."""
    return _hasher().hash(password)


def is_password(hashed: str | None, password: str) -> bool:
    """Say whether it is the password; takes as long where there is nobody (`hashed` is None)."""
    try:
        return _hasher().verify(hashed or _nobody(), password) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(hashed: str) -> bool:
    """Say whether the hash was made with other costs than today's."""
    return _hasher().check_needs_rehash(hashed)


def secret_of(key: bytes, session: bytes) -> str:
    """Derive the secret that is offered to an app in a session: base32, 160 bits."""
    derived = hmac.digest(key, b"gateway/app/" + session, "sha256")
    return b32encode(derived[:SECRET_BYTES]).decode()


def app_url(secret: str, *, name: str, issuer: str) -> str:
    """Write the `otpauth://` address that an app reads from a QR."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer)


def step_of_code(secret: str, code: str, now: datetime) -> int | None:
    """Find the time step whose code this is; None if it is none of the present ones.

    Whoever accepts a step accepts it once: a code that was seen over a shoulder is then of no use.
    """
    if len(code) != CODE_DIGITS or not code.isascii() or not code.isdecimal():
        return None
    totp = pyotp.TOTP(secret)
    present = int(now.timestamp()) // STEP_S
    for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1):
        if secrets.compare_digest(totp.generate_otp(step), code):
            return step
    return None


def new_recovery_codes() -> list[str]:
    """Make codes for the day on which the phone is lost; each opens once."""
    return [secrets.token_hex(RECOVERY_BYTES) for _ in range(RECOVERY_CODES)]


def digest_recovery(code: str) -> bytes:
    """Give the form in which a recovery code is stored: 80 random bits need no slow hash."""
    return hashlib.sha256(code.strip().lower().replace("-", "").encode()).digest()


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    """A hash that nothing opens, so that an unknown name costs what a known one does."""
    return _hasher().hash(secrets.token_urlsafe())
