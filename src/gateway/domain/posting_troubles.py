"""Postings that a person has to settle: whose they are, by when, and what to do."""

from datetime import date, timedelta

from gateway.domain.posting import Line, PostingTrouble

# Owner, days until it is due, what to do.
_RULES = {
    PostingTrouble.PAID_BY_OTHER: (
        "accounting",
        1,
        (
            "bill {bill} was paid at the biller by another collector: give {amount} đồng back to "
            "the payer; proposed transfer: {payable} to {receivable}"
        ),
    ),
    PostingTrouble.AMOUNT_DIFFERS: (
        "accounting",
        1,
        (
            "the biller owes another amount for bill {bill} than the {amount} đồng paid: ask it "
            "which is right, then post by hand or give the money back ({payable} to {receivable})"
        ),
    ),
    PostingTrouble.BILL_NOT_FOUND: (
        "operations",
        1,
        (
            "the biller does not know bill {bill}: ask it where the {amount} đồng belong, or give "
            "them back ({payable} to {receivable})"
        ),
    ),
    PostingTrouble.BILL_CANCELLED: (
        "accounting",
        1,
        (
            "the biller has withdrawn bill {bill}: give {amount} đồng back to the payer; proposed "
            "transfer: {payable} to {receivable}"
        ),
    ),
    PostingTrouble.REFUSED: (
        "operations",
        1,
        (
            "the biller's service refuses bill {bill} with '{code}' and nothing was cleared: ask "
            "it, then post by hand or give {amount} đồng back ({payable} to {receivable})"
        ),
    ),
    PostingTrouble.FLOAT_EMPTY: (
        "operations",
        0,
        (
            "our deposit at the biller's service is used up (it says '{code}'), and bill {bill} "
            "over {amount} đồng waits: top it up now; the gateway goes on trying"
        ),
    ),
    PostingTrouble.SET_UP_WRONG: (
        "operations",
        0,
        (
            "the biller's service does not accept us (it says '{code}'), and bill {bill} waits: "
            "look at key, clock and address there and here; the gateway goes on trying"
        ),
    ),
    PostingTrouble.UNDO_REFUSED: (
        "accounting",
        0,
        (
            "payment reversed here, and its bill {bill} stays paid at the biller: agree with the "
            "biller that {amount} đồng are taken back by hand, or collect them again"
        ),
    ),
    PostingTrouble.NOT_POSTED: (
        "operations",
        0,
        (
            "bill {bill} is paid here and not acknowledged at the biller for hours (last answer "
            "'{code}'): ask the biller; the gateway goes on trying"
        ),
    ),
}


def owner_of(trouble: PostingTrouble) -> str:
    """Say which team owns it."""
    return _RULES[trouble][0]


def due_on(trouble: PostingTrouble, today: date) -> date:
    """Say by when, in Vietnamese days."""
    return today + timedelta(days=_RULES[trouble][1])


def next_action_of(trouble: PostingTrouble, line: Line, *, payable: str, receivable: str) -> str:
    """Say what its owner does next, with the transfer that is proposed."""
    return _RULES[trouble][2].format(
        bill=line.bill_id,
        amount=line.amount_dong,
        code=line.code,
        payable=payable,
        receivable=receivable,
    )
