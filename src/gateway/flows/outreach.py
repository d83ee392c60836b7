"""Outreach to customers who pay cash: each read and each export is audited, opt-outs hold."""

import asyncio
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.domain.biller import Biller
from gateway.domain.cash_phase_out import CASH_CHANNELS, ConsentBasis
from gateway.domain.ids import to_public
from gateway.domain.refusals import CustomerUnknown
from gateway.flows import collectors
from gateway.flows.cash_phase_out import relapse_since
from gateway.flows.import_files import FileRefused
from gateway.runtime import Runtime
from gateway.store import credits as credits_store
from gateway.store import database, upkeep
from gateway.store import outreach as store
from gateway.store.database import Raw

PHONE = re.compile(r"(?:0|\+84)[0-9]{9}", re.ASCII)
HEADER = ["customer_code", "phone", "consent_basis"]
AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export holds, and whom it left out."""

    written: int
    opted_out: int
    without_phone: int

    def __str__(self) -> str:
        """Say it in one sentence."""
        return (
            f"{self.written} customers written; left out: {self.opted_out} who want no messages, "
            f"{self.without_phone} whose phone is not known"
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Whose list is read: an area's cash payers, or only those who relapsed."""

    area_code: str
    after: str | None = None
    limit: int = 20
    only_relapsed: bool = False


async def read_page(
    rt: Runtime, biller: Biller, page: Page, *, actor: str
) -> tuple[list[store.CashPayer], bool]:
    """Read who still pays cash, by code; the read is audited in the same transaction."""
    since = relapse_since(rt) if page.only_relapsed else None
    wanted = store.Wanted(
        biller.id, page.area_code, CASH_CHANNELS, page.after, page.limit + 1, since
    )
    async with database.borrow(rt.pool) as connection, connection.transaction():
        found = await store.cash_payers(connection, wanted)
        shown = found[: page.limit]
        detail: dict[str, object] = {"customers": len(shown), "relapsed": page.only_relapsed}
        entry = upkeep.AuditEntry(actor, "outreach.read", page.area_code, detail)
        await upkeep.audit(connection, entry)
    return shown, len(found) > page.limit


async def export(rt: Runtime, biller: Biller, area: str, path: Path, *, actor: str) -> Exported:
    """Write the phones of an area's cash payers to CSV for a campaign, with the basis of each.

    Whoever opted out is left out. The export is audited before a line is written.

    Raises:
        FileRefused: the file is there already or cannot be written.
    """
    payers: list[store.CashPayer] = []
    wanted = store.Wanted(biller.id, area, CASH_CHANNELS, limit=AT_ONCE)
    async with database.borrow(rt.pool) as connection, connection.transaction():
        while some := await store.cash_payers(connection, wanted):
            payers += some
            wanted = replace(wanted, after=some[-1].code)
        reached = [p for p in payers if p.phone and not p.has_opted_out]
        opted_out = sum(p.has_opted_out for p in payers)
        done = Exported(len(reached), opted_out, len(payers) - len(reached) - opted_out)
        detail: dict[str, object] = {"written": done.written, "opted_out": done.opted_out}
        await upkeep.audit(connection, upkeep.AuditEntry(actor, "outreach.exported", area, detail))
    await asyncio.to_thread(_write, path, reached)
    return done


def _write(path: Path, reached: list[store.CashPayer]) -> None:
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(HEADER)
            out.writerows([payer.code, payer.phone, payer.consent_basis] for payer in reached)
    except OSError as error:
        message = f"'{path}' cannot be written: {error.strerror}"
        raise FileRefused(message) from error


async def import_contacts(rt: Runtime, biller: Biller, path: Path, *, actor: str) -> int:
    """Import phones with their consent basis from CSV, all or none; gives how many changed.

    Raises:
        FileRefused: it cannot be read, or a line is wrong; it names the line.
    """
    contacts = list(await asyncio.to_thread(_read, path))
    async with database.borrow(rt.pool) as connection, connection.transaction():
        changed = 0
        for first in range(0, len(contacts), AT_ONCE):
            some = contacts[first : first + AT_ONCE]
            changed += await store.put_contacts(connection, biller.id, some)
        detail: dict[str, object] = {"lines": len(contacts), "changed": changed}
        await upkeep.audit(
            connection, upkeep.AuditEntry(actor, "contacts.imported", biller.code, detail)
        )
    return changed


def _read(path: Path) -> list[store.Contact]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list({one.customer_code: one for one in _lines(path, file)}.values())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"'{path}' cannot be read: {error}"
        raise FileRefused(message) from error


def _lines(path: Path, file: Iterator[str]) -> Iterator[store.Contact]:
    rows = csv.reader(file, strict=True)
    if next(rows, None) != HEADER:
        message = f"the header of '{path}' must be {','.join(HEADER)}"
        raise FileRefused(message)
    for number, row in enumerate(rows, 2):
        if (
            len(row) != len(HEADER)
            or not PHONE.fullmatch(row[1])
            or row[2] not in set(ConsentBasis)
        ):
            message = f"line {number} of '{path}' is not customer_code,phone,consent_basis"
            raise FileRefused(message)
        yield store.Contact(*row)


async def opt_out(rt: Runtime, biller: Biller, customer_code: str, *, actor: str) -> None:
    """Leave a customer out of every campaign from now on.

    Raises:
        CustomerUnknown: there is no such customer.
    """
    async with database.borrow(rt.pool) as connection, connection.transaction():
        await _must_exist(connection, biller, customer_code)
        await store.opt_out(connection, biller.id, customer_code)
        entry = upkeep.AuditEntry(actor, "outreach.opted_out", customer_code, {})
        await upkeep.audit(connection, entry)


async def assist(rt: Runtime, partner_id: int, collector: str, customer_code: str) -> str:
    """Write down that a collector helped a customer with electronic payment; gives its id.

    Raises:
        CollectorUnknown: the partner has none of this code.
        CustomerUnknown: there is no such customer.
    """
    now = rt.clock.now()
    async with database.borrow(rt.pool) as connection, connection.transaction():
        helper = await collectors.find(connection, collector, partner_id)
        biller = rt.directory.billers_by_id[helper.biller_id]
        await _must_exist(connection, biller, customer_code)
        assist_id = rt.new_id_at(now)
        await store.assist(
            connection,
            assist_id=assist_id,
            biller_id=biller.id,
            collector_id=helper.id,
            customer_code=customer_code,
            at=now,
        )
    return to_public("ast", assist_id)


async def read_credited(rt: Runtime, biller: Biller) -> list[store.Helped]:
    """Read what collectors' help has brought."""
    async with database.borrow(rt.pool) as connection:
        return await store.credited(connection, biller.id)


async def _must_exist(connection: Raw, biller: Biller, customer_code: str) -> None:
    if not await credits_store.named_customers(connection, biller.id, [customer_code]):
        raise CustomerUnknown(biller.code, customer_code)
