"""Two payers and one bill: both prepare, both take, and then the books of all sides are read."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from time import monotonic, sleep
from typing import Any

from tests.pairs.payers import Payer, Refused
from tests.pairs.street import PATIENCE_S, Bill, Street

# Where money may be moving, or nobody knows.
RESTLESS = """
SELECT DISTINCT l.bill_id FROM payment_bills l JOIN payments p ON p.id = l.payment_id
LEFT JOIN attempts a ON a.payment_id = p.id
WHERE l.bill_id = ANY ($1::text[])
  AND (p.status IN ('created', 'processing', 'in_doubt')
    OR a.state IN ('sent', 'unknown', 'pending'))
UNION
SELECT l.bill_id FROM payment_bills l JOIN events e ON e.subject = l.payment_id
JOIN deliveries d ON d.event_id = e.id AND d.state = 'due'
WHERE l.bill_id = ANY ($1::text[])
UNION
SELECT b.id FROM bills b
WHERE b.id = ANY ($1::text[]) AND (b.status <> 'paid' OR b.claim IS NOT NULL)
"""
# Orders that are still open, and that nobody will ever ask about.
FORGOTTEN = """
SELECT a.provider, a.reference, a.state FROM payment_bills l
JOIN attempts a ON a.payment_id = l.payment_id
WHERE l.bill_id = $1 AND a.state = 'waiting' AND a.due_at IS NULL
"""
PAYMENTS = """
SELECT p.id, p.channel, p.provider, p.status, p.refund, l.sequence FROM payment_bills l
JOIN payments p ON p.id = l.payment_id WHERE l.bill_id = $1
"""
# What reached the biller's account, by the payments of the bill, and what left it.
POSTED = """
SELECT t.source, t.kind,
    CASE WHEN c.kind = 'payable' THEN t.amount_dong ELSE -t.amount_dong END AS amount_dong
FROM payment_bills l JOIN transfers t ON t.source = l.payment_id
JOIN ledger_accounts c ON c.id = t.credit_account JOIN ledger_accounts d ON d.id = t.debit_account
WHERE l.bill_id = $1 AND 'payable' IN (c.kind, d.kind)
"""
STANDING = """
SELECT s.amount_dong, s.reason, s.owner, s.next_action, x.owner AS asked, x.closed_at,
    coalesce((SELECT sum(r.amount_dong) FROM refund_instructions r WHERE r.suspense_id = s.id), 0)
        ::bigint AS refund_dong
FROM suspense_lines s LEFT JOIN exceptions x ON x.suspense_id = s.id
    OR (s.credit_id IS NULL AND x.attempt_id = s.attempt_id AND x.kind = 'late_money')
WHERE s.closed_at IS NULL AND s.customer_code = $1
"""
# What was heard of each attempt, and what somebody was asked to see to: shown where a pair fails.
HEARD = """
SELECT a.provider, a.reference, a.state, array_agg(DISTINCT x.kind || ' ' || x.owner) AS troubles,
    (SELECT array_agg(e.source || ' ' || e.outcome || ' ' || e.rule ORDER BY e.id)
     FROM evidence e WHERE e.attempt_id = a.id) AS heard
FROM payment_bills l JOIN attempts a ON a.payment_id = l.payment_id
LEFT JOIN exceptions x ON x.attempt_id = a.id
WHERE l.bill_id = $1 GROUP BY a.biller_id, a.id
"""
# Money of which a provider says both that it was taken and that it was not, and who sees to it.
DISPUTED_ANYWHERE = """
SELECT a.reference, x.amount_dong FROM exceptions x JOIN attempts a ON a.id = x.attempt_id
JOIN payment_bills l ON l.payment_id = a.payment_id
WHERE a.state = 'conflicted' AND x.kind = 'conflicted' AND x.closed_at IS NULL
    AND x.owner <> '' AND x.next_action <> ''
"""
DISPUTED = f"{DISPUTED_ANYWHERE} AND l.bill_id = $1"
EVENTS = """
SELECT count(*) AS told FROM events e JOIN payment_bills l ON l.payment_id = e.subject
WHERE l.bill_id = $1 AND e.type = 'payment.succeeded'
"""
# The suspense account by the ledger and by its lines; and what a provider owes us.
SUSPENDED = """
SELECT coalesce(sum(CASE a.id WHEN t.credit_account THEN 1 ELSE -1 END * t.amount_dong), 0)
    ::bigint AS ledger_dong,
    (SELECT coalesce(sum(s.amount_dong), 0)::bigint FROM suspense_lines s WHERE s.closed_at IS NULL)
        AS lines_dong
FROM ledger_accounts a JOIN transfers t ON a.id IN (t.debit_account, t.credit_account)
WHERE a.kind = 'suspense'
"""
RECEIVABLE = """
SELECT coalesce(sum(CASE a.id WHEN t.debit_account THEN 1 ELSE -1 END * t.amount_dong), 0)
    ::bigint AS dong
FROM providers p JOIN ledger_accounts a ON a.id = p.receivable_account
JOIN transfers t ON a.id IN (t.debit_account, t.credit_account) WHERE p.code = $1
"""
# What a collector was given into the hand, as the ledger has it; and receipts that never came.
IN_HAND = """
SELECT coalesce(sum(CASE a.id WHEN t.debit_account THEN 1 ELSE -1 END * t.amount_dong), 0)
    ::bigint AS dong
