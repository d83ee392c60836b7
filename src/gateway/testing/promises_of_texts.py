"""What every adapter promises that carries customers' text messages."""

from collections.abc import Callable

import pytest

from gateway.kit.abilities import CarriesMessages
from gateway.kit.messages import Acknowledgement, Garbled, Incoming, Verdict
from gateway.kit.text_messages import Delivery, TextOut
from gateway.testing.promises_of_calls import PromisesOfCalls
from gateway.testing.subject import a_moment, needs

PHONE, WRITTEN, ANSWERED = "84912345678", "VBA NỢ EVN PB14010000123", "Khong con no <tien> & dien"


class PromisesOfTexts(PromisesOfCalls):
    """Messages in both directions, over real HTTP, against the centre's simulator."""

    @needs(CarriesMessages)
    @pytest.mark.asyncio
    async def test_a_customers_message_arrives_as_it_was_written_and_is_answered(self) -> None:
        async with self.stand() as stand:
            provider, heard = stand.provider, []

            def answer(incoming: Incoming) -> Acknowledgement:
                heard.append(provider.read_message(incoming))
                said: Acknowledgement = provider.answer(heard[-1], ANSWERED)
                return said

            stand.door.answer = answer
            told = await stand.control("mo", **{"id": "MO-1", "from": PHONE, "text": WRITTEN})
        assert [(m.id, m.sender, m.text) for m in heard] == [("MO-1", PHONE, WRITTEN)]
        assert told["accepted"] is True
        assert told["reply"] == (ANSWERED if provider.answers_in_reply else "")

    @needs(CarriesMessages)
    @pytest.mark.asyncio
    async def test_what_is_refused_or_must_come_again_is_not_taken_for_accepted(self) -> None:
        async with self.stand() as stand:
            for verdict in (Verdict.REFUSED, Verdict.TRY_LATER):
                stand.door.answer = _says(stand.provider.refuse(verdict))
                told = await stand.control("mo", **{"id": "MO-2", "from": PHONE, "text": "x"})
                assert told["accepted"] is False

    @needs(CarriesMessages)
    @pytest.mark.asyncio
    async def test_a_message_of_ours_reaches_the_telephone_and_its_report_is_read(self) -> None:
        async with self.stand() as stand:
            provider = stand.provider
            message = TextOut("0" * 32, PHONE, ANSWERED, f"{stand.door_url}/reports")
            exchange = await stand.wire.send(provider.send(message, a_moment()))
            assert exchange.reply is not None, exchange
            number = provider.read_sent(exchange.reply)
            assert (await stand.control(f"inbox/{PHONE}"))["texts"] == [ANSWERED]
            await stand.control("flush", now=True)
            if not number:
                return  # a centre that gives no number reports nothing
            report = provider.read_report(await stand.heard())
        assert (report.centre_id, report.delivery) == (number, Delivery.DELIVERED)

    @needs(CarriesMessages)
    @pytest.mark.asyncio
    async def test_a_message_from_nobody_we_know_is_refused(self) -> None:
        async with self.stand() as stand:
            stand.door.answer = _says(Acknowledgement(200))
            await stand.control("mo", **{"id": "MO-3", "from": PHONE, "text": "x"})
            incoming = await stand.heard()
        stranger = Incoming("POST", query="", body=incoming.body, headers={})
        with pytest.raises(Garbled):
            stand.provider.read_message(stranger)


def _says(said: Acknowledgement) -> Callable[[Incoming], Acknowledgement]:
    return lambda _: said
