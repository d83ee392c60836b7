"""EVN SPC's PaymentService: what a customer owes, clearing and undoing it, what we have paid.

Units: whole đồng. Clocks: Vietnam; each time is sent with its offset. SOAP 1.1 over a private line;
no signature, no user: the caller is known by its network and by its BankID. What the service lists
as final is in `pay_statuses` and `undo_statuses` (profile `evnspc-paymentservice/1.0-observed`: the
numbers are not public); anything else is UNKNOWN, and CheckBill is asked.

Sources, read 2026-11-24: a public multi-bank gateway's client of this service, and notes of a
wallet's engineer. docs/providers/evnspc.md says what is open.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TypeVar
from xml.etree.ElementTree import Element

from pydantic import Field, field_validator

from gateway.domain.clock import VIETNAM
from gateway.domain.posting import Clearing, Undoing
from gateway.kit import abilities
from gateway.kit.abilities import ClearsDebt, ListsPaid, LooksUpBills
from gateway.kit.messages import (
    Call,
    Cleared,
    ListedBill,
    Moment,
    Owed,
    OwedBill,
    Posting,
    PostingLine,
    Reply,
    Undone,
    Unreadable,
)
from gateway.kit.soap import array, envelope, named, result_of, rows_of, text_in, text_of, texts

SERVICE = "http://tempuri.org/"
LIST_BYTES_MAX = 32 * 1024 * 1024

PAY_STATUSES = (
    "0=cleared,OK=cleared,1=cleared,2=paid_by_other,3=amount_differs,4=not_found,"
    "5=older_unpaid,9=unknown"
)
UNDO_STATUSES = "0=undone,1=nothing_to_undo,2=too_late,9=unknown"
# The ten units of Cà Mau; a unit is the first six characters of its customers' codes.
UNITS = ",".join(f"PB14{number:02}" for number in range(1, 11))
_UNIT_LENGTH = 6
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
_TABLE = re.compile(
    r"\s*[\w.-]{1,32}\s*=\s*[a-z_]+\s*(,\s*[\w.-]{1,32}\s*=\s*[a-z_]+\s*)*", re.ASCII
)

Meaning = TypeVar("Meaning", Clearing, Undoing)


class Config(abilities.Config):
    """Who we are there; `service_url` is the private line's, so there is no default."""

    service_url: str = Field(pattern=r"^https?://[^\s?#@]+$")
    bank_id: str = Field(pattern=r"^[\w.-]{1,32}$")
    deadline_s: float = Field(default=60.0, gt=0, le=120)
    pay_statuses: str = PAY_STATUSES
    undo_statuses: str = UNDO_STATUSES
    units: str = Field(default=UNITS, pattern=r"^([A-Z]{2}[0-9]{4})?(,[A-Z]{2}[0-9]{4})*$")
    # Their contents are not public; empty is what can be said without guessing.
    invoice_symbol: str = ""
    depart_code: str = ""
    receipt_printed: str = "false"
    list_kind: str = ""

    @field_validator("pay_statuses")
    @classmethod
    def _pay_table(cls, text: str) -> str:
        table_of(text, Clearing)
        return text

    @field_validator("undo_statuses")
    @classmethod
    def _undo_table(cls, text: str) -> str:
        table_of(text, Undoing)
        return text


