"""A token is asked for once, kept until shortly before its end, and renewed once on a 401."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from gateway.domain.biller import Channel
from gateway.domain.evidence import Finding
from gateway.kit import logs
from gateway.kit.abilities import ABILITIES, AnswersQueries, Config, NeedsToken
from gateway.kit.breaker import Breakers
from gateway.kit.exchange import Exchange, Fate, Reason
from gateway.kit.messages import Call, Moment, Order, Reply, Token, Unreadable
from gateway.kit.tokens import Tokens
from gateway.kit.wire import Wire
from gateway.testing.served import served

LIFE_S = 600


class Guarded(NeedsToken[Config], AnswersQueries[Config]):
    """A provider whose calls need a token."""

    code, title = "guarded", "Guarded"
    channels = frozenset({Channel.CARD})
    Config: ClassVar[type[Config]] = Config
    host = ""

    @property
    def merchant(self) -> str:
        return "EVN"

    def authorise(self) -> Call:
        return Call("authorise", f"{self.host}/token")

    def read_token(self, reply: Reply) -> Token:
        try:
            said = json.loads(reply.body)["token"]
        except (ValueError, KeyError) as error:
            raise Unreadable(what="token") from error
        return Token({"authorization": f"Bearer {said}"}, LIFE_S)

    def query(self, order: Order, moment: Moment) -> Call:
        return Call("query", f"{self.host}/query")

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        raise Unreadable(what="answer")


@dataclass
class Guard:
    """Gives tokens t1, t2, …; only the newest opens it, unless it is shut."""

    given: int = 0
    tokens: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    answer_token: Callable[[str], tuple[int, bytes]] = lambda token: (
        200,
        json.dumps({"token": token}).encode(),
    )
    is_shut: bool = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        status, body = self._answer(scope["path"], dict(scope["headers"]))
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, path: str, headers: dict[bytes, bytes]) -> tuple[int, bytes]:
        if path == "/token":
            self.given += 1
            return self.answer_token(f"t{self.given}")
        bearer = headers.get(b"authorization", b"").decode()
        self.calls.append(bearer)
        return (401 if self.is_shut or bearer != f"Bearer t{self.given}" else 200), b"{}"


@asynccontextmanager
async def guarded() -> AsyncIterator[tuple[Guard, Wire, Call]]:
    guard, provider = Guard(), Guarded(Config())
    async with served(guard) as host:
        provider.host = host
        wire = Wire.of(provider, Breakers())
        try:
            yield guard, wire, Call("query", f"{host}/query")
        finally:
            await wire.aclose()


async def test_many_calls_at_once_ask_for_one_token() -> None:
    async with guarded() as (guard, wire, call):
        exchanges = await asyncio.gather(*(wire.send(call) for _ in range(20)))
    assert {exchange.status for exchange in exchanges} == {200}
    assert (guard.given, set(guard.calls)) == (1, {"Bearer t1"})


async def test_a_token_that_was_ended_early_is_renewed_and_the_call_sent_once_more() -> None:
    async with guarded() as (guard, wire, call):
        await wire.send(call)
        guard.given += 1
        assert (await wire.send(call)).status == 200
        assert guard.calls == ["Bearer t1", "Bearer t1", "Bearer t3"]
        guard.is_shut = True
        assert (await wire.send(call)).status == 401
        assert guard.calls[3:] == ["Bearer t3", "Bearer t4"]


@pytest.mark.parametrize(
    "answer",
    [(401, b"{}"), (200, b"<html>"), (500, b""), (200, b"\xff")],
    ids=["refused", "html", "error", "bytes"],
)
async def test_without_a_token_nothing_is_sent_and_that_is_proved(
    answer: tuple[int, bytes],
) -> None:
    async with guarded() as (guard, wire, call):
        guard.answer_token = lambda _: answer
        exchange = await wire.send(call)
        assert (exchange.fate, exchange.reason) == (Fate.NOT_SENT, Reason.UNAUTHORISED)
        assert (exchange.operation, exchange.reply) == ("query", None)
        assert guard.calls == []


async def test_a_token_is_in_no_log_line_and_no_exchange() -> None:
    async with guarded() as (guard, wire, call):
        guard.answer_token = lambda _: (200, b'{"token":"s3cret-token"}')
        with logs.captured() as lines:
            exchange = await wire.send(call)
    assert [line["operation"] for line in lines] == ["authorise", "query"] * 2
    assert "s3cret-token" not in f"{lines!r} {exchange!r} {Token({'a': 's3cret-token'}, 1)!r}"


@dataclass
class Sending:
    """The wire of the tests below: it answers at once, or never."""

    sent: list[Call] = field(default_factory=list)
    hangs: bool = False
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, call: Call) -> Exchange:
        self.sent.append(call)
        self.began.set()
        if self.hangs:
            await asyncio.Event().wait()
        return told(call, 200, b'{"token":"x"}')


def told(call: Call, status: int | None, body: bytes = b"") -> Exchange:
    reply = None if status is None else Reply(status, body)
    reason = Reason.UNAUTHORISED if status is None else Reason.ANSWERED
    fate = Fate.NOT_SENT if status is None else Fate.ANSWERED
    return Exchange(
        operation=call.operation,
        method=call.method,
        url=call.url,
        request_text="",
        request_sha256="",
        fate=fate,
        reason=reason,
        started_at=datetime(2026, 11, 24, tzinfo=UTC),
        took_ms=1,
        status=status,
        reply=reply,
    )


async def test_a_token_is_renewed_shortly_before_its_end() -> None:
    sending, seconds = Sending(), [0.0]
    tokens = Tokens(
        Guarded(Config()), sending, lambda call: told(call, None), seconds=lambda: seconds[0]
    )
    for at in (0.0, LIFE_S - 31.0, LIFE_S - 29.0):
        seconds[0] = at
        await tokens.send(Call("query", "/query"))
    operations = [call.operation for call in sending.sent]
    assert operations == ["authorise", "query", "query", "authorise", "query"]


async def test_who_goes_away_while_a_token_is_asked_for_takes_it_from_nobody() -> None:
    sending = Sending(hangs=True)
    tokens = Tokens(Guarded(Config()), sending, lambda call: told(call, None))
    first, second = (asyncio.create_task(tokens.send(Call("query", "/q"))) for _ in range(2))
    await sending.began.wait()
    first.cancel()
    await asyncio.wait([first])
    assert not second.done()
    await tokens.aclose()
    assert (await second).reason is Reason.UNAUTHORISED
    assert len(sending.sent) == 1


def test_a_need_is_no_ability_and_stands_in_no_matrix() -> None:
    assert NeedsToken not in ABILITIES
