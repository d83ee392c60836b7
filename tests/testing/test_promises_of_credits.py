"""The promises about credit notices find the mistakes that they are for."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gateway.kit.abilities.credits import Credit
from gateway.kit.messages import Acknowledgement, Garbled, Incoming, Unreadable, Verdict
from gateway.kit.payload import read_object
from gateway.providers.sepay import SePay
from tests.providers import test_sepay_conformance, test_vietqr_conformance


class Credulous(SePay):
    def _check(self, incoming: Incoming) -> None:
        """Believe everybody."""


class InHundredths(SePay):
    def read_credits(self, incoming: Incoming) -> Sequence[Credit]:
        found = super().read_credits(incoming)
        return [replace(credit, amount_dong=credit.amount_dong * 100) for credit in found]


class Forgetful(SePay):
    def read_credits(self, incoming: Incoming) -> Sequence[Credit]:
        found = super().read_credits(incoming)
        return [replace(credit, key=f"{credit.amount_dong}") for credit in found]


class Generous(SePay):
    def read_credits(self, incoming: Incoming) -> Sequence[Credit]:
        amount = read_object(incoming.body).get("transferAmount")
        found = super().read_credits(_with_amount(self, incoming))
        is_number = isinstance(amount, int | float) and amount
        return [replace(c, amount_dong=abs(int(amount))) for c in found] if is_number else found


class TakesDebits(SePay):
    def read_credits(self, incoming: Incoming) -> Sequence[Credit]:
        turned = incoming.body.replace(b'"out"', b'"in"').replace(b'"debit"', b'"credit"')
        self._check(incoming)
        return super().read_credits(test_sepay_conformance.hmaced(turned))


class Fragile(SePay):
    def read_credits(self, incoming: Incoming) -> Sequence[Credit]:
        found = super().read_credits(incoming)
        dict(read_object(incoming.body)["description"])
        return found


class Fussy(SePay):
    def read_credits(self, incoming: Incoming) -> Sequence[Credit]:
        if "aNewField" in read_object(incoming.body):
            raise Unreadable(what="aNewField")
        return super().read_credits(incoming)


class Polite(SePay):
    def acknowledge_credits(self, verdict: Verdict) -> Acknowledgement:
        return super().acknowledge_credits(Verdict.RECORDED)


def _with_amount(provider: SePay, incoming: Incoming) -> Incoming:
    body = read_object(incoming.body) | {"transferAmount": 1}
    return test_sepay_conformance.hmaced(test_sepay_conformance.sent(body))


BROKEN: list[tuple[type[SePay], str]] = [
    (Credulous, "test_an_authentic_credit_is_read_and_each_forged_twin_is_refused"),
    (InHundredths, "test_credits_arrive_in_whole_dong"),
    (InHundredths, "test_a_credit_says_what_the_bank_said"),
    (Forgetful, "test_a_repeated_credit_has_the_same_key_and_another_movement_another"),
    (Generous, "test_what_is_no_amount_is_no_credit"),
    (TakesDebits, "test_what_brings_nothing_in_is_authentic_and_empty"),
    (Fragile, "test_no_value_of_any_field_raises_anything_but_garbled"),
    (Fussy, "test_a_field_that_nobody_knows_changes_nothing"),
    (Polite, "test_a_recorded_credit_is_thanked_exactly_and_nothing_else_is"),
]


def kit_for(provider: type[SePay]) -> Any:
    return type("Kit", (test_sepay_conformance.TestSePay,), {"provider_class": provider})()


@pytest.mark.parametrize(("broken", "promise"), BROKEN, ids=lambda it: getattr(it, "__name__", ""))
def test_a_broken_adapter_breaks_its_promise(broken: type[SePay], promise: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception, Garbled, TypeError, ValueError)):
        getattr(kit_for(broken), promise)()


@pytest.mark.parametrize("promise", sorted({promise for _, promise in BROKEN}))
def test_a_sound_adapter_keeps_the_same_promise(promise: str) -> None:
    getattr(kit_for(SePay), promise)()


def test_a_provider_that_tells_of_no_credits_has_no_such_promise() -> None:
    kit = test_vietqr_conformance.TestVietQr
    assert kit.test_credits_arrive_in_whole_dong is None
