"""What every adapter promises that debits payers on standing permissions."""

from contextlib import suppress
from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.evidence import Finding, Outcome
from gateway.domain.mandate import MandateState
from gateway.kit.abilities import AnswersQueries, DebitsByFile, DebitsMandates
from gateway.kit.exchange import Fate
from gateway.kit.mandate_messages import AfterFailure, FileNamed, Mandate
from gateway.kit.messages import Call, Garbled, Order
from gateway.testing.promises_of_calls import PromisesOfCalls, Stand
from gateway.testing.subject import NotGiven, a_moment, needs

NAMED = FileNamed(date(2026, 11, 24), 1)


class PromisesOfDebits(PromisesOfCalls):
    """Mandates, debits by call and by file; nothing is taken twice."""

    async def an_active_mandate(self, stand: Stand) -> Mandate:
        """Register and confirm a mandate at the simulator, as its payer would."""
        raise NotGiven(type(self), "an_active_mandate")

    async def send_debit(self, stand: Stand, mandate: Mandate, order: Order) -> Order:
        """Bring the order to where `debit` may be called; a provider of one step does nothing."""
        return order

    # ── what is built and read ───────────────────────────────────────────────────────────────

    @needs(DebitsMandates)
    def test_a_debit_is_equal_to_the_byte_for_the_same_order_and_moment(self) -> None:
        provider, moment = self.provider(), a_moment()
        first, other = self.line(self.order()), self.line(self.order(number=2))
        assert provider.debit(first, moment) == provider.debit(replace(first), moment)
        assert provider.debit(first, moment).body != provider.debit(other, moment).body

    @needs(DebitsMandates)
    def test_what_follows_a_failed_debit_is_what_the_documents_say(self) -> None:
        failed = [code for code, means in self.codes["debited"].items() if means is Outcome.FAILED]
        found = {code: self.provider().after_failure(code) for code in failed}
        assert found == {
            code: self.after_failure.get(code, AfterFailure.GIVE_UP) for code in failed
        }

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
            order = await self.send_debit(stand, mandate, self.order_at(stand))
            findings = [await self._debit(stand, order, mandate) for _ in range(2)]
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
            order = await self.send_debit(stand, mandate, self.order_at(stand))
            call = self._call(stand, order, mandate)
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
            order = await self.send_debit(stand, mandate, self.order_at(stand))
            cancel = stand.provider.cancel_mandate(mandate, "Khách hàng yêu cầu", a_moment())
            for _ in range(2):
                exchange = await stand.wire.send(cancel)
                assert exchange.reply is not None, exchange
                said = stand.provider.read_mandate_cancelled(mandate, exchange.reply)
                assert said.state is MandateState.CANCELLED, said
            finding = await self._debit(stand, order, mandate)
            charges = (await stand.control("charges"))["charges"]
        assert finding.outcome is Outcome.FAILED
        assert charges == []

    def _call(self, stand: Stand, order: Order, mandate: Mandate) -> Call:
        call: Call = stand.provider.debit(self.line(order, mandate), a_moment())
        return call

    async def _debit(self, stand: Stand, order: Order, mandate: Mandate) -> Finding:
        exchange = await stand.wire.send(self._call(stand, order, mandate))
        assert exchange.reply is not None, exchange
        finding: Finding = stand.provider.read_debited(order, exchange.reply)
        return finding
