"""Forms as providers post them and take them, and text as their older systems take it."""

import base64
import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import urlencode

from gateway.kit.messages import Call, Incoming, Unreadable


def read_form(incoming: Incoming) -> dict[str, str]:
    """Read a posted form, or the query string if nothing was posted.

    >>> read_form(Incoming("POST", body=b"order_id=1&check_sum=a%2Bb"))
    {'order_id': '1', 'check_sum': 'a+b'}

    Raises:
        Unreadable: not UTF-8, a field twice, or a sign that cannot be printed.
    """
    try:
        pairs = Incoming("POST", incoming.body.decode() or incoming.query).query_pairs()
    except UnicodeDecodeError as error:
        raise Unreadable(what="form") from error
    fields = dict(pairs)
    if len(fields) != len(pairs) or not "".join(map("".join, pairs)).isprintable():
        raise Unreadable(what="form")
    return fields


def post_form(operation: str, url: str, fields: Mapping[str, str]) -> Call:
    """Build a call that posts a form."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return Call(operation, url, urlencode(fields).encode(), headers=headers)


def basic(user: str, password: str) -> str:
    """Write HTTP Basic's `authorization`.

    >>> basic("Aladdin", "open sesame")
    'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='
    """
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def to_plain(text: str, most: int) -> str:
    """Write Vietnamese with letters and digits of ASCII, blanks and `. _ -`; cut to `most`.

    >>> to_plain("Tiền điện, Cà Mau", 100)
    'Tien dien Ca Mau'
    """
    marked = unicodedata.normalize("NFD", text).replace("đ", "d").replace("Đ", "D")
    bare = "".join(mark for mark in marked if not unicodedata.combining(mark))
    return " ".join(re.sub(r"[^A-Za-z0-9._-]", " ", bare).split())[:most].rstrip()
