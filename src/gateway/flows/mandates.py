"""Mandates: made with their consent, changed by whoever may, told to the biller at each change.

What a mandate may become is one table (`domain/mandate.py`). The bank is told outside any
transaction; whatever it does not answer is asked again, for its calls are safe to repeat.
"""

from dataclasses import dataclass
from uuid import UUID

import orjson

from gateway.domain import receipt
from gateway.domain.clock import business_date
from gateway.domain.errors import present
from gateway.domain.ids import to_public
from gateway.domain.mandate import (
    Account,
    Change,
    Consent,
    ConsentChannel,
    MandateState,
    Terms,
    after,
    lapses_on,
    masked_account,
)
from gateway.domain.mandate_refusals import MandateExists, MandateNotChangeable, MandateNotFound
from gateway.domain.partner import Caller
from gateway.domain.provider_refusals import ProviderNotOffered
from gateway.domain.refusals import CustomerCodeInvalid, CustomerUnknown
from gateway.domain.sealing import seal, unseal
from gateway.flows.access import find_biller
from gateway.kit.abilities import DebitsByFile, DebitsMandates
from gateway.runtime import Runtime
from gateway.store import database, mandates_due
from gateway.store import mandates as store
from gateway.store.database import Raw
from gateway.store.mandates import ChangeRow, MandateRow

EVENTS = {
    Change.CONFIRM: "mandate.confirmed",
    Change.ACTIVATE: "mandate.activated",
    Change.SUSPEND: "mandate.suspended",
    Change.RESUME: "mandate.resumed",
    Change.CANCEL: "mandate.cancelled",
    Change.REJECT: "mandate.rejected",
    Change.EXPIRE: "mandate.expired",
}
BANK = "bank"


@dataclass(frozen=True, slots=True)
class NewMandate:
    """A permission to debit, as it was given."""

    biller: str
    customer_code: str
    provider: str
    bank: str
    account: Account
    terms: Terms
    consent: Consent
    agency: str | None = None


async def create(rt: Runtime, partner_id: int, asked: NewMandate) -> tuple[MandateRow, bool]:
    """Make a mandate; the same again gives the one that is there, and False.

    Raises:
        ProviderNotOffered: no bank of this code debits mandates here.
        CustomerCodeInvalid, CustomerUnknown: nothing was made.
        MandateExists: the customer has a live mandate on other terms.
    """
    biller = find_biller(rt, asked.biller)
    check_provider(rt, asked.provider)
    if not biller.rules.customer_code_pattern.fullmatch(asked.customer_code):
        raise CustomerCodeInvalid(biller.code, asked.customer_code)
    row = _row(rt, biller.id, partner_id, asked)
    async with database.borrow(rt.pool) as connection:
        if await store.insert(connection, row):
            return row, True
        live = await store.live_of(connection, biller.id, asked.customer_code)
    if live is None:
        raise CustomerUnknown(biller.code, asked.customer_code)
    if live.partner_id != partner_id or not _is_same(rt, live, asked):
        raise MandateExists(asked.customer_code)
    return live, False


def check_provider(rt: Runtime, code: str) -> None:
    """Hold that a bank of this code debits mandates here.

    Raises:
        ProviderNotOffered: none does.
    """
    attached = rt.providers.get(code)
    if attached is None or not isinstance(attached.provider, DebitsMandates | DebitsByFile):
        raise ProviderNotOffered(code, "mandates")


async def read(rt: Runtime, caller: Caller, mandate_id: UUID) -> MandateRow:
    """Read a mandate that the caller made, or of the biller whose own system it is.

    Raises:
        MandateNotFound: there is none that the caller may see.
    """
    async with database.borrow(rt.pool) as connection:
        row = await store.by_id(connection, mandate_id, rt.directory.biller_ids)
    if row is None or not _may_see(caller, row):
        raise MandateNotFound(to_public("mdt", mandate_id))
    return row


def _may_see(caller: Caller, row: MandateRow) -> bool:
    return caller.partner.id == row.partner_id or caller.partner.biller_id == row.biller_id


async def change(
    rt: Runtime, row: MandateRow, what: Change, *, origin: str, reason: str
) -> MandateRow:
    """Change a mandate now; the same change again is no error and changes nothing.

    Raises:
        MandateNotChangeable: its state does not allow it.
    """
    async with database.borrow(rt.pool) as connection, connection.transaction():
        held = await store.hold(connection, row.biller_id, row.id)
        held = present(held, "a mandate stays where it was made")
        if not await change_held(rt, connection, held, what, origin=origin, reason=reason):
            public = to_public("mdt", held.id)
            if after(MandateState(held.state), what) is None and not _is_there(held, what):
                raise MandateNotChangeable(public, held.state, what)
        changed = await store.hold(connection, row.biller_id, row.id)
    return present(changed, "a mandate stays where it was made")


