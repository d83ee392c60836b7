"""Strict reading of what a provider sent: what matters is checked, more fields are tolerated."""

import hmac
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from jiter import from_json

from gateway.domain.clock import VIETNAM
from gateway.kit.messages import Reply, SignatureWrong, Unreadable

# 18 digits: an int64, and far from the size that Python refuses to write.
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_ID_MAX = 100
_DONG = re.compile(r"([0-9]{1,15})(?:\.0+)?", re.ASCII)


def body_of(reply: Reply) -> bytes:
    """Give the body of an answer with HTTP 200.

    Raises:
        Unreadable: another status, which says nothing about the money.
    """
    if reply.status != HTTPStatus.OK:
        raise Unreadable(what=f"HTTP status {reply.status}")
    return reply.body


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
    return read_object(body_of(reply))


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


def read_texts(body: bytes) -> dict[str, str]:
    """Read one JSON object of texts and numbers, each as the text it was; null is left out.

    >>> read_texts(b'{"payment_status": 1, "order_id": "a", "version": null}')
    {'payment_status': '1', 'order_id': 'a'}

    Raises:
        Unreadable: as `read_object`; nothing in it, or something in it that is no text or number.
    """
    fields = {name: value for name, value in read_exact(body).items() if value is not None}
    if not fields or not all(isinstance(value, str) for value in fields.values()):
        raise Unreadable(what="JSON")
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


def id_of(fields: Mapping[str, Any], name: str) -> str | None:
    """Give an identifier of theirs; None if it is absent, null or empty.

    Raises:
        Unreadable: not text, over 100 characters, or with a sign that cannot be printed.
    """
    text = text_of(fields, name)
    if len(text) > _ID_MAX or not text.isprintable():
        raise Unreadable(what=name)
    return text or None


def dong_of(fields: Mapping[str, Any], name: str) -> int | None:
    """Give an amount of an object that `read_exact` read; None if it is absent, null or empty.

    Digits, with or without zeros behind a point.

    >>> dong_of({"OrderCash": "356400.00000000"}, "OrderCash")
    356400

    Raises:
        Unreadable: something else, a fraction of a đồng, or more than 15 digits.
    """
    text = text_of(fields, name)
    whole = _DONG.fullmatch(text)
    if text and whole is None:
        raise Unreadable(what=name)
    return int(whole[1]) if whole else None


def vietnam_time_of(fields: Mapping[str, Any], name: str, form: str | None = None) -> datetime:
    """Give an instant in UTC; a time without a zone is Vietnam's, as all providers write it.

    ISO 8601, or as `form` (of strptime) says.

    >>> vietnam_time_of({"when": "2026-11-24 07:30:00"}, "when")
    datetime.datetime(2026, 11, 24, 0, 30, tzinfo=datetime.timezone.utc)

    Raises:
        Unreadable: absent, or no such time.
    """
    text = text_of(fields, name)
    try:
        read = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007
        if form and read.strftime(form) != text:  # strptime takes fewer digits than it writes
            raise Unreadable(what=name)
        return (read if read.tzinfo else read.replace(tzinfo=VIETNAM)).astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise Unreadable(what=name) from error


def check_signature(due: str, given: object) -> None:
    """Compare signatures in constant time.

    Raises:
        SignatureWrong: another signature, or none.
    """
    check_signatures([due], given)


def check_signatures(due: Iterable[str], given: object) -> None:
    """Compare in constant time, where a provider signs in more than one way.

    Raises:
        SignatureWrong: none of them, or none given.
    """
    text = given if isinstance(given, str) else ""
    said = text.encode("utf-8", "surrogatepass")
    if not any(hmac.compare_digest(one.encode(), said) for one in due):
        raise SignatureWrong


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at
