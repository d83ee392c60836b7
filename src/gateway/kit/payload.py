"""Strict reading of what a provider sent: what matters is checked, more fields are tolerated."""

import hmac
import re
from collections.abc import Mapping
from typing import Any

from jiter import from_json

from gateway.kit.messages import SignatureWrong, Unreadable

# 18 digits: an int64, and far from the size that Python refuses to write.
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)


def read_object(body: bytes) -> dict[str, Any]:
    """Read one JSON object; whatever the bytes are, nothing but Unreadable is raised.

    >>> read_object(b'{"resultCode": 0}')
    {'resultCode': 0}

    Raises:
        Unreadable: not JSON, not an object, a key twice, or NaN.
    """
    try:
        fields = from_json(body, catch_duplicate_keys=True, allow_inf_nan=False)
    except ValueError as error:
        raise Unreadable(what="JSON") from error
    if not isinstance(fields, dict):
        raise Unreadable(what="JSON object")
    return fields


def integer_of(fields: Mapping[str, Any], name: str) -> int | None:
    """Give an integer field, written as a number or as digits; None if it is absent or null.

    >>> integer_of({"amount": "150000"}, "amount")
    150000

    Raises:
        Unreadable: something else, or more than 18 digits.
    """
    value = fields.get(name)
    if value is None:
        return None
    text = value if isinstance(value, str) else repr(value) if type(value) is int else ""
    if not _INTEGER.fullmatch(text):
        raise Unreadable(what=name)
    return int(text)


def text_of(fields: Mapping[str, Any], name: str) -> str:
    """Give a text field; empty if it is absent or null.

    Raises:
        Unreadable: it is not text.
    """
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise Unreadable(what=name)
    return value or ""


def check_signature(due: str, given: object) -> None:
    """Compare signatures in constant time.

    Raises:
        SignatureWrong: another signature, or none.
    """
    text = given if isinstance(given, str) else ""
    if not hmac.compare_digest(due.encode(), text.encode("utf-8", "surrogatepass")):
        raise SignatureWrong