FROM ledger_accounts a JOIN transfers t ON a.id IN (t.debit_account, t.credit_account)
WHERE a.code = 'cash:' || $1::text
"""
MISSING = "SELECT first_seq, last_seq FROM cash_gaps WHERE closed_at IS NULL"


@dataclass
class Race:
    """Two payers of one bill."""

    bill: Bill
    payers: tuple[Payer, Payer]

    def __str__(self) -> str:
        """Name the pair, and what became of each."""
        told = " and ".join(payer.channel for payer in self.payers)
        why = "; ".join(f"{p.channel} refused: {p.refusal}" for p in self.payers if p.refusal)
        return f"{told} on bill {self.bill.id} of {self.bill.customer_code} ({why or 'both took'})"


def race(street: Street, pairs: Sequence[tuple[type[Payer], type[Payer]]]) -> list[Race]:
    """Give each pair a fresh bill."""
    races = []
    for first, second in pairs:
        bill = street.next_bill()
        races.append(Race(bill, (first(street, bill, 0), second(street, bill, 1))))
    return races


def prepare(one: Race, which: slice = slice(None)) -> None:
    """Let payers prepare, one after the other."""
    for payer in one.payers[which]:
        _try(payer, payer.prepare)


def take(one: Race, which: slice = slice(None)) -> None:
    """Let payers take, all at once.

    A debit run takes seconds to begin: every other bill's second payer waits until it has.
    """
    ready = [payer for payer in one.payers[which] if not payer.refusal]
    barrier = Barrier(max(len(ready), 1))

    def go(payer: Payer) -> None:
        barrier.wait()
        if payer.seat and int(one.bill.customer_code[-1]) % 2:
            one.payers[0].await_begun()
        _try(payer, payer.take)

    together([lambda payer=payer: go(payer) for payer in ready])  # type: ignore[misc]


def _try(payer: Payer, step: Callable[[], None]) -> None:
    try:
        step()
    except Refused as told:
        payer.refusal = str(told) or "no"


def together(acts: Sequence[Callable[[], None]]) -> None:
    """Do all at once, each in a thread of its own; the first failure is raised."""
    if not acts:
        return
    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(act) for act in acts]:
            done.result()


def await_quiet(street: Street, races: Sequence[Race]) -> None:
    """Wait until nothing moves any more; those that never come to rest are named by `wrongs`."""
    bills = [one.bill.id for one in races]
    until = monotonic() + PATIENCE_S
    while monotonic() < until:
        moving = {row["bill_id"] for row in street.sql(RESTLESS, bills)}
        untaken = any(_standing_dong(street, one) != _taken_dong(one) for one in races)
        if not moving and not untaken:
            return
        sleep(0.3)


def wrongs(street: Street, races: Sequence[Race]) -> list[str]:
    """Name every pair whose books do not hold, and what does not."""
    told = street.told()
    moving = {row["bill_id"] for row in street.sql(RESTLESS, [one.bill.id for one in races])}
    found = []
    for one in races:
        faults = _wrongs(street, one, told.get(one.bill.id, []))
        if one.bill.id in moving:
            faults.append("something is still moving")
        if faults:
            faults += [str(dict(row)) for row in street.sql(HEARD, one.bill.id)]
        found += [f"{one}: {fault}" for fault in faults]
    return found


def _wrongs(street: Street, one: Race, told: list[str]) -> list[str]:
    payments = street.sql(PAYMENTS, one.bill.id)
    posted = street.sql(POSTED, one.bill.id)
    standing = street.sql(STANDING, one.bill.customer_code)
    paid = [row for row in payments if row["status"] == "succeeded"]
    checks = {
        f"{len(paid)} payments succeeded": len(paid) == 1,
        f"posted {[dict(row) for row in posted]}": [row["amount_dong"] for row in posted]
        == [one.bill.amount_dong],
        f"the billing system was told {told}": told == ["payment.succeeded"],
        "not one event of success": street.sql(EVENTS, one.bill.id)[0]["told"] == 1,
        f"taken {_taken_dong(one)}, accounted for {_standing_dong(street, one)}": _taken_dong(one)
        == _standing_dong(street, one),
        f"both took and {[dict(row) for row in payments]}": not _is_twice(one, standing),
    }
    wrong = [fault for fault, holds in checks.items() if not holds]
    wrong += [f"nobody will ask about {dict(row)}" for row in street.sql(FORGOTTEN, one.bill.id)]
    return wrong + [f"nobody owns {dict(row)}" for row in standing if not _is_owned(row)]


def _is_twice(one: Race, standing: Sequence[Any]) -> bool:
    """Say whether both payers' money is with us and none of it waits to go back."""
    return len(_takings(one)) > 1 and not standing


def _is_owned(row: Any) -> bool:
    is_asked = row["asked"] is not None and row["closed_at"] is None
    goes_back = row["refund_dong"] == row["amount_dong"] or row["reason"] == "being_paid"
    return bool(row["owner"] and row["next_action"]) and is_asked and goes_back


def _taken_dong(one: Race) -> int:
    return sum(_takings(one).values())


def _takings(one: Race) -> dict[str, int]:
    """Give the money that both payers have lost; one debit of both is one."""
    first, second = (payer.takings() for payer in one.payers)
    return first | second


def _standing_dong(street: Street, one: Race) -> int:
    posted = street.sql(POSTED, one.bill.id)
    standing = street.sql(STANDING, one.bill.customer_code)
    return sum(row["amount_dong"] for row in (*posted, *standing))
