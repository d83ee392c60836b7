"""Metrics: what they are called, that no label can run away, and that workers are summed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from gateway.kit import metrics

ALL = [one for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]
BOUNDED = {"route", "status", "code", "channel", "result"} | {
    *("provider", "operation", "fate", "rank", "ended", "verdict", "owner"),
}
COUNT = """
from gateway.kit import metrics
metrics.PAYMENTS.labels("qr").inc(3)
metrics.BACKLOG.set({backlog})
{then}
"""


@pytest.mark.parametrize("metric", ALL, ids=lambda one: one._name)
def test_a_metric_is_named_after_the_house_and_says_what_it_counts(
    metric: MetricWrapperBase,
) -> None:
    assert metric._name.startswith("gateway_")
    assert metric._documentation


@pytest.mark.parametrize("metric", ALL, ids=lambda one: one._name)
def test_no_label_can_take_an_id(metric: MetricWrapperBase) -> None:
    assert set(metric._labelnames) <= BOUNDED


def test_money_is_counted_in_dong() -> None:
    assert metrics.PAID_DONG._name == "gateway_paid_dong"


def test_one_process_shows_what_it_has_counted() -> None:
    metrics.PROBLEMS.labels("test_of_metrics").inc(2)
    assert b'gateway_problems_total{code="test_of_metrics"} 2.0' in metrics.render()


def run(folder: Path, backlog: int, then: str = "") -> str:
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    ran = subprocess.run(
        [sys.executable, "-c", COUNT.format(backlog=backlog, then=then)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout


def test_several_workers_are_summed_and_of_a_gauge_the_largest_is_shown(tmp_path: Path) -> None:
    run(tmp_path, 5)
    told = run(tmp_path, 2, "print(metrics.render().decode())")
    assert re.search(r'^gateway_payments_total\{channel="qr"\} 6\.0$', told, re.MULTILINE)
    assert re.search(r"^gateway_deliveries_waiting 5\.0$", told, re.MULTILINE)
