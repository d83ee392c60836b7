"""Agencies and their people: public employees go first, agency by agency."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.domain.biller import Biller
from gateway.domain.csv_lines import MEMBERS_HEADER, MemberCheck, Refusal
from gateway.flows import bills
from gateway.flows.access import find_biller
from gateway.flows.import_files import Chunk
from gateway.flows.imports import ImportJob, ImportReport
from gateway.runtime import Runtime
from gateway.store import database, imports, pilots, upkeep


async def import_members(
    rt: Runtime, biller_code: str, path: Path, *, actor: str, report: Path | None = None
) -> ImportReport:
    """Import which customer codes belong to an agency's people, from CSV.

    Safe to repeat: a line that stands already is `unchanged`. A code that another agency had moves
    to the newer one. Each line that cannot be kept is refused alone, by its number.

    Raises:
        FileRefused, BillerUnknown, DatabaseUnavailable: as `imports.import_bills`.
    """
    biller = find_biller(rt, biller_code)

    async def merge(connection: database.Raw, chunk: Chunk) -> tuple[int, list[Refusal]]:
        unknown = await imports.unknown_customers(connection, biller.id, chunk.good.keys())
        lines = [text.split(",", 2) for text in chunk.good.values()]
        known = {code: agency for code, agency, _ in lines if code not in unknown}
        names = {agency: name for code, agency, name in lines if code not in unknown}
        if known:
            await pilots.put_agencies(connection, biller.id, names)
        written = await pilots.put_members(connection, biller.id, known) if known else []
        return len(written), [
            Refusal(chunk.numbers[code], code, *bills.CUSTOMER_UNKNOWN) for code in sorted(unknown)
        ]

    job = ImportJob(rt, biller, path, report, actor, "agency_members.imported")
    check = MemberCheck(biller.rules.customer_code_pattern)
    return await job.run(MEMBERS_HEADER, check, merge, ids_once=True)


async def take_named(rt: Runtime, biller: Biller, names: Mapping[str, str], *, actor: str) -> int:
    """Make agencies (code to name), and their people those whom the customer file says so of.

    For a biller whose customer file carries the agency's name; again does nothing.
    """
    async with database.borrow(rt.pool) as connection, connection.transaction():
        await pilots.put_agencies(connection, biller.id, dict(names))
        taken = await pilots.take_named(connection, biller.id)
        detail: dict[str, object] = {"agencies": len(names), "members": taken}
        entry = upkeep.AuditEntry(actor, "agency_members.taken", biller.code, detail)
        await upkeep.audit(connection, entry)
    return taken


async def remove_members(
    rt: Runtime, biller: Biller, agency: str, codes: Sequence[str], *, actor: str
) -> int:
    """Let customer codes belong to an agency no more; give how many did."""
    async with database.borrow(rt.pool) as connection, connection.transaction():
        removed = await pilots.remove_members(connection, biller.id, agency, codes)
        detail: dict[str, object] = {"biller": biller.code, "members": removed}
        entry = upkeep.AuditEntry(actor, "agency_members.removed", agency, detail)
        await upkeep.audit(connection, entry)
    return removed
