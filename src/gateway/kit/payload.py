"""Strict reading of what a provider sent: what matters is checked, more fields are tolerated."""

import hmac
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from jiter import from_json

from gateway.kit.messages import Reply, SignatureWrong, Unreadable

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


def read_ok(reply: Reply) -> dict[str, Any]:
    """Read the object of an answer of status 200; any other status says nothing.

    Raises:
        Unreadable: another status, or as `read_object`.
    """
    if reply.status != HTTPStatus.OK:
        raise Unreadable(what=f"answer of status {reply.status}")
    return read_object(reply.body)


def read_exact(body: bytes) -> dict[str, Any]:
    """Read one JSON object as `read_object` does, but leave every number as the text it was.

    For amounts that are written with a point: no float touches them.

    >>> read_exact(b'{"OrderCash": 356400.00000000}')
    {'OrderCash': '356400.00000000'}

    Raises:
        Unreadable: as `read_object`.
    """
    read_object(body)
    fields: dict[str, Any] = json.loads(body, parse_int=str, parse_float=str)
    return fields


def raw_member(body: bytes, name: str) -> str:
    """Give the text of an object's member as it was sent, for signatures over that very text.

    >>> raw_member(b'{"checksum": "ab", "order": {"amount":1.50 } }', "order")
    '{"amount":1.50 }'

    Raises:
        Unreadable: as `read_object`, or it has no such member.
    """
    if name not in read_object(body):
        raise Unreadable(what=name)
    text, decode = body.decode(), json.JSONDecoder(parse_int=str).raw_decode
    at = text.index("{")
    while True:
        key, colon = decode(text, _skip(text, at + 1))
        start = _skip(text, _skip(text, colon) + 1)
        end = decode(text, start)[1]
        if key == name:
            return text[start:end]
        at = _skip(text, end)


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


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at
