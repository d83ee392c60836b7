"""How long a day's debits take: `python -m bench.debits [COUNT]` plans them, then draws them.

Planning is one statement; drawing is one statement a thousand, with the last look inside it.
"""

import asyncio
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from pydantic import SecretStr

from gateway.domain.calendar import next_business_day
from gateway.domain.partner import Mode
from gateway.embedded import EmbeddedPostgres
from gateway.flows import debit_runs, operate
from gateway.kit.attached import Providers
from gateway.providers.autodebit import AutoDebit, Config
from gateway.runtime import Clock, Runtime, Secrets
from gateway.store import database, imports, schema

FILL = """
INSERT INTO customers (biller_id, code, name, address, area_code, segment)
SELECT 1, 'PB14' || lpad(n::text, 9, '0'), 'Khách hàng', 'Phường 5', '32008', 'household'
FROM generate_series(1, {count}) n;
INSERT INTO bills (biller_id, id, customer_code, period, net_dong, vat_dong, amount_dong,
    issued_on, due_on)
SELECT 1, 'HD-' || n, 'PB14' || lpad(n::text, 9, '0'), '2026-10-01', 250000, 20000, 270000,
    '2026-11-01', '2026-11-08'
FROM generate_series(1, {count}) n;
INSERT INTO mandates (biller_id, id, partner_id, customer_code, provider, reference, bank,
    account_masked, sealed, max_debit_dong, retry_days, starts_on, state, consent_given_by,
    consent_given_at, consent_channel, consent_text_version, consent_text, consent_sha256,
    consent_evidence, lapses_on, created_at)
SELECT 1, gen_random_uuid(), 1, 'PB14' || lpad(n::text, 9, '0'), 'autodebit', 'mdt_' || n, '970405',
    '****', '', 2000000, 3, '2026-01-01', 'active', 'Khách hàng', now(), 'branch', '1', 'đồng ý',
    '', 'giấy', '2028-01-01', now()
FROM generate_series(1, {count}) n;
ANALYZE mandates
"""


def day_to_draw() -> date:
    """Give a business day on which nothing is refused."""
    return next_business_day(datetime.now(UTC).date(), 3)


async def measure(url: str, count: int) -> None:
    """Fill a database, plan a run and draw it; print both times."""
    secret = SecretStr("a secret of the bench alone")
    config = Config(client_id="bench", secret=secret, bank_bin="970405")
    clock = Clock()
    rt = Runtime(
        database_url=url,
        pool_size=8,
        secrets=Secrets.derived_from(b"a documented secret of the bench, not of any deployment"),
        mode=Mode.TEST,
        clock=clock,
        providers=Providers([AutoDebit(config)], now=clock.now),
    )
    await rt.start()
    rules: dict[str, object] = {"customer_code_pattern": "PB14[0-9]{9}", "oldest_first": True}
    await operate.put_biller(rt, "evn", "EVN", rules, actor="bench")
    await operate.put_partner(rt, "bank", "Bank", biller=None, actor="bench")
    await rt.refresh()
    owner = database.open_pool(url, size=1, role=None)
    async with database.borrow(owner) as connection:
        await connection.execute(FILL.format(count=count))
        await connection.execute(imports.ANALYZE)
    await database.close_pool(owner)
    run = debit_runs.Run("evn", "autodebit", day_to_draw(), rehearses=True, by_file=True)
    began = perf_counter()
    planned = await debit_runs.prepare(rt, run)
    took = perf_counter() - began
    print(f"planned {planned.debits} debits in {took:.2f} s, {planned.debits / took:.0f} a second")
    began = perf_counter()
    sent = await debit_runs.send(rt, run)
    took = perf_counter() - began
    print(f"looked at, claimed, wrote {sent.sent} in {took:.2f} s, {sent.sent / took:.0f} a second")
    await rt.stop()


def main() -> None:
    """Measure on a server of its own."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder) / "postgres") as server:
            url = server.create_database("debits")
            schema.migrate(url)
            asyncio.run(measure(url, count))


if __name__ == "__main__":
    main()