def _is_there(held: MandateRow, what: Change) -> bool:
    """Say whether a change of this kind has led here before."""
    return any(after(state, what) == held.state for state in MandateState)


async def change_held(  # noqa: PLR0913 (one change, with all that is written of it)
    rt: Runtime,
    connection: Raw,
    held: MandateRow,
    what: Change,
    *,
    origin: str,
    reason: str,
    source_key: str | None = None,
) -> bool:
    """Change a mandate that the caller holds locked; False if its state does not allow it."""
    state = after(MandateState(held.state), what)
    if state is None:
        return False
    now, kind = rt.clock.now(), EVENTS[what]
    facts = {
        "id": to_public("mdt", held.id),
        "biller": rt.directory.billers_by_id[held.biller_id].code,
        "customer_code": held.customer_code,
        "provider": held.provider,
        "state": state,
        "reason": reason,
    }
    row = ChangeRow(
        change=what,
        after=state,
        suspended_by=origin if state is MandateState.SUSPENDED else None,
        reason=reason,
        origin=origin,
        source_key=source_key,
        at=now,
        event_id=rt.new_id_at(now),
        event_type=kind,
        body=receipt.event_head(kind, now) + orjson.dumps(facts).decode() + "}",
    )
    return await store.change(connection, held, row)


async def expire_lapsed(rt: Runtime) -> int:
    """Expire the mandates whose last day has passed, or that were not used for 13 months."""
    today, count = business_date(rt.clock.now()), 0
    for biller_id in rt.directory.biller_ids:
        async with database.borrow(rt.pool) as connection:
            lapsed = await mandates_due.lapsed(connection, biller_id, today, 1000)
        for row in lapsed:
            why = "ended" if row.ends_on is not None and row.ends_on < today else "unused"
            await change(rt, row, Change.EXPIRE, origin="house", reason=why)
            count += 1
    return count


# ── what is sealed ───────────────────────────────────────────────────────────────────────────────


def account_of(rt: Runtime, row: MandateRow) -> Account:
    """Open a mandate's account."""
    facts = orjson.loads(unseal(rt.secrets.sealing, row.sealed, row.reference))
    return Account(**facts)


def _row(rt: Runtime, biller_id: int, partner_id: int, asked: NewMandate) -> MandateRow:
    now = rt.clock.now()
    mandate_id = rt.new_id_at(now)
    reference = to_public("mdt", mandate_id)
    by_otp = asked.consent.channel is ConsentChannel.OTP
    state = MandateState.PENDING_CUSTOMER if by_otp else MandateState.PENDING_BANK
    terms, consent = asked.terms, asked.consent
    return MandateRow(
        biller_id=biller_id,
        id=mandate_id,
        partner_id=partner_id,
        customer_code=asked.customer_code,
        provider=asked.provider,
        reference=reference,
        bank=asked.bank,
        account_masked=masked_account(asked.account.number),
        sealed=seal(rt.secrets.sealing, orjson.dumps(asked.account), reference),
        max_debit_dong=terms.max_debit_dong,
        max_month_dong=terms.max_month_dong,
        day_of_month=terms.day_of_month,
        retry_days=terms.retry_days,
        starts_on=terms.starts_on,
        ends_on=terms.ends_on,
        state=state,
        suspended_by=None,
        reason="",
        provider_id=None,
        agency=asked.agency,
        consent_given_by=consent.given_by,
        consent_given_at=consent.given_at,
        consent_channel=consent.channel,
        consent_text_version=consent.text_version,
        consent_text=consent.text,
        consent_sha256=consent.sha256,
        consent_evidence=consent.evidence,
        failed_months=0,
        lapses_on=lapses_on(max(terms.starts_on, business_date(now))),
        registered_at=None,
        created_at=now,
    )


def _is_same(rt: Runtime, live: MandateRow, asked: NewMandate) -> bool:
    terms = Terms(
        live.max_debit_dong,
        live.max_month_dong,
        live.day_of_month,
        live.retry_days,
        live.starts_on,
        live.ends_on,
    )
    same_bank = (live.provider, live.bank) == (asked.provider, asked.bank)
    return same_bank and terms == asked.terms and account_of(rt, live) == asked.account
