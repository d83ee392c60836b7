"""Bulk enrolment: an agency's employees from a CSV file, each line judged by itself.

Run again after it broke off, or with lines added: whoever is enrolled on the same terms stays as
is, and the bank is told only of those that it was not told of yet.
"""

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from pathlib import Path

from gateway.domain.clock import VIETNAM, business_date
from gateway.domain.csv_lines import CUSTOMER_CODE, Refusal
from gateway.domain.errors import CallerError
from gateway.domain.mandate import (
    DAY_OF_MONTH_MAX,
    RETRY_DAYS,
    Account,
    Consent,
    ConsentChannel,
    Terms,
)
from gateway.flows.access import find_biller
from gateway.flows.import_files import FileRefused, RefusedLines, read_header
from gateway.flows.mandates import NewMandate, check_provider, create
from gateway.flows.operate import PartnerUnknown
from gateway.flows.registering import register_pending
from gateway.kit.abilities import DebitsMandates
from gateway.runtime import Runtime
from gateway.store import database, upkeep

HEADER = (
    *("customer_code", "account_no", "account_name", "id_no", "phone"),
    *("max_debit_dong", "max_month_dong", "day_of_month", "consented_on", "paper_no"),
)
SHAPES = {
    "customer_code": CUSTOMER_CODE,
    "account_no": "[0-9]{6,19}",
    "account_name": r"[^\x00-\x1f|]{2,70}",
    "id_no": "[0-9A-Z]{8,12}",
    "phone": "(?:84|0)[0-9]{9}",
    "max_debit_dong": "[1-9][0-9]{3,11}",
    "max_month_dong": "(?:[1-9][0-9]{3,11})?",
    "day_of_month": "(?:[1-9]|1[0-9]|2[0-8])?",
    "consented_on": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "paper_no": "[0-9A-Za-z./_-]{1,40}",
}
SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class Agency:
    """Whose employees are enrolled, by which partner, at which bank, on which text."""

    biller: str
    partner: str
    provider: str
    bank: str
    name: str
    consent_text: str
    text_version: str


@dataclass(slots=True)
class Enrolled:
    """What became of the file's lines."""

    lines: int = 0
    made: int = 0
    known: int = 0
    registered: int = 0
    refused: list[Refusal] = field(default_factory=list)

    def __str__(self) -> str:
        """Say it in one sentence, and name the first refused lines."""
        counts = (
            f"{self.lines} lines: {self.made} enrolled, {self.known} known before, "
            f"{len(self.refused)} refused; {self.registered} registered at the bank now"
        )
        shown = self.refused[:SHOWN_MAX]
        return "\n".join([counts, *(f"  line {r.line} {r.id} {r.code}: {r.reason}" for r in shown)])


async def enrol(
    rt: Runtime, path: Path, agency: Agency, *, actor: str, report: Path | None = None
) -> Enrolled:
    """Enrol every good line and tell the bank; `report` receives every refused line by number.

    Raises:
        FileRefused: it cannot be read, or its header is another.
        BillerUnknown, ProviderNotOffered, PartnerUnknown: nothing was enrolled.
    """
    biller = find_biller(rt, agency.biller)
    check_provider(rt, agency.provider)
    partner_id = _partner(rt, agency.partner)
    done = Enrolled()
    for number, fields in _lines(path):
        done.lines += 1
        asked = _read(number, fields, agency, path.name, business_date(rt.clock.now()))
        if isinstance(asked, Refusal):
            done.refused.append(asked)
            continue
        try:
            _, is_new = await create(rt, partner_id, asked)
        except CallerError as refused:
            why = Refusal(number, asked.customer_code, refused.code, refused.detail)
            done.refused.append(why)
            continue
        done.made += is_new
        done.known += not is_new
    if isinstance(rt.providers[agency.provider].provider, DebitsMandates):
        done.registered = await register_pending(rt, agency.provider)
    _write_report(report, done.refused)
    detail: dict[str, object] = {"lines": done.lines, "made": done.made, "agency": agency.name}
    async with database.borrow(rt.pool) as connection:
        entry = upkeep.AuditEntry(actor, "mandates.enrolled", biller.code, detail)
        await upkeep.audit(connection, entry)
    return done


def _partner(rt: Runtime, code: str) -> int:
    for partner in rt.directory.partners_by_id.values():
        if partner.code == code:
            return partner.id
    raise PartnerUnknown(code)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        with path.open("rb") as file:
            read_header(file, HEADER)
        with path.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, strict=True)
            next(reader)
            yield from ((reader.line_num, fields) for fields in reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"'{path}' cannot be read: {error}"
        raise FileRefused(message) from error


def _read(
    number: int, fields: list[str], agency: Agency, file: str, today: date
) -> NewMandate | Refusal:
    name = fields[0][:20] if fields else ""
    if len(fields) != len(HEADER):
        why = f"must have {len(HEADER)} columns, has {len(fields)}"
        return Refusal(number, name, "malformed", why)
    said = dict(zip(HEADER, (part.strip() for part in fields), strict=True))
    for column, shape in SHAPES.items():
        if not re.fullmatch(shape, said[column], re.ASCII if column != "account_name" else 0):
            return Refusal(number, name, "malformed", column)
    try:
        consented_on = date.fromisoformat(said["consented_on"])
    except ValueError:
        return Refusal(number, name, "malformed", "consented_on: a day that no calendar has")
    if consented_on > today:
        return Refusal(number, name, "malformed", "consented_on: a day that has not come")
    terms = _terms(said, consented_on)
    if terms.max_month_dong is not None and terms.max_month_dong < terms.max_debit_dong:
        return Refusal(number, name, "malformed", "max_month_dong is under max_debit_dong")
    return NewMandate(
        biller=agency.biller,
        customer_code=said["customer_code"],
        provider=agency.provider,
        bank=agency.bank,
        account=Account(said["account_no"], said["account_name"], said["id_no"], said["phone"]),
        terms=terms,
        consent=_consent(said, agency, consented_on, file, number),
        agency=agency.name,
    )


def _terms(said: dict[str, str], consented_on: date) -> Terms:
    return Terms(
        max_debit_dong=int(said["max_debit_dong"]),
        max_month_dong=int(said["max_month_dong"]) if said["max_month_dong"] else None,
        day_of_month=min(int(said["day_of_month"]), DAY_OF_MONTH_MAX)
        if said["day_of_month"]
        else None,
        retry_days=RETRY_DAYS,
        starts_on=consented_on,
        ends_on=None,
    )


def _consent(
    said: dict[str, str], agency: Agency, consented_on: date, file: str, number: int
) -> Consent:
    at = datetime.combine(consented_on, time(12), tzinfo=VIETNAM).astimezone(UTC)
    consent = Consent(
        given_by=said["account_name"],
        given_at=at,
        channel=ConsentChannel.AGENCY_LIST,
        text_version=agency.text_version,
        text=agency.consent_text,
        evidence="",
    )
    digest = hashlib.sha256("|".join(said.values()).encode()).hexdigest()
    evidence = f"paper {said['paper_no']}, {file} line {number}, line sha256 {digest}"
    return replace(consent, evidence=evidence)


def _write_report(report: Path | None, refused: list[Refusal]) -> None:
    if report is None:
        return
    with report.open("w", encoding="utf-8", newline="") as out:
        RefusedLines(out, HEADER[0]).write(refused)
