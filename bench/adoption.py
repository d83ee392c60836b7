"""Adoption at size: a million customers of 36 months, rolled up, corrected, read.

`python -m bench.adoption --folder DIR [--customers N] [--months M]` starts a Postgres of its own,
makes the rows set-based (bills and the payments that settled them; what the roll-up does not read
is left out), and prints seconds for each step. It needs about 18 GB for the full size and some
twenty minutes, nearly all of them to make the rows; run it once, on a quiet machine.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path

from bench.world import SECRET
from gateway.domain.adoption import months_later
from gateway.domain.partner import Mode
from gateway.domain.pilot import Pilot
from gateway.embedded import EmbeddedPostgres, Tuning
from gateway.flows import adoption, operate
from gateway.flows.adoption import Wanted
from gateway.runtime import Clock, Runtime, Secrets
from gateway.store import database, schema
from gateway.store.database import Raw

LAST = date(2026, 9, 1)
WARDS = (
    *("32005", "32011", "32002", "32008", "32017", "32020", "32014", "31999", "32022", "32023"),
    *("32025", "32026", "32029", "32032", "32035", "32038", "32041"),
)
PILOT = Pilot(
    code="ward-2-and-5",
    name="Thí điểm Phường 2 và Phường 5",
    areas=("32011", "32008"),
    comparison_areas=("32017", "31999"),
    baseline_from=date(2024, 1, 1),
    baseline_to=date(2024, 12, 1),
    starts_on=date(2025, 1, 1),
    ends_on=date(2027, 12, 31),
    target_percent=200,
)
UNINDEX = """
DROP INDEX bills_open, bills_customer, bills_period, payments_partner, payments_customer;
ALTER TABLE bills DROP CONSTRAINT bills_pkey;
ALTER TABLE payments DROP CONSTRAINT payments_pkey;
ALTER TABLE payments DROP CONSTRAINT payments_partner_reference_key;
"""
INDEX = """
SET maintenance_work_mem = '1GB';
ALTER TABLE bills ADD PRIMARY KEY (biller_id, id);
ALTER TABLE payments ADD PRIMARY KEY (biller_id, id);
CREATE INDEX bills_open ON bills (biller_id, customer_code) WHERE status = 'open';
CREATE INDEX bills_customer ON bills (biller_id, customer_code, period);
CREATE INDEX bills_period ON bills USING brin (biller_id, period)
    WITH (pages_per_range = 32, autosummarize = on);
"""
PEOPLE = """
INSERT INTO customers (biller_id, code, name, address, area_code, segment)
SELECT 1, 'PB14' || lpad(i::text, 9, '0'), 'Nguyễn Văn An', i || ' Nguyễn Trãi, Cà Mau',
    ($2::text[])[1 + i % 17],
    CASE WHEN i % 20 < 14 THEN 'household' WHEN i % 20 < 18 THEN 'public_employee'
         ELSE 'business' END
FROM generate_series(1, $1::int) i
"""
MEMBERS = """
INSERT INTO agencies (biller_id, code, name)
    SELECT 1, 'agency-' || a, 'Cơ quan ' || a FROM generate_series(1, 15) a;
INSERT INTO agency_members (biller_id, customer_code, agency_code)
    SELECT 1, code, 'agency-' || 1 + right(code, 3)::int % 15 FROM customers
    WHERE segment = 'public_employee';
"""
# Paid on the 3rd to the 22nd of the next month; nine of ten keep their habit, electronic once their
# number is below the month's share; one in fifty is in arrears.
MONTH = """
WITH made AS MATERIALIZED (
    SELECT i, 'PB14' || lpad(i::text, 9, '0') AS code,
        (hashint4(i) & 1023) / 1024.0 AS own, (hashint8(i * 1000003::bigint + $3) & 1023) AS dice,
        $2::date + interval '1 month 3 days' + make_interval(mins => i % 28000) AS paid_at
    FROM generate_series(1, $1::int) i
), chosen AS MATERIALIZED (
    SELECT *, CASE WHEN dice < 20 THEN NULL
        WHEN (CASE WHEN dice < 122 THEN dice / 122.0 ELSE own END) < 0.187 + 0.005 * $3
        THEN ('{mobile_banking,internet_banking,auto_debit,e_wallet,portal}'::text[])[1 + i % 5]
        ELSE ('{home_cash,counter_cash}'::text[])[1 + i % 2] END AS channel,
        (lpad(to_hex((extract(epoch FROM paid_at) * 1000)::bigint), 12, '0') || '7000'
         || to_hex(8::bigint << 60 | ($3::bigint << 32) | i))::uuid AS payment
    FROM made
), paid AS (
    INSERT INTO payments (biller_id, id, partner_id, partner_reference, method, channel,
        customer_code, amount_dong, bill_count, claimed_count, status, business_date, created_at)
    SELECT 1, payment, 1, 'R-' || $3 || '-' || i, 'collected', channel, code, 100000, 1, 1,
        'succeeded', paid_at, paid_at FROM chosen WHERE channel IS NOT NULL
)
INSERT INTO bills (biller_id, id, customer_code, period, kwh, net_dong, vat_dong, amount_dong,
    issued_on, due_on, paid_dong, status, claimed_by)
