"""Wait until other sessions wait for ours: how a test interleaves two transactions."""

import asyncio

from gateway.store.database import Raw

# Sessions that wait for this one, at first hand or behind each other.
BLOCKED = """
WITH RECURSIVE waiting AS (
    SELECT DISTINCT pid FROM pg_locks WHERE NOT granted
), behind (pid) AS (
    SELECT pg_backend_pid()
    UNION SELECT w.pid FROM waiting w JOIN behind b ON b.pid = ANY (pg_blocking_pids(w.pid))
)
SELECT count(*) - 1 FROM behind
"""


async def until_blocked(connection: Raw, sessions: int = 1) -> None:
    """Return once so many sessions wait for this one; a wait in vain fails."""
    async with asyncio.timeout(30):
        while await connection.fetchval(BLOCKED) < sessions:  # noqa: ASYNC110
            await asyncio.sleep(0)  # the server rings no bell
