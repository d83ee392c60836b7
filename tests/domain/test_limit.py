"""Limits: how long one asking fills, and what a refusal says."""

from gateway.domain import limit
from gateway.domain.limit import Limit, TooManyRequests


def test_a_refusal_says_how_long_to_wait() -> None:
    refused = TooManyRequests(30)
    assert refused.retry_after_s == 30
    assert "30" in refused.detail
    assert "30" in refused.detail_vi


def test_the_limits_count_apart() -> None:
    limits = [found for found in vars(limit).values() if isinstance(found, Limit)]
    assert len({found.name for found in limits}) == len(limits) > 1
    assert all(found.share * found.burst == found.period for found in limits)
