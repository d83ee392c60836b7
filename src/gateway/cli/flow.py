"""How a command runs one flow, and how it ends when it is refused."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

import typer

from gateway.domain.errors import GatewayError
from gateway.domain.signing import SecretMalformed
from gateway.kit import logs
from gateway.runtime import Runtime
from gateway.settings import Settings, open_runtime

Result = TypeVar("Result")


def run_flow(act: Callable[[Runtime], Awaitable[Result]]) -> Result:
    """Run one flow with a runtime of its own, and end with its sentence when it is refused."""
    settings = Settings()
    logs.configure(settings.log_level)

    async def main() -> Result:
        rt = open_runtime(settings)
        await rt.start()
        try:
            return await act(rt)
        finally:
            await rt.stop()

    try:
        return asyncio.run(main())
    except (GatewayError, SecretMalformed, ValueError) as error:
        stop(str(error))


def no_runtime() -> Runtime:
    """Stand in where a document is written and no flow runs."""
    raise RuntimeError


def stop(sentence: str) -> NoReturn:
    """End with one sentence and status 1."""
    typer.echo(f"gateway: {sentence}", err=True)
    sys.exit(1)
