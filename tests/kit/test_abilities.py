"""The contract: what a provider can do is what it inherits."""

import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.domain.biller import Channel
from gateway.domain.evidence import Finding, Outcome
from gateway.kit import abilities
from gateway.kit.abilities import (
    ABILITIES,
    AnswersQueries,
    Cancels,
    Config,
    NeedsToken,
    Notifies,
    Provider,
    Refunds,
    TakesPayments,
)
from gateway.kit.messages import Call, Incoming, Moment, Opened, Order, Reply, Unreadable

MATRIX = [
    *("TakesPayments", "Notifies", "ConfirmsOrders", "AnswersQueries", "Cancels", "Captures"),
    *("Refunds", "GivesStatements", "LooksUpBills", "ClearsDebt", "ListsPaid"),
    *("DebitsMandates", "DebitsByFile", "NotifiesCredits", "AnswersInquiries", "CarriesMessages"),
]
CREATED = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
REFERENCE_MAX = 36
ALONE = {"Notifies", "GivesStatements", "AnswersInquiries", "CarriesMessages"}
"""What comes to us without a call of ours."""


class Asked(AnswersQueries[Config]):
    """Answers queries."""

    code = "asked"
    title = "Asked"
    channels = frozenset({Channel.QR})
    Config = Config

    @property
    def merchant(self) -> str:
        return "EVN"

    def query(self, order: Order, moment: Moment) -> Call:
        return Call("query", "https://pay.example.vn")

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        return Finding(Outcome.UNKNOWN)


class Both(Asked, TakesPayments[Config]):
    """Takes payments too."""

    code = "both"

    def create(self, order: Order) -> Call | Opened:
        return Call("create", "https://pay.example.vn")

    def read_created(self, order: Order, reply: Reply) -> Opened | Finding:
        return Finding(Outcome.UNKNOWN)


class HalfCancels(Both, Cancels[Config]):
    """Says that it cancels, and cannot read the answer."""

    def cancel(self, order: Order, moment: Moment) -> Call:
        return Call("cancel", "https://pay.example.vn")


def abstract_methods() -> Iterator[Callable[..., object]]:
    for ability in ABILITIES:
        yield from (
            method
            for name, method in inspect.getmembers(ability, inspect.isfunction)
            if name in ability.__abstractmethods__
        )


def test_the_matrix_lists_every_ability_in_its_order() -> None:
    assert [ability.__name__ for ability in ABILITIES] == MATRIX
    defined = {
        kind
        for kind in vars(abilities).values()
        if inspect.isclass(kind) and issubclass(kind, Provider) and kind is not Provider
    }
    assert set(ABILITIES) == defined - {NeedsToken}


def test_no_ability_brings_another_along() -> None:
    for ability in ABILITIES:
        assert [other for other in ABILITIES if issubclass(ability, other)] == [ability]


def test_a_provider_is_the_sum_of_what_it_inherits_and_nothing_more() -> None:
    provider = Both(Config())
    found = [ability for ability in ABILITIES if isinstance(provider, ability)]
    assert found == [TakesPayments, AnswersQueries]
    assert not isinstance(provider, Notifies | Refunds)


def test_what_inherits_an_ability_without_all_of_it_is_not_made() -> None:
    with pytest.raises(TypeError, match="read_cancelled"):
        HalfCancels(Config())  # type: ignore[abstract]


def test_every_question_of_an_ability_has_an_answer_that_is_read() -> None:
    """What builds a call and what reads its reply come together: neither is of use alone."""
    for ability in ABILITIES:
        names = ability.__abstractmethods__ - {"merchant", "acknowledge"}
        builds = {name for name in names if not name.startswith("read_")}
        reads = names - builds
        assert len(builds) == len(reads) or ability.__name__ in ALONE


def test_an_adapter_never_waits_and_says_what_it_does() -> None:
    for method in abstract_methods():
        assert not inspect.iscoroutinefunction(method), method
        assert inspect.getdoc(method), method


@given(st.uuids(), st.datetimes(timezones=st.just(UTC)))
def test_the_default_reference_is_short_plain_and_the_same_whenever_it_is_derived(
    attempt_id: UUID, created_at: datetime
) -> None:
    provider = Both(Config())
    reference = provider.reference_of(attempt_id, created_at)
    assert len(reference) <= REFERENCE_MAX
    assert reference.isascii()
    assert reference.replace("_", "").isalnum()
    later = created_at.replace(year=2000) + timedelta(days=1)
    assert Both(Config()).reference_of(attempt_id, later) == reference


@given(st.lists(st.uuids(), min_size=2, max_size=5, unique=True))
def test_two_attempts_never_have_one_reference(attempts: list[UUID]) -> None:
    provider = Both(Config())
    assert len({provider.reference_of(a, CREATED) for a in attempts}) == len(attempts)


def test_a_return_that_an_adapter_does_not_read_proves_nothing() -> None:
    with pytest.raises(Unreadable, match="browser return"):
        Both(Config()).read_return(Incoming("GET", "paid=yes"))


def test_without_a_word_of_the_adapter_a_query_may_follow_a_query() -> None:
    assert Asked(Config()).spacing_of(Finding(Outcome.WAITING)) is None


def test_a_configuration_refuses_what_it_does_not_name() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Config.model_validate({"deadline_seconds": 5})


def test_a_configuration_is_not_changed_while_it_is_used() -> None:
    config = Config()
    with pytest.raises(ValidationError, match="frozen"):
        config.deadline_s = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("connect_timeout_s", 0), ("connect_timeout_s", 31)),
        *(("deadline_s", 0), ("deadline_s", 121), ("deadline_s", "nan")),
        *(("concurrency", 0), ("concurrency", 1001), ("query_spacing_s", -1)),
        *(("visibility_s", -1), ("visibility_s", 86_401)),
    ],
)
def test_a_configuration_that_would_never_end_or_never_begin_is_refused(
    field: str, value: object
) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({field: value})
