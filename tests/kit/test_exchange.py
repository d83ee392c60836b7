"""What an exchange says of a call, and that its tables agree."""

from datetime import UTC, datetime

from gateway.kit.exchange import DEPENDS, NEVER_LEFT, NOT_COUNTED, Exchange, Fate, Reason
from gateway.kit.messages import Reply


def test_what_was_answered_is_in_no_table_of_failures() -> None:
    assert Reason.ANSWERED not in NEVER_LEFT | DEPENDS | NOT_COUNTED
    assert not NEVER_LEFT & DEPENDS


def test_whatever_is_not_counted_against_a_provider_is_our_own_doing() -> None:
    assert NEVER_LEFT | {Reason.CANCELLED} >= NOT_COUNTED


def test_the_raw_reply_is_not_shown_with_its_exchange() -> None:
    exchange = Exchange(
        operation="query",
        method="POST",
        url="https://acme.example.vn/query",
        request_text="{}",
        request_sha256="0" * 64,
        fate=Fate.ANSWERED,
        reason=Reason.ANSWERED,
        started_at=datetime(2026, 11, 24, tzinfo=UTC),
        took_ms=1,
        reply=Reply(200, b"s3cret"),
    )
    assert "s3cret" not in repr(exchange)
