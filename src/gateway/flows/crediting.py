"""Credits: money that arrives on an account, told by notices; matched, settled, or kept with care.

Every movement is recorded once and goes through suspense: receivable of the account's owner →
suspense, and from there to the biller when it pays. So what an account received is at every
moment what it settled and what stands in suspense, and nothing is lost between.
"""

from collections.abc import Sequence
from typing import Any

from gateway.domain.clock import business_date
from gateway.domain.matching import Purpose, choose, clues_of
from gateway.domain.refusals import BillerUnknown
from gateway.domain.suspense import Reason
from gateway.flows.allotting import pay_customer
from gateway.flows.booking import For, Money, book_in, keep
from gateway.flows.calling import in_rounds, note_failed, storable
from gateway.flows.completing import pay_attempt
from gateway.flows.notifying import quarantine, quietly
from gateway.flows.operate import PartnerUnknown
from gateway.flows.waking import wake
from gateway.kit import metrics
from gateway.kit.abilities import Credit, NotifiesCredits
from gateway.kit.logs import log
from gateway.kit.messages import Acknowledgement, Garbled, Incoming, Verdict
from gateway.runtime import Runtime
from gateway.store import credits as store
from gateway.store import database, upkeep
from gateway.store import directory as directory_store
from gateway.store.credits import AccountRow, CreditRow
from gateway.store.database import Raw

NOT_KNOWN = "authentic, of an account unknown here"


async def receive(rt: Runtime, code: str, incoming: Incoming) -> Acknowledgement:
    """Take one notice of money on an account and give the exact answer that its sender expects.

    What is answered as recorded is committed, with all that it settles and keeps.

    Raises:
        ProviderNotOffered: no provider of this code tells of credits here.
    """
    provider, _ = rt.provider(code, NotifiesCredits)
    try:
        told = provider.read_credits(incoming)
    except Garbled as error:
        reason = error.reason
        await quietly(lambda: quarantine(rt, code, incoming, reason))
        return _acknowledge(provider, Verdict.REFUSED)
    except Exception as error:
        # An adapter's mistake says nothing about the notice: it is to come again.
        note_failed(code, error)
        return _acknowledge(provider, Verdict.TRY_LATER)
    try:
        verdict = await rt.finish(_take(rt, code, incoming, told))
    except Exception as error:
        log.warning("credit.not_kept", provider=code, error=type(error).__name__)
        verdict = Verdict.TRY_LATER
    return _acknowledge(provider, verdict)


def _acknowledge(provider: NotifiesCredits[Any], verdict: Verdict) -> Acknowledgement:
    metrics.NOTIFICATIONS.labels(provider.code, verdict).inc()
    return provider.acknowledge_credits(verdict)


async def _take(rt: Runtime, code: str, incoming: Incoming, told: Sequence[Credit]) -> Verdict:
    moneys: list[Money] = []

    async def write(connection: Raw) -> Verdict:
        moneys.clear()
        accounts = await store.accounts(connection, [credit.account for credit in told])
        # In one order everywhere, so that two notices wait for each other and do not lock up.
        for credit in sorted(told, key=lambda credit: credit.key):
            account = accounts.get(credit.account)
            if account is not None:
                money = _money(rt, code, incoming, credit, account)
                if await store.record(connection, money.row):
                    await _place(rt, connection, money)
                    moneys.append(money)
        return _verdict(told, accounts, moneys)

    verdict = await in_rounds(rt, write)
    for money in moneys:
        for biller_id, payment in money.outbid:
            await wake(rt, biller_id, [payment])
    if verdict is Verdict.TRY_LATER:
        # Whose money it is nobody has said: its sender keeps it until somebody has.
        log.error("credit.account_unknown", provider=code)
        await quietly(lambda: quarantine(rt, code, incoming, NOT_KNOWN))
    return verdict


def _verdict(
    told: Sequence[Credit], accounts: dict[str, AccountRow], taken: Sequence[Money]
) -> Verdict:
    if any(credit.account not in accounts for credit in told):
        return Verdict.TRY_LATER
    return Verdict.RECORDED if taken or not told else Verdict.REPEATED


def _money(
    rt: Runtime, code: str, incoming: Incoming, credit: Credit, account: AccountRow
) -> Money:
    now = rt.clock.now()
    row = CreditRow(
        id=rt.new_id_at(now),
        biller_id=account.biller_id,
        provider=code,
        key=storable(credit.key),
        account=credit.account,
        virtual_account=storable(credit.virtual_account) or None,
        bank_reference=storable(credit.bank_reference) or None,
        amount_dong=credit.amount_dong,
        booked_at=credit.at,
        booked_on=business_date(credit.at),
        text=storable(credit.text),
        order_code=storable(credit.order_code) or None,
        body=incoming.body,
        received_at=now,
    )
    directory = rt.directory
    biller = directory.billers_by_id[account.biller_id]
    return Money(row, biller, directory.partners_by_id[account.partner_id])


async def _place(rt: Runtime, connection: Raw, money: Money) -> None:
    purpose = await _purpose(rt, connection, money)
    if purpose.attempt_id is not None:
        await pay_attempt(rt, connection, money, purpose.attempt_id)
    elif purpose.customer_code is not None:
        await pay_customer(rt, connection, money, purpose.customer_code, purpose.period)
    else:
        await book_in(rt, connection, money)
        await keep(rt, connection, money, Reason.UNKNOWN, For())


async def _purpose(rt: Runtime, connection: Raw, money: Money) -> Purpose:
    row = money.row
    clues = clues_of(
        row.text,
        money.biller.rules.customer_code_pattern,
        virtual_account=row.virtual_account,
        recognised=row.order_code,
    )
    attempts = await store.named_attempts(
        connection, list(rt.directory.provider_accounts), clues.orders, row.biller_id
    )
    customers = await store.named_customers(connection, row.biller_id, clues.customers)
    return choose(clues, attempts, customers)


async def put_account(rt: Runtime, account: str, biller: str, partner: str, *, actor: str) -> None:
    """Say for which biller money arrives on an account, and in which partner's name it pays.

    Raises:
        BillerUnknown, PartnerUnknown: nothing was written.
    """
    async with database.borrow(rt.pool) as connection, connection.transaction():
        biller_id = await directory_store.biller_id(connection, biller)
        if biller_id is None:
            raise BillerUnknown(biller)
        partner_id = await directory_store.partner_id(connection, partner)
        if partner_id is None:
            raise PartnerUnknown(partner)
        await store.put_account(connection, account, biller_id, partner_id)
        detail: dict[str, object] = {"biller": biller, "partner": partner}
        await upkeep.audit(connection, upkeep.AuditEntry(actor, "account.put", account, detail))
