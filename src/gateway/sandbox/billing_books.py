"""The billing system's own books: one SQLite file, one transaction per webhook.

The rule that a receiver must keep stands in `apply`: the webhook's id and its effect are written
together or not at all, and a bill only ever moves to a higher `sequence`. So a webhook that comes
twice, late or out of order ends in the same state.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Lock

SCHEMA = """
CREATE TABLE IF NOT EXISTS webhooks (
    webhook_id TEXT PRIMARY KEY, type TEXT NOT NULL, received_at REAL NOT NULL, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS ledger (
    entry INTEGER PRIMARY KEY, webhook_id TEXT NOT NULL REFERENCES webhooks, type TEXT NOT NULL,
    biller TEXT NOT NULL, bill_id TEXT NOT NULL, sequence INTEGER NOT NULL,
    amount_dong INTEGER NOT NULL, payment_id TEXT NOT NULL, effect TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS bills (
    biller TEXT NOT NULL, bill_id TEXT NOT NULL, customer_code TEXT NOT NULL,
    sequence INTEGER NOT NULL, is_cleared INTEGER NOT NULL,
    payment_id TEXT NOT NULL, amount_dong INTEGER NOT NULL,
    PRIMARY KEY (biller, bill_id)
);
CREATE INDEX IF NOT EXISTS bills_customer_code ON bills (customer_code);
"""
SEEN_FIRST = """
INSERT INTO webhooks (webhook_id, type, received_at, body) VALUES (?, ?, ?, ?)
ON CONFLICT (webhook_id) DO NOTHING
"""
# An older sequence changes nothing; neither does an equal one.
MOVE_BILL = """
INSERT INTO bills (biller, bill_id, customer_code, sequence, is_cleared, payment_id, amount_dong)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (biller, bill_id) DO UPDATE SET
    customer_code = excluded.customer_code, sequence = excluded.sequence,
    is_cleared = excluded.is_cleared, payment_id = excluded.payment_id,
    amount_dong = excluded.amount_dong
WHERE excluded.sequence > bills.sequence
"""
WRITE_ENTRY = """
INSERT INTO ledger (webhook_id, type, biller, bill_id, sequence, amount_dong, payment_id, effect)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
CLEARED = """
SELECT biller, bill_id, payment_id, amount_dong, sequence FROM bills
WHERE customer_code = ? AND is_cleared ORDER BY biller, bill_id
"""
LEDGER = """
SELECT entry, webhook_id AS id, type, biller, bill_id, sequence, amount_dong, payment_id, effect
FROM ledger WHERE entry > ? ORDER BY entry LIMIT ?
"""
COUNTS = """
SELECT (SELECT count(*) FROM webhooks) AS webhooks, (SELECT count(*) FROM ledger) AS entries,
       (SELECT count(*) FROM bills WHERE is_cleared) AS cleared_bills
"""


class Verdict(StrEnum):
    """What became of a webhook."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    NOT_FOR_US = "not_for_us"
    UNREADABLE = "unreadable"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class BillMove:
    """What one webhook says about one bill. `sequence` counts the events of this bill from 1."""

    biller: str
    bill_id: str
    customer_code: str
    sequence: int
    is_cleared: bool
    payment_id: str
    amount_dong: int


@dataclass(frozen=True, slots=True)
class Webhook:
    """A verified webhook and the moves it asks for (none when its type does not concern bills)."""

    webhook_id: str
    type: str
    received_at: float
    body: bytes
    moves: tuple[BillMove, ...] = ()


class Books:
    """The SQLite file. Every method may be called from any thread."""

    def __init__(self, path: Path) -> None:
        """Open the file at `path`, or make it."""
        self._lock = Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        # FULL: COMMIT returns only when the disk has it, so our 204 means what it says.
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.executescript(SCHEMA)

    def apply(self, webhook: Webhook) -> Verdict:
        """Take a webhook into the books, once; on return it is on disk."""
        with self._transaction() as connection:
            kept = (webhook.webhook_id, webhook.type, webhook.received_at, webhook.body)
            if connection.execute(SEEN_FIRST, kept).rowcount == 0:
                return Verdict.DUPLICATE
            for move in webhook.moves:
                _apply_move(connection, webhook, move)
        return Verdict.APPLIED if webhook.moves else Verdict.NOT_FOR_US

    def cleared(self, customer_code: str) -> list[dict[str, str | int]]:
        """List the bills of a customer that are paid now."""
        return self._read(CLEARED, (customer_code,))

    def ledger(self, *, after: int, limit: int) -> list[dict[str, str | int]]:
        """List what was taken in, oldest first, from beyond entry `after`."""
        return self._read(LEDGER, (after, limit))

    def counts(self) -> dict[str, str | int]:
        """Count the webhooks kept, the ledger's entries and the bills cleared now."""
        return self._read(COUNTS, ())[0]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _read(self, statement: str, values: tuple[str | int, ...]) -> list[dict[str, str | int]]:
        with self._lock:
            return [dict(row) for row in self._connection.execute(statement, values)]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def _apply_move(connection: sqlite3.Connection, webhook: Webhook, move: BillMove) -> None:
    moved = connection.execute(
        MOVE_BILL,
        (
            move.biller,
            move.bill_id,
            move.customer_code,
            move.sequence,
            move.is_cleared,
            move.payment_id,
            move.amount_dong,
        ),
    )
    effect = "applied" if moved.rowcount else "outdated"
    connection.execute(
        WRITE_ENTRY,
        (
            webhook.webhook_id,
            webhook.type,
            move.biller,
            move.bill_id,
            move.sequence,
            move.amount_dong,
            move.payment_id,
            effect,
        ),
    )
