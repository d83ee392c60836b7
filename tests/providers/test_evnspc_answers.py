"""EVN SPC's PaymentService: what its answers mean, and what must never be concluded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.domain.posting import Clearing, Undoing
from gateway.kit.messages import Garbled, Reply, Unreadable
from gateway.kit.redact import HIDDEN, Redactor
from gateway.providers.evnspc import PAY_STATUSES, UNITS, table_of
from tests.providers.evnspc import (
    CUSTOMER,
    NEW,
    OLD,
    POSTING,
    SERVICE,
    answer,
    bill,
    checked,
    cleared,
    evnspc,
    fees,
    table,
)

READS = {
    "look_up": lambda reply: evnspc().read_looked_up(CUSTOMER, reply),
    "clear": lambda reply: evnspc().read_cleared(POSTING, reply),
    "check": lambda reply: evnspc().read_checked(POSTING, OLD, reply),
    "undo": lambda reply: evnspc().read_undone(POSTING, OLD, reply),
    "list": lambda reply: evnspc().read_listed(reply),
}


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
