"""The database's own limit: pgbench runs the very text of PAY, one or 32 payments a statement.

The JSON parameter is written by SQL, for pgbench has no arrays or UUIDv7: some µs that the
service spends in Python instead.
"""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.load import PAY_AMOUNT_DONG, STRIDE
from gateway.domain.payment import NO_PART
from gateway.store.database import BY_INDEX, SERVICE_ROLE
from gateway.store.idempotency import months_kept
from gateway.store.moves import PAY

OPTIONS = "-c plan_cache_mode=force_generic_plan -c jit=off -c enable_seqscan=off -c role="


@dataclass(frozen=True)
class Limit:
    """What pgbench reached."""

    payments_per_second: float
    payments: int


def script(batch: int, bills: int) -> str:
    """Write the pgbench script that pays `batch` bills a statement."""
    bill = f"(1 + ((:n::bigint * {batch} + g) * {STRIDE}) % {bills})"
    code = f"'PB14' || lpad({bill}::text, 9, '0')"
    head = (
        '{"id":"pay_0","status":"succeeded","method":"collected","biller":"evnspc-camau","bills":['
    )
    item = f"""json_build_object(
        'biller_id', 1, 'partner_id', 1 + (:n::bigint % 20), 'payment_id', uuidv7(),
        'event_id', uuidv7(), 'key', 'limit-0123456789-' || :n || '-' || g,
        'fingerprint', '\\x' || repeat('ab', 32), 'field_digests', '\\x' || repeat('ab', 24),
        'partner_reference', 'LIMIT-' || :n || '-' || g, 'channel', 'mobile_banking',
        'customer_code', {code}, 'amount_dong', {PAY_AMOUNT_DONG},
        'lines', json_build_array(json_build_object('bill_id', 'HD202610-' || {code},
            'amount_dong', {PAY_AMOUNT_DONG})),
        'oldest_first', true, 'least_part', {NO_PART}, 'business_date', current_date,
        'created_at', now(), 'receivable', 2, 'payable', 1,
        'head', '{head}' || repeat(' ', 250), 'tail', ']}}',
        'event_head', '{{"type":"payment.succeeded","data":')"""
    rows = f"(SELECT json_agg({item}) FROM generate_series(0, {batch - 1}) g)"
    months = ", ".join(f"'{month}'" for month in months_kept(datetime.now(UTC).date()))
    sql = PAY.replace("$1::text::json", rows).replace("$2::date[]", f"ARRAY[{months}]::date[]")
    assert "$" not in sql
    one_line = re.sub(r"\s+", " ", sql)
    return f"\\set i :i + 1\n\\set n :i * :clients + :client_id\n{one_line};\n"


def run(pgbench: Path, url: str, *, batch: int, clients: int, seconds: int, bills: int) -> Limit:
    """Let pgbench pay for some seconds."""
    file = Path(tempfile.mkdtemp()) / "pay.sql"
    file.write_text(script(batch, bills))
    command = [
        *(str(pgbench), "-n", "-M", "prepared", "-f", str(file), "-c", str(clients), "-j", "1"),
        *("-T", str(seconds), "-D", "i=0", "-D", f"clients={clients}", "-d", url),
    ]
    assert "enable_seqscan" in BY_INDEX
    done = subprocess.run(
        command,
        env={"PGOPTIONS": OPTIONS + SERVICE_ROLE},
        capture_output=True,
        text=True,
        check=False,
    )
    rate = re.search(r"tps = ([\d.]+) \(without", done.stdout)
    count = re.search(r"actually processed: (\d+)", done.stdout)
    if done.returncode or rate is None or count is None:
        message = f"pgbench failed: {done.stderr[-2000:]}"
        raise RuntimeError(message)
    return Limit(float(rate[1]) * batch, int(count[1]) * batch)
