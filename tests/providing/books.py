"""What must hold of the books whatever raced."""

from gateway.domain.ids import from_public
from tests.providing.stage import Stage

SHARE = 150_000
RAILS = ("scripted", "closing", "clumsy", "spaced", "hasty", "mute")

# A bill that two payments have paid.
TWICE = """
SELECT bill_id FROM payment_bills WHERE sequence IS NOT NULL AND reversal_sequence IS NULL
GROUP BY bill_id HAVING count(*) > 1
"""
# Payments without exactly one event of their success, and attempts without one of their lateness.
UNTOLD = """
SELECT p.id FROM payments p LEFT JOIN events e
    ON e.subject = p.id AND e.type = 'payment.succeeded'
WHERE p.status = 'succeeded' GROUP BY p.id HAVING count(e.id) <> 1
"""
OWED = """
SELECT coalesce(sum(paid_dong), 0)::bigint AS paid FROM bills
"""
SUSPENDED = """
SELECT t.source, x.owner, x.next_action, p.refund
FROM transfers t JOIN attempts a ON a.id = t.source JOIN payments p ON p.id = a.payment_id
LEFT JOIN exceptions x ON x.attempt_id = a.id AND x.kind = 'late_money'
WHERE t.kind = 'late_payment'
"""


async def assert_books_hold(stage: Stage, *, taken: int) -> int:
    """All that the rails took has paid a bill once, or waits in suspense with an owner.

    Args:
        stage: the stage, quiet by now.
        taken: how many shares of 150,000 đồng the rails took from payers.

    Returns:
        How many shares are in suspense.
    """
    balances = await stage.world.balances()
    assert sum(balances.values()) == 0
    assert sum(balances.get(f"receivable:{code}", 0) for code in RAILS) == taken * SHARE
    paid = (await stage.sql(OWED))[0]["paid"]
    assert -balances.get("payable:evnspc-camau", 0) == paid
    suspended = await stage.sql(SUSPENDED)
    assert -balances.get("suspense:payer", 0) == sum(
        row["amount_dong"]
        for row in await stage.sql("SELECT amount_dong FROM transfers WHERE kind = 'late_payment'")
    )
    for row in suspended:
        assert (row["owner"], row["refund"]) == ("accounting", "due")
        assert "refund the payer" in row["next_action"]
    assert await stage.sql(TWICE) == []
    assert await stage.sql(UNTOLD) == []
    late = await stage.sql("SELECT 1 FROM events WHERE type = 'payment.late_money'")
    assert len(late) == len(suspended)
    return len(suspended)


async def claim_of(stage: Stage, bill: str) -> tuple[str | None, str | None]:
    """Say how a bill is held, and by which payment."""
    row = (await stage.sql("SELECT claim, claimed_by FROM bills WHERE id = $1", bill))[0]
    return row["claim"], None if row["claimed_by"] is None else str(row["claimed_by"])


async def states(stage: Stage, payment: dict[str, object]) -> list[str]:
    """Give the states of a payment's attempts, the oldest first."""
    rows = await stage.sql(
        "SELECT state FROM attempts WHERE payment_id = $1 ORDER BY number",
        from_public("pay", str(payment["id"])),
    )
    return [row["state"] for row in rows]
