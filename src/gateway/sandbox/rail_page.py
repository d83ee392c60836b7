"""Where a person approves or declines at a simulated provider; plain HTML, no script."""

from html import escape

POLICY = {
    "content-security-policy": "default-src 'none'; style-src 'self'; form-action *; "
    "base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}

STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 26rem; margin: 2rem auto; padding: 0 1rem; }
p.amount { font-size: 2rem; font-weight: 700; margin: .5rem 0; }
p.sandbox { border-left: .25rem solid #b45309; padding-left: .75rem; }
code { overflow-wrap: anywhere; }
form { display: grid; gap: .75rem; }
button { font: inherit; padding: .75rem; border-radius: .5rem; border: 1px solid currentColor;
  background: none; color: inherit; cursor: pointer; }
button.approve { background: #15803d; border-color: #15803d; color: #fff; }
"""

STATES = {
    "open": "",
    "expired": "Giao dịch đã hết hạn.",
    "processing": "Ngân hàng đang xử lý.",
    "paid": "Đã thanh toán.",
    "failed": "Giao dịch không thành công.",
    "closed": "Giao dịch đã bị hủy.",
}


def render(*, title: str, reference: str, text: str, amount_dong: int, state: str) -> str:
    """Write the page of one order; buttons only while it can be paid."""
    amount = f"{amount_dong:,}".replace(",", ".")
    form = (
        '<form method="post"><button class="approve" name="act" value="approve">Thanh toán</button>'
        '<button name="act" value="decline">Từ chối</button></form>'
        if state == "open"
        else f"<p role='status'>{STATES[state]}</p>"
    )
    return (
        f'<!doctype html><html lang="vi"><meta charset="utf-8"><title>{escape(title)} (mô phỏng)'
        '</title><meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="/style.css">'
        f"<main><h1>{escape(title)}</h1>"
        '<p class="sandbox">Trang mô phỏng. Không có tiền thật.</p>'
        f"<p>{escape(text)}</p><p class='amount'>{amount} đ</p>"
        f"<p>Mã giao dịch <code>{escape(reference)}</code></p>{form}</main></html>"
    )