SELECT 1, 'HD' || to_char($2::date, 'YYYYMM') || '-' || code, code, $2, 45, 92593, 7407, 100000,
    $2 + 33, $2 + 40, CASE WHEN channel IS NULL THEN 0 ELSE 100000 END,
    CASE WHEN channel IS NULL THEN 'open' ELSE 'paid' END,
    CASE WHEN channel IS NOT NULL THEN payment END
FROM chosen
"""
# A payment long ago turns out to have been undone.
LATE = """
UPDATE bills SET status = 'open', paid_dong = 0, claimed_by = NULL
WHERE biller_id = 1 AND id = (
    SELECT b.id FROM bills b JOIN payments p ON p.biller_id = 1 AND p.id = b.claimed_by
    WHERE b.biller_id = 1 AND b.period = $1 AND p.channel = 'mobile_banking' LIMIT 1)
"""


async def make(rt: Runtime, connection: Raw, *, customers: int, months: int) -> None:
    """Make the rows."""
    await operate.put_biller(
        rt, "evnspc-camau", "Bench", {"customer_code_pattern": "PB14[0-9]{9}"}, actor="bench"
    )
    await connection.execute(UNINDEX)
    await connection.execute(PEOPLE, customers, WARDS)
    await connection.execute(MEMBERS)
    for back in range(months - 1, -1, -1):
        await connection.execute(MONTH, customers, months_later(LAST, -back), months - 1 - back)
    await connection.execute(INDEX)
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    await rt.refresh()


async def measure(rt: Runtime, connection: Raw, *, months: int) -> None:
    """Roll up everything, then one late event, then read what pages read."""
    biller = rt.directory.billers["evnspc-camau"]
    began = time.perf_counter()
    done = await adoption.roll_up(rt)
    took = time.perf_counter() - began
    print(f"first roll-up: {done.months} months in {took:.1f} s, {took / done.months:.2f} s each")
    await connection.execute("VACUUM ANALYZE electronic_payers, adoption_monthly")
    for name, month in (("newest", LAST), ("oldest", months_later(LAST, 1 - months))):
        await connection.execute(LATE, month)
        began = time.perf_counter()
        done = await adoption.roll_up(rt)
        took = time.perf_counter() - began
        print(f"late event in the {name} month: {done.months} months in {took:.2f} s")
    await adoption.put_pilot(rt, biller, PILOT, actor="bench")
    for name, read in (
        ("pilot", lambda: adoption.read_pilot(rt, biller, PILOT.code)),
        ("agencies", lambda: adoption.read_agencies(rt, biller)),
        ("months of all areas", lambda: adoption.read_months(rt, biller, Wanted())),
    ):
        took_ms = []
        for _ in range(30):
            began = time.perf_counter()
            await read()
            took_ms.append((time.perf_counter() - began) * 1000)
        print(
            f"read {name}: median {statistics.median(took_ms):.1f} ms, worst {max(took_ms):.1f} ms"
        )


async def main(url: str, *, customers: int, months: int) -> None:
    """Make and measure."""
    rt = Runtime(
        database_url=url,
        pool_size=4,
        secrets=Secrets.derived_from(SECRET.encode()),
        mode=Mode.TEST,
        clock=Clock(),
    )
    await rt.start()
    own = database.open_pool(url, size=1, role=None)
    async with database.borrow(own) as connection:
        began = time.perf_counter()
        await make(rt, connection, customers=customers, months=months)
        print(
            f"{customers} customers x {months} months made in {time.perf_counter() - began:.0f} s"
        )
        await measure(rt, connection, months=months)
    await database.close_pool(own)
    await rt.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", help="where the database stands meanwhile")
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--months", type=int, default=36)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=asked.folder) as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder) / "postgres", tuning=Tuning.for_bench()) as server:
            address = server.create_database("adoption")
            schema.migrate(address)
            asyncio.run(main(address, customers=asked.customers, months=asked.months))
