"""The bench's own Postgres and its databases: templates by size, a fresh copy for each run."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import asyncpg

from gateway.embedded import EmbeddedPostgres, Tuning
from gateway.store import schema

SECRET = "a documented secret of the bench only, of no deployment"
ENDPOINT_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""The published example of the Standard Webhooks specification."""

DIRECTORY = """
INSERT INTO ledger_accounts (code, kind) VALUES ('payable:evnspc-camau', 'payable');
INSERT INTO billers (code, payable_account) VALUES ('evnspc-camau', 1);
INSERT INTO biller_versions VALUES (1, 1, 'Bench',
    '{"customer_code_pattern": "PB14[0-9]{9}", "oldest_first": true}');
INSERT INTO ledger_accounts (code, kind)
    SELECT 'receivable:p' || i, 'receivable' FROM generate_series(1, 20) i;
INSERT INTO partners (code, name, receivable_account)
    SELECT 'p' || i, 'p' || i, i + 1 FROM generate_series(1, 20) i;
INSERT INTO api_keys (id, partner_id, prefix, digest, scopes)
    SELECT gen_random_uuid(), i, 'sk_test_bench_' || i, sha256(('sk_test_bench_' || i)::bytea),
        '{lookup,pay,read,reverse,bills}' FROM generate_series(1, 20) i;
"""
PEOPLE = """
INSERT INTO customers (biller_id, code, name, address, area_code, segment)
    SELECT 1, 'PB14' || lpad(i::text, 9, '0'), 'Nguyễn Văn An',
        i || ' Nguyễn Trãi, Phường 5, Cà Mau', '32008', 'household'
    FROM generate_series(1, $1::int) i
"""
BILLS = """
INSERT INTO bills (biller_id, id, customer_code, period, kwh, net_dong, vat_dong, amount_dong,
        issued_on, due_on)
    SELECT 1, 'HD202610-PB14' || lpad(i::text, 9, '0'), 'PB14' || lpad(i::text, 9, '0'),
        '2026-10-01', 45, 92593, 7407, 100000, '2026-11-02', '2026-11-09'
    FROM generate_series(1, $1::int) i
"""


class World:
    """A private server in a folder; everything is gone with it."""

    def __init__(self, folder: Path) -> None:
        self._postgres = EmbeddedPostgres(folder / "postgres", tuning=Tuning.for_bench())
        self._number = 0

    def __enter__(self) -> "World":
        self._postgres.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._postgres.stop()

    @property
    def pid(self) -> int:
        """The postmaster."""
        return int(self._postgres.pid or 0)

    @property
    def pgbench(self) -> Path:
        """The pgbench of the same version."""
        return self._postgres.bin("pgbench")

    def template(self, bills: int) -> str:
        """Make a database with so many customers and open bills; gives its name."""
        name = f"template_{bills}"
        url = self._postgres.create_database(name)
        schema.migrate(url)
        asyncio.run(self._fill(url, bills))
        return name

    def fresh(self, template: str) -> str:
        """Copy a template, checkpoint, and give the copy's URL."""
        self._number += 1
        url = self._postgres.create_database(f"run_{self._number}", template=template)
        asyncio.run(execute(self._postgres.admin_url, "CHECKPOINT"))
        return url

    def drop(self, url: str) -> None:
        """Drop a copy."""
        self._postgres.drop_database(url.split("?", maxsplit=1)[0].rpartition("/")[2])

    async def _fill(self, url: str, bills: int) -> None:
        connection = await asyncpg.connect(url, timeout=10)
        await connection.execute(DIRECTORY)
        await connection.execute(PEOPLE, bills)
        await connection.execute(BILLS, bills)
        await connection.execute("VACUUM ANALYZE")
        await connection.close()


async def execute(url: str, sql: str) -> None:
    """Run one statement."""
    connection = await asyncpg.connect(url, timeout=10)
    await connection.execute(sql)
    await connection.close()


def ask(url: str, sql: str) -> list[asyncpg.Record]:
    """Ask a database."""

    async def main() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            return await connection.fetch(sql)
        finally:
            await connection.close()

    return asyncio.run(main())


def wait(condition: Callable[[], bool], patience_s: float = 60.0) -> None:
    """Wait for something that another process does."""
    until = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > until:
            message = "the bench waited in vain"
            raise RuntimeError(message)
        time.sleep(0.05)
