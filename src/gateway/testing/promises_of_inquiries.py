"""`InquiryConformance`: what every adapter promises that lets a partner ask and pay by itself.

A class gives the wire as the partner writes it, signed apart from the adapter, and the table of
codes from the partner's documents.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import pytest

from gateway.domain.biller import Channel
from gateway.kit.abilities.inquiries import (
    RESULTS,
    UNDECIDED,
    AnswersInquiries,
    BillShown,
    Collection,
    Inquiry,
    Question,
    Result,
    Settled,
    StatusAsked,
)
from gateway.kit.messages import (
    Acknowledgement,
    Garbled,
    Incoming,
    Moment,
    SignatureWrong,
    Unreadable,
)
from gateway.kit.redact import secrets_of
from gateway.testing.mutants import mutant
from gateway.testing.promises_of_messages import USELESS
from gateway.testing.subject import NotGiven

MUTANTS = 300
MOMENT = Moment(datetime(2026, 11, 24, 3, 0, tzinfo=UTC), "b" * 32)
SUCCESSES = {Inquiry: Result.BILLS, Collection: Result.PAID, StatusAsked: Result.PAID}
BILLS = (
    BillShown("HD-10", date(2026, 10, 1), 99_000, date(2026, 11, 2), date(2026, 11, 9)),
    BillShown("HD-11", date(2026, 11, 1), 212_000, date(2026, 12, 2), date(2026, 12, 9)),
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as the partner sends it: the end of its path, and the rest."""

    operation: str
    incoming: Incoming


