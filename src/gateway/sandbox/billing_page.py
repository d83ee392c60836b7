"""The billing system's one page: what came in last, for the person at the counter.

No script, no inline style, everything foreign escaped.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from gateway.domain.clock import VIETNAM

POLICY = {
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #ccc; padding: .4rem .6rem; text-align: left }
td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
.applied { color: #0a5c2b } .refused, .unreadable { color: #a3141c }
"""

_PAGE = """<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hệ thống hóa đơn (mô phỏng)</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<h1>Hệ thống hóa đơn (mô phỏng)</h1>
<p>Đã nhận <strong>{webhooks}</strong> thông báo; <strong>{cleared_bills}</strong> hóa đơn đã
gạch nợ. <span lang="en">(webhooks kept; bills cleared)</span></p>
<table>
<caption>Thông báo gần nhất <span lang="en">(last webhooks)</span></caption>
<thead><tr><th scope="col">Lúc</th><th scope="col">Mã</th><th scope="col">Loại</th>
<th scope="col">Kết quả</th><th scope="col">Chi tiết</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""
_ROW = (
    "<tr><td>{at}</td><td>{webhook_id}</td><td>{type}</td>"
    '<td class="{verdict}">{verdict}</td><td>{note}</td></tr>'
)
_SHOWN_MAX = 80


@dataclass(frozen=True, slots=True)
class Receipt:
    """One line of the page. `at` is unix seconds; the texts may be anything a stranger sent."""

    at: float
    webhook_id: str
    type: str
    verdict: str
    note: str


def render(receipts: Iterable[Receipt], counts: dict[str, str | int]) -> str:
    """Write the page, newest receipt first."""
    return _PAGE.format(
        webhooks=int(counts["webhooks"]),
        cleared_bills=int(counts["cleared_bills"]),
        rows="\n".join(_row(receipt) for receipt in receipts),
    )


def _row(receipt: Receipt) -> str:
    moment = datetime.fromtimestamp(receipt.at, UTC).astimezone(VIETNAM)
    return _ROW.format(
        at=moment.strftime("%H:%M:%S %d/%m/%Y"),
        webhook_id=escape(receipt.webhook_id[:_SHOWN_MAX]),
        type=escape(receipt.type[:_SHOWN_MAX]),
        verdict=escape(receipt.verdict),
        note=escape(receipt.note[:_SHOWN_MAX]),
    )
