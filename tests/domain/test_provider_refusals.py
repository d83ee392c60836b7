"""Refusals about providers: the caller's, in two languages, with the facts in both."""

import inspect

import pytest

from gateway.domain import provider_refusals
from gateway.domain.errors import CallerError
from tests.domain.test_refusals import of

KINDS = [
    kind
    for _, kind in inspect.getmembers(provider_refusals, inspect.isclass)
    if kind.__module__ == provider_refusals.__name__ and issubclass(kind, CallerError)
]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def test_every_class_of_the_file_is_a_refusal_of_the_callers() -> None:
    ours = [
        name
        for name, kind in inspect.getmembers(provider_refusals, inspect.isclass)
        if kind.__module__ == provider_refusals.__name__
    ]
    assert sorted(ours) == sorted(kind.__name__ for kind in KINDS)


@each_kind
def test_a_refusal_names_in_both_languages_what_it_is_about(kind: type[CallerError]) -> None:
    refused = of(kind)
    facts = [
        str(77_001) if "int" in str(parameter.annotation) else f"<{name}>"
        for name, parameter in inspect.signature(kind).parameters.items()
        if name != "ability"  # a word of the program, and English
    ]
    for sentence in (refused.detail, refused.detail_vi):
        assert [fact for fact in facts if fact not in sentence] == []
    assert refused.detail != refused.detail_vi


@each_kind
def test_a_refusal_about_a_thing_gives_it_to_machines_as_well(kind: type[CallerError]) -> None:
    facts = of(kind).facts
    assert facts
    for name, value in facts.items():
        assert value in {77_001, f"<{name}>"}


def test_no_two_refusals_share_a_code() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)


def test_whoever_took_money_for_a_bill_that_is_being_paid_is_told_to_give_it_back() -> None:
    refused = provider_refusals.BillBeingPaid("HD-1")
    assert "give it back" in refused.detail
    assert "trả lại tiền" in refused.detail_vi


def test_what_an_ability_is_called_is_told() -> None:
    assert "Cancels" in provider_refusals.ProviderNotOffered("acme", "Cancels").detail
