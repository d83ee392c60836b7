"""One process of a fault test, and what tests of processes need: ports, folders, patience."""

import asyncio
import signal
import socket
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

PATIENCE_S = 30.0


@dataclass
class Part:
    """One process, and what it wrote."""

    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    async def ended(self) -> int:
        """Wait for its end and give how it ended."""
        return await asyncio.to_thread(self.process.wait, PATIENCE_S)

    async def has_died(self) -> bool:
        """Say whether SIGKILL was its end."""
        return await self.ended() == -signal.SIGKILL

    async def says(self, words: str) -> None:
        """Wait until its log holds these words."""

        async def is_said() -> bool:
            return words in self.log.read_text()

        await until(is_said)


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """Make a folder that a server's account can reach when root runs the tests.

    Not pytest's: the next session that starts on this machine closes that to others.
    """
    with TemporaryDirectory(prefix="gateway-faults-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def free_port() -> int:
    """Find a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(
    condition: Callable[[], Awaitable[bool]],
    patience_s: float = PATIENCE_S,
    every_s: float = 0.05,
) -> None:
    """Wait for what another process does."""
    async with asyncio.timeout(patience_s):
        while not await condition():  # noqa: ASYNC110 (another process gives no event)
            await asyncio.sleep(every_s)
