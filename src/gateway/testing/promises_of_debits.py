"""What every adapter promises that debits payers on standing permissions."""

from contextlib import suppress
from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.evidence import Finding, Outcome
from gateway.domain.mandate import MandateState
from gateway.kit.abilities import AnswersQueries, DebitsByFile, DebitsMandates
from gateway.kit.exchange import Fate
from gateway.kit.mandate_messages import AfterFailure, DebitLine, FileNamed, Mandate
from gateway.kit.messages import Call, Garbled, Order
from gateway.testing.promises_of_calls import PromisesOfCalls, Stand
from gateway.testing.promises_of_messages import PromisesOfMessages
from gateway.testing.subject import NotGiven, a_moment, needs

NAMED = FileNamed(date(2026, 11, 24), 1)


class PromisesOfDebits(PromisesOfMessages, PromisesOfCalls):
    """Mandates, debits by call and by file; nothing is taken twice."""

    async def an_active_mandate(self, stand: Stand) -> Mandate:
        """Register and confirm a mandate at the simulator, as its payer would."""
        raise NotGiven(type(self), "an_active_mandate")

    def debit_facts(self, call: Call) -> object:
        """Give what two calls of one debit share, where an encryption makes each one different."""
        return call

    def debit_order(self, number: int) -> Order:
        """Build an order that is ready for `debit`, with what `read_prepared` would add to it."""
        return self.order(number=number)

    # ── what is built and read ───────────────────────────────────────────────────────────────

    @needs(DebitsMandates)
    def test_a_debit_is_equal_to_the_byte_for_the_same_order_and_moment(self) -> None:
        provider, moment = self.provider(), a_moment()
        first, other = (self.line(self.debit_order(number)) for number in (1, 2))
        facts = [self.debit_facts(provider.debit(line, moment)) for line in (first, first, other)]
        assert facts[0] == facts[1]
        assert facts[0] != facts[2]

    @needs(DebitsMandates)
    def test_what_follows_a_failed_debit_is_what_the_documents_say(self) -> None:
        order, provider = self.order(), self.provider()
        for code, means in self.codes["debited"].items():
            if means is Outcome.FAILED:
                due = self.after_failure.get(code, AfterFailure.GIVE_UP)
                assert provider.after_failure(self.read("debited", order, code).code) is due, code

    @needs(DebitsMandates)
    def test_an_unlisted_code_is_not_tried_again_and_ends_no_mandate(self) -> None:
        assert self.provider().after_failure(self.unlisted) is AfterFailure.GIVE_UP

    @needs(DebitsByFile)
    def test_a_file_of_debits_is_equal_to_the_byte_when_written_again(self) -> None:
        lines = [self.line(self.order(number=number)) for number in (1, 2)]
        written = self.provider().write_debits(NAMED, lines)
        assert written == self.provider().write_debits(NAMED, iter(lines))
        assert written.name != self.provider().write_debits(replace(NAMED, number=2), lines).name

    @needs(DebitsByFile)
    def test_a_result_file_is_read_whole_or_not_at_all(self) -> None:
        orders = [self.order(number=number) for number in (1, 2)]
        said = self.said(orders[0], self.code_of("debited", Outcome.SUCCEEDED))
        raw = self.results([self.line(order) for order in orders], said)
        read = self.provider().read_results(raw)
        assert [line.finding.reference for line in read.lines] == [o.reference for o in orders]
        assert {line.finding.outcome for line in read.lines} == {Outcome.SUCCEEDED}
        for at in range(0, len(raw), 7):
            twin = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
            with suppress(Garbled):
                pytest.fail(f"byte {at} altered: {self.provider().read_results(twin)}")
            with suppress(Garbled):
                pytest.fail(f"cut at {at}: {self.provider().read_results(raw[:at])}")

    # ── over real HTTP ───────────────────────────────────────────────────────────────────────

    @needs(DebitsMandates)
    @pytest.mark.asyncio
    async def test_a_debit_that_is_sent_twice_is_taken_once(self) -> None:
        async with self.stand() as stand:
            mandate = await self.an_active_mandate(stand)
            order = self.order_at(stand)
            line = await self._prepared(stand, order, mandate)
            findings = [await self._debit(stand, line) for _ in range(2)]
            findings.append(await stand.ask(order))
            charges = (await stand.control("charges"))["charges"]
        assert [charge["amount_dong"] for charge in charges] == [order.amount_dong]
        assert findings[-1].outcome is Outcome.SUCCEEDED
        assert stand.refusal(order, findings[-1]) is None
        assert Outcome.FAILED not in {finding.outcome for finding in findings}

    @needs(DebitsMandates, AnswersQueries)
    @pytest.mark.asyncio
    @pytest.mark.parametrize("fault", ["error_after", "drop_after", "html_after"])
    async def test_a_debit_whose_answer_is_lost_is_found_by_asking(self, fault: str) -> None:
        async with self.stand() as stand:
            mandate = await self.an_active_mandate(stand)
            order = self.order_at(stand)
            line = await self._prepared(stand, order, mandate)
            call: Call = stand.provider.debit(line, a_moment())
            await stand.control("faults", operation=call.operation, fault=fault)
            exchange = await stand.wire.send(call)
            assert exchange.fate is Fate.SILENT or fault == "html_after"
            if exchange.reply is not None:
                with pytest.raises(Garbled):
                    stand.provider.read_debited(order, exchange.reply)
            assert (await stand.ask(order)).outcome is Outcome.SUCCEEDED
            charges = (await stand.control("charges"))["charges"]
        assert [charge["amount_dong"] for charge in charges] == [order.amount_dong]

    @needs(DebitsMandates)
    @pytest.mark.asyncio
    async def test_a_mandate_that_is_cancelled_is_not_debited_any_more(self) -> None:
        async with self.stand() as stand:
            mandate = await self.an_active_mandate(stand)
            line = await self._prepared(stand, self.order_at(stand), mandate)
            cancel = stand.provider.cancel_mandate(mandate, "Khách hàng yêu cầu", a_moment())
            for _ in range(2):
                exchange = await stand.wire.send(cancel)
                assert exchange.reply is not None, exchange
                said = stand.provider.read_mandate_cancelled(mandate, exchange.reply)
                assert said.state is MandateState.CANCELLED, said
            finding = await self._debit(stand, line)
            charges = (await stand.control("charges"))["charges"]
        # Its refusal may be one that the documents do not list; then the query ends it.
        assert finding.outcome in {Outcome.FAILED, Outcome.UNKNOWN}
        assert charges == []

    async def _prepared(self, stand: Stand, order: Order, mandate: Mandate) -> DebitLine:
        """Make the call that must come before a debit, if there is one."""
        line = self.line(order, mandate)
        call = stand.provider.prepare(line, a_moment())
        if call is None:
            return line
        exchange = await stand.wire.send(call)
        assert exchange.reply is not None, exchange
        prepared = stand.provider.read_prepared(line, exchange.reply)
        assert isinstance(prepared, DebitLine), prepared
        return prepared

    async def _debit(self, stand: Stand, line: DebitLine) -> Finding:
        exchange = await stand.wire.send(stand.provider.debit(line, a_moment()))
        assert exchange.reply is not None, exchange
        finding: Finding = stand.provider.read_debited(line.order, exchange.reply)
        return finding
