"""The body of a payment on a mandate; what it does is tried in tests/debiting."""

import pytest

from gateway.api.provider_payments import method_of


@pytest.mark.parametrize(
    ("raw", "method"),
    [
        (b'{"method":"mandate","mandate_id":"x"}', "mandate"),
        (b'{"method":"provider"}', "provider"),
        (b'{"method":"collected","partner_reference":"mandate"}', "collected"),
        (b'{"method":["mandate"]}', "collected"),
        (b'["mandate"]', "collected"),
        (b'{"method":"mandate"', "collected"),
    ],
)
def test_a_body_is_for_the_method_that_it_names(raw: bytes, method: str) -> None:
    assert method_of(raw) == method
