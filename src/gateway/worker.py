"""The worker: bounded loops; each turn calls one flow. Any number of workers may run."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import uvloop
from prometheus_client import start_http_server

from gateway.flows import assigning, cash_phase_out, day_close, suspense
from gateway.flows.adoption import roll_up
from gateway.flows.concluding import conclude_all
from gateway.flows.deliveries import Courier
from gateway.flows.mandates import expire_lapsed
from gateway.flows.posting import measure_postings, post_due
from gateway.flows.registering import ask_pending
from gateway.flows.resolving import measure_doubts, resolve_due
from gateway.flows.texts_out import carry
from gateway.flows.upkeep import keep_up, measure_backlog
from gateway.kit import logs
from gateway.kit.hooks import HookSender
from gateway.kit.logs import log
from gateway.settings import Settings, open_runtime

IDLE_S = 0.2
FAILED_S = 1.0
UPKEEP_EVERY_S = 600.0
MEASURE_EVERY_S = 5.0
CONCLUDE_EVERY_S = 2.0
CARRY_EVERY_S = 0.5
ROLL_UP_EVERY_S = 300.0
ASK_EVERY_S = 2.0


async def work(settings: Settings, stop: asyncio.Event) -> None:
    """Run all loops until `stop` is set; what is in flight is finished first."""
    rt = open_runtime(settings)
    await rt.start()
    sender = HookSender(
        deadline_s=settings.webhook_deadline_s,
        allow_private=settings.webhook_allow_private,
    )
    courier = Courier(
        rt,
        sender,
        deadline_s=settings.webhook_deadline_s,
        abreast=settings.webhook_concurrency,
    )
    try:
        await asyncio.gather(
            _deliver(courier, stop),
            *(_take_turns(partial(resolve_due, rt, code), stop) for code in rt.providers),
            *(_take_turns(partial(post_due, rt, code), stop) for code in rt.providers),
            _every(UPKEEP_EVERY_S, lambda: keep_up(rt), stop),
            _every(UPKEEP_EVERY_S, lambda: expire_lapsed(rt), stop),
            _every(CONCLUDE_EVERY_S, lambda: conclude_all(rt), stop),
            *(_every(ASK_EVERY_S, partial(ask_pending, rt, code), stop) for code in rt.providers),
            _every(CARRY_EVERY_S, lambda: carry(rt), stop),
            _every(ROLL_UP_EVERY_S, lambda: roll_up(rt), stop),
            _every(MEASURE_EVERY_S, lambda: measure_backlog(rt), stop),
            _every(MEASURE_EVERY_S, lambda: measure_doubts(rt), stop),
            _every(MEASURE_EVERY_S, lambda: suspense.measure(rt), stop),
            _every(UPKEEP_EVERY_S, lambda: assigning.give_back_held(rt), stop),
            _every(MEASURE_EVERY_S, lambda: measure_postings(rt), stop),
            _every(UPKEEP_EVERY_S, lambda: day_close.watch(rt), stop),
            _every(UPKEEP_EVERY_S, lambda: cash_phase_out.watch(rt), stop),
        )
    finally:
        courier.close()
        await sender.aclose()
        await rt.stop()


async def _deliver(courier: Courier, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await courier.deliver_due()
        except Exception as error:
            log.warning("deliveries.interrupted", error=type(error).__name__)
            await _sleep(FAILED_S, stop)
            continue
        if not await courier.some_landed():
            await _sleep(IDLE_S, stop)
    await courier.land()


async def _take_turns(turn: Callable[[], Awaitable[int]], stop: asyncio.Event) -> None:
    # A loop for each provider and kind of work: one that hangs delays nothing at another.
    while not stop.is_set():
        try:
            done = await turn()
        except Exception as error:
            log.warning("turn.interrupted", error=type(error).__name__)
            done = 0
        if done == 0:
            await _sleep(IDLE_S, stop)


async def _every(
    seconds: float, turn: Callable[[], Awaitable[object]], stop: asyncio.Event
) -> None:
    while not stop.is_set():
        try:
            await turn()
        except Exception as error:
            log.warning("turn.failed", error=type(error).__name__)
        await _sleep(seconds, stop)


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    # Jitter, so that workers that were started together do not ask together.
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds * random.uniform(0.8, 1.2))  # noqa: S311


def main(settings: Settings | None = None) -> None:
    """Run a worker until SIGTERM or SIGINT."""
    settings = settings or Settings()
    logs.configure(settings.log_level)
    if settings.worker_metrics_port is not None:
        start_http_server(settings.worker_metrics_port, addr=settings.host)
    uvloop.run(_main(settings))


async def _main(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    log.info("worker.started")
    await work(settings, stop)
    log.info("worker.stopped")


if __name__ == "__main__":
    main()
