"""The bench's own Postgres and its databases: templates by size, a fresh copy for each trial."""

import asyncio
from pathlib import Path
from types import TracebackType

import asyncpg

from gateway.domain.partner import Mode
from gateway.embedded import EmbeddedPostgres, Tuning
from gateway.flows import operate
from gateway.runtime import Clock, Runtime, Secrets
from gateway.store import schema

SECRET = "a documented secret of the bench only, of no deployment"
ENDPOINT_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""The published example of the Standard Webhooks specification."""

NOBODY_LISTENS = "http://127.0.0.1:9/"

SETTINGS = """
SELECT name, current_setting(name) AS value FROM unnest('{server_version, fsync,
    synchronous_commit, full_page_writes, wal_sync_method, wal_compression, commit_delay,
    shared_buffers, max_wal_size, checkpoint_timeout}'::text[]) AS name
"""
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


# Loading in order and building the indexes afterwards takes half the time of keeping them up.
UNINDEX = """
DROP INDEX bills_open, bills_customer;
ALTER TABLE bills DROP CONSTRAINT bills_pkey;
ALTER TABLE customers DROP CONSTRAINT customers_pkey;
"""
INDEX = """
SET maintenance_work_mem = '1GB';
ALTER TABLE customers ADD PRIMARY KEY (biller_id, code);
ALTER TABLE bills ADD PRIMARY KEY (biller_id, id);
CREATE INDEX bills_open ON bills (biller_id, customer_code) WHERE status = 'open';
CREATE INDEX bills_customer ON bills (biller_id, customer_code, period);
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

    @property
    def settings(self) -> dict[str, str]:
        """What the server runs with, as it says itself."""
        rows = ask(self._postgres.admin_url, SETTINGS)
        return {row["name"]: row["value"] for row in rows}

    def template(self, bills: int) -> str:
        """Make a database with so many customers and open bills; gives its name."""
        name = f"template_{bills}"
        url = self._postgres.create_database(name)
        schema.migrate(url)
        asyncio.run(_fill(url, bills))
        return name

    def fresh(self, template: str) -> str:
        """Copy a template and give the copy's URL."""
        self._number += 1
        return self._postgres.create_database(f"run_{self._number}", template=template)

    def itself(self, template: str) -> str:
        """Give the URL of a template that is too large to copy; it is no template afterwards."""
        return self._postgres.url_of(template)

    def checkpoint(self) -> None:
        """Write everything out: what is touched next costs a full page image, the worst case."""
        execute_now(self._postgres.admin_url, "CHECKPOINT")

    def drop(self, url: str) -> None:
        """Drop a copy."""
        self._postgres.drop_database(url.split("?", maxsplit=1)[0].rpartition("/")[2])


async def _fill(url: str, bills: int) -> None:
    connection = await asyncpg.connect(url, timeout=10)
    for sql in (DIRECTORY, UNINDEX):
        await connection.execute(sql)
    for sql in (PEOPLE, BILLS):
        await connection.execute(sql, bills)
    await connection.execute(INDEX)
    await connection.close()
    await _add_endpoint(url)
    await execute(url, "VACUUM ANALYZE")


async def _add_endpoint(url: str) -> None:
    secrets = Secrets.derived_from(SECRET.encode())
    rt = Runtime(database_url=url, pool_size=5, secrets=secrets, mode=Mode.TEST, clock=Clock())
    await rt.start()
    wanted = operate.NewEndpoint(
        "evnspc-camau", NOBODY_LISTENS, ENDPOINT_SECRET, allow_private=True
    )
    await operate.add_endpoint(rt, wanted, actor="bench")
    await rt.stop()


def execute_now(url: str, sql: str) -> None:
    """Run one statement, from outside of an event loop."""
    asyncio.run(execute(url, sql))


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
