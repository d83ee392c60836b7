"""The promises of `InquiryConformance` can be broken: each is seen by an adapter that breaks it."""

from typing import Any

import pytest

from gateway.kit.abilities.inquiries import Question, Result, Settled
from gateway.kit.messages import Acknowledgement, Garbled, Incoming, Moment, Unreadable
from gateway.providers.bidvrest import BidvRest
from tests.providers import test_bidvrest_conformance as kit


class CallsDoubtSuccess(BidvRest):
    def write_answer(self, question: Question, settled: Settled) -> Acknowledgement:
        if settled.result is Result.DOUBT:
            settled = Settled(Result.PAID)
        return super().write_answer(question, settled)


class CallsDoubtFailure(BidvRest):
    def write_answer(self, question: Question, settled: Settled) -> Acknowledgement:
        if settled.result is Result.DOUBT:
            settled = Settled(Result.AMOUNT_DIFFERS)
        return super().write_answer(question, settled)


class BelievesAnybody(BidvRest):
    def _verify(self, fields: Any, *parts: str) -> None:
        """Verify nothing."""


class Stumbles(BidvRest):
    def read_question(self, operation: str, incoming: Incoming, moment: Moment) -> Question:
        try:
            return super().read_question(operation, incoming, moment)
        except Unreadable as error:
            raise KeyError from error


class HidesOurFailure(BidvRest):
    def write_refusal(
        self, operation: str, incoming: Incoming, why: Garbled | None
    ) -> Acknowledgement:
        return super().write_refusal(operation, incoming, why or Unreadable(what="it"))


@pytest.mark.parametrize(
    ("adapter", "promise"),
    [
        (CallsDoubtSuccess, "test_doubt_is_neither_success_nor_failure_and_nothing_else_is_doubt"),
        (CallsDoubtSuccess, "test_only_what_succeeded_has_the_code_of_success"),
        (CallsDoubtFailure, "test_doubt_is_neither_success_nor_failure_and_nothing_else_is_doubt"),
        (CallsDoubtFailure, "test_every_result_has_its_documented_code"),
        (BelievesAnybody, "test_every_forged_twin_is_refused_and_told_so"),
        (Stumbles, "test_no_bytes_raise_anything_but_garbled_and_each_gets_its_answer"),
        (HidesOurFailure, "test_a_failure_of_ours_is_answered_as_doubt"),
    ],
)
def test_a_broken_promise_is_found(adapter: type[BidvRest], promise: str) -> None:
    class Broken(kit.TestBidvRest):
        provider_class = adapter

    with pytest.raises((AssertionError, KeyError, Garbled, pytest.fail.Exception)):
        getattr(Broken(), promise)()


def test_each_of_them_is_kept_by_the_adapter_itself() -> None:
    assert kit.TestBidvRest.provider_class is BidvRest
