"""What of a provider's messages may be kept or shown: no secret, no private field, no card.

The stored text is for people; the SHA-256 beside it is of the message as it travelled.
"""

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote_plus, urlencode

from pydantic import BaseModel, SecretBytes, SecretStr

from gateway.domain.cards import mask_cards

TEXT_BYTES_MAX = 16 * 1024
HIDDEN = "[redacted]"


def secrets_of(config: BaseModel) -> tuple[str, ...]:
    """Give the values of a configuration's secret fields, nested ones too."""
    found: list[str] = []
    for name in type(config).model_fields:
        value = getattr(config, name)
        if isinstance(value, SecretStr):
            found.append(value.get_secret_value())
        elif isinstance(value, SecretBytes):
            found.append(value.get_secret_value().decode("utf-8", "replace"))
        elif isinstance(value, BaseModel):
            found.extend(secrets_of(value))
    return tuple(secret for secret in found if secret)


class Redactor:
    """Writes messages without the secrets' values and without the values of private fields.

    Field names are compared without regard to case, in JSON at any depth (JSON within a JSON string
    or within a form field too), in forms and in query strings.
    """

    def __init__(
        self, secrets: Iterable[str] = (), private_fields: Iterable[str] = frozenset()
    ) -> None:
        self._private = frozenset(name.casefold() for name in private_fields)
        spellings = {form for secret in secrets if secret for form in _spellings(secret)}
        # The longest first: a secret may be part of another.
        self._secrets = sorted(spellings, key=len, reverse=True)

    def text(self, raw: bytes) -> str:
        """Give `raw` as text, at most 16 KiB of it; what is not UTF-8 is shown escaped.

        >>> Redactor(["s3cret"], {"phone"}).text(b'{"phone":"0912","key":"s3cret"}')
        '{"phone":"[redacted]","key":"[redacted]"}'
        """
        # Postgres keeps no NUL in a text.
        text = raw.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
        return _cut(self._without_secrets(mask_cards(self._without_private(text))))

    def url(self, url: str) -> str:
        """Give a URL without secrets and without the values of private query fields."""
        path, mark, query = url.partition("?")
        query = self._without_private(query)
        return _cut(self._without_secrets(mask_cards(path + mark + query)))

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def _without_private(self, text: str) -> str:
        """Leave the text as it is, to the byte, unless it names a private field."""
        lowered = unquote_plus(text).casefold()
        if not any(name in lowered for name in self._private):
            return text
        structured = self._json(text) or self._xml(text) or self._form(text)
        return structured if structured is not None else self._until_private(text)

    def _json(self, text: str) -> str | None:
        """Write JSON anew without private values; None if it is no JSON object or array."""
        if text.lstrip()[:1] not in {"{", "["}:
            return None
        try:
            return json.dumps(self._walk(json.loads(text)), ensure_ascii=False, separators=_TIGHT)
        except (ValueError, RecursionError):
            return None

    def _walk(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: HIDDEN if key.casefold() in self._private else self._walk(inner)
                for key, inner in value.items()
            }
        if isinstance(value, list):
            return [self._walk(inner) for inner in value]
        return self._without_private(value) if isinstance(value, str) else value

    def _xml(self, text: str) -> str | None:
        """Write XML without the text of private elements; None if it is none, or nests them."""
        if text.lstrip()[:1] != "<":
            return None
        shown = _ELEMENT.sub(self._element, text)
        return shown if self._leaves_none(shown) else None

    def _element(self, found: re.Match[str]) -> str:
        is_private = found["name"].casefold() in self._private
        return f"{found['open']}{HIDDEN}{found['close']}" if is_private else found[0]

    def _leaves_none(self, shown: str) -> bool:
        """Say whether no tag of a private name is left, escaped or not, but hidden and empty ones.

        XML within a text element is not read.
        """
        names = "|".join(map(re.escape, self._private))
        tag = rf"(?:<|&lt;)(?:[\w.-]+:)?(?:{names})(?:[\s/>]|&gt;)"
        return not re.search(tag, _HIDDEN_ELEMENT.sub("", shown), re.IGNORECASE)

    def _form(self, text: str) -> str | None:
        """Write a form or query string anew; None if it is neither."""
        try:
            pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
        except ValueError:
            return None
        if not all(_FIELD.fullmatch(name) for name, _ in pairs):
            return None
        shown = [
            (name, HIDDEN if name.casefold() in self._private else self._without_private(value))
            for name, value in pairs
        ]
        return urlencode(shown, safe="[]")

    def _until_private(self, text: str) -> str:
        """Cut unreadable text at the first private field's name: who knows where its value ends."""
        lowered = text.casefold()
        places = [lowered.find(name) for name in self._private]
        # A name that only shows itself once decoded leaves nothing.
        first = min((place for place in places if place >= 0), default=0)
        return text[:first] + HIDDEN


_TIGHT = (",", ":")
_NAME = r"(?:[\w.-]+:)?(?P<name>[\w.-]+)"
_END = r"</(?:[\w.-]+:)?(?P=name)>"
_ELEMENT = re.compile(rf"(?P<open><{_NAME}(?:\s[^<>]*)?>)[^<]+(?P<close>{_END})")
_HIDDEN_ELEMENT = re.compile(rf"<{_NAME}(?:\s[^<>]*)?(?:/>|>(?:\[redacted\])?{_END})")
_FIELD = re.compile(r"[\w.\[\]-]+")


def _spellings(secret: str) -> set[str]:
    """Write a secret in each way in which it may stand in a message."""
    escaped = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    lower = {_lower_escapes(form) for form in escaped}
    as_json = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return {secret, *escaped, *lower, *as_json}


def _lower_escapes(text: str) -> str:
    head, *rest = text.split("%")
    return "%".join([head, *(piece[:2].lower() + piece[2:] for piece in rest)])


def _cut(text: str) -> str:
    raw = text.encode("utf-8", "backslashreplace")
    if len(raw) <= TEXT_BYTES_MAX:
        return raw.decode()
    return raw[: TEXT_BYTES_MAX - len(_MORE)].decode("utf-8", "ignore") + "…"


_MORE = "…".encode()
