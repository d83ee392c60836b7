"""Every step of a payment in order, and the proof bundle that shows how it was resolved."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from gateway.domain import proof
from gateway.domain.clock import to_text
from gateway.domain.evidence import Rank
from gateway.domain.ids import to_public
from gateway.domain.partner import Caller
from gateway.domain.progress import FINAL
from gateway.flows import payments
from gateway.runtime import Runtime
from gateway.store import attempts, database, evidence
from gateway.store import payments as payments_store
from gateway.store.attempts import AttemptRow
from gateway.store.evidence import EvidenceRow, ExchangeRow, NotificationRow
from gateway.store.payments import PaymentRow


@dataclass(frozen=True, slots=True)
class Entry:
    """One step; `facts` is JSON-able."""

    at: str
    kind: str
    facts: dict[str, Any]


async def read(rt: Runtime, caller: Caller, payment_id: UUID) -> list[Entry]:
    """Read every step of a payment that the caller may see, oldest first.

    Raises:
        PaymentNotFound: there is none that the caller may see.
    """
    row = await payments.read_row(rt, caller, payment_id)
    async with database.borrow(rt.pool) as connection:
        tried = await attempts.of_payment(connection, row.biller_id, row.id)
        # The exchanges of a posting stand under the payment's own id.
        told, called, noted = await evidence.history(
            connection, row.biller_id, [*(attempt.id for attempt in tried), row.id]
        )
    dated = [
        (row.created_at, 0, Entry(to_text(row.created_at), "created", _payment(row))),
        *((a.created_at, 1, Entry(to_text(a.created_at), "attempt", _attempt(a))) for a in tried),
        *(
            (x.started_at, 2, Entry(to_text(x.started_at), "exchange", _exchange(x, row.id)))
            for x in called
        ),
        *(
            (n.received_at, 3, Entry(to_text(n.received_at), "notification", _notification(n)))
            for n in noted
        ),
        *((e.at, 4, Entry(to_text(e.at), "evidence", _evidence(e))) for e in told),
    ]
    ended_at = row.settled_at or (row.created_at if row.method == "collected" else None)
    if row.status in FINAL and ended_at is not None:
        dated.append((ended_at, 5, Entry(to_text(ended_at), "ended", {"status": row.status})))
    return [entry for _, _, entry in sorted(dated, key=lambda item: item[:2])]


async def prove(rt: Runtime, payment_id: UUID) -> bytes | None:
    """Give the proof bundle of a payment as JSON: all evidence, hashed in a chain; None if unknown.

    `gateway verify-proof` recomputes every hash and every judgement, without a database.
    """
    async with database.borrow(rt.pool) as connection:
        row = await payments_store.by_id(connection, payment_id, rt.directory.biller_ids)
        if row is None:
            return None
        tried = await attempts.of_payment(connection, row.biller_id, row.id)
        told, called, noted = await evidence.history(
            connection, row.biller_id, [attempt.id for attempt in tried]
        )
    bundle = {
        "format": proof.FORMAT,
        "made_at": to_text(rt.clock.now()),
        "payment": _payment(row) | {"status": row.status},
        "attempts": [
            _attempt(attempt)
            | {
                "expires_at": to_text(attempt.expires_at),
                "visibility_s": attempt.visibility_s,
                "state": attempt.state,
                "evidence": [_evidence(e) for e in told if e.attempt_id == attempt.id],
                "exchanges": [_exchange(x, row.id) for x in called if x.attempt_id == attempt.id],
                "notifications": [_notification(n) for n in noted if n.attempt_id == attempt.id],
            }
            for attempt in reversed(tried)
        ],
    }
    return orjson.dumps(proof.seal(bundle), option=orjson.OPT_INDENT_2)


def _payment(row: PaymentRow) -> dict[str, Any]:
    return {
        "id": to_public("pay", row.id),
        "method": row.method,
        "channel": row.channel,
        "amount_dong": row.amount_dong,
        "partner_reference": row.partner_reference,
        "bills": [line.bill_id for line in row.lines],
    }


def _attempt(row: AttemptRow) -> dict[str, Any]:
    return {
        "id": to_public("att", row.id),
        "number": row.number,
        "provider": row.provider,
        "reference": row.reference,
        "amount_dong": row.amount_dong,
    }


def _exchange(row: ExchangeRow, payment_id: UUID) -> dict[str, Any]:
    is_of_attempt = row.attempt_id != payment_id
    return {
        "id": to_public("exc", row.id),
        "attempt": to_public("att", row.attempt_id) if is_of_attempt else None,
        "operation": row.operation,
        "method": row.method,
        "url": row.url,
        "request": row.request,
        "request_sha256": row.request_sha256.hex(),
        "fate": row.fate,
        "reason": row.reason,
        "status": row.status,
        "reply": row.reply,
        "reply_sha256": row.reply_sha256.hex() if row.reply_sha256 else None,
        "started_at": to_text(row.started_at),
        "took_ms": row.took_ms,
    }


def _notification(row: NotificationRow) -> dict[str, Any]:
    return {
        "id": to_public("ntf", row.id),
        "attempt": to_public("att", row.attempt_id),
        "key": row.key,
        "method": row.method,
        "query": row.query,
        "body": row.body.decode("utf-8", "backslashreplace"),
        "sha256": proof.sha256(row.query.encode() + b"\n" + row.body),
        "verdict": row.verdict,
        "received_at": to_text(row.received_at),
    }


def _evidence(row: EvidenceRow) -> dict[str, Any]:
    carried = row.exchange_id or row.notification_id
    return {
        "attempt": to_public("att", row.attempt_id),
        "at": to_text(row.at),
        "rank": row.rank,
        "rank_name": Rank(row.rank).name.lower(),
        "source": row.source,
        "finding": orjson.loads(row.facts),
        "outcome": row.outcome,
        "disagrees": row.disagrees,
        "rule": row.rule,
        "state_before": row.state_before,
        "state_after": row.state_after,
        "carried_by": None
        if carried is None
        else to_public("exc" if row.exchange_id else "ntf", carried),
    }