class EvnSpc(LooksUpBills[Config], ClearsDebt[Config], ListsPaid[Config]):
    """The partner service of the Southern Power Corporation."""

    code, title = "evnspc", "EVN SPC"
    channels = frozenset()
    Config = Config
    private_fields = frozenset(
        {"Name", "Address", "MaSoThue", "TEN_KHANG", "DCHI_KHANG", "DIA_CHI", "SoCongTo"}
    )

    @property
    def merchant(self) -> str:
        """Our BankID there."""
        return self.config.bank_id

    # ── what is owed ─────────────────────────────────────────────────────────────────────────

    def look_up(self, customer_code: str, moment: Moment) -> Call:
        """Ask GetCustomerFeeInfo."""
        fields = texts(BankID=self.config.bank_id, CustomerCode=customer_code)
        return self._call("look_up", "GetCustomerFeeInfo", fields)

    def read_looked_up(self, customer_code: str, reply: Reply) -> Owed | None:
        """Read the customer and the bills; without code and name there is no such customer."""
        result = result_of(reply, SERVICE, "GetCustomerFeeInfo")
        code, name = text_of(result, "CustomerCode"), text_of(result, "Name")
        bills = tuple(_owed(bill) for bill in _bills(result))
        if not code and not name and not bills:
            return None
        if code != customer_code or len({bill.id for bill in bills}) != len(bills):
            raise Unreadable(what="CustomerCode" if code != customer_code else "HoaDonID")
        owed = tuple(bill for bill in bills if bill.amount_dong > 0)
        return Owed(name, text_of(result, "Address"), owed)

    # ── clearing it ──────────────────────────────────────────────────────────────────────────

    def clear(self, posting: Posting, moment: Moment) -> Call:
        """Ask PayBillFeesByCustomerCode; each bill has a TransactionCode of its own."""
        config, lines = self.config, posting.lines
        fields = texts(BankID=config.bank_id, CustomerCode=posting.customer_code)
        fields += _lines(lines)
        fields += texts(PayDate=_local(posting.paid_at))
        fields += array("TransactionCode", "string", (line.reference for line in lines))
        fields += texts(
            KyHieuHoaDon=config.invoice_symbol,
            DepartCode=config.depart_code,
            DaInHD=config.receipt_printed,
        )
        return self._call("clear", "PayBillFeesByCustomerCode", fields)

    def read_cleared(self, posting: Posting, reply: Reply) -> Sequence[Cleared]:
        """Read one status for each bill by its TransactionCode; two for one prove nothing."""
        said: dict[str, set[str]] = {}
        for row in rows_of(result_of(reply, SERVICE, "PayBillFeesByCustomerCode")):
            said.setdefault(row.get("TRANSACTIONCODE", ""), set()).add(row.get("STATUS", ""))
        table = table_of(self.config.pay_statuses, Clearing)
        found = []
        for line in posting.lines:
            statuses = said.get(line.reference, set())
            status = next(iter(statuses)) if len(statuses) == 1 else ""
            found.append(Cleared(table.get(status, Clearing.UNKNOWN), status))
        return found

    def check(self, posting: Posting, line: PostingLine, moment: Moment) -> Call:
        """Ask CheckBill."""
        fields = texts(CustomerCode=posting.customer_code, HoaDonID=line.bill_id)
        return self._call("check", "CheckBill", fields + texts(BankID=self.config.bank_id))

    def read_checked(self, posting: Posting, line: PostingLine, reply: Reply) -> Cleared:
        """Read who has paid the bill: POSID is a BankID; no row means that nobody has."""
        rows = rows_of(result_of(reply, SERVICE, "CheckBill"))
        if not rows:
            return Cleared(Clearing.NOT_CLEARED)
        row, ours = rows[0], (posting.customer_code, line.bill_id)
        if len(rows) > 1 or (row.get("CUSTOMERCODE"), row.get("HOADONID")) != ours:
            raise Unreadable(what="the row of CheckBill")
        payer, amount = row.get("POSID", ""), _dong(row.get("AMOUNT", ""))
        if not payer:
            return Cleared(Clearing.UNKNOWN)
        if payer != self.config.bank_id:
            return Cleared(Clearing.PAID_BY_OTHER, f"POSID {payer}")
        is_whole = amount == line.amount_dong
        return Cleared(Clearing.CLEARED if is_whole else Clearing.AMOUNT_DIFFERS, "POSID")

    def undo(self, posting: Posting, line: PostingLine, moment: Moment) -> Call:
        """Ask CancelBillFeesByCustomerCode for one bill: its answer is one value for all."""
        fields = texts(BankID=self.config.bank_id, CustomerCode=posting.customer_code)
        fields += _lines([line])
        fields += texts(CancelDate=_local(moment.now))
        fields += array("TransactionCode", "string", [line.reference])
        return self._call("undo", "CancelBillFeesByCustomerCode", fields)

    def read_undone(self, posting: Posting, line: PostingLine, reply: Reply) -> Undone:
        """Read the one value."""
        value = text_in(result_of(reply, SERVICE, "CancelBillFeesByCustomerCode"))
        table = table_of(self.config.undo_statuses, Undoing)
        return Undone(table.get(value, Undoing.UNKNOWN), value[:32])

    # ── the list for comparing ───────────────────────────────────────────────────────────────

    def units_of(self, customer_codes: Sequence[str]) -> tuple[str, ...]:
        """Name the units of the configuration, and those of these customers."""
        named = {code[:_UNIT_LENGTH] for code in customer_codes}
        return tuple(sorted(named | set(filter(None, self.config.units.split(",")))))

    def list_paid(self, day: date, unit: str) -> Call:
        """Ask GetBillByBank for one day and one unit."""
        fields = texts(
            BankID=self.config.bank_id,
            MaDonViQL=unit,
            TuNgay=day.isoformat(),
            DenNgay=day.isoformat(),
            LoaiGiaoDich=self.config.list_kind,
        )
        return self._call("list_paid", "GetBillByBank", fields, most=LIST_BYTES_MAX)

    def read_listed(self, reply: Reply) -> Sequence[ListedBill]:
        """Read the rows; MA_HUY_GDICH marks one that was undone."""
        return [self._listed(row) for row in rows_of(result_of(reply, SERVICE, "GetBillByBank"))]

    def _listed(self, row: dict[str, str]) -> ListedBill:
        if row.get("BANK_ID", self.config.bank_id) != self.config.bank_id:
            raise Unreadable(what="BANK_ID")
        return ListedBill(
            reference=row.get("MA_GDICH", ""),
            bill_id=row.get("ID_HDON", ""),
            customer_code=row.get("MA_KHANG", ""),
            amount_dong=_dong(row.get("SO_TIEN", "")),
            is_undone=bool(row.get("MA_HUY_GDICH")),
        )

    def _call(self, operation: str, name: str, fields: str, most: int | None = None) -> Call:
        headers = {
            "content-type": "text/xml; charset=UTF-8",
            "soapaction": f'"{SERVICE}IPaymentService/{name}"',
        }
        body = envelope(SERVICE, name, fields)
        call = Call(operation, self.config.service_url, body, headers=headers)
        return call if most is None else replace(call, reply_bytes_max=most)


