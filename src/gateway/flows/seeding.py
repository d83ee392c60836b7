"""Seeding: the pilot's areas, biller, partners, customers and bills, and how past bills were paid.

Past payments predate the gateway: they stand in payments, lines and the ledger, but have no event,
no delivery and no idempotency key, and their bills' event sequence begins at zero.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from itertools import islice

from gateway.domain.biller import read_rules
from gateway.domain.clock import business_date
from gateway.domain.errors import InvariantBroken, ensure
from gateway.domain.pilot import Pilot
from gateway.flows import adoption, agencies, operate
from gateway.flows.access import find_biller
from gateway.runtime import Runtime
from gateway.store import database, imports, upkeep

CHUNK_ROWS = 10_000
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
Way = tuple[str, str, datetime]
Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class PilotData:
    """What to seed; `ways` says of every bill, in their order, how it was paid, None if it is open.

    A customer: code, name, address, area, segment, agency. A bill: id, customer, period, kWh, net,
    VAT, amount in đồng, issued on, due on. A way: partner, channel, paid at (UTC). Ids, codes and
    channels hold no tab, no line break and no backslash.
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
    ways: Iterable[Way | None]


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
        InvariantBroken: `bills` and `ways` are not as many, or a word is not plain; nothing was
            written.
    """
    await _set_up(rt, data, actor)
    biller_id = rt.directory.billers[data.biller].id
    report = SeedReport()
    async with database.borrow(rt.pool) as connection:
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


async def begin_pilot(
    rt: Runtime, biller_code: str, pilot: Pilot | None, names: Mapping[str, str], *, actor: str
) -> None:
    """Begin a pilot if the biller has none, with agencies (code to name), and roll up.

    Again changes nothing but what has happened meanwhile.
    """
    biller = find_biller(rt, biller_code)
    if pilot is not None and not await adoption.list_pilots(rt, biller):
        await adoption.put_pilot(rt, biller, pilot, actor=actor)
    await agencies.take_named(rt, biller, names, actor=actor)
    await adoption.roll_up(rt)


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

    async def write(self, report: SeedReport) -> None:
        rows = ((self.biller_id, *customer) for customer in self.data.customers)
        async for chunk in _chunks(rows):
            await imports.copy(self.connection, "customers", CUSTOMER_COLUMNS, chunk)
            report.customers += len(chunk)
        dropped = await imports.drop_indexes(self.connection)
        await self._write_bills(report)
        await imports.build_indexes(self.connection, dropped)

    async def _write_bills(self, report: SeedReport) -> None:
        chunks = self._texts().chunks(self.data)
        upcoming = await asyncio.to_thread(next, chunks, None)
        while upcoming is not None:
            # The next rows are made in a thread while the database takes these.
            following = asyncio.create_task(asyncio.to_thread(next, chunks, None))
            try:
                await upcoming.copy(self.connection)
            finally:
                await asyncio.wait([following])
            report.bills += len(upcoming.bills)
            report.payments += len(upcoming.payments)
            upcoming = following.result()

    def _texts(self) -> "_Texts":
        partners = self.rt.directory.partners_by_id.values()
        return _Texts(
            biller_id=self.biller_id,
            payable=self.rt.directory.billers[self.data.biller].payable_account,
            partners={each.code: (each.id, each.receivable_account) for each in partners},
        )


@dataclass(slots=True)
class _Tables:
    """Rows of a chunk, as COPY takes them."""

    bills: list[str] = field(default_factory=list)
    payments: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    transfers: list[str] = field(default_factory=list)

    async def copy(self, connection: database.Raw) -> None:
        for table, columns, rows in (
            ("bills", BILL_COLUMNS, self.bills),
            ("payments", PAYMENT_COLUMNS, self.payments),
            ("payment_bills", LINE_COLUMNS, self.lines),
            ("transfers", TRANSFER_COLUMNS, self.transfers),
        ):
            await imports.copy_text(connection, table, columns, _plain(rows, len(columns)))


class _Days(dict[date, str]):
    """Days as text, each written once: a thousand bills share one."""

    def __missing__(self, day: date) -> str:
        text = self[day] = str(day)
        return text


@dataclass(slots=True)
class _Texts:
    """Writes rows as text: a tuple that asyncpg encodes costs three times as much."""

    biller_id: int
    payable: int
    partners: Mapping[str, tuple[int, int]]
    """Id and receivable account."""
    serial: int = 0
    days: _Days = field(default_factory=_Days)
    hours: dict[str, str] = field(default_factory=dict)
    """The Vietnamese day of an hour of UTC."""

    def chunks(self, data: PilotData) -> Iterator[_Tables]:
        try:
            pairs = zip(data.bills, data.ways, strict=True)
            while batch := list(islice(pairs, CHUNK_ROWS)):
                yield self._tables(batch)
        except ValueError as error:
            claim = "for every bill it is said how it was paid"
            raise InvariantBroken(claim) from error

    def _tables(self, batch: list[tuple[Bill, Way | None]]) -> _Tables:
        tables, days = _Tables(), self.days
        add_bill, biller = tables.bills.append, self.biller_id
        for bill, way in batch:
            name, customer, period, kwh, net, vat, amount, issued_on, due_on = bill
            month = days[period]
            row = (
                f"{biller}\t{name}\t{customer}\t{month}\t{kwh}\t{net}\t{vat}\t{amount}\t"
                f"{days[issued_on]}\t{days[due_on]}\t"
            )
            if way is None:
                add_bill(f"{row}0\topen\t\\N\n")
                continue
            payment = self._add_payment(tables, name, customer, amount, way)
            tables.lines.append(f"{biller}\t{payment}\t{name}\t{month}\t{amount}\t0\n")
            add_bill(f"{row}{amount}\tpaid\t{payment}\n")
        return tables

    def _add_payment(self, tables: _Tables, bill: str, customer: str, amount: int, way: Way) -> str:
        partner, channel, paid_at = way
        partner_id, receivable = self.partners[partner]
        self.serial += 1
        payment, at = _uuid7(paid_at, self.serial), paid_at.isoformat()
        hour = at[:13]
        if (day := self.hours.get(hour)) is None:
            # A Vietnamese day begins with an hour of UTC: one conversion an hour is enough.
            day = self.hours[hour] = str(business_date(paid_at))
        tables.payments.append(
            f"{self.biller_id}\t{payment}\t{partner_id}\tHIST-{bill}\tcollected\t{channel}\t"
            f"{customer}\t{amount}\t1\t1\tsucceeded\t{day}\t{at}\n"
        )
        tables.transfers.append(
            f"{self.biller_id}\t{payment}\tpayment\t{receivable}\t{self.payable}\t{amount}\t{at}\n"
        )
        return payment


def _plain(rows: list[str], columns: int) -> bytes:
    text = "".join(rows)
    ensure(
        text.count("\t") == len(rows) * (columns - 1)
        and text.count("\n") == len(rows)
        and text.count("\\") == text.count("\t\\N\n"),
        "ids, codes and channels hold no tab, no line break and no backslash",
    )
    return text.encode()


async def _chunks(rows: Iterator[Row]) -> AsyncIterator[list[Row]]:
    while chunk := list(islice(rows, CHUNK_ROWS)):
        yield chunk


def _uuid7(moment: datetime, serial: int) -> str:
    """Make a UUIDv7 of an instant whose random bits are a serial number: repeatable and unique."""
    milliseconds = int(moment.timestamp() * 1000)
    return f"{milliseconds:012x}7000{0x8 << 60 | serial:016x}"


def _months_between(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month
