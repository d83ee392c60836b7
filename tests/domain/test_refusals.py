import inspect
import re

import pytest

from gateway.domain import refusals
from gateway.domain.errors import CallerError, Fault
from gateway.domain.refusals import (
    AmountMismatch,
    BillAlreadyPaid,
    BillNotFound,
    ChannelNotAllowed,
    IdempotencyKeyReused,
    LookupTokenInvalid,
    OlderBillOpen,
    PartnerReferenceUsed,
)

KINDS = [
    kind
    for _, kind in inspect.getmembers(refusals, inspect.isclass)
    if kind.__module__ == refusals.__name__
]


def of(kind: type[CallerError]) -> CallerError:
    """Build a refusal from facts that can be found again in its sentences."""
    facts: dict[str, object] = {
        name: 77_001 if "int" in str(parameter.annotation) else f"<{name}>"
        for name, parameter in inspect.signature(kind).parameters.items()
    }
    return kind(**facts)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_refusal_is_the_callers_and_moves_nothing(kind: type[CallerError]) -> None:
    assert issubclass(kind, CallerError)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_refusal_says_what_it_is_about(kind: type[CallerError]) -> None:
    refusal = of(kind)
    for name, parameter in inspect.signature(kind).parameters.items():
        if parameter.default is inspect.Parameter.empty:
            assert ("77001" if "int" in str(parameter.annotation) else f"<{name}>") in str(refusal)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_refusal_is_also_said_in_vietnamese(kind: type[CallerError]) -> None:
    refusal = of(kind)
    assert re.search("[à-ỹđ]", refusal.detail_vi)
    assert refusal.detail_vi != refusal.detail


def test_an_amount_that_does_not_fit_is_told_what_is_due() -> None:
    refusal = AmountMismatch("HD-1", asked_dong=100, due_dong=150_000)
    assert refusal.facts == {"bill_id": "HD-1", "due_dong": 150_000}


@pytest.mark.parametrize("kind", [BillAlreadyPaid, OlderBillOpen])
def test_a_refusal_about_a_bill_names_it_for_machines(kind: type[CallerError]) -> None:
    assert kind("HD-1").facts == {"bill_id": "HD-1"}  # type: ignore[call-arg]


def test_a_missing_bill_is_named_for_machines() -> None:
    assert BillNotFound("evnspc-camau", "HD-1").facts == {"bill_id": "HD-1"}


def test_a_paid_bill_tells_the_partner_to_give_the_money_back() -> None:
    assert "give the payer's money back" in BillAlreadyPaid("HD-1").detail


def test_a_used_reference_links_to_the_payment_that_it_names() -> None:
    refusal = PartnerReferenceUsed("REF-1", "pay_1")
    assert refusal.facts == {"payment_id": "pay_1", "payment": "/v1/payments/pay_1"}


def test_a_reused_key_names_the_field_that_differs() -> None:
    [fault] = IdempotencyKeyReused("channel").faults
    assert fault == Fault("channel", "differs from the first request sent with this key")


def test_a_channel_over_its_limit_says_the_limit() -> None:
    assert "over 5000 đồng" in ChannelNotAllowed("b", "qr", 5_000).detail
    assert "over" not in ChannelNotAllowed("b", "qr").detail


def test_a_token_that_does_not_fit_tells_the_payer_nothing_of_why() -> None:
    assert "another partner" not in LookupTokenInvalid("it is another partner's").detail_vi
