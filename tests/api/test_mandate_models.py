"""What a mandate's request may hold."""

import pytest
from pydantic import ValidationError

from gateway.api.mandate_models import MandateRequest
from tests.debiting.test_mandates import BODY


def test_a_mandate_may_leave_out_what_has_a_rule() -> None:
    read = MandateRequest.model_validate(BODY, strict=False)
    assert (read.day_of_month, read.retry_days, read.ends_on) == (None, 3, None)


def test_a_consent_without_its_text_is_none() -> None:
    with pytest.raises(ValidationError):
        MandateRequest.model_validate(BODY | {"consent": BODY["consent"] | {"text": ""}})
