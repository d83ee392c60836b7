"""Seeding: the pilot's areas, biller, partners, customers and bills, and how past bills were paid.

Past payments predate the gateway: they stand in payments, lines and the ledger, but have no event,
no delivery and no idempotency key, and their bills' event sequence begins at zero.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from itertools import islice
from uuid import UUID

from gateway.domain.biller import read_rules
from gateway.domain.clock import business_date
from gateway.domain.errors import ensure
from gateway.flows import operate
from gateway.runtime import Runtime
from gateway.store import database, imports, upkeep

CHUNK_ROWS = 20_000
CUSTOMER_COLUMNS = ("biller_id", "code", "name", "address", "area_code", "segment", "agency")
BILL_COLUMNS = (
    *("biller_id", "id", "customer_code", "period", "kwh", "net_dong", "vat_dong"),
    *("amount_dong", "issued_on", "due_on", "paid_dong", "status", "claimed_by"),
)
PAYMENT_COLUMNS = (
    *("biller_id", "id", "partner_id", "partner_reference", "method", "channel", "customer_code"),
    *("amount_dong", "bill_count", "claimed_count", "status", "business_date", "created_at"),
)
LINE_COLUMNS = ("biller_id", "payment_id", "bill_id", "period", "amount_dong", "sequence")
TRANSFER_COLUMNS = (
    *("biller_id", "source", "kind", "debit_account", "credit_account", "amount_dong"),
    "created_at",
)

Customer = tuple[str, str, str, str, str, str | None]
Bill = tuple[str, str, date, int, int, int, int, date, date]
Paid = tuple[str, str, date, int, str, str, datetime]
Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class PilotData:
    """What to seed. `bills` and `history` come in the same order, history being a part of them.

    A customer: code, name, address, area, segment, agency. A bill: id, customer, period, kWh, net,
    VAT, amount in đồng, issued on, due on. A past payment: bill id, customer, period, amount,
    partner, channel, paid at.
    """

    areas: Iterable[imports.AreaRow]
    biller: str
    biller_name: str
    rules: Mapping[str, object]
    partners: Mapping[str, str]
    """Code to name; the biller's own system is made beside them, under the biller's code."""
    first_period: date
    customers: Iterable[Customer]
    bills: Iterable[Bill]
    history: Iterable[Paid]


@dataclass(slots=True)
class SeedReport:
    """What was written."""

    customers: int = 0
    bills: int = 0
    payments: int = 0

    def __str__(self) -> str:
        """Say it in one sentence."""
        return (
            f"seeded {self.customers} customers, {self.bills} bills, {self.payments} past payments"
        )


async def seed(rt: Runtime, data: PilotData, *, actor: str) -> SeedReport:
    """Write the pilot's data once; a biller that has customers already keeps what it has.

    All rows are written in one transaction: a seeding that is cut off leaves none of them.

    Raises:
        InvariantBroken: `history` is not a part of `bills` in their order; nothing was written.
    """
    await _set_up(rt, data, actor)
    biller_id = rt.directory.billers[data.biller].id
    report = SeedReport()
    async with database.borrow(rt.engine) as connection:
        if await imports.has_customers(connection, biller_id):
            return report
        for area in data.areas:
            await imports.put_area(connection, area)
        months = _months_between(data.first_period, rt.clock.now().date())
        await upkeep.make_partitions(connection, data.first_period, months=months, days=0)
        async with connection.transaction():
            await imports.begin_seeding(connection)
            if await imports.has_customers(connection, biller_id):
                return report
            await _Writer(rt, connection, biller_id, data).write(report)
            entry = upkeep.AuditEntry(actor, "pilot.seeded", data.biller, asdict(report))
            await upkeep.audit(connection, entry)
        await imports.analyze(connection)
    return report


async def _set_up(rt: Runtime, data: PilotData, actor: str) -> None:
    """Make the biller and the partners that are not there just so: a second time writes nothing."""
    await rt.refresh()
    rules = dict(data.rules)
    biller = rt.directory.billers.get(data.biller)
    if biller is None or (biller.name, biller.rules) != (data.biller_name, read_rules(rules)):
        await operate.put_biller(rt, data.biller, data.biller_name, rules, actor=actor)
    known = {partner.code for partner in rt.directory.partners_by_id.values()}
    for code, name in ({data.biller: data.biller_name} | dict(data.partners)).items():
        if code not in known:
            own = data.biller if code == data.biller else None
            await operate.put_partner(rt, code, name, biller=own, actor=actor)
    await rt.refresh()


@dataclass(slots=True)
class _Writer:
    rt: Runtime
    connection: database.Raw
    biller_id: int
    data: PilotData
    partner_ids: dict[str, int] = field(init=False)
    receivables: dict[str, int] = field(init=False)
    payable: int = field(init=False)

    def __post_init__(self) -> None:
        partners = self.rt.directory.partners_by_id.values()
        self.partner_ids = {partner.code: partner.id for partner in partners}
        self.receivables = {partner.code: partner.receivable_account for partner in partners}
        self.payable = self.rt.directory.billers[self.data.biller].payable_account

    async def write(self, report: SeedReport) -> None:
        rows = ((self.biller_id, *customer) for customer in self.data.customers)
        async for chunk in _chunks(rows):
            await imports.copy(self.connection, "customers", CUSTOMER_COLUMNS, chunk)
            report.customers += len(chunk)
        history = iter(self.data.history)
        upcoming = next(history, None)
        bills = iter(self.data.bills)
        serial = 0
        while batch := list(islice(bills, CHUNK_ROWS)):
            tables = _Tables()
            for bill in batch:
                paid = upcoming if upcoming is not None and upcoming[0] == bill[0] else None
                if paid is not None:
                    upcoming = next(history, None)
                    serial += 1
                self._add(tables, bill, paid, serial)
            await tables.copy(self.connection)
            report.bills += len(batch)
            report.payments += len(tables.payments)
        ensure(upcoming is None, "every past payment is of a bill that was given, in its order")

    def _add(self, tables: "_Tables", bill: Bill, paid: Paid | None, serial: int) -> None:
        if paid is None:
            tables.bills.append((self.biller_id, *bill, 0, "open", None))
            return
        bill_id, customer, period, amount, partner, channel, paid_at = paid
        payment_id = _uuid7(paid_at, serial)
        tables.bills.append((self.biller_id, *bill, amount, "paid", payment_id))
        tables.payments.append(
            (
                *(self.biller_id, payment_id, self.partner_ids[partner], f"HIST-{bill_id}"),
                *("collected", channel, customer, amount, 1, 1, "succeeded"),
                *(business_date(paid_at), paid_at),
            )
        )
        tables.lines.append((self.biller_id, payment_id, bill_id, period, amount, 0))
        tables.transfers.append(
            (
                *(self.biller_id, payment_id, "payment", self.receivables[partner]),
                *(self.payable, amount, paid_at),
            )
        )


@dataclass(slots=True)
class _Tables:
    bills: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)
    transfers: list[Row] = field(default_factory=list)

    async def copy(self, connection: database.Raw) -> None:
        await imports.copy(connection, "bills", BILL_COLUMNS, self.bills)
        await imports.copy(connection, "payments", PAYMENT_COLUMNS, self.payments)
        await imports.copy(connection, "payment_bills", LINE_COLUMNS, self.lines)
        await imports.copy(connection, "transfers", TRANSFER_COLUMNS, self.transfers)


async def _chunks(rows: Iterator[Row]) -> AsyncIterator[list[Row]]:
    while chunk := list(islice(rows, CHUNK_ROWS)):
        yield chunk


def _uuid7(moment: datetime, serial: int) -> UUID:
    """Make a UUIDv7 of an instant whose random bits are a serial number: repeatable and unique."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0x2 << 62 | serial)


def _months_between(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month
