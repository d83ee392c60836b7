"""The page on which a payer gives a card to the simulated NAPAS; plain HTML, no script."""

from html import escape

from gateway.sandbox.rail_orders import RailOrder

_HEAD = (
    '<!doctype html><html lang="vi"><meta charset="utf-8"><title>NAPAS (mô phỏng)</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<link rel="stylesheet" href="/style.css"><main><h1>NAPAS</h1>'
    '<p class="sandbox">Trang mô phỏng. Không có tiền thật. Chỉ dùng số thẻ thử.</p>'
)
_CARD = (
    '<form method="post"><label>Số thẻ <input name="number" inputmode="numeric" required'
    ' autocomplete="off"></label><label>Tên chủ thẻ <input name="name" required></label>'
    '<label>Ngày phát hành <input name="issued" placeholder="MMYY" required></label>'
    '<button class="approve">Thanh toán</button></form>'
    '<form method="post"><button name="act" value="cancel">Hủy</button></form>'
)
_CHALLENGE = (
    '<form method="post"><label>Mã OTP <input name="otp" inputmode="numeric" required></label>'
    '<button class="approve">Xác nhận</button></form>'
)


def card_page(order: RailOrder, *, state: str) -> str:
    """Write the page of one order: the card's form while it is open, else how it ended."""
    return _page(order, _CARD if state == "open" else f"<p role='status'>{escape(state)}</p>")


def challenge_page(order: RailOrder) -> str:
    """Write the bank's page that asks for the one-time password."""
    return _page(order, _CHALLENGE)


def _page(order: RailOrder, form: str) -> str:
    amount = f"{order.amount_dong:,}".replace(",", ".")
    return (
        f"{_HEAD}<p>{escape(order.text)}</p><p class='amount'>{amount} đ</p>"
        f"<p>Mã giao dịch <code>{escape(order.reference)}</code></p>{form}</main></html>"
    )