class InquiryConformance:
    """Every promise; a subclass says what its wire is."""

    provider_class: ClassVar[type[AnswersInquiries[Any]]]
    questions: ClassVar[tuple[Question, ...]]
    """One of each kind that the wire has, as its request in `sent` reads."""
    codes: ClassVar[Mapping[type[Question], Mapping[Result, str]]]
    """The documented code of each result, by kind of question."""
    undecided: ClassVar[frozenset[str]]
    """The codes that the documents call unknown, pending, or try again."""
    refusals: ClassVar[tuple[frozenset[str], str]]
    """The codes of a forged request, and of an unreadable one."""

    def config(self) -> Any:
        """Give the configuration."""
        raise NotGiven(type(self), "config")

    def sent(self, question: Question) -> Sent:
        """Write the request that asks this, signed as the partner signs."""
        raise NotGiven(type(self), "sent")

    def forged(self, sent: Sent) -> Iterable[tuple[str, Sent]]:
        """Give forged twins of a request with their names: each signed field altered."""
        raise NotGiven(type(self), "forged")

    def code_of(self, said: Acknowledgement) -> str:
        """Read the code of an answer, after its signature is seen to be right, if it has one."""
        raise NotGiven(type(self), "code_of")

    def provider(self) -> AnswersInquiries[Any]:
        """Make the provider."""
        return self.provider_class(self.config())

    def read(self, sent: Sent) -> Question:
        """Let the provider read a request."""
        return self.provider().read_question(sent.operation, sent.incoming, MOMENT)

    # ── reading ──────────────────────────────────────────────────────────────────────────────

    def test_each_question_is_read_as_it_was_asked(self) -> None:
        for question in self.questions:
            read = self.read(self.sent(question))
            assert replace(read, echo={}) == replace(question, echo={})

    def test_every_forged_twin_is_refused_and_told_so(self) -> None:
        for question in self.questions:
            sent = self.sent(question)
            twins = list(self.forged(sent))
            assert twins, f"no forged twin of {question} was given"
            for name, twin in twins:
                assert twin != sent, f"the twin '{name}' is no forgery"
                with pytest.raises(SignatureWrong) as caught:
                    pytest.fail(f"{name}: {self.read(twin)}")
                said = self.provider().write_refusal(twin.operation, twin.incoming, caught.value)
                assert self.code_of(said) in self.refusals[0], name

    def test_no_bytes_raise_anything_but_garbled_and_each_gets_its_answer(self) -> None:
        chance = random.Random(2026)  # noqa: S311 (the same mutants in each run)
        provider = self.provider()
        for question in self.questions:
            sent = self.sent(question)
            seeds = [b"", *USELESS.values(), sent.incoming.body]
            for _ in range(MUTANTS):
                body = mutant(chance, seeds)
                self._try(provider, replace(sent, incoming=replace(sent.incoming, body=body)))

    def _try(self, provider: AnswersInquiries[Any], sent: Sent) -> None:
        try:
            asked = provider.read_question(sent.operation, sent.incoming, MOMENT)
            said = provider.write_answer(asked, Settled(Result.DOUBT))
        except Garbled as why:
            said = provider.write_refusal(sent.operation, sent.incoming, why)
        assert self.code_of(said), sent.incoming.body
        assert said.status < 500, sent.incoming.body  # noqa: PLR2004 (HTTP)

    def test_an_unknown_operation_is_unreadable(self) -> None:
        sent = replace(self.sent(self.questions[0]), operation="nothing")
        with pytest.raises(Unreadable):
            self.read(sent)

    # ── answering ────────────────────────────────────────────────────────────────────────────

    def test_every_result_has_its_documented_code(self) -> None:
        for question in self.questions:
            asked = self.read(self.sent(question))
            table = self.codes[type(question)]
            assert table.keys() == RESULTS[type(question)], type(question)
            for result, code in table.items():
                assert self._said(asked, result) == code, f"{type(question)} {result}"

    def test_doubt_is_neither_success_nor_failure_and_nothing_else_is_doubt(self) -> None:
        for question in self.questions:
            asked = self.read(self.sent(question))
            for result in RESULTS[type(question)]:
                said = self._said(asked, result)
                # A question for bills moves no money: it may be asked again for other reasons too.
                if result in UNDECIDED:
                    assert said in self.undecided, f"{type(question)} {result}"
                elif not isinstance(question, Inquiry):
                    assert said not in self.undecided, f"{type(question)} {result}"

    def test_only_what_succeeded_has_the_code_of_success(self) -> None:
        for question in self.questions:
            asked = self.read(self.sent(question))
            success = SUCCESSES.get(type(question), Result.UNDONE)
            code = self._said(asked, success)
            others = RESULTS[type(question)] - {success}
            assert code not in {self._said(asked, result) for result in others}

    def test_equal_answers_are_equal_to_the_byte(self) -> None:
        for question in self.questions:
            asked = self.read(self.sent(question))
            settled = a_settlement(SUCCESSES.get(type(question), Result.UNDONE))
            first = self.provider().write_answer(asked, settled)
            assert first == self.provider().write_answer(asked, settled)

    def test_a_failure_of_ours_is_answered_as_doubt(self) -> None:
        for question in self.questions:
            sent = self.sent(question)
            said = self.provider().write_refusal(sent.operation, sent.incoming, None)
            assert self.code_of(said) in self.undecided

    def test_what_cannot_be_read_is_told_so(self) -> None:
        sent = self.sent(self.questions[0])
        incoming = replace(sent.incoming, body=b"{}")
        why = Unreadable(what="message")
        said = self.provider().write_refusal(sent.operation, incoming, why)
        assert self.code_of(said) == self.refusals[1]

    def test_nothing_secret_is_shown_of_the_configuration(self) -> None:
        provider = self.provider()
        secrets = secrets_of(provider.config)
        assert secrets, "a provider without any SecretStr verifies nothing"
        shown = f"{provider!r} {provider} {provider.config!r} {provider.config}"
        assert not [secret for secret in secrets if secret in shown]

    def _said(self, asked: Question, result: Result) -> str:
        return self.code_of(self.provider().write_answer(asked, a_settlement(result)))


def a_settlement(result: Result) -> Settled:
    """Build what became of a question, with names that need care on any wire."""
    if result is Result.BILLS:
        name, address = "N*** V*** Án & <Con>|[x]", "***, Phường 5"
        total = sum(bill.amount_dong for bill in BILLS)
        return Settled(result, name, address, BILLS, amount_dong=total)
    if result in {Result.PAID, Result.UNDONE}:
        number, at = "pay_019a3c84f40070008000000000000001", MOMENT.now
        return Settled(result, payment_id=number, amount_dong=99_000, paid_at=at)
    return Settled(result)


def a_collection(**changes: Any) -> Collection:
    """Build the payment of one bill of 99,000 đồng; only what matters need be named."""
    paid = Collection(
        reference="BK20261124000001",
        customer_code="PB14010012345",
        bill_ids=("HD-10",),
        amount_dong=99_000,
        channel=Channel.MOBILE_BANKING,
    )
    return replace(paid, **changes)
