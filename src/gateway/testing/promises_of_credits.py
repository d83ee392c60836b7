"""What every adapter promises about notices of money that came into an account."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from gateway.kit.abilities.credits import Credit, NotifiesCredits
from gateway.kit.messages import Garbled, Incoming, Verdict
from gateway.testing.subject import Moved, Subject, needs

AMOUNTS = (1, 123_457, 987_654_321)
NO_AMOUNT: tuple[Any, ...] = (
    0,
    -5,
    1.5,
    "150000.5",
    "1,000",
    "1e5",
    "",
    None,
    True,
    [150_000],
    10**30,
    "đ",
)
"""What may stand in the place of an amount, and is none."""
NASTY: tuple[Any, ...] = (
    *("", "\x00", "9" * 400, "Điện \U0001f600", "2026-02-30 25:61:00", "0001-01-01 00:00:00"),
    *(0, -1, 1.5, 1e300, 10**30, True, None, [], {}, [{"a": None}], {"a": [1]}),
)
DONG_MAX = 10**15
KEY_MAX = 255


class PromisesOfCredits(Subject):
    """Signatures, keys, amounts and answers of credit notices."""

    def credits_in(self, incoming: Incoming) -> list[Credit]:
        """Read a notice, and see that what it gives is what the contract says."""
        found = list(self.provider().read_credits(incoming))
        for credit in found:
            assert type(credit.amount_dong) is int, credit
            assert 0 < credit.amount_dong < DONG_MAX, credit
            assert 0 < len(credit.key) <= KEY_MAX, credit
            ids = (credit.key, credit.account, credit.virtual_account, credit.bank_reference)
            assert "".join(text or "" for text in ids).isprintable(), credit
            assert credit.account, credit
            assert credit.at.utcoffset() == timedelta(0), credit
        return found

    def credit_of(self, moved: Moved) -> Credit:
        """Read the one credit of a movement's notice."""
        (credit,) = self.credits_in(self.credit_notice(self.credit_body(moved)))
        return credit

    @needs(NotifiesCredits)
    def test_an_authentic_credit_is_read_and_each_forged_twin_is_refused(self) -> None:
        authentic = self.credit_notice(self.credit_body(Moved()))
        assert len(self.credits_in(authentic)) == 1
        twins = list(self.credit_forged(authentic))
        assert twins, "no forged twin was given"
        for name, twin in twins:
            assert twin != authentic, f"the twin '{name}' is no forgery"
            with pytest.raises(Garbled):
                pytest.fail(f"{name}: {self.provider().read_credits(twin)}")

    @needs(NotifiesCredits)
    def test_a_credit_says_what_the_bank_said(self) -> None:
        moved = Moved(text="tien dien P7XHXH5N2ND", virtual_account="EVNCMP7XHXH5N2ND")
        credit = self.credit_of(moved)
        assert credit.text == moved.text
        assert credit.amount_dong == moved.amount_dong
        assert credit.virtual_account in {None, moved.virtual_account}

    @needs(NotifiesCredits)
    def test_a_repeated_credit_has_the_same_key_and_another_movement_another(self) -> None:
        first, again, other = (self.credit_of(Moved(number)) for number in (1, 1, 2))
        assert first == again
        assert other.key != first.key, "a second transfer of the same amount would be lost"

    @needs(NotifiesCredits)
    def test_credits_arrive_in_whole_dong(self) -> None:
        assert [self.credit_of(Moved(amount_dong=dong)).amount_dong for dong in AMOUNTS] == [
            *AMOUNTS
        ]

    @needs(NotifiesCredits)
    def test_what_is_no_amount_is_no_credit(self) -> None:
        body = self.credit_body(Moved(amount_dong=AMOUNTS[1]))
        twins = list(_replaced(body, lambda value: str(value) == str(AMOUNTS[1]), NO_AMOUNT))
        assert twins, "the amount stands nowhere in the body"
        for name, twin in twins:
            try:
                found = self.credits_in(self.credit_notice(twin))
            except Garbled:
                continue
            assert not found, f"{name} was read as {found}"

    @needs(NotifiesCredits)
    def test_no_value_of_any_field_raises_anything_but_garbled(self) -> None:
        for name, twin in _replaced(self.credit_body(Moved()), lambda _: True, NASTY):
            try:
                self.credits_in(self.credit_notice(twin))
            except Garbled:
                continue
            except Exception as error:
                error.add_note(f"given {name}")
                raise

    @needs(NotifiesCredits)
    def test_a_field_that_nobody_knows_changes_nothing(self) -> None:
        body = self.credit_body(Moved())
        grown = {name: _grown(value) for name, value in body.items()} | {"aNewField": "x"}
        assert self.credits_in(self.credit_notice(grown)) == [self.credit_of(Moved())]

    @needs(NotifiesCredits)
    def test_what_brings_nothing_in_is_authentic_and_empty(self) -> None:
        for name, incoming in self.credit_nothing():
            assert not self.credits_in(incoming), name

    @needs(NotifiesCredits)
    def test_a_recorded_credit_is_thanked_exactly_and_nothing_else_is(self) -> None:
        said = {verdict: self.provider().acknowledge_credits(verdict) for verdict in Verdict}
        assert said[Verdict.RECORDED] == said[Verdict.REPEATED] == self.thanks
        assert said[Verdict.TRY_LATER].status >= 500, "it would not be sent again"  # noqa: PLR2004
        assert said[Verdict.REFUSED] != self.thanks


def _replaced(
    body: Mapping[str, Any], is_meant: Any, values: tuple[Any, ...]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give twins of a body with one meant value replaced, also one level down."""
    for name, value in body.items():
        inner = value[0] if isinstance(value, list) and value else value
        if isinstance(inner, dict):
            for path, twin in _replaced(inner, is_meant, values):
                yield f"{name}.{path}", {**body, name: [twin] if inner is not value else twin}
        elif is_meant(value):
            for other in values:
                yield f"{name}={other!r}", {**body, name: other}


def _grown(value: Any) -> Any:
    """Add a field to a nested object; JSON of one provider is signed with all that it has."""
    if isinstance(value, list):
        return [_grown(one) for one in value]
    return {**value, "aNewField": "x"} if isinstance(value, dict) else value
