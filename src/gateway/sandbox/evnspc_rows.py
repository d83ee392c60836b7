"""What the simulated PaymentService writes of its books: customers, paid rows, receipts."""

from collections.abc import Mapping
from datetime import date, datetime

from gateway.domain.clock import VIETNAM, business_date
from gateway.sandbox import evnspc_wire as wire
from gateway.sandbox.evnspc_books import Clearing, NewBill, NewCustomer, tax_of

_FEES = {"TD": "Tiền điện", "VC": "Công suất phản kháng"}


def local(at: datetime) -> str:
    """Write a time as Vietnam's, with its offset."""
    return at.astimezone(VIETNAM).isoformat(timespec="seconds")


def day_of(text: str) -> date:
    """Read yyyy-MM-dd, or the UTC time that one client sends, as a Vietnamese day."""
    return business_date(wire.instant(text))


def customer_fields(customer: NewCustomer | None) -> dict[str, object]:
    """Give a customer's elements; an unknown one has an empty name and no code at all."""
    if customer is None:
        return {"Bills": None, "Name": ""}
    return {
        "Address": customer.address,
        "Bills": None,
        "CustomerCode": customer.code,
        "DanhSo": customer.code[-7:],
        "MaSoThue": customer.tax_code,
        "MaTram": f"T{customer.code[4:6]}001",
        "Name": customer.name,
        "NganhNghe": "Sinh hoạt",
        "PhienGCS": "1",
        "SoCongTo": customer.meter,
        "SoGhiChiSo": f"{customer.code[4:6]}A1",
    }


def bill_info(bill: NewBill, *, is_older: bool) -> dict[str, object]:
    """Give a bill's elements; the older interface names no BillCode."""
    period = {"Month": bill.month, "Year": bill.year, "SoHo": bill.households}
    if not is_older:
        codes = {"BillCode": bill.code, "HoaDonID": bill.code}
        return {"Amount": bill.amount_dong, **codes, **period}
    book = {"InvoiceBookId": f"SO{bill.month:02d}", "Description": f"Tien dien {bill.month}"}
    return {"Amount": bill.amount_dong, **book, "HoaDonID": bill.code, **period}


def paid_row(customer: NewCustomer, clearing: Clearing) -> Mapping[str, object]:
    """Give a row of GetBillByBank."""
    bill = clearing.bill
    return {
        "BANK_ID": clearing.bank_id,
        "MA_DVIQLY": customer.code[:6],
        "MA_KHANG": customer.code,
        "TEN_KHANG": customer.name,
        "DCHI_KHANG": customer.address,
        "ID_HDON": bill.code,
        "LOAI_HDON": bill.kind,
        "KY": bill.round,
        "THANG": bill.month,
        "NAM": bill.year,
        "SO_TIEN": bill.amount_dong,
        "NGAY_GDICH": local(clearing.at),
        "MA_GDICH": clearing.transaction_code,
        "MA_HUY_GDICH": clearing.cancelled_by,
    }


def receipt_row(customer: NewCustomer, clearing: Clearing) -> Mapping[str, object]:
    """Give the row of a receipt."""
    bill = clearing.bill
    net_dong, tax_dong = tax_of(bill)
    return {
        "TEN_CTY_DL": "Công ty Điện lực Cà Mau",
        "TEN_DL": f"Điện lực {customer.code[:6]}",
        "TEN_KHANG": customer.name,
        "DIA_CHI": customer.address,
        "MA_KHANG": customer.code,
        "ID_HDON": bill.code,
        "THANG": bill.month,
        "NAM": bill.year,
        "TEN_LOAI_CPHI": _FEES.get(bill.kind, "Dịch vụ điện"),
        "NGAY_PHANH": f"{bill.year:04d}-{bill.month:02d}-02",
        "SO_TIEN": net_dong,
        "TYLE_THUE": bill.tax_percent,
        "TIEN_THUE": tax_dong,
        "TONG_TIEN": bill.amount_dong,
    }
