import os
import subprocess
import sys
from pathlib import Path

from gateway.kit import metrics

COUNTS = "from gateway.kit import metrics; metrics.PAYMENTS.labels('qr').inc()"
SHOWS = "from gateway.kit import metrics; print(metrics.render().decode())"


def test_what_is_counted_is_rendered() -> None:
    metrics.DELIVERIES.labels("delivered").inc()
    assert b'gateway_deliveries_total{result="delivered"}' in metrics.render()


def test_several_processes_of_one_host_are_summed(tmp_path: Path) -> None:
    env = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", COUNTS], env=env, check=True)
    shown = subprocess.check_output([sys.executable, "-c", SHOWS], env=env, text=True)
    assert 'gateway_payments_total{channel="qr"} 2.0' in shown
