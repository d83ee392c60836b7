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
PROVIDER_CALLS = Counter(
    "gateway_provider_calls_total", "Calls to providers", ["provider", "operation", "fate"]
)
PROVIDER_SECONDS = Histogram(
    "gateway_provider_seconds",
    "Time of one call to a provider, whatever became of it",
    ["provider", "operation"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60),
)

DOUBTS = Gauge(
    "gateway_attempts_in_doubt",
    "Attempts whose outcome is unknown",
    ["provider"],
    multiprocess_mode="max",
)
OLDEST_DOUBT_SECONDS = Gauge(
    "gateway_attempt_oldest_doubt_seconds",
    "Age of the oldest attempt in doubt",
    ["provider"],
    multiprocess_mode="max",
)
CERTAINTY_SECONDS = Histogram(
    "gateway_certainty_seconds",
    "From doubt to proof",
    ["provider"],
    buckets=(1, 2, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400),
)
RESOLVED = Counter(
    "gateway_attempts_resolved_total", "Attempts that ended, by rank of proof", ["provider", "rank"]
)
LATE_SUCCESSES = Counter(
    "gateway_late_successes_total", "Money after its payment had ended", ["provider", "ended"]
)
NOTIFICATIONS = Counter(
    "gateway_notifications_total", "Notifications received", ["provider", "verdict"]
)
SUSPENSE_DONG = Gauge(
    "gateway_suspense_dong", "Đồng in suspense", ["owner"], multiprocess_mode="max"
)
SUSPENSE_OLDEST_SECONDS = Gauge(
    "gateway_suspense_oldest_seconds",
    "Age of the oldest line in suspense",
    ["owner"],
    multiprocess_mode="max",
)
REFUNDS_DUE = Gauge("gateway_refunds_due", "Refunds that are due", multiprocess_mode="max")
REFUNDS_DUE_DONG = Gauge(
    "gateway_refunds_due_dong", "Đồng of refunds that are due", multiprocess_mode="max"
)
POSTINGS_WAITING = Gauge(
    "gateway_postings_waiting",
    "Payments that are not yet cleared, or undone, at their biller",
    ["provider"],
    multiprocess_mode="max",
)
OLDEST_POSTING_SECONDS = Gauge(
    "gateway_posting_oldest_seconds",
    "Age of the oldest of them",
    ["provider"],
    multiprocess_mode="max",
)
POSTED = Counter(
    "gateway_postings_total", "Bills whose posting ended, by how", ["provider", "ended"]
)
CASH_RECEIPTS = Counter(
    "gateway_cash_receipts_total", "Receipts of field cash, by what became of them", ["result"]
)
CASH_OVERDUE_DONG = Gauge(
    "gateway_cash_overdue_dong",
    "Đồng of cash not paid in by the end of the next day",
    multiprocess_mode="max",
)
CASH_OVERDUE_COLLECTORS = Gauge(
    "gateway_cash_overdue_collectors",
    "Collectors whose cash is overdue",
    multiprocess_mode="max",
)
CASH_RELAPSES = Gauge(
    "gateway_cash_relapses",
    "Customers of scheduled areas who paid electronically and now pay cash",
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
