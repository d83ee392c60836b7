"""EVN SPC's PaymentService: each message both ways, and what must never be concluded."""

from datetime import date

import pytest

from gateway.kit.messages import Call, OwedBill, Reply, Unreadable
from tests.providers.evnspc import (
    CUSTOMER,
    MOMENT,
    OLD,
    POSTING,
    SERVICE,
    answer,
    asked,
    bill,
    evnspc,
    fees,
)

ARRAYS = "{http://schemas.microsoft.com/2003/10/Serialization/Arrays}"


# ── what we send ─────────────────────────────────────────────────────────────────────────────────


PAID = "BillCodes Amount PayDate TransactionCode"


@pytest.mark.parametrize(
    ("call", "operation", "elements"),
    [
        (evnspc().look_up(CUSTOMER, MOMENT), "GetCustomerFeeInfo", "BankID CustomerCode"),
        (
            evnspc().clear(POSTING, MOMENT),
            "PayBillFeesByCustomerCode",
            f"BankID CustomerCode {PAID} KyHieuHoaDon DepartCode DaInHD",
        ),
        (evnspc().check(POSTING, OLD, MOMENT), "CheckBill", "CustomerCode HoaDonID BankID"),
        (
            evnspc().undo(POSTING, OLD, MOMENT),
            "CancelBillFeesByCustomerCode",
            "BankID CustomerCode BillCodes Amount CancelDate TransactionCode",
        ),
        (
            evnspc().list_paid(date(2026, 11, 24), "PB1401"),
            "GetBillByBank",
            "BankID MaDonViQL TuNgay DenNgay LoaiGiaoDich",
        ),
    ],
    ids=["look_up", "clear", "check", "undo", "list"],
)
def test_a_request_names_its_action_and_its_elements_in_order(
    call: Call, operation: str, elements: str
) -> None:
    assert call.headers["content-type"] == "text/xml; charset=UTF-8"
    assert call.headers["soapaction"] == f'"{SERVICE}IPaymentService/{operation}"'
    request = asked(call)
    assert request.tag == f"{{{SERVICE}}}{operation}"
    assert [e.tag for e in request] == [f"{{{SERVICE}}}{name}" for name in elements.split()]


def test_arrays_are_parallel_and_their_items_in_the_namespace_of_arrays() -> None:
    request = asked(evnspc().clear(POSTING, MOMENT))
    arrays = {
        name: [(item.tag, item.text) for item in request.find(f"{{{SERVICE}}}{name}") or ()]
        for name in ("BillCodes", "Amount", "TransactionCode")
    }
    assert arrays == {
        "BillCodes": [(f"{ARRAYS}string", "C9"), (f"{ARRAYS}string", "HD10")],
        "Amount": [(f"{ARRAYS}long", "99000"), (f"{ARRAYS}long", "150000")],
        "TransactionCode": [(f"{ARRAYS}string", "pst_9"), (f"{ARRAYS}string", "pst_10")],
    }


def test_times_carry_the_offset_of_vietnam() -> None:
    paid = asked(evnspc().clear(POSTING, MOMENT)).findtext(f"{{{SERVICE}}}PayDate")
    undone = asked(evnspc().undo(POSTING, OLD, MOMENT)).findtext(f"{{{SERVICE}}}CancelDate")
    assert paid == undone == "2026-11-25T00:30:00+07:00"


def test_the_same_posting_is_the_same_to_the_byte() -> None:
    assert evnspc().clear(POSTING, MOMENT) == evnspc().clear(POSTING, MOMENT)


def test_what_is_configured_cannot_break_out_of_its_element() -> None:
    call = evnspc(depart_code="</DepartCode><BankID>X").clear(POSTING, MOMENT)
    assert len(asked(call)) == 9


# ── what is owed ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("prefix", ["s", "a-0", "soap"])
def test_one_bill_and_many_are_read_whatever_their_prefix(prefix: str) -> None:
    for bills in ((bill(),), (bill(), bill("HD10", 150_000, 10))):
        raw = fees(*bills).body.replace(b"<s:", f"<{prefix}:".encode())
        raw = raw.replace(b"</s:", f"</{prefix}:".encode()).replace(b":s=", f":{prefix}=".encode())
        owed = evnspc().read_looked_up(CUSTOMER, Reply(200, raw))
        assert owed is not None
        assert [b.id for b in owed.bills] == ["HD9", "HD10"][: len(bills)]


def test_a_name_that_looks_like_a_prefix_is_kept_whole() -> None:
    owed = evnspc().read_looked_up(CUSTOMER, fees(name="Hộ s:a: Nguyễn &amp; Con"))
    assert owed is not None
    assert owed.name == "Hộ s:a: Nguyễn & Con"


def test_the_older_form_has_a_bill_code_that_is_given_back_when_it_is_paid() -> None:
    owed = evnspc().read_looked_up(CUSTOMER, fees(bill(code="C9")))
    assert owed is not None
    assert owed.bills == (OwedBill("HD9", date(2026, 9, 1), 99_000, {"code": "C9"}),)


def test_a_single_bill_without_a_bill_info_around_it_is_read() -> None:
    bare = bill().removeprefix("<a:BillInfo>").removesuffix("</a:BillInfo>")
    owed = evnspc().read_looked_up(CUSTOMER, fees(bare))
    assert owed is not None
    assert [b.id for b in owed.bills] == ["HD9"]


def test_xml_within_a_text_is_read_as_xml() -> None:
    inside = (
        f"&lt;R&gt;&lt;CustomerCode&gt;{CUSTOMER}&lt;/CustomerCode&gt;&lt;Name&gt;A&lt;/Name&gt;"
        "&lt;Bills&gt;&lt;BillInfo&gt;&lt;Amount&gt;5.658.248&lt;/Amount&gt;&lt;HoaDonID&gt;7"
        "&lt;/HoaDonID&gt;&lt;Month&gt;1&lt;/Month&gt;&lt;Year&gt;2026&lt;/Year&gt;"
        "&lt;/BillInfo&gt;&lt;/Bills&gt;&lt;/R&gt;"
    )
    owed = evnspc().read_looked_up(CUSTOMER, answer("GetCustomerFeeInfo", inside))
    assert owed is not None
    assert owed.bills == (OwedBill("7", date(2026, 1, 1), 5_658_248),)


def test_no_debt_and_no_customer_are_two_things() -> None:
    nothing = evnspc().read_looked_up(CUSTOMER, fees())
    assert nothing is not None
    assert nothing.bills == ()
    assert evnspc().read_looked_up(CUSTOMER, fees(code="", name="")) is None


@pytest.mark.parametrize(
    "reply",
    [
        fees(bill(), code="PB14010000002"),
        fees(bill(), code="", name=""),
        fees(code=""),
        fees(bill(), bill(amount=1)),
        fees(bill(month=13)),
        fees(bill(amount="99.5")),
        fees(bill(amount="-99000")),
        fees(bill(number="")),
        fees(bill(number="HD 9; DROP")),
    ],
    ids=["another's", "nobody's", "no_code", "twice", "month", "half", "minus", "no_id", "bad_id"],
)
def test_a_debt_that_cannot_be_trusted_is_not_read(reply: Reply) -> None:
    with pytest.raises(Unreadable):
        evnspc().read_looked_up(CUSTOMER, reply)