def table_of(text: str, meanings: type[Meaning]) -> dict[str, Meaning]:
    """Read a table of statuses as it is configured.

    >>> table_of("0=undone, 2=too_late", Undoing)["2"]
    <Undoing.TOO_LATE: 'too_late'>

    Raises:
        ValueError: it is no such table, or names a meaning that there is not.
    """
    if not _TABLE.fullmatch(text):
        message = "is not a table like '0=cleared,2=paid_by_other'"
        raise ValueError(message)
    pairs = (entry.split("=") for entry in text.split(","))
    return {status.strip(): meanings(meaning.strip()) for status, meaning in pairs}


def _lines(lines: Sequence[PostingLine]) -> str:
    codes = array("BillCodes", "string", (x.memory.get("code", x.bill_id) for x in lines))
    return codes + array("Amount", "long", (str(x.amount_dong) for x in lines))


def _local(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).isoformat(timespec="seconds")


def _bills(result: Element) -> list[Element]:
    """Give the bills; a single one may stand without a BillInfo around it."""
    bare = [bills for bills in named(result, "Bills") if text_of(bills, "Amount")]
    return named(result, "BillInfo") or bare


def _owed(bill: Element) -> OwedBill:
    code = text_of(bill, "BillCode")
    number = text_of(bill, "HoaDonID") or code
    month, year = text_of(bill, "Month"), text_of(bill, "Year")
    if not _ID.fullmatch(number) or not re.fullmatch(r"20[0-9]{2}", year, re.ASCII):
        raise Unreadable(what="BillInfo")
    if not re.fullmatch(r"0?[1-9]|1[0-2]", month, re.ASCII):
        raise Unreadable(what="Month")
    memory = {"code": code[:64]} if code and code != number else {}
    return OwedBill(number, date(int(year), int(month), 1), _dong(text_of(bill, "Amount")), memory)


def _dong(text: str) -> int:
    """Read an amount; some of their systems group digits, some write zeros behind a point.

    >>> [_dong(t) for t in ("150000", "5.658.248", "5,658,248", "150000.0000")]
    [150000, 5658248, 5658248, 150000]
    """
    grouped = re.fullmatch(r"[0-9]{1,3}(?:([.,])[0-9]{3}(?:\1[0-9]{3}){0,4})?", text, re.ASCII)
    plain = re.fullmatch(r"([0-9]{1,15})(?:[.,]0+)?", text, re.ASCII)
    if grouped is None and plain is None:
        raise Unreadable(what="an amount")
    digits = text if grouped else plain[1] if plain else ""
    return int(re.sub("[.,]", "", digits))
