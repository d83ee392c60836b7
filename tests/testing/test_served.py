"""An application is served over real HTTP, and a door keeps what comes in."""

from gateway.kit.breaker import Breakers
from gateway.kit.exchange import Limits
from gateway.kit.messages import Acknowledgement, Call
from gateway.kit.redact import Redactor
from gateway.kit.wire import Wire
from gateway.testing.served import Door, served


async def test_a_door_hands_on_the_bytes_and_answers_as_told() -> None:
    door = Door()
    door.answer = lambda incoming: Acknowledgement(200, incoming.body[::-1], "text/plain")
    wire = Wire("test", Limits(), Redactor(), Breakers())
    async with served(door) as url:
        call = Call("notify", f"{url}/x?a=%20&b=", b"\xffabc", headers={"X-One": "1"})
        exchange = await wire.send(call)
        await wire.aclose()
    incoming = door.arrived.get_nowait()
    assert (incoming.method, incoming.query, incoming.body) == ("POST", "a=%20&b=", b"\xffabc")
    assert incoming.headers["x-one"] == "1"
    assert exchange.reply is not None
    assert (exchange.reply.status, exchange.reply.body) == (200, b"cba\xff")
    assert exchange.reply.headers["content-type"] == "text/plain"
