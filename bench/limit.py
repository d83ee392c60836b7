"""The database's own limit: pgbench runs the very text of PAY and of LOOKUP.

Its parameter is the JSON that the service would send, made of a PayRow by the same means. pgbench
has neither strings nor UUIDv7, so SQL puts the few values that differ into that text: about 10 µs
of a payment (2 % of a lone one, 8 % of one among 32), which the service spends in Python instead.
"""

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import orjson

from bench.load import PARTNERS, PAY_AMOUNT_DONG, STRIDE
from gateway.domain import receipt
from gateway.domain.biller import Channel
from gateway.domain.clock import business_date
from gateway.domain.payment import NO_PART, Line, Method, Payment
from gateway.store.bills import LOOKUP
from gateway.store.database import SERVICE_ROLE
from gateway.store.idempotency import months_kept
from gateway.store.moves import PAY, PayRow

# As a Lane's connection is set.
OPTIONS = (
    "-c plan_cache_mode=force_generic_plan -c jit=off -c enable_seqscan=off -c TimeZone=UTC "
    f"-c role={SERVICE_ROLE}"
)
SERIAL = "\\set i :i + 1\n\\set n :i * :clients + :client_id\n"
PAYMENT_ID, EVENT_ID = UUID(int=7 << 76 | 1), UUID(int=7 << 76 | 2)
CUSTOMER, KEY, REFERENCE = "PB14CUSTOMER", "limit-0123456789-KEY", "LIMIT-REFERENCE"


@dataclass(frozen=True)
class Limit:
    """What pgbench reached; `calls` were answered, each `seconds_per_call` long."""

    per_second: float
    calls: int


def pay_script(batch: int, bills: int) -> str:
    """Write the pgbench script that pays `batch` bills a statement."""
    number = f"(v.n * {batch} + g)"
    code = f"'PB14' || lpad((1 + {number} * {STRIDE} % {bills})::text, 9, '0')"
    text = "'" + orjson.dumps(a_row()).decode().replace("'", "''") + "'"
    # `: ` lest pgbench take `:true` for a variable.
    text = text.replace('":', '": ').replace(f'"partner_id": {PARTNERS}', '"partner_id": PARTNER')
    for name, value in {
        "PARTNER": f"(1 + v.n % {PARTNERS})",
        str(PAYMENT_ID): "uuidv7()",
        str(EVENT_ID): "uuidv7()",
        CUSTOMER: "c.code",
        KEY: f"'{KEY}-' || {number}",
        REFERENCE: f"'LIMIT-' || {number}",
    }.items():
        text = text.replace(name, f"' || {value} || '")
    rows = (
        f"(SELECT '[' || string_agg({text}, ',') || ']' FROM (SELECT :n::bigint AS n) v, "
        f"generate_series(0, {batch - 1}) g, LATERAL (SELECT {code} AS code OFFSET 0) c)"
    )
    months = ", ".join(f"'{month}'" for month in months_kept(datetime.now(UTC).date()))
    sql = PAY.replace("$1::text", rows).replace("$2::date[]", f"ARRAY[{months}]::date[]")
    return SERIAL + _one_line(sql)


def a_row() -> PayRow:
    """Give a row as the service sends it, with names where the values differ."""
    now = datetime.now(UTC)
    payment = Payment(
        id=PAYMENT_ID,
        biller="evnspc-camau",
        customer_code="PB14000000001",
        partner="p1",
        partner_reference="R1700000000000000000-12345",
        method=Method.COLLECTED,
        channel=Channel.MOBILE_BANKING,
        status="succeeded",
        amount_dong=PAY_AMOUNT_DONG,
        business_date=business_date(now),
        created_at=now,
        reversed_at=None,
        reversal_reason=None,
        lines=(),
    )
    return PayRow(
        biller_id=1,
        partner_id=PARTNERS,
        payment_id=PAYMENT_ID,
        event_id=EVENT_ID,
        key=KEY,
        fingerprint="\\x" + "ab" * 32,
        field_digests="\\x" + "ab" * 24,
        partner_reference=REFERENCE,
        channel=payment.channel,
        customer_code=CUSTOMER,
        amount_dong=PAY_AMOUNT_DONG,
        lines=(Line(f"HD202610-{CUSTOMER}", PAY_AMOUNT_DONG),),
        oldest_first=True,
        least_part=NO_PART,
        business_date=payment.business_date,
        created_at=now,
        receivable=2,
        payable=1,
        head=receipt.head(replace(payment, id=UUID(int=9))),
        tail=receipt.TAIL,
        event_head=receipt.event_head("payment.succeeded", now),
    )


def lookup_script(bills: int) -> str:
    """Write the pgbench script that looks one customer up."""
    code = f"'PB14' || lpad((1 + :n::bigint * {STRIDE} % {bills})::text, 9, '0')"
    given = {"$1::int[]": "'{0}'::int[]", "$2::smallint[]": "'{1}'::smallint[]"}
    sql = LOOKUP.replace("$3::text[]", f"ARRAY[{code}]")
    for name, value in given.items():
        sql = sql.replace(name, value)
    return SERIAL + _one_line(sql)


def _one_line(sql: str) -> str:
    assert "$" not in sql
    return re.sub(r"\s+", " ", sql).strip() + ";\n"


def run(pgbench: Path, url: str, script: str, *, clients: int, seconds: float) -> Limit:
    """Let pgbench run a script for some seconds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.sql"
        file.write_text(script)
        command = [
            *(str(pgbench), "-n", "-M", "prepared", "-f", str(file), "-c", str(clients)),
            *("-j", "1", "-T", str(max(1, round(seconds))), "-D", "i=0"),
            *("-D", f"clients={clients}", "-d", url),
        ]
        env = os.environ | {"PGOPTIONS": OPTIONS}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    rate = re.search(r"tps = ([\d.]+) \(without", done.stdout)
    count = re.search(r"actually processed: (\d+)", done.stdout)
    if done.returncode or rate is None or count is None:
        message = f"pgbench failed: {done.stderr[-2000:]}"
        raise RuntimeError(message)
    return Limit(float(rate[1]), int(count[1]))
