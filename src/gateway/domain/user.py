"""People who sign in: what each may see and do, and how long a door stays open to them."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID

from gateway.domain.errors import CallerError

PASSWORD_MIN, PASSWORD_MAX = 12, 128
"""Characters; length is what counts (NIST SP 800-63B, section 3.1.1, read 2026-11-24)."""
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
HALF_IN = timedelta(minutes=10)
"""How long one may take from the password to the code."""
IPV6_SUBSCRIBER = 64
DEMO_PREFIX = "demo."
"""Begins the name of every user of demos; a gateway in live mode lets none in."""
NAME = re.compile(r"[a-z0-9](?:[a-z0-9._@-]{1,62})[a-z0-9]")


class Role(StrEnum):
    """What a user is to the house; each may do all that stands above it."""

    VIEWER = "viewer"
    """Sees the reports of its areas: the province, the Department."""
    UTILITY = "utility"
    """Sees what belongs to customers too, masked: the power company."""
    OPERATOR = "operator"
    """Acts: closes exceptions, assigns money."""
    ADMIN = "admin"
    """Makes users."""


_ORDER = list(Role)


class Stage(StrEnum):
    """How far a session is let in."""

    CODE = "code"
    """The password was right; the code of the app is due."""
    ENROL = "enrol"
    """The password was right, and this user has no second factor yet: it comes first."""
    IN = "in"


class SignInRefused(CallerError):
    """The name, the password or the code is not right; which of them is not said."""

    code = "sign_in_refused"

    def __init__(self) -> None:
        super().__init__(
            "the name, the password or the code is not right",
            "tên, mật khẩu hoặc mã xác nhận chưa đúng",
        )


class TooManyTries(CallerError):
    """Too many tries in a short time; the right password would not be let in either."""

    code = "too_many_tries"

    def __init__(self, wait_s: int) -> None:
        super().__init__(
            f"too many tries; try again in {wait_s} seconds",
            f"thử quá nhiều lần; hãy thử lại sau {wait_s} giây",
            retry_after_s=wait_s,
        )
        self.retry_after_s = wait_s


class PasswordTooWeak(CallerError):
    """A new password that is too short, too long, or the user's own name."""

    code = "password_too_weak"

    def __init__(self) -> None:
        super().__init__(
            f"choose a password of {PASSWORD_MIN} to {PASSWORD_MAX} characters, not your name",
            f"hãy chọn mật khẩu dài {PASSWORD_MIN}-{PASSWORD_MAX} ký tự, không phải tên của bạn",
        )


class FormForged(CallerError):
    """A form that did not come from our own page, or from an older session."""

    code = "form_forged"

    def __init__(self) -> None:
        super().__init__(
            "this form is no longer valid; open the page again",
            "biểu mẫu không còn hợp lệ; hãy mở lại trang",
        )


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in. `areas` are area codes; empty means all."""

    id: UUID
    name: str
    role: Role
    areas: frozenset[str]
    has_code: bool

    def may(self, role: Role) -> bool:
        """Say whether the user is at least this."""
        return _ORDER.index(self.role) >= _ORDER.index(role)

    def sees(self, area: str) -> bool:
        """Say whether the user may see what belongs to an area."""
        return not self.areas or area in self.areas


@dataclass(frozen=True, slots=True)
class Limit:
    """How many tries are free, and up to how long the wait then doubles, from two seconds."""

    free: int
    longest_s: int


LIMITS = {"pair": Limit(5, 900), "address": Limit(30, 900), "name": Limit(50, 60)}
"""By name and address together, by address alone, and by name alone: the last is mild, for
anybody can make somebody else's name wait."""


def check_password(password: str, name: str) -> None:
    """Refuse a new password that is easily guessed.

    Raises:
        PasswordTooWeak: it is too short, too long, one character repeated, or the name.
    """
    is_long = PASSWORD_MIN <= len(password) <= PASSWORD_MAX
    if not is_long or name in password.lower() or len(set(password)) < PASSWORD_MIN // 2:
        raise PasswordTooWeak


def subscriber(address: str) -> str:
    """Name whoever an address belongs to: a v6 subscriber has a whole /64.

    >>> subscriber("2001:db8:1:2:3::1"), subscriber("192.0.2.7"), subscriber("?")
    ('2001:db8:1:2::/64', '192.0.2.7', 'unknown')
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, IPV6_SUBSCRIBER), strict=False))
    return str(parsed)


def secret_name(user_id: UUID) -> str:
    """Name the place of an app's sealed secret, which holds nowhere else."""
    return f"users/{user_id}/secret"


def digest_session(token: str) -> bytes:
    """Give the form in which a session is stored: who reads the table cannot sign in with it."""
    return hashlib.sha256(token.encode()).digest()


def form_token(session: str) -> str:
    """Give the token that every form of a session carries; nothing of it is stored."""
    return hmac.new(session.encode(), b"gateway/form", hashlib.sha256).hexdigest()


def check_form(session: str, sent: str) -> None:
    """Refuse a form that was not made for this session.

    Raises:
        FormForged: the token is missing or another's.
    """
    if not hmac.compare_digest(form_token(session).encode(), sent.encode()):
        raise FormForged


def is_over(*, seen_at: datetime, expires_at: datetime, now: datetime) -> bool:
    """Say whether a session has ended: unused for long, or open for too long."""
    return now >= expires_at or now - seen_at >= IDLE
