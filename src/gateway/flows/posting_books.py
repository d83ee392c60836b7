"""The books of one leased posting: what is read of it, and what is written under its lease."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from gateway.domain import posting, posting_troubles
from gateway.domain.biller import Biller
from gateway.domain.clock import business_date
from gateway.domain.ids import to_public
from gateway.domain.posting import AT_REST, IN_DOUBT, Clearing, Line, LineState, PostingTrouble
from gateway.flows.calling import exchange_row
from gateway.kit import metrics
from gateway.kit.abilities import ClearsDebt
from gateway.kit.exchange import Exchange
from gateway.kit.logs import log
from gateway.kit.messages import Posting, PostingLine
from gateway.runtime import Runtime
from gateway.store import database, evidence
from gateway.store import payments as payments_store
from gateway.store import postings as store
from gateway.store.database import Raw
from gateway.store.postings import PostingBillRow, PostingRow

ANOTHER_OF_OURS = "cleared by another payment of ours"
SETTLED_ITSELF = "the biller has answered since"


@dataclass(frozen=True, slots=True)
class Books:
    """One leased posting; `lines` are its bills as they stand, the oldest period first."""

    rt: Runtime
    leased: PostingRow
    provider: ClearsDebt[Any]
    rows: Mapping[str, PostingBillRow]
    lines: tuple[Line, ...]

    def told(self, lines: Sequence[Line]) -> Posting:
        """Give these bills as the adapter sees them, equal on every repetition."""
        return Posting(
            self.leased.customer_code,
            self.leased.paid_at,
            tuple(self._told(self.rows[line.bill_id]) for line in lines),
        )

    def _told(self, row: PostingBillRow) -> PostingLine:
        memory = orjson.loads(row.memory)
        return PostingLine(row.bill_id, row.amount_dong, self._reference(row), memory)

    def _reference(self, row: PostingBillRow) -> str:
        return row.reference or self.provider.posting_reference_of(row.id.hex)

    async def mark(self, sent: Sequence[Line], lease: timedelta) -> bool:
        """Write down, before they leave, which bills' calls leave; False if the lease was lost."""
        async with database.borrow(self.rt.pool) as connection:
            return await store.move(
                connection, self.leased, self._moved(sent), tried=self.leased.tried, wait=lease
            )

    async def land(self, after: Sequence[Line], exchanges: Sequence[Exchange]) -> None:
        """Write down what was heard, when it goes on, and what a person has to settle."""
        heard = {line.bill_id: line for line in after}
        before = {line.bill_id: line for line in self.lines}
        tried = self.leased.tried + 1
        if any(
            line.state in AT_REST and before[line.bill_id].state not in AT_REST for line in after
        ):
            tried = 1  # it goes on well: the next bills need not wait as long as the last
        async with database.borrow(self.rt.pool) as connection, connection.transaction():
            for exchange in exchanges:
                await self._add_exchange(connection, exchange)
            lines = [await self._owned(connection, heard.get(x.bill_id, x)) for x in self.lines]
            lines = [posting.without_effect(line) for line in lines]
            wait = posting.next_try_in(lines, tried - 1)
            moved = self._moved(lines)
            if not await store.move(connection, self.leased, moved, tried=tried, wait=wait):
                log.info("posting.lease_lost", payment=self._payment)
                return
            await self._close_exceptions(connection, lines)
            for line in lines:
                await self._tell_person(connection, line, tried)
        self._tell(before, lines)

    @property
    def _payment(self) -> str:
        return to_public("pay", self.leased.payment_id)

    async def _owned(self, connection: Raw, line: Line) -> Line:
        """Refuse what another of our payments has cleared: the biller does not say which did."""
        was = LineState(self.rows[line.bill_id].state)
        if line.state is not LineState.ACKNOWLEDGED or was not in IN_DOUBT:
            return line
        biller_id, payment_id = self.leased.biller_id, self.leased.payment_id
        if not await store.cleared_by_another(connection, biller_id, payment_id, line.bill_id):
            return line
        return posting.after_clear(line, Clearing.PAID_BY_OTHER, ANOTHER_OF_OURS)

    def _moved(self, lines: Sequence[Line]) -> list[store.MovedBill]:
        return [
            store.MovedBill(
                line.bill_id,
                line.state,
                line.undo,
                line.code,
                line.sent_at,
                None if line.sent_at is None else self._reference(self.rows[line.bill_id]),
            )
            for line in lines
        ]

    async def _add_exchange(self, connection: Raw, exchange: Exchange) -> None:
        # A posting has no attempt: its exchanges are kept under the payment's own id.
        exchange_id = self.rt.new_id_at(exchange.started_at)
        biller_id, payment_id = self.leased.biller_id, self.leased.payment_id
        row = exchange_row(biller_id, payment_id, exchange_id, exchange)
        await evidence.add_exchange(connection, row)

    async def _tell_person(self, connection: Raw, line: Line, tried: int) -> None:
        trouble, is_late = line.trouble, tried >= posting.TRIES_BEFORE_A_PERSON
        if trouble is None and is_late and not posting.is_done(line):
            trouble = PostingTrouble.NOT_POSTED
        if trouble is not None:
            await self._open_exception(connection, line, self.rows[line.bill_id], trouble)

    async def _close_exceptions(self, connection: Raw, lines: Sequence[Line]) -> None:
        """Close what a person was told of bills that are settled at the biller after all."""
        done = [self.rows[line.bill_id].id for line in lines if posting.is_done(line)]
        biller_id = self.leased.biller_id
        await store.close_exceptions(connection, biller_id, done, posting.PASSING, SETTLED_ITSELF)

    async def _open_exception(
        self, connection: Raw, line: Line, row: PostingBillRow, trouble: PostingTrouble
    ) -> None:
        now = self.rt.clock.now()
        payable, receivable = await self._accounts(connection)
        await evidence.open_exception(
            connection,
            evidence.ExceptionRow(
                id=self.rt.new_id_at(now),
                biller_id=row.biller_id,
                payment_id=row.payment_id,
                attempt_id=row.id,
                kind=trouble,
                amount_dong=row.amount_dong,
                owner=posting_troubles.owner_of(trouble),
                next_action=posting_troubles.next_action_of(
                    trouble, line, payable=payable, receivable=receivable
                ),
                due_on=posting_troubles.due_on(trouble, business_date(now)),
                opened_at=now,
            ),
        )

    async def _accounts(self, connection: Raw) -> tuple[str, str]:
        """Name the accounts between which the money would go back."""
        rt, leased = self.rt, self.leased
        biller: Biller = rt.directory.billers_by_id[leased.biller_id]
        paid = await payments_store.by_id(connection, leased.payment_id, [leased.biller_id])
        taker = ""
        if paid is not None:
            partner = rt.directory.partners_by_id.get(paid.partner_id)
            taker = paid.provider or (partner.code if partner else "")
        return f"payable:{biller.code}", f"receivable:{taker}"

    def _tell(self, before: Mapping[str, Line], lines: Sequence[Line]) -> None:
        for line in lines:
            was = before[line.bill_id]
            if line.state in AT_REST and was.state is not line.state:
                metrics.POSTED.labels(self.leased.source, line.state.value).inc()
            if line.undo in AT_REST and was.undo is not line.undo:
                metrics.POSTED.labels(self.leased.source, f"undo_{line.undo}").inc()
        log.info(
            "posting.moved",
            payment=self._payment,
            source=self.leased.source,
            bills={line.bill_id: line.undo or line.state for line in lines},
        )


async def open_books(rt: Runtime, leased: PostingRow) -> Books:
    """Read a leased posting's bills.

    Raises:
        ProviderNotOffered: its source is not configured here, or clears no debts.
    """
    provider, _ = rt.provider(leased.source, ClearsDebt)
    async with database.borrow(rt.pool) as connection:
        rows = await store.bills_of(connection, leased.biller_id, leased.payment_id)
    lines = tuple(posting.without_effect(_line(row)) for row in rows)
    return Books(rt, leased, provider, {row.bill_id: row for row in rows}, lines)


def _line(row: PostingBillRow) -> Line:
    return Line(
        row.bill_id,
        row.amount_dong,
        LineState(row.state),
        None if row.undo is None else LineState(row.undo),
        row.code,
        row.sent_at,
    )
