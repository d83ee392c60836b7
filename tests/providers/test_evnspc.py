"""EVN SPC's PaymentService: each message both ways, and what must never be concluded."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.domain.posting import Clearing, Undoing
from gateway.kit.messages import Call, Garbled, OwedBill, Reply, Unreadable
from gateway.kit.redact import HIDDEN, Redactor
from gateway.providers.evnspc import PAY_STATUSES, UNITS, table_of
from tests.providers.evnspc import (
    CUSTOMER,
    MOMENT,
    NEW,
    OLD,
    POSTING,
    SERVICE,
    answer,
    asked,
    bill,
    checked,
    cleared,
    evnspc,
    fees,
    table,
)

ARRAYS = "{http://schemas.microsoft.com/2003/10/Serialization/Arrays}"
READS = {
    "look_up": lambda reply: evnspc().read_looked_up(CUSTOMER, reply),
    "clear": lambda reply: evnspc().read_cleared(POSTING, reply),
    "check": lambda reply: evnspc().read_checked(POSTING, OLD, reply),
    "undo": lambda reply: evnspc().read_undone(POSTING, OLD, reply),
    "list": lambda reply: evnspc().read_listed(reply),
}


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


# ── clearing, checking, undoing ──────────────────────────────────────────────────────────────────

# The table of docs/providers/evnspc.md, not imported from the adapter.
STATUSES = {
    **dict.fromkeys(("0", "OK", "1"), Clearing.CLEARED),
    "2": Clearing.PAID_BY_OTHER,
    "3": Clearing.AMOUNT_DIFFERS,
    "4": Clearing.NOT_FOUND,
    "5": Clearing.OLDER_UNPAID,
    **dict.fromkeys(("9", "6", "", "00", "ok"), Clearing.UNKNOWN),
}


@pytest.mark.parametrize(("status", "means"), STATUSES.items())
def test_a_status_means_what_the_page_says_and_any_other_nothing(
    status: str, means: Clearing
) -> None:
    said = evnspc().read_cleared(POSTING, cleared(pst_9=status, pst_10="0"))
    assert [s.said for s in said] == [means, Clearing.CLEARED]


def test_each_bill_has_its_own_status_in_whatever_order() -> None:
    said = evnspc().read_cleared(POSTING, cleared(pst_10="0", pst_9="2"))
    assert [s.said for s in said] == [Clearing.PAID_BY_OTHER, Clearing.CLEARED]


def test_a_bill_that_the_answer_does_not_name_or_names_twice_is_in_doubt() -> None:
    missing = evnspc().read_cleared(POSTING, cleared(pst_9="0", other="0"))
    assert [s.said for s in missing] == [Clearing.CLEARED, Clearing.UNKNOWN]
    rows = [{"TransactionCode": "pst_9", "Status": s} for s in ("0", "2")]
    twice = evnspc().read_cleared(POSTING, answer("PayBillFeesByCustomerCode", table(*rows)))
    assert twice[0].said is Clearing.UNKNOWN


def test_the_table_of_statuses_is_configuration() -> None:
    provider = evnspc(pay_statuses=f"{PAY_STATUSES},6=locked,7=cancelled")
    said = provider.read_cleared(POSTING, cleared(pst_9="6", pst_10="7"))
    assert [s.said for s in said] == [Clearing.LOCKED, Clearing.CANCELLED]


@pytest.mark.parametrize("table", ["", "0", "0=paid", "0=cleared;1=cleared", "=cleared"])
def test_a_table_that_says_nothing_certain_is_refused(table: str) -> None:
    with pytest.raises(ValidationError):
        evnspc(pay_statuses=table)
    with pytest.raises(ValueError, match=r"table|valid"):
        table_of(table, Undoing)


@pytest.mark.parametrize(
    ("reply", "means"),
    [
        (checked(), Clearing.CLEARED),
        (checked(POSID="OTHER"), Clearing.PAID_BY_OTHER),
        (checked(AMOUNT="98000"), Clearing.AMOUNT_DIFFERS),
        (checked(POSID=""), Clearing.UNKNOWN),
        (answer("CheckBill", table()), Clearing.NOT_CLEARED),
        (answer("CheckBill", ""), Clearing.NOT_CLEARED),
    ],
    ids=["ours", "another's", "another_amount", "nobody's", "empty_table", "empty"],
)
def test_checking_says_who_has_paid_the_bill(reply: Reply, means: Clearing) -> None:
    assert evnspc().read_checked(POSTING, OLD, reply).said is means


@pytest.mark.parametrize(
    "reply",
    [checked(HOADONID="HD10"), checked(CUSTOMERCODE="PB14010000002"), checked(AMOUNT="?")],
)
def test_a_check_of_another_bill_proves_nothing(reply: Reply) -> None:
    with pytest.raises(Unreadable):
        evnspc().read_checked(POSTING, OLD, reply)


@pytest.mark.parametrize(
    ("value", "means"),
    [
        ("0", Undoing.UNDONE),
        ("1", Undoing.NOTHING_TO_UNDO),
        ("2", Undoing.TOO_LATE),
        *((value, Undoing.UNKNOWN) for value in ("9", "", "true", "-1")),
    ],
)
def test_an_undoing_means_what_the_page_says_and_any_other_nothing(
    value: str, means: Undoing
) -> None:
    reply = answer("CancelBillFeesByCustomerCode", value)
    assert evnspc().read_undone(POSTING, NEW, reply).said is means


def test_the_list_marks_what_was_undone() -> None:
    row = {"BANK_ID": "CGTT", "MA_KHANG": CUSTOMER, "ID_HDON": "HD9", "SO_TIEN": "99000"}
    rows = [row | {"MA_GDICH": "pst_9"}, row | {"MA_GDICH": "pst_8", "MA_HUY_GDICH": "H1"}]
    listed = evnspc().read_listed(answer("GetBillByBank", table(*rows)))
    assert [(x.reference, x.amount_dong, x.is_undone) for x in listed] == [
        ("pst_9", 99_000, False),
        ("pst_8", 99_000, True),
    ]


def test_a_list_of_another_bank_is_not_ours() -> None:
    rows = [{"BANK_ID": "OTHER", "SO_TIEN": "1", "MA_GDICH": "pst_9"}]
    with pytest.raises(Unreadable):
        evnspc().read_listed(answer("GetBillByBank", table(*rows)))


def test_lists_are_asked_for_at_all_units_of_the_province_and_of_the_customers() -> None:
    assert evnspc().units_of(["PB19020000001"]) == (*UNITS.split(","), "PB1902")
    assert evnspc(units="").units_of([]) == ()


# ── what nobody documented ───────────────────────────────────────────────────────────────────────

FAULT = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
    "<faultcode>s:Server</faultcode></s:Fault></s:Body></s:Envelope>"
)
BOMB = '<!DOCTYPE b [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><b>&b;</b>'
OUTSIDE = '<!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/passwd">]><b>&a;</b>'
USELESS = {
    "empty": Reply(200, b""),
    "html": Reply(200, b"<!doctype html><p>maintenance"),
    "fault": Reply(200, FAULT.encode()),
    "bomb": Reply(200, BOMB.encode()),
    "outside": Reply(200, OUTSIDE.encode()),
    "refused": Reply(400, fees().body),
    "another_answer": answer("GetSomethingElse", "0"),
    "other_soap": Reply(200, fees().body.replace(b"soap/envelope", b"other/envelope")),
    "other_service": Reply(200, fees().body.replace(SERVICE.encode(), b"http://other/")),
    "cut": Reply(200, fees(bill()).body[:-30]),
    "encoding": Reply(200, b'<?xml version="1.0" encoding="no-such"?><a/>'),
}


@pytest.mark.parametrize("reply", USELESS.values(), ids=USELESS.keys())
def test_a_useless_answer_is_garbled_and_never_a_refusal(reply: Reply) -> None:
    for read in READS.values():
        with pytest.raises(Garbled):
            read(reply)


@given(data=st.data())
def test_no_bytes_raise_anything_but_garbled(data: st.DataObject) -> None:
    read = data.draw(st.sampled_from(list(READS.values())))
    seeds = [fees(bill()), cleared(pst_9="0"), checked(), answer("GetBillByBank", table())]
    body = data.draw(st.sampled_from([reply.body for reply in seeds]))
    cut, noise = data.draw(st.integers(0, len(body))), data.draw(st.binary(max_size=8))
    for raw in (noise, body[:cut] + noise + body[cut + len(noise) :]):
        try:
            read(Reply(200, raw))
        except Garbled:
            continue


def test_names_and_addresses_are_not_kept() -> None:
    shown = Redactor((), evnspc().private_fields).text(fees(bill()).body)
    assert "Nguyễn" not in shown
    assert "Phường" not in shown
    assert f"<a:Name>{HIDDEN}</a:Name>" in shown
    assert "<a:Amount>99000</a:Amount>" in shown


def test_names_within_a_text_are_not_kept_either() -> None:
    inside = "&lt;Name&gt;Nguyễn Văn Án&lt;/Name&gt;"
    shown = Redactor((), evnspc().private_fields).text(answer("GetCustomerFeeInfo", inside).body)
    assert "Nguyễn" not in shown
