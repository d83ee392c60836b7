"""The link to a checkout, and what its page says: caution before everything."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from gateway.domain.checkout import (
    Bills,
    Checkout,
    CheckoutNotFound,
    Step,
    read_token,
    step_of,
    token_of,
)
from gateway.domain.payment import Line
from gateway.domain.progress import PaymentState, shown

KEY, ID = b"k" * 32, UUID(int=7)
NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)
DUE = Bills(are_due=True, are_being_paid=False)
CHECKOUT = Checkout(
    id=ID,
    partner_id=1,
    biller_id=1,
    partner_reference="R",
    customer_code="PB14010000001",
    lines=(Line("A", 1), Line("B", 2)),
    return_url=None,
    created_at=NOON,
    expires_at=NOON + timedelta(days=1),
)


def step(state: PaymentState | None, bills: Bills = DUE, **changes: bool) -> Step:
    told = {"is_over": False, "is_reversed": False, "has_refund": False} | changes
    now = None
    if state is not None:
        late = told["has_refund"]
        now = shown(state, expires_at=NOON, has_late_money=late, is_disputed=False)
    return step_of(now, bills=bills, **told)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, Step.CHOOSE),
        (PaymentState.AWAITING_PAYER, Step.PAY),
        (PaymentState.PROCESSING, Step.WAIT),
        (PaymentState.CANCELLING, Step.WAIT),
        (PaymentState.IN_DOUBT, Step.UNKNOWN),
        (PaymentState.CONFLICTED, Step.UNKNOWN),
        (PaymentState.SUCCEEDED, Step.PAID),
        (PaymentState.FAILED, Step.TRY_AGAIN),
        (PaymentState.EXPIRED, Step.TRY_AGAIN),
        (PaymentState.CANCELLED, Step.GIVEN_UP),
    ],
)
def test_a_state_is_said_in_one_way(state: PaymentState | None, said: Step) -> None:
    assert step(state) is said


@pytest.mark.parametrize("state", sorted(set(PaymentState) - {"failed", "expired"}))
def test_what_may_have_moved_money_is_said_before_anything_else(state: PaymentState) -> None:
    worst = Bills(are_due=False, are_being_paid=True)
    assert step(state, worst, is_over=True) is step(state)


@pytest.mark.parametrize("state", [None, PaymentState.FAILED, PaymentState.EXPIRED])
def test_a_way_is_offered_only_for_bills_that_are_due_and_free(state: PaymentState | None) -> None:
    assert step(state, Bills(are_due=True, are_being_paid=True)) is Step.BUSY
    assert step(state, Bills(are_due=False, are_being_paid=False)) is Step.CHANGED
    assert step(state, is_over=True) is Step.EXPIRED


def test_money_that_came_too_late_and_what_was_undone_are_said() -> None:
    assert step(PaymentState.EXPIRED, has_refund=True) is Step.REFUND
    assert step(PaymentState.SUCCEEDED, is_reversed=True) is Step.REVERSED


def test_a_token_is_of_one_checkout_of_one_deployment_and_has_one_spelling() -> None:
    token = token_of(KEY, ID)
    assert read_token(KEY, token) == ID
    assert token != token_of(KEY, UUID(int=8))
    flipped = token[:-1] + ("A" if token[-1] != "A" else "E")
    for wrong in (
        flipped,
        token[:-1],
        token + "=",
        token + "A",
        token.swapcase(),
        "",
        "đ",
        "=" * 8,
    ):
        with pytest.raises(CheckoutNotFound):
            read_token(KEY, wrong)
    with pytest.raises(CheckoutNotFound):
        read_token(b"other" * 8, token)


def test_no_two_tokens_differ_only_in_bits_that_are_not_read() -> None:
    token = token_of(KEY, ID)
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    taken = []
    for sign in signs:
        try:
            read_token(KEY, token[:-1] + sign)
        except CheckoutNotFound:
            continue
        taken.append(sign)
    assert taken == [token[-1]]


def test_a_repetition_is_the_same_order_at_another_time_and_nothing_else_is() -> None:
    again = replace(CHECKOUT, id=UUID(int=9), created_at=NOON + timedelta(hours=1))
    assert CHECKOUT.is_same_order(replace(again, expires_at=NOON))
    for other in (
        replace(again, lines=(Line("A", 1),)),
        replace(again, customer_code="PB14010000002"),
        replace(again, return_url="https://x.example"),
        replace(again, biller_id=2),
    ):
        assert not CHECKOUT.is_same_order(other)
    assert CHECKOUT.amount_dong == 3
