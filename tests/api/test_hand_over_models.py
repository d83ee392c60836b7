"""What a tablet and its house send about cash."""

import pytest
from pydantic import ValidationError

from gateway.api.hand_over_models import DayCloseIn, ReceiptIn, ReceiptUpload

RECEIPT = {
    "seq": 7,
    "receipt_no": "BN-0007",
    "bill_id": "HD-A",
    "amount_dong": 150_000,
    "collected_at": "2026-11-24T09:30:00+07:00",
    "gps": "9.1768,105.1524",
    "hmac": "0" * 64,
}


def test_what_was_signed_is_kept_as_its_very_text() -> None:
    receipt = ReceiptIn.model_validate(RECEIPT).receipt()
    assert receipt.collected_text == "2026-11-24T09:30:00+07:00"
    assert receipt.collected_at.utcoffset() is not None
    assert (receipt.seq, receipt.amount_dong, receipt.mac) == (7, 150_000, "0" * 64)


@pytest.mark.parametrize(
    "changed",
    [
        {"amount_dong": 0},
        {"amount_dong": 150_000.0},
        {"amount_dong": "150000"},
        {"seq": 0},
        {"collected_at": "2026-11-24T09:30:00"},
        {"gps": "9.1768"},
        {"hmac": "A" * 64},
        {"hmac": None},
    ],
    ids=str,
)
def test_a_receipt_that_no_tablet_signs_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ReceiptIn.model_validate(RECEIPT | changed)


def test_an_upload_has_receipts_and_a_close_counts_no_less_than_nothing() -> None:
    with pytest.raises(ValidationError):
        ReceiptUpload.model_validate({"device": "tab-1", "receipts": []})
    with pytest.raises(ValidationError):
        DayCloseIn.model_validate({"cash_total_dong": -1})
