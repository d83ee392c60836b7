"""The simulated PaymentService against what is public of the real one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.sandbox.evnspc import CUSTOMER, Partner, bare, partner_of

NOON = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
TODAY = "2026-11-24"


@pytest.fixture
async def evn() -> AsyncIterator[Partner]:
    async with partner_of(now=NOON) as partner:
        yield partner


def bills_of(fees: ET.Element) -> list[dict[str, str]]:
    return [{e.tag: e.text or "" for e in bill} for bill in fees.iter("BillInfo")]


# ── what is owed ────────────────────────────────────────────────────────────────────────────────


async def test_a_customer_is_told_with_every_bill_that_is_owed_oldest_first(evn: Partner) -> None:
    await evn.owe(("HD11", 212_000, 11), ("HD10", 99_000, 10), name="Trần a:b s:c & <Con>")
    fees = await evn.fees()
    assert fees.findtext("CustomerCode") == CUSTOMER
    assert fees.findtext("Name") == "Trần a:b s:c & <Con>"
    assert bills_of(fees) == [
        {
            "Amount": "99000",
            "BillCode": "HD10",
            "HoaDonID": "HD10",
            "Month": "10",
            "Year": "2026",
            "SoHo": "1",
        },
        {
            "Amount": "212000",
            "BillCode": "HD11",
            "HoaDonID": "HD11",
            "Month": "11",
            "Year": "2026",
            "SoHo": "1",
        },
    ]


async def test_a_single_bill_stands_alone_in_its_element(evn: Partner) -> None:
    await evn.owe(("HD10", 99_000, 10))
    assert len(bills_of(await evn.fees())) == 1


async def test_no_debt_is_a_customer_with_empty_bills(evn: Partner) -> None:
    await evn.owe()
    fees = await evn.fees()
    assert (fees.findtext("CustomerCode"), bills_of(fees)) == (CUSTOMER, [])
    assert fees.find("Bills") is not None


async def test_an_unknown_customer_has_an_empty_name_and_no_code(evn: Partner) -> None:
    fees = await evn.fees("PB14019999999")
    assert fees.find("CustomerCode") is None
    assert fees.findtext("Name") == ""


async def test_the_older_interface_names_no_bill_codes(evn: Partner) -> None:
    await evn.owe(("HD10", 99_000, 10))
    await evn.control("evnspc", is_older=True)
    (bill,) = bills_of(await evn.fees())
    assert "BillCode" not in bill
    assert bill["HoaDonID"] == "HD10"
    assert {"InvoiceBookId", "Description"} <= bill.keys()


async def test_some_services_put_their_xml_into_a_string(evn: Partner) -> None:
    await evn.owe(("HD10", 99_000, 10), name="Lê <a:Văn> & Con")
    await evn.control("evnspc", as_text=True)
    result = await evn.fees()
    assert len(result) == 0
    inner = bare(result.text or "")
    assert inner.findtext("Name") == "Lê <a:Văn> & Con"
    assert inner.findtext("Bills/BillInfo/Amount") == "99000"


# ── clearing ────────────────────────────────────────────────────────────────────────────────────


async def test_a_bill_is_cleared_once_and_the_same_transaction_is_told_so_again(
    evn: Partner,
) -> None:
    await evn.owe(("HD10", 99_000, 10))
    assert await evn.pay(("HD10", 99_000, "T1")) == [("T1", "0")]
    assert await evn.pay(("HD10", 99_000, "T1")) == [("T1", "1")]
    assert await evn.pay(("HD10", 99_000, "T2")) == [("T2", "2")]
    books = await evn.books()
    assert [row["transaction_code"] for row in books["clearings"]] == ["T1"]
    assert (books["owed_dong"], books["cleared_twice"]) == (0, [])


async def test_two_bills_can_end_differently(evn: Partner) -> None:
    await evn.owe(("HD10", 99_000, 10), ("HD11", 212_000, 11))
    await evn.control("lock", bill="HD11")
    said = await evn.pay(("HD10", 99_000, "T1"), ("HD11", 212_000, "T2"))
    assert said == [("T1", "0"), ("T2", "6")]
    await evn.control("lock", bill="HD11", held_by=None)
    assert await evn.pay(("HD11", 212_000, "T2")) == [("T2", "0")]


async def test_an_earlier_period_is_paid_first_or_in_the_same_call(evn: Partner) -> None:
    await evn.owe(("HD10", 99_000, 10), ("HD11", 212_000, 11))
    assert await evn.pay(("HD11", 212_000, "T1")) == [("T1", "5")]
    said = await evn.pay(("HD10", 99_000, "T2"), ("HD11", 212_000, "T3"))
    assert [status for _, status in said] == ["0", "0"]


@pytest.mark.parametrize(
    ("bill", "amount", "status"),
    [("HD10", 98_999, "3"), ("HD99", 99_000, "4")],
    ids=["another amount", "another bill"],
)
async def test_what_is_not_owed_so_is_not_cleared(
    evn: Partner, bill: str, amount: int, status: str
) -> None:
    await evn.owe(("HD10", 99_000, 10))
    assert await evn.pay((bill, amount, "T1")) == [("T1", status)]
    assert (await evn.books())["clearings"] == []


async def test_what_another_collector_cleared_is_not_cleared_again(evn: Partner) -> None:
    await evn.owe(("HD10", 99_000, 10))
    assert (await evn.control("pay-elsewhere", bill="HD10")).json() == {"status": "0"}
    assert await evn.pay(("HD10", 99_000, "T1")) == [("T1", "2")]
    row = await evn.check("HD10")
    assert row is not None
    assert row["POSID"] == "VCB"
    assert (await evn.control("pay-elsewhere", bill="HD10")).status_code == 409
    assert (await evn.books())["cleared_twice"] == []


async def test_a_request_without_bill_codes_pays_the_oldest(evn: Partner) -> None:
    await evn.owe(("HD11", 212_000, 11), ("HD10", 99_000, 10))
    assert await evn.pay(("", 99_000, "T1"), with_codes=False) == [("T1", "0")]
    assert await evn.check("HD10") is not None
    assert await evn.pay(("", 1, "T2"), ("", 5, "T3"), with_codes=False) == [
        ("T2", "3"),
        ("T3", "4"),
    ]


@pytest.mark.parametrize(
    "date", ["2026-11-24T03:00:00Z", "2026-11-24T10:00:00+07:00", "2026-11-24T10:00:00.123"]
)
async def test_a_date_with_any_offset_or_none_is_taken(evn: Partner, date: str) -> None:
    await evn.owe(("HD10", 99_000, 10))
    assert await evn.pay(("HD10", 99_000, "T1"), date=date) == [("T1", "0")]


# ── the question, the cancelling, the list, the receipt ─────────────────────────────────────────


async def test_an_answer_that_is_lost_after_the_clearing_is_found_by_check_bill() -> None:
    async with partner_of(over_http=True) as evn:
        await evn.owe(("HD10", 99_000, 10))
        for fault in ("drop_after", "hang_after"):
            await evn.fault("pay", fault)
            with pytest.raises(httpx.TransportError):
                await evn.pay(("HD10", 99_000, "T1"))
        row = await evn.check("HD10")
        assert row is not None
        assert (row["AMOUNT"], row["POSID"], row["CUSTOMERCODE"]) == ("99000", "CGTT", CUSTOMER)
        assert len((await evn.books())["clearings"]) == 1


async def test_check_bill_of_what_is_unpaid_is_an_empty_table(evn: Partner) -> None:
    await evn.owe(("HD10", 99_000, 10))
    assert await evn.check("HD10") is None


async def test_a_clearing_is_cancelled_on_its_day_whatever_the_cancel_date_says(
    evn: Partner,
) -> None:
    await evn.owe(("HD10", 99_000, 10))
    await evn.pay(("HD10", 99_000, "T1"))
    assert await evn.cancel(("HD10", 99_000, "T2")) == "1"
    # One client labels UTC's clock with Vietnam's offset.
    assert await evn.cancel(("HD10", 99_000, "T1"), date="2026-11-23T22:00:00+07:00") == "0"
    assert await evn.cancel(("HD10", 99_000, "T1")) == "1"
    assert len(bills_of(await evn.fees())) == 1


async def test_a_clearing_of_yesterday_stays(evn: Partner) -> None:
    await evn.owe(("HD10", 99_000, 10))
    await evn.pay(("HD10", 99_000, "T1"))
    await evn.control("evnspc", ahead_s=86_400)
    assert await evn.cancel(("HD10", 99_000, "T1")) == "2"
    assert await evn.check("HD10") is not None


async def test_the_days_list_holds_reversed_rows_too(evn: Partner) -> None:
    await evn.owe(("HD10", 99_000, 10))
    await evn.pay(("HD10", 99_000, "T1"))
    await evn.cancel(("HD10", 99_000, "T1"))
    await evn.pay(("HD10", 99_000, "T2"))
    rows = await evn.paid(TODAY, TODAY)
    assert [(row["MA_GDICH"], bool(row["MA_HUY_GDICH"])) for row in rows] == [
        ("T1", True),
        ("T2", False),
    ]
    assert {"BANK_ID": "CGTT", "ID_HDON": "HD10", "SO_TIEN": "99000", "KY": "1"}.items() <= rows[
        1
    ].items()
    assert await evn.paid("2026-11-25", "2026-11-25") == []
    assert await evn.paid(TODAY, TODAY, unit="PB1902") == []
    # One client sends the days as UTC times.
    assert len(await evn.paid("2026-11-23T17:00:00Z", "2026-11-24T16:59:59Z")) == 2


async def test_a_receipt_is_given_for_exactly_what_was_paid(evn: Partner) -> None:
    await evn.owe(("HD10", 108_000, 10))
    await evn.pay(("HD10", 108_000, "T1"))

    async def receipt(operation: str, transaction: str, amount: str) -> list[ET.Element]:
        asked = (
            f"<t:BankID>CGTT</t:BankID><t:TransactionCode>{transaction}</t:TransactionCode>"
            f"<t:HoaDonID>HD10</t:HoaDonID><t:SoTien>{amount}</t:SoTien>"
        )
        return list((await evn.call(operation, asked)).iter("table"))

    (row,) = await receipt("GetPhieuThuTienDien", "T1", "108000")
    sums = [row.findtext(name) for name in ("SO_TIEN", "TYLE_THUE", "TIEN_THUE", "TONG_TIEN")]
    assert sums == ["100000", "8", "8000", "108000"]
    assert await receipt("GetPhieuThuTienDien", "T2", "108000") == []
    assert await receipt("GetPhieuThuTienDien", "T1", "108001") == []
    assert await receipt("GetPhieuThuCSPK", "T1", "108000") == []
