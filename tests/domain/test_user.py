"""People who sign in: what they may see, and how long a door stays open."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from gateway.domain.user import (
    IDLE,
    NAME,
    FormForged,
    PasswordTooWeak,
    Role,
    User,
    check_form,
    check_password,
    digest_session,
    form_token,
    is_over,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def user(role: Role = Role.VIEWER, *areas: str) -> User:
    return User(UUID(int=1), "dung.nt", role, frozenset(areas), has_code=True)


def test_each_role_may_do_what_those_above_it_in_the_list_may() -> None:
    assert user(Role.OPERATOR).may(Role.UTILITY)
    assert not user(Role.VIEWER).may(Role.UTILITY)
    assert not user(Role.OPERATOR).may(Role.ADMIN)


def test_a_user_of_a_ward_sees_that_ward_alone_and_one_without_areas_sees_all() -> None:
    assert user(Role.VIEWER, "32011").sees("32011")
    assert not user(Role.VIEWER, "32011").sees("32008")
    assert user().sees("32008")


@pytest.mark.parametrize(
    "password", ["short", "x" * 129, "aaaaaaaaaaaaaaaa", "Dung.NT-Dung.NT-1"], ids=len
)
def test_a_password_that_is_easily_guessed_is_refused(password: str) -> None:
    with pytest.raises(PasswordTooWeak):
        check_password(password, "dung.nt")


def test_a_long_sentence_is_a_password() -> None:
    check_password("mùa nước nổi ở Cà Mau", "dung.nt")


def test_a_form_of_another_session_is_refused() -> None:
    check_form("one", form_token("one"))
    for forged in (form_token("another"), "", "ổ"):
        with pytest.raises(FormForged):
            check_form("one", forged)


def test_what_is_stored_of_a_session_opens_nothing() -> None:
    assert digest_session("token") != b"token"
    assert form_token("token") != digest_session("token").hex()


def test_a_session_ends_when_it_is_not_used_and_when_it_is_old() -> None:
    until = NOW + timedelta(hours=12)
    assert not is_over(seen_at=NOW, expires_at=until, now=NOW + IDLE - timedelta(seconds=1))
    assert is_over(seen_at=NOW, expires_at=until, now=NOW + IDLE)
    assert is_over(seen_at=until, expires_at=until, now=until)


def test_a_name_is_lower_case_and_can_be_typed() -> None:
    assert NAME.fullmatch("so-cong-thuong@camau.gov.vn")
    assert not any(NAME.fullmatch(name) for name in ("ab", "Dung", "dũng", "-dung", "a b c"))
