"""The conformance kit finds the mistakes that it is for: each broken adapter breaks its promise."""

import inspect
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from gateway.domain.evidence import Finding, Outcome
from gateway.kit.abilities import TakesPayments
from gateway.kit.messages import (
    Acknowledgement,
    Garbled,
    Incoming,
    Notification,
    Opened,
    Order,
    Reply,
    Verdict,
)
from gateway.providers.vnpay import Config, Vnpay
from gateway.testing.conformance import ProviderConformance
from tests.providers import test_vnpay_conformance

USELESS = "a page of HTML"


class InHundredths(Vnpay):
    def read_queried(self, order: Order, reply: Reply) -> Finding:
        found = super().read_queried(order, reply)
        return replace(found, amount_dong=(found.amount_dong or 0) * 100)


class Credulous(Vnpay):
    def read_notification(self, incoming: Incoming) -> Notification:
        try:
            return super().read_notification(incoming)
        except Garbled:
            return Notification("x", Finding(Outcome.SUCCEEDED, reference="x"))


class Guesses(Vnpay):
    def read_queried(self, order: Order, reply: Reply) -> Finding:
        found = super().read_queried(order, reply)
        is_unknown = found.outcome is Outcome.UNKNOWN
        return replace(found, outcome=Outcome.FAILED) if is_unknown else found


class Obliging(Vnpay):
    def read_queried(self, order: Order, reply: Reply) -> Finding:
        return replace(super().read_queried(order, reply), reference=order.reference)


class Pessimist(Vnpay):
    def read_queried(self, order: Order, reply: Reply) -> Finding:
        try:
            return super().read_queried(order, reply)
        except Garbled:
            return Finding(Outcome.FAILED)


class Fragile(Vnpay):
    def read_queried(self, order: Order, reply: Reply) -> Finding:
        reply.body.decode("ascii")
        return super().read_queried(order, reply)


class Forgetful(Vnpay):
    def read_notification(self, incoming: Incoming) -> Notification:
        found = super().read_notification(incoming)
        return replace(found, key=str(found.finding.reference))


class Fickle(Vnpay):
    def create(self, order: Order) -> Opened:
        return super().create(replace(order, reference=uuid4().hex))


class Collides(Vnpay):
    def reference_of(self, attempt_id: Any, created_at: Any) -> str:
        return "one for all"


class Polite(Vnpay):
    def acknowledge(self, verdict: Verdict) -> Acknowledgement:
        return super().acknowledge(Verdict.RECORDED)


class Talkative(Vnpay):
    def __str__(self) -> str:
        return self.config.hash_secret.get_secret_value()


class Hopeful(Vnpay):
    def read_queried(self, order: Order, reply: Reply) -> Finding:
        found = super().read_queried(order, reply)
        is_failed = found.outcome is Outcome.FAILED
        return replace(found, outcome=Outcome.SUCCEEDED) if is_failed else found


BROKEN: list[tuple[type[Vnpay], str, tuple[str, ...]]] = [
    (InHundredths, "test_dong_arrive_as_dong", ()),
    (Credulous, "test_an_authentic_notification_is_read_and_each_forged_twin_is_refused", ()),
    (Guesses, "test_a_code_that_is_not_listed_proves_nothing", ()),
    (Guesses, "test_every_listed_code_means_what_the_documents_say", ()),
    (Obliging, "test_an_answer_for_another_order_merchant_or_amount_is_refused", ()),
    (Pessimist, "test_a_useless_answer_is_garbled_and_never_a_refusal", (USELESS,)),
    (Pessimist, "test_a_maintenance_page_with_status_200_is_garbled", ()),
    (Fragile, "test_no_bytes_raise_anything_but_garbled", ()),
    (
        Forgetful,
        "test_a_repeated_notification_has_the_same_key_and_another_status_another",
        (),
    ),
    (Fickle, "test_create_is_equal_to_the_byte_for_the_same_order", ()),
    (Collides, "test_references_are_stable_unique_and_within_the_limits", ()),
    (Polite, "test_every_verdict_has_its_reply_and_try_later_is_no_thank_you", ()),
    (Talkative, "test_nothing_secret_is_shown_of_the_configuration", ()),
    (Hopeful, "test_an_order_that_is_declined_ends_as_the_documents_say", ()),
    (Obliging, "test_a_query_answered_for_something_else_settles_nothing", ("reference",)),
    (InHundredths, "test_an_order_that_is_paid_ends_succeeded_with_one_charge", ()),
]


async def keep(kit: ProviderConformance, promise: str, given: tuple[str, ...]) -> None:
    """Try one promise, as pytest would."""
    tried = getattr(kit, promise)(*given)
    if inspect.isawaitable(tried):
        await tried


def kit_for(provider: type[Vnpay]) -> ProviderConformance:
    kit: Any = type("Kit", (test_vnpay_conformance.TestVnpay,), {"provider_class": provider})
    made: ProviderConformance = kit()
    return made


@pytest.mark.parametrize(
    ("broken", "promise", "given"), BROKEN, ids=lambda one: getattr(one, "__name__", None)
)
async def test_a_broken_adapter_breaks_its_promise(
    broken: type[Vnpay], promise: str, given: tuple[str, ...]
) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception, UnicodeDecodeError)):
        await keep(kit_for(broken), promise, given)


async def test_a_sound_adapter_keeps_the_same_promises() -> None:
    for promise, given in {(promise, given) for _, promise, given in BROKEN}:
        await keep(kit_for(Vnpay), promise, given)


class OnlyOpens(TakesPayments[Config]):
    code, title, channels, Config = "opens", "Opens", Vnpay.channels, Config
    merchant, create, read_created = Vnpay.merchant, Vnpay.create, Vnpay.read_created


def test_a_provider_has_no_promise_about_an_ability_that_it_lacks() -> None:
    class Half(test_vnpay_conformance.TestVnpay):
        provider_class = OnlyOpens

    assert Half.test_dong_arrive_as_dong is not None
    assert Half.test_two_orders_never_share_a_notification_key is None
    assert (
        test_vnpay_conformance.TestVnpay.test_two_orders_never_share_a_notification_key is not None
    )


def test_a_provider_without_any_secret_is_refused() -> None:
    kit = kit_for(Vnpay)
    shown = Config.model_construct(tmn_code="CGTTDEMO", hash_secret=SecretStr(""))
    kit.config = lambda host: shown  # type: ignore[method-assign]
    with pytest.raises(AssertionError, match="signs nothing"):
        kit.test_nothing_secret_is_shown_of_the_configuration()
