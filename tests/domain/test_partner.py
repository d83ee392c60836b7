import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.partner import Caller, Mode, Partner, Scope, digest_key, key_prefix

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
BANK = Partner(1, "bank", "Bank", None, 1)


def a_caller(expires_at: datetime | None) -> Caller:
    return Caller(BANK, "sk_test_abcdef", frozenset(Scope), expires_at)


@pytest.mark.parametrize(
    ("expires_at", "is_over"),
    [
        (NOON - timedelta(microseconds=1), True),
        (NOON, True),
        (NOON + timedelta(microseconds=1), False),
        (None, False),
    ],
    ids=["before", "at", "after", "never"],
)
def test_a_key_ends_at_its_time_and_not_after(expires_at: datetime | None, is_over: bool) -> None:  # noqa: FBT001 (a column of the table)
    assert a_caller(expires_at).has_expired(NOON) is is_over


def test_keys_of_test_and_live_cannot_be_taken_for_each_other() -> None:
    test, live = key_prefix(Mode.TEST), key_prefix(Mode.LIVE)
    assert not test.startswith(live)
    assert not live.startswith(test)


def test_a_key_is_kept_as_its_digest_only() -> None:
    assert digest_key("sk_test_x") == hashlib.sha256(b"sk_test_x").digest()
