"""A late return: the payer's bank gives a debit back that it had settled."""

from datetime import date, timedelta

from gateway.domain.attempt import Judgement, Standing

RETURNED = "return"
"""The source of evidence that says so."""
GRACE = timedelta(days=7)
"""How long the payer has for a bill that a return opens again."""


def after_return(stands: Standing) -> Judgement:
    """Give what follows for the attempt: it took the money, and stays so; the payment turns."""
    return Judgement(stands, "taken, and given back by the payer's bank")


def due_again_on(today: date) -> date:
    """Give the day before which a bill that was opened again is not overdue.

    >>> due_again_on(date(2026, 11, 24))
    datetime.date(2026, 12, 1)
    """
    return today + GRACE
