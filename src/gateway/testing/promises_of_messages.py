"""What every adapter promises about the messages that it builds and reads; nothing is sent here."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from gateway.domain.evidence import Finding, Outcome, mismatch
from gateway.kit.abilities import (
    AnswersQueries,
    Cancels,
    Captures,
    ConfirmsOrders,
    Notifies,
    Refunds,
    TakesPayments,
)
from gateway.kit.abilities.credits import NotifiesCredits
from gateway.kit.messages import Call, Garbled, Incoming, Opened, RefundOrder, Reply, Verdict
from gateway.kit.redact import secrets_of
from gateway.testing.mutants import mutant
from gateway.testing.readers_of_debits import readers_of_debits
from gateway.testing.subject import FACTS, Subject, needs

USELESS = {
    "a page of HTML": b"<!doctype html><title>Bao tri</title><p>He thong dang bao tri.</p>",
    "nothing": b"",
    "JSON null": b"null",
    "a JSON list": b"[]",
    "an empty object": b"{}",
    "half a JSON object": b'{"resultCode":0,',
    "a repeated key": b'{"resultCode":0,"resultCode":0,"return_code":1,"return_code":1}',
    "no UTF-8": b"\xff\xfe\x00{",
}
MUTANTS = 400


class PromisesOfMessages(Subject):
    """Signatures, units, codes, keys and references."""

    def read(self, message: str, order: Any, code: str, **changes: Any) -> Finding:
        """Read a message that says `code`, as what it says of the money."""
        provider, said = self.provider(), self.said(order, code, **changes)
        if message == "notified":
            notification = provider.read_notification(self.notified(order, said))
            finding: Finding = notification.finding
            return finding
        if message == "queried":
            queried: Finding = provider.read_queried(order, self.queried(order, said))
            return queried
        if message == "debited":
            debited: Finding = provider.read_debited(order, self.debited(order, said))
            return debited
        created = provider.read_created(order, self.created(order, said))
        return Finding(Outcome.WAITING) if isinstance(created, Opened) else created

    # ── signatures ───────────────────────────────────────────────────────────────────────────

    def test_the_documented_sample_is_signed_as_documented(self) -> None:
        samples = list(self.published())
        says_why = "give at least one signature that the provider has published, or say why not"
        assert bool(samples) is not bool(self.unpublished), says_why
        for ours, printed in samples:
            assert ours == printed

    @needs(Notifies)
    def test_an_authentic_notification_is_read_and_each_forged_twin_is_refused(self) -> None:
        order = self.order()
        code = self.code_of("notified", self.told)
        authentic = self.notified(order, self.said(order, code))
        finding = self.provider().read_notification(authentic).finding
        assert finding.outcome is self.told
        twins = list(self.forged(authentic))
        assert twins, "no forged twin was given"
        for name, twin in twins:
            assert twin != authentic, f"the twin '{name}' is no forgery"
            with pytest.raises(Garbled):
                pytest.fail(f"{name}: {self.provider().read_notification(twin)}")

    # ── units, codes, whose answer it is ─────────────────────────────────────────────────────

    def test_dong_arrive_as_dong(self) -> None:
        kind = self.provider_class
        for amount in (kind.amount_min_dong, 123_457, min(kind.amount_max_dong, 987_654_321)):
            order = self.order(amount_dong=amount)
            for message in self._with_fact("amount"):
                code = self.code_of(message, Outcome.SUCCEEDED)
                assert self.read(message, order, code).amount_dong == amount, message

    def test_every_listed_code_means_what_the_documents_say(self) -> None:
        order = self.order()
        wrong = [
            f"{message} {code}: {found}, documented as {means}"
            for message, table in self.codes.items()
            for code, means in table.items()
            if (found := self.read(message, order, code).outcome) is not means
        ]
        assert not wrong, "\n".join(wrong)

    def test_a_code_that_is_not_listed_proves_nothing(self) -> None:
        order = self.order()
        for message in self.codes.keys() - self.codeless:
            assert self.read(message, order, self.unlisted).outcome is Outcome.UNKNOWN, message

    def test_an_answer_for_another_order_merchant_or_amount_is_refused(self) -> None:
        order = self.order()
        others: dict[str, dict[str, Any]] = {
            "reference": {"reference": self.order(number=2).reference},
            "merchant": {"merchant": _other_name(self.provider().merchant)},
            "amount": {"amount_dong": order.amount_dong + 1_000},
        }
        for fact, change in others.items():
            for message in self._with_fact(fact):
                code = self.code_of(message, Outcome.SUCCEEDED)
                finding = self.read(message, order, code, **change)
                assert self._refusal(order, finding) == fact, f"{message} with another {fact}"

    def test_an_answer_for_this_very_order_is_taken(self) -> None:
        order = self.order()
        for message in self._paid_messages():
            finding = self.read(message, order, self.code_of(message, Outcome.SUCCEEDED))
            assert self._refusal(order, finding) is None, message

    # ── what cannot be read ──────────────────────────────────────────────────────────────────

    @pytest.mark.parametrize("what", USELESS)
    def test_a_useless_answer_is_garbled_and_never_a_refusal(self, what: str) -> None:
        for name, read in self._readers():
            with pytest.raises(Garbled):
                pytest.fail(f"{name} read {what} as {read(USELESS[what])}")

    def test_no_bytes_raise_anything_but_garbled(self) -> None:
        chance = random.Random(2026)  # noqa: S311 (the same mutants in each run)
        order = self.order()
        for name, read in self._readers():
            seeds = [b"", *USELESS.values(), *self._good_bodies(order)]
            for _ in range(MUTANTS):
                body = mutant(chance, seeds)
                try:
                    read(body)
                except Garbled:
                    continue
                except Exception as error:
                    error.add_note(f"{name} was given {body!r}")
                    raise

    # ── keys, references, repetition ─────────────────────────────────────────────────────────

    @needs(Notifies)
    def test_a_repeated_notification_has_the_same_key_and_another_status_another(self) -> None:
        order, provider = self.order(), self.provider()
        keys = []
        for code in self.codes["notified"]:
            incoming = self.notified(order, self.said(order, code))
            first, again = (provider.read_notification(incoming) for _ in range(2))
            assert first.key == again.key
            assert first.finding.reference == order.reference
            keys.append(first.key)
        assert len(set(keys)) == len(keys), "two statuses share a key: the second would be lost"

    @needs(Notifies)
    def test_two_orders_never_share_a_notification_key(self) -> None:
        code = self.code_of("notified", self.told)
        keys = set()
        for number in (1, 2):
            order = self.order(number=number)
            said = self.said(order, code, provider_id=f"408887865{number}")
            keys.add(self.provider().read_notification(self.notified(order, said)).key)
        assert len(keys) == 2  # noqa: PLR2004

    @needs(Notifies)
    def test_every_verdict_has_its_reply_and_try_later_is_no_thank_you(self) -> None:
        replies = {verdict: self.provider().acknowledge(verdict) for verdict in Verdict}
        assert replies[Verdict.TRY_LATER] != replies[Verdict.RECORDED]
        assert replies[Verdict.REFUSED] != replies[Verdict.RECORDED]

    def test_references_are_stable_unique_and_within_the_limits(self) -> None:
        at = datetime(2026, 11, 24, 16, 59, tzinfo=UTC)
        attempts = [UUID(int=number << 64 | number) for number in range(1, 1001)]
        found = [self.provider().reference_of(attempt, at) for attempt in attempts]
        assert found == [self.provider().reference_of(attempt, at) for attempt in attempts]
        assert len(set(found)) == len(found)
        for reference in found:
            assert re.fullmatch(self.reference_pattern, reference), reference

    @needs(TakesPayments)
    def test_create_is_equal_to_the_byte_for_the_same_order(self) -> None:
        order = self.order()
        assert self.provider().create(order) == self.provider().create(replace(order))
        assert self.provider().create(order) != self.provider().create(self.order(number=2))

    def test_nothing_secret_is_shown_of_the_configuration(self) -> None:
        provider = self.provider()
        secrets = secrets_of(provider.config)
        is_spoken_with = isinstance(provider, (Notifies, AnswersQueries, NotifiesCredits))
        assert secrets or not is_spoken_with, "a provider without any SecretStr signs nothing"
        shown = f"{provider!r} {provider} {provider.config!r} {provider.config}"
        assert not [secret for secret in secrets if secret in shown]

    # ── helpers ──────────────────────────────────────────────────────────────────────────────

    def _refusal(self, order: Any, finding: Finding) -> str | None:
        return mismatch(
            finding,
            reference=order.reference,
            amount_dong=order.amount_dong,
            merchant=self.provider().merchant,
        )

    def _paid_messages(self) -> list[str]:
        return [m for m, table in self.codes.items() if Outcome.SUCCEEDED in table.values()]

    def _with_fact(self, fact: str) -> list[str]:
        assert fact in FACTS
        return [m for m in self._paid_messages() if fact in self.facts_of(m)]

    def _good_bodies(self, order: Any) -> Iterator[bytes]:
        """Give what the provider may truly send, as what mutants are made of."""
        for message, table in self.codes.items():
            for code in list(table)[:3]:
                sent = getattr(self, message)(order, self.said(order, code))
                yield sent.body or sent.query.encode()

    def _readers(self) -> Iterator[tuple[str, Callable[[bytes], Any]]]:
        """Give every reading method of the provider, from the bytes of a message."""
        provider, order = self.provider(), self.order(provider_id="4088878653")
        refund = RefundOrder(order, "ref_1", order.amount_dong, "Hoàn tiền", order.created_at)
        if isinstance(provider, TakesPayments) and isinstance(provider.create(order), Call):
            yield "read_created", lambda body: provider.read_created(order, Reply(200, body))
        by_order = {
            AnswersQueries: "read_queried",
            Cancels: "read_cancelled",
            Captures: "read_captured",
        }
        for ability, name in by_order.items():
            if isinstance(provider, ability):
                yield name, _of(getattr(provider, name), order)
        if isinstance(provider, Refunds):
            yield "read_refunded", _of(provider.read_refunded, refund)
            yield "read_refund_queried", _of(provider.read_refund_queried, refund)
        yield from readers_of_debits(provider, order, self.mandate())
        doors = (
            (Notifies, "read_notification", _incoming),
            (Notifies, "read_notification", _asked),
            (NotifiesCredits, "read_credits", _incoming),
            (ConfirmsOrders, "read_question", _incoming),
            (TakesPayments, "read_return", _asked),
        )
        for ability, name, arrives in doors:
            if isinstance(provider, ability):
                yield name, _from(getattr(provider, name), arrives)


def _from(
    read: Callable[[Incoming], Any], arrives: Callable[[bytes], Incoming]
) -> Callable[[bytes], Any]:
    return lambda body: read(arrives(body))


def _of(read: Callable[..., Any], about: Any) -> Callable[[bytes], Any]:
    return lambda body: read(about, Reply(200, body))


def _incoming(body: bytes) -> Incoming:
    return Incoming("POST", body=body, headers={"content-type": "application/json"})


def _asked(query: bytes) -> Incoming:
    return Incoming("GET", query=query.decode("latin-1"))


def _other_name(name: str) -> str:
    """Give a name of the same shape that is not this one: one sign at its end is turned."""
    last = name[-1]
    if last.isdecimal():
        return f"{name[:-1]}{(int(last) + 1) % 10}"
    return f"{name[:-1]}{'Y' if last == 'X' else 'X'}"
