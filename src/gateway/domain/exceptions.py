"""The exceptions queue: who owns a trouble, by when, and what to do next."""

from datetime import date, timedelta

from gateway.domain.attempt import Trouble

OPERATIONS = "operations"
ACCOUNTING = "accounting"

# Owner, days until it is due, what to do.
_RULES = {
    Trouble.LATE_MONEY: (
        ACCOUNTING,
        1,
        "refund the payer at {provider}: order {reference}; the bills were paid otherwise",
    ),
    Trouble.CONFLICTED: (
        OPERATIONS,
        0,
        "ask {provider} in writing about order {reference}: its own messages disagree",
    ),
    Trouble.AMOUNT_DIFFERS: (
        OPERATIONS,
        0,
        "ask {provider} what was taken for order {reference}; the amount is not ours",
    ),
    Trouble.HELD_BY_PROVIDER: (
        OPERATIONS,
        1,
        "ask {provider} to decide on order {reference}, which it holds for review",
    ),
    Trouble.SECOND_MOVEMENT: (
        ACCOUNTING,
        1,
        "ask {provider} whether order {reference} was charged twice, and refund one",
    ),
    Trouble.MOVING_AFTER_END: (
        OPERATIONS,
        1,
        "watch order {reference} at {provider}: it is at work after it had ended",
    ),
    Trouble.UNRESOLVED: (
        OPERATIONS,
        1,
        "ask {provider} about order {reference}: no answer has proved anything",
    ),
}


def owner_of(trouble: Trouble) -> str:
    """Say which team owns it."""
    return _RULES[trouble][0]


def next_action_of(trouble: Trouble, provider: str, reference: str) -> str:
    """Say what its owner does next."""
    return _RULES[trouble][2].format(provider=provider, reference=reference)


def due_on(trouble: Trouble, today: date) -> date:
    """Say by when, in Vietnamese days.

    >>> due_on(Trouble.LATE_MONEY, date(2026, 11, 24))
    datetime.date(2026, 11, 25)
    """
    return today + timedelta(days=_RULES[trouble][1])
