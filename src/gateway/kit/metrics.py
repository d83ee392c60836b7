"""Prometheus metrics of the whole house; labels are bounded: routes, codes, channels, never ids.

With several API workers `PROMETHEUS_MULTIPROC_DIR` must name an empty folder before import; the
CLI makes it.
"""

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

REQUESTS = Counter("gateway_requests_total", "HTTP answers", ["route", "status"])
REQUEST_SECONDS = Histogram(
    "gateway_request_seconds",
    "Time from the request's head to the end of the answer",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
PROBLEMS = Counter("gateway_problems_total", "Answers that are problems", ["code"])
PAYMENTS = Counter("gateway_payments_total", "Payments made", ["channel"])
PAID_DONG = Counter("gateway_paid_dong_total", "Đồng of payments made", ["channel"])
DELIVERIES = Counter("gateway_deliveries_total", "Webhook deliveries tried", ["result"])
DELIVERY_SECONDS = Histogram("gateway_delivery_seconds", "Time of one delivery")
BACKLOG = Gauge(
    "gateway_deliveries_waiting", "Deliveries that are due or planned", multiprocess_mode="max"
)
OLDEST_DUE_SECONDS = Gauge(
    "gateway_delivery_oldest_due_seconds",
    "How long the longest due delivery waits",
    multiprocess_mode="max",
)

CONTENT_TYPE = CONTENT_TYPE_LATEST


def render() -> bytes:
    """Give all metrics as Prometheus reads them, summed over this host's API workers."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library's own gap
    return generate_latest(registry)
