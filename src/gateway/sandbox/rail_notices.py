"""Notifications of a simulated provider: sent in the background, repeated until accepted."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from gateway.sandbox.rail_faults import Fault

NOTICE_TIMEOUT_S = 15.0


@dataclass(frozen=True)
class Notice:
    """One notification as it goes out; `accepts` says whether an answer stops the repetition."""

    method: str
    url: str
    accepts: Callable[[int, bytes], bool]
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Notices:
    """Sends notices; `repeat_after_s` is the provider's policy after one that is not accepted."""

    def __init__(self, repeat_after_s: Sequence[float]) -> None:
        self.repeat_after_s = repeat_after_s
        self._late: list[Notice] = []
        self._sending: set[asyncio.Task[None]] = set()
        self._client = httpx.AsyncClient(timeout=NOTICE_TIMEOUT_S, trust_env=False)

    def send(self, notices: Sequence[Notice], fault: Fault | None) -> None:
        """Send one after the other; MISSING, LATE and DUPLICATE are done here."""
        if fault is Fault.MISSING:
            return
        if fault is Fault.LATE:
            self._late.extend(notices)
            return
        for _ in range(3 if fault is Fault.DUPLICATE else 1):
            task = asyncio.create_task(self._deliver(notices))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def flush(self) -> None:
        """Send the notices that were kept back."""
        late, self._late = self._late, []
        for notice in late:
            self.send([notice], None)

    async def aclose(self) -> None:
        """Stop sending."""
        for task in list(self._sending):
            task.cancel()
        await self._client.aclose()

    async def _deliver(self, notices: Sequence[Notice]) -> None:
        for notice in notices:
            for wait_s in (0.0, *self.repeat_after_s):
                await asyncio.sleep(wait_s)
                if await self.ask(notice):
                    break

    async def ask(self, notice: Notice, timeout_s: float = NOTICE_TIMEOUT_S) -> bool:
        """Send one notice once; False if it is not accepted, or nobody answers in time."""
        with suppress(httpx.HTTPError):
            answer = await self._client.request(
                notice.method,
                notice.url,
                content=notice.body,
                headers=notice.headers,
                timeout=timeout_s,
            )
            return notice.accepts(answer.status_code, answer.content)
        return False
