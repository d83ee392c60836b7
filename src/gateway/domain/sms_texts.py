"""What SMS banking answers: Vietnamese without diacritics, 160 characters at most, nothing whole.

160 characters of the 7-bit alphabet are one message; a letter with a diacritic would make it three.
Accounts and names are masked, and no amount is ever cut: what is too long loses its end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from gateway.domain.masking import mask_name
from gateway.domain.payment import Line
from gateway.domain.plain_text import plain

LENGTH_MAX = 160
DIGITS_SHOWN = 4
BILLS_NAMED = 3
# In the 7-bit alphabet these take two places, or are not in it at all.
_DEAR = str.maketrans("[]{}\\^~|`€", "()()/-  ' ")


def fold(text: str) -> str:
    """Write a text so that one message carries it.

    >>> fold("Đang xử lý, không trả lại lần nữa")
    'Dang xu ly, khong tra lai lan nua'
    """
    return plain(text.translate(_DEAR))[:LENGTH_MAX].rstrip()


def mask_account(number: str) -> str:
    """Keep the last four digits of an account.

    >>> mask_account("1900100200300")
    '***0300'
    """
    return f"***{number[-DIGITS_SHOWN:]}" if len(number) > DIGITS_SHOWN else "***"


def to_dong(amount: int) -> str:
    """Write an amount as Vietnamese read it.

    >>> to_dong(1250000)
    '1.250.000d'
    """
    return f"{amount:,}".replace(",", ".") + "d"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a customer must see before confirming; `period` is the first day of the bill's month."""

    bank: str
    customer_code: str
    name: str
    account_no: str
    amount_dong: int
    period: date


def quoted(offer: Offer, otp: str) -> str:
    """Ask for the confirmation of what was quoted; a warning follows where it fits."""
    whole = fold(
        f"Tien dien T{offer.period:%m/%Y} {offer.customer_code} {mask_name(offer.name)}: "
        f"{to_dong(offer.amount_dong)}, TK {mask_account(offer.account_no)}. "
        f"Soan {offer.bank} XN {otp} trong 3 phut"
    )
    warned = f"{whole}. Khong dua ma cho ai"
    return warned if len(warned) <= LENGTH_MAX else whole


def quoted_again(offer: Offer, otp: str) -> str:
    """Ask anew because what is owed has changed since."""
    return fold(
        f"So tien da doi: {offer.customer_code} no {to_dong(offer.amount_dong)}. CHUA tru tien. "
        f"Soan {offer.bank} XN {otp} trong 3 phut de dong y so tien moi"
    )


def owed(*, customer_code: str, name: str, lines: Sequence[Line]) -> str:
    """Say what is owed."""
    if not lines:
        return fold(f"{customer_code} {mask_name(name)}: khong con no tien dien")
    total = to_dong(sum(line.amount_dong for line in lines))
    said = f"{customer_code} {mask_name(name)} no {len(lines)} hoa don, tong {total}"
    named = "; ".join(f"{line.bill_id} {to_dong(line.amount_dong)}" for line in lines[:BILLS_NAMED])
    whole = fold(f"{said}: {named}")
    return whole if len(whole) < LENGTH_MAX and len(lines) <= BILLS_NAMED else fold(said)


def paid(*, customer_code: str, amount_dong: int, account_no: str, reference: str) -> str:
    """Say that the money was taken and the bills are paid."""
    return fold(
        f"Da thanh toan {to_dong(amount_dong)} tien dien {customer_code} "
        f"tu TK {mask_account(account_no)}. Ma GD {reference[-12:]}"
    )


def in_doubt(*, customer_code: str, amount_dong: int) -> str:
    """Say that the outcome is not known yet."""
    return fold(
        f"Dang xu ly {to_dong(amount_dong)} tien dien {customer_code}, khong tra lai lan nua. "
        "Ket qua se bao bang tin nhan"
    )


def not_paid(*, customer_code: str, amount_dong: int) -> str:
    """Say that the bank refused, proved."""
    return fold(
        f"Khong thanh toan duoc {to_dong(amount_dong)} tien dien {customer_code}. "
        "Tien CHUA bi tru. Kiem tra so du, han muc hoac lien he ngan hang"
    )


def usage(bank: str) -> str:
    """Say how it is done."""
    return fold(
        f"Soan: {bank} NO EVN MaKH xem no; {bank} TT EVN MaKH tra tien dien; "
        f"{bank} XN ma xac nhan; {bank} HUY bo lenh"
    )


UNDER_WAY = "Dang xu ly, khong tra lai lan nua. Ket qua se bao bang tin nhan"
WRONG_CODE = "Ma xac nhan khong dung. Con {left} lan thu. Tien chua bi tru"
USED_UP = "Sai ma qua so lan, lenh da huy. Tien chua bi tru. Soan lai tu dau"
EXPIRED = "Ma da het han hoac khong co lenh cho. Tien chua bi tru. Soan lai tu dau"
GIVEN_UP = "Da bo lenh thanh toan. Tien chua bi tru"
NOTHING_TO_GIVE_UP = "Khong co lenh nao dang cho"
BEYOND_LIMIT = "Vuot han muc SMS: {most} moi lan, {times} lan moi ngay. Tien chua bi tru"
NO_MANDATE = "So dien thoai nay chua dang ky trich no tien dien cho {customer_code}"
UNKNOWN_CUSTOMER = "Khong tim thay ma khach hang {customer_code}. Xem ma tren hoa don"
BUSY = "He thong ban, tien chua bi tru. Thu lai sau it phut"
BEING_PAID = "Hoa don {customer_code} dang duoc thanh toan, khong tra lai lan nua"
