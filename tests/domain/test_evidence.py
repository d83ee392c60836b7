"""Evidence: what of a message is ours, and how it is written down."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.evidence import Finding, Outcome, Rank, as_facts, mismatch

OURS = Finding(Outcome.SUCCEEDED, reference="att_1", amount_dong=100_000, merchant="EVN")
OTHERS = {"reference": "att_2", "merchant": "EVN2", "amount_dong": 99_999}


def told(finding: Finding) -> str | None:
    return mismatch(finding, reference="att_1", amount_dong=100_000, merchant="EVN")


def test_a_message_about_our_order_disagrees_with_nothing() -> None:
    assert told(OURS) is None


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("field", OTHERS)
def test_what_is_not_ours_is_named(field: str, outcome: Outcome) -> None:
    changes: dict[str, Any] = {field: OTHERS[field]}
    finding = replace(OURS, outcome=outcome, **changes)
    assert told(finding) == field.removesuffix("_dong")


@pytest.mark.parametrize("reference", ["", "ATT_1", "att_1 ", " att_1", "att_11", "att_"])
def test_a_reference_is_ours_to_the_letter_or_not_at_all(reference: str) -> None:
    assert told(replace(OURS, reference=reference)) == "reference"


@pytest.mark.parametrize("amount", [0, -100_000, 99_999, 100_001, 10_000_000])
def test_an_amount_is_ours_to_the_dong_or_not_at_all(amount: int) -> None:
    assert told(replace(OURS, amount_dong=amount)) == "amount"


def test_the_reference_is_named_before_the_merchant_and_that_before_the_amount() -> None:
    other = Finding(Outcome.SUCCEEDED, reference="x", amount_dong=1, merchant="x")
    assert told(other) == "reference"
    assert told(replace(other, reference="att_1")) == "merchant"


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.SUCCEEDED}))
def test_a_field_that_is_not_told_does_not_disagree(outcome: Outcome) -> None:
    assert told(Finding(outcome)) is None


def test_a_success_without_an_amount_proves_no_amount() -> None:
    assert told(replace(OURS, amount_dong=None)) == "amount"
    assert told(replace(OURS, reference=None, merchant=None)) is None


def test_ranks_stand_in_the_order_in_which_they_are_believed() -> None:
    assert [rank.name for rank in sorted(Rank)] == [
        *("GUESS", "RETURN", "NOTIFICATION", "QUERY", "STATEMENT")
    ]
    assert list(Rank) == [0, 1, 2, 3, 4]


def test_a_finding_is_written_down_whole_but_for_the_adapters_memory() -> None:
    paid_at = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
    finding = replace(
        OURS, code="00", message="Thành công", provider_id="9", paid_at=paid_at, memory={"k": "v"}
    )
    assert as_facts(finding) == {
        "outcome": "succeeded",
        "code": "00",
        "message": "Thành công",
        "reference": "att_1",
        "amount_dong": 100_000,
        "merchant": "EVN",
        "provider_id": "9",
        "paid_at": "2026-11-24T03:00:00.000000Z",
    }


TEXT = st.none() | st.text(max_size=20)


@given(
    st.builds(
        Finding,
        outcome=st.sampled_from(Outcome),
        code=st.text(max_size=9),
        message=st.text(max_size=9),
        reference=TEXT,
        merchant=TEXT,
        provider_id=TEXT,
        amount_dong=st.none() | st.integers(0, 2**53),
        paid_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    )
)
def test_every_finding_can_be_written_as_json(finding: Finding) -> None:
    facts = as_facts(finding)
    assert json.loads(json.dumps(facts)) == facts
