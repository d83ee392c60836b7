"""What the routes of hand-over lists take and give."""

import re
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from gateway.api.fields import AmountDong, BillId, CustomerCode, Dong, Limit
from gateway.api.reading import Strict
from gateway.domain.clock import to_text
from gateway.domain.field_cash import Receipt, Result
from gateway.domain.ids import to_public
from gateway.domain.masking import mask_address, mask_name
from gateway.flows.field_cash import UploadLine
from gateway.flows.hand_over_lists import PREFIX, HandOverList
from gateway.store.hand_over_lists import ListRow

RECEIPTS_MAX = 200
INSTANT = re.compile(
    r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)


def _instant(text: str) -> str:
    if not INSTANT.fullmatch(text):
        message = "is not an instant written as 2026-11-24T08:15:00+07:00"
        raise ValueError(message)
    datetime.fromisoformat(text)
    return text


Instant = Annotated[
    str,
    StringConstraints(max_length=35),
    AfterValidator(_instant),
    Field(description="RFC 3339 with its zone", examples=["2026-11-24T08:15:00+07:00"]),
]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
AreaCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,5}$")]
Cursor = Annotated[str, StringConstraints(max_length=64)]
Sequence = Annotated[int, Field(ge=1, le=10**12)]


class NewHandOverList(Strict):
    """Bills of an area for a collector; `customer_codes` narrows them."""

    collector: Code
    area_code: AreaCode
    book_code: Code
    valid_until: Instant
    customer_codes: Annotated[list[CustomerCode], Field(min_length=1, max_length=500)] | None = None


class ListQuery(Strict):
    """Which lists to read."""

    collector: Code | None = None
    cursor: Cursor | None = None
    limit: Limit = 20


class HandOverListHead(BaseModel):
    """A list without its bills; from its close on with what was counted."""

    id: str
    collector: str
    area_code: str
    book_code: str
    valid_until: str
    bill_count: int
    amount_dong: int
    created_at: str
    closed_at: str | None
    cash_total_dong: int | None = Field(description="What the collector counted")
    receipts_dong: int | None = Field(description="What the receipts say is in hand")
    deposited_ref: str | None


class HandedBill(BaseModel):
    """A bill to be collected; name and address masked."""

    id: str
    customer_code: str
    name: str
    address: str
    period: str
    amount_dong: int


class ListedReceipt(BaseModel):
    """A receipt that came, and what became of it."""

    seq: int
    receipt_no: str
    bill_id: str
    amount_dong: int
    collected_at: str
    result: Result
    payment_id: str | None
    suspense_id: str | None


class HandOverListOut(HandOverListHead):
    """A list with its bills and receipts."""

    bills: list[HandedBill]
    receipts: list[ListedReceipt]


class HandOverListPage(BaseModel):
    """A page of lists, the newest first."""

    data: list[HandOverListHead]
    next_cursor: str | None


class ReceiptIn(Strict):
    """A receipt as its device signed it; `hmac` is over the canonical form (docs/field-cash.md)."""

    seq: Sequence
    receipt_no: Code
    bill_id: BillId
    amount_dong: AmountDong
    collected_at: Instant
    gps: (
        Annotated[
            str, StringConstraints(pattern=r"^-?[0-9]{1,2}\.[0-9]{1,7},-?[0-9]{1,3}\.[0-9]{1,7}$")
        ]
        | None
    ) = None
    hmac: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

    def receipt(self) -> Receipt:
        """Give what was signed."""
        return Receipt(
            seq=self.seq,
            receipt_no=self.receipt_no,
            bill_id=self.bill_id,
            amount_dong=self.amount_dong,
            collected_at=datetime.fromisoformat(self.collected_at),
            collected_text=self.collected_at,
            gps=self.gps,
            mac=self.hmac,
        )


class ReceiptUpload(Strict):
    """Receipts of one device, in any order."""

    device: Code
    receipts: Annotated[list[ReceiptIn], Field(min_length=1, max_length=RECEIPTS_MAX)]


class UploadLineOut(BaseModel):
    """What became of a line; SEQUENCE_GAP names numbers of the device that never came."""

    seq: int
    until_seq: int | None
    receipt_no: str | None
    result: Result
    first_result: Result | None
    payment_id: str | None
    suspense_id: str | None = Field(description="Where the cash waits, with its owner")


class UploadOut(BaseModel):
    """The answer to an upload, the same for ever after."""

    list_id: str
    lines: list[UploadLineOut]
    accepted_dong: int
    waiting_dong: int = Field(description="Cash of this upload that stands in suspense")


class DayCloseIn(Strict):
    """The cash that was counted, and the slip under which it was paid in, if it was."""

    cash_total_dong: Dong
    deposited_ref: Code | None = None


class DepositIn(Strict):
    """Cash that a collector has paid in."""

    collector: Code
    reference: Code
    amount_dong: AmountDong


class DepositOut(BaseModel):
    """A deposit as it stands in the books."""

    id: str
    collector: str
    reference: str
    amount_dong: int
    deposited_at: str


def head_of(row: ListRow) -> dict[str, object]:
    """Give a list's own fields."""
    return {
        "id": to_public(PREFIX, row.id),
        "collector": row.collector,
        "area_code": row.area_code,
        "book_code": row.book_code,
        "valid_until": to_text(row.valid_until),
        "bill_count": row.bill_count,
        "amount_dong": row.amount_dong,
        "created_at": to_text(row.created_at),
        "closed_at": None if row.closed_at is None else to_text(row.closed_at),
        "cash_total_dong": row.cash_total_dong,
        "receipts_dong": row.receipts_dong,
        "deposited_ref": row.deposited_ref,
    }


def write_list(found: HandOverList) -> str:
    """Write a list with its bills and receipts."""
    bills = [
        HandedBill(
            id=bill.bill_id,
            customer_code=bill.customer_code,
            name=mask_name(bill.name),
            address=mask_address(bill.address),
            period=_month(bill.period),
            amount_dong=bill.amount_dong,
        )
        for bill in found.bills
    ]
    receipts = [
        ListedReceipt(
            seq=one.seq,
            receipt_no=one.receipt_no,
            bill_id=one.bill_id,
            amount_dong=one.amount_dong,
            collected_at=to_text(one.collected_at),
            result=Result(one.result),
            payment_id=_public("pay", one.payment_id),
            suspense_id=_public("sus", one.suspense_id),
        )
        for one in found.receipts
    ]
    whole = head_of(found.row) | {"bills": bills, "receipts": receipts}
    return HandOverListOut.model_validate(whole).model_dump_json()


def write_upload(list_id: UUID, lines: list[UploadLine]) -> str:
    """Write the answer to an upload."""
    shown = [
        UploadLineOut(
            seq=line.seq,
            until_seq=line.until_seq,
            receipt_no=line.receipt_no,
            result=line.result,
            first_result=line.first_result,
            payment_id=_public("pay", line.payment_id),
            suspense_id=_public("sus", line.suspense_id),
        )
        for line in lines
    ]
    first = [line for line in lines if line.first_result is None]
    out = UploadOut(
        list_id=to_public(PREFIX, list_id),
        lines=shown,
        accepted_dong=sum(line.amount_dong for line in first if line.payment_id),
        waiting_dong=sum(line.amount_dong for line in first if line.suspense_id),
    )
    return out.model_dump_json()


def _month(period: date) -> str:
    return period.strftime("%Y-%m")


def _public(prefix: str, value: UUID | None) -> str | None:
    return None if value is None else to_public(prefix, value)
