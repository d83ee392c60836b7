"""The lookup token: a signed, stateless promise of which bills and amounts a partner was shown.

`base64url(payload).base64url(HMAC-SHA256)`; the payload names partner, biller, customer, expiry
and the due amounts. A payment that carries it must pay bills and amounts that it lists.
"""

import base64
import binascii
import hmac
from collections import defaultdict
from collections.abc import Mapping, Sequence

import orjson

from gateway.domain.payment import Line
from gateway.domain.refusals import LookupTokenExpired, LookupTokenInvalid

LIFETIME_S = 15 * 60


def make_token(
    key: bytes, *, partner_id: int, biller: str, customer_code: str, due: Sequence[Line], now: int
) -> str:
    """Sign what was looked up at `now` (unix seconds) for LIFETIME_S.

    >>> token = make_token(b"k" * 32, partner_id=1, biller="b", customer_code="C",
    ...     due=[Line("B1", 5)], now=100)
    >>> read_token(b"k" * 32, token, partner_id=1, biller="b", customer_code="C", now=100)
    {'B1': 5}
    """
    bills = [[line.bill_id, line.amount_dong] for line in due]
    payload = orjson.dumps([partner_id, biller, customer_code, now + LIFETIME_S, bills])
    return f"{_encode(payload)}.{_encode(_mac(key, payload))}"


def read_token(
    key: bytes, token: str, *, partner_id: int, biller: str, customer_code: str, now: int
) -> Mapping[str, int]:
    """Verify a token and give the amounts due by bill id.

    Raises:
        LookupTokenInvalid: not ours, or for another partner, biller or customer.
        LookupTokenExpired: its time is over.
    """
    head, _, tail = token.partition(".")
    try:
        payload, mac = _decode(head), _decode(tail)
    except (ValueError, binascii.Error) as wrong:
        msg = "it is not a token of ours"
        raise LookupTokenInvalid(msg) from wrong
    if not hmac.compare_digest(mac, _mac(key, payload)):
        msg = "it is not a token of ours"
        raise LookupTokenInvalid(msg)
    whose, which, who, expires_at, bills = orjson.loads(payload)
    if (whose, which, who) != (partner_id, biller, customer_code):
        msg = "it was given for another partner, biller or customer"
        raise LookupTokenInvalid(msg)
    if now >= expires_at:
        raise LookupTokenExpired
    return dict(bills)


def check_lines(due: Mapping[str, int], lines: Sequence[Line]) -> None:
    """Hold the lines of a payment against what the token lists.

    Raises:
        LookupTokenInvalid: a bill that it does not list, or more than it says is due.
    """
    asked: dict[str, int] = defaultdict(int)
    for line in lines:
        asked[line.bill_id] += line.amount_dong
        if asked[line.bill_id] > due.get(line.bill_id, 0):
            msg = f"it does not cover {line.amount_dong} đồng of {line.bill_id}"
            raise LookupTokenInvalid(msg)


def _mac(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, "sha256")


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _encode(raw) != text:
        msg = "not canonical"
        raise ValueError(msg)
    return raw
