"""What a receipt may hold, and how an upload is answered."""

import json
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from gateway.api.hand_over_models import ReceiptIn, write_upload
from gateway.domain.field_cash import Result
from gateway.flows.field_cash import UploadLine

ID = UUID("01936b2e-0000-7000-8000-000000000001")
WIRE: dict[str, Any] = {
    "seq": 1,
    "receipt_no": "tab-1-000001",
    "bill_id": "HD-A",
    "amount_dong": 150_000,
    "collected_at": "2026-11-24T08:15:00+07:00",
    "hmac": "0" * 64,
}


def test_an_instant_is_kept_as_its_device_signed_it() -> None:
    receipt = ReceiptIn.model_validate(WIRE).receipt()
    assert receipt.collected_text == "2026-11-24T08:15:00+07:00"
    assert receipt.collected_at.isoformat() == receipt.collected_text


@pytest.mark.parametrize(
    "changes",
    [
        {"collected_at": "2026-11-24T08:15:00"},
        {"hmac": "A" * 64},
        {"receipt_no": "a\nb"},
        {"seq": 0},
        {"amount_dong": 1.5},
    ],
    ids=["no-zone", "upper-hex", "line-break", "no-number", "half-dong"],
)
def test_a_receipt_that_could_be_read_in_two_ways_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ReceiptIn.model_validate(WIRE | changes)


def test_the_sums_of_an_upload_leave_out_what_came_before() -> None:
    lines = [
        UploadLine(1, "a", Result.ACCEPTED, payment_id=ID, amount_dong=5),
        UploadLine(1, "a", Result.DUPLICATE, Result.ACCEPTED, payment_id=ID, amount_dong=5),
        UploadLine(2, "b", Result.ALREADY_PAID, suspense_id=ID, amount_dong=7),
    ]
    told = json.loads(write_upload(ID, lines))
    assert (told["accepted_dong"], told["waiting_dong"]) == (5, 7)
