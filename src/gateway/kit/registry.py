"""Which providers there are, what each can do, and which are configured.

A provider is an entry point of the group `gateway.providers` in any installed distribution:
`acme = "gateway_acme:Acme"`. Its name is the provider's code. A class is imported at its first use.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract
from typing import Any

from pydantic import ValidationError

from gateway.kit.abilities import ABILITIES, Provider

GROUP = "gateway.providers"
_CODE = re.compile(r"[a-z][a-z0-9_]{0,31}")

ProviderClass = type[Provider[Any]]


class ProviderUnusable(ValueError):
    """A provider cannot be used as it is installed or configured; the message says what to do."""


class Registry:
    """The providers that are installed, by code."""

    def __init__(self, found: Iterable[EntryPoint]) -> None:
        """Take the entry points of the group; nothing is imported yet.

        Raises:
            ProviderUnusable: two distributions claim one code.
        """
        self._found: dict[str, EntryPoint] = {}
        self._classes: dict[str, ProviderClass] = {}
        for entry in found:
            other = self._found.setdefault(entry.name, entry)
            if other is not entry:
                message = (
                    f"two providers have the code '{entry.name}': '{other.value}' of "
                    f"{_owner(other)} and '{entry.value}' of {_owner(entry)}; uninstall one"
                )
                raise ProviderUnusable(message)

    @property
    def codes(self) -> list[str]:
        """Give the codes of all installed providers, sorted."""
        return sorted(self._found)

    def load(self, code: str) -> ProviderClass:
        """Give a provider's class.

        Raises:
            ProviderUnusable: not installed, not importable, or not a provider.
        """
        if code not in self._classes:
            if code not in self._found:
                message = f"no provider '{code}' is installed; there are {_list(self.codes)}"
                raise ProviderUnusable(message)
            self._classes[code] = _load(self._found[code])
        return self._classes[code]

    def classes(self) -> list[ProviderClass]:
        """Give the classes of all installed providers, by code.

        Raises:
            ProviderUnusable: as `load`.
        """
        return [self.load(code) for code in self.codes]

    def configured(self, environ: Mapping[str, str]) -> dict[str, Provider[Any]]:
        """Make the providers of which `environ` has any variable `GATEWAY_<CODE>__<FIELD>`.

        Raises:
            ProviderUnusable: a variable is missing, unknown or wrong; the message names it and
                never shows its value.
        """
        given = {code: _fields(code, environ) for code in self.codes}
        return {
            code: configure(self.load(code), fields) for code, fields in given.items() if fields
        }


def discover() -> Registry:
    """Find the providers that are installed beside us.

    Raises:
        ProviderUnusable: two distributions claim one code.
    """
    return Registry(entry_points(group=GROUP))


def configured(environ: Mapping[str, str]) -> dict[str, Provider[Any]]:
    """Make every installed provider that `environ` configures; see `Registry.configured`."""
    return discover().configured(environ)


def configure(kind: ProviderClass, fields: Mapping[str, str]) -> Provider[Any]:
    """Make a provider from the text of its configuration's fields.

    Raises:
        ProviderUnusable: a field is missing, unknown or wrong.
    """
    try:
        return kind(kind.Config.model_validate_strings(dict(fields)))
    except ValidationError as error:
        raise ProviderUnusable(_sentence(kind, error)) from None


def variable(code: str, field: str) -> str:
    """Name the environment variable of a provider's field.

    >>> variable("acme", "secret_key")
    'GATEWAY_ACME__SECRET_KEY'
    """
    return f"{_prefix(code)}{field.upper()}"


def abilities_of(kind: ProviderClass) -> tuple[ProviderClass, ...]:
    """Give what a provider can do, in the order of the contract."""
    return tuple(ability for ability in ABILITIES if issubclass(kind, ability))


@dataclass(frozen=True, slots=True)
class Row:
    """One provider's line of the ability matrix."""

    code: str
    title: str
    channels: tuple[str, ...]
    options: tuple[str, ...]
    abilities: tuple[str, ...]


def matrix(classes: Iterable[ProviderClass]) -> list[Row]:
    """Give the ability matrix of these providers."""
    return [
        Row(
            code=kind.code,
            title=kind.title,
            channels=tuple(sorted(channel.value for channel in kind.channels)),
            options=kind.options,
            abilities=tuple(ability.__name__ for ability in abilities_of(kind)),
        )
        for kind in classes
    ]


def markdown(rows: Iterable[Row]) -> str:
    """Write the matrix as a Markdown table: one column a provider, one line an ability."""
    rows = list(rows)
    lines = [
        ["", *(row.title for row in rows)],
        ["---", *(":---:" for _ in rows)],
        ["code", *(f"`{row.code}`" for row in rows)],
        ["channels", *(", ".join(row.channels) for row in rows)],
        ["options", *(", ".join(map(_shown, row.options)) or "-" for row in rows)],
        *(
            [kind.__name__, *("yes" if kind.__name__ in row.abilities else "-" for row in rows)]
            for kind in ABILITIES
        ),
    ]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _shown(option: str) -> str:
    return option or "(the payer chooses)"


def page(rows: Iterable[Row]) -> str:
    """Write docs/providers/matrix.md."""
    return f"{_HEAD}\n{markdown(rows)}"


_HEAD = """\
# What each provider can do

Generated by `gateway providers --markdown` from the classes themselves; a test compares.
"""


def _load(entry: EntryPoint) -> ProviderClass:
    where = f"the provider '{entry.name}' ('{entry.value}' of {_owner(entry)})"
    try:
        kind = entry.load()
    except (ImportError, AttributeError) as error:
        message = f"{where} cannot be imported: {error}; mend or uninstall it"
        raise ProviderUnusable(message) from error
    wrong = _what_is_wrong(kind, entry.name)
    if wrong is not None:
        message = f"{where} {wrong}; see docs/add-a-provider.md"
        raise ProviderUnusable(message)
    return kind  # type: ignore[no-any-return]  # just proved


def _what_is_wrong(kind: object, name: str) -> str | None:
    if not (isinstance(kind, type) and issubclass(kind, Provider)):
        return "is not a class that inherits an ability of gateway.kit.abilities"
    if isabstract(kind):
        return f"lacks {_list(sorted(kind.__abstractmethods__))}"
    missing = [name for name in ("code", "title", "channels", "Config") if not hasattr(kind, name)]
    if missing:
        return f"does not say its {_list(missing)}"
    if kind.code != name:
        return f"says that its code is '{kind.code}'; entry point and code must agree"
    if not _CODE.fullmatch(name):
        return "has a code that is not lower case letters, digits and '_'"
    return None if abilities_of(kind) else "inherits no ability of gateway.kit.abilities"


def _prefix(code: str) -> str:
    return f"GATEWAY_{code.upper()}__"


def _fields(code: str, environ: Mapping[str, str]) -> dict[str, str]:
    prefix = _prefix(code)
    return {
        name.removeprefix(prefix).lower(): value
        for name, value in environ.items()
        if name.startswith(prefix)
    }


def _sentence(kind: ProviderClass, error: ValidationError) -> str:
    """Say what is wrong with the configuration, without any value of it."""
    said = []
    # Messages of pydantic's own kinds hold no input; a validator's ValueError might.
    for fault in error.errors(include_input=False, include_url=False):
        name = variable(kind.code, "__".join(str(part) for part in fault["loc"]) or "…")
        match fault["type"]:
            case "missing":
                said.append(f"'{name}' is not set")
            case "extra_forbidden":
                said.append(f"'{name}' is not a variable of this provider")
            case "value_error":
                said.append(f"'{name}' is not acceptable")
            case _:
                said.append(f"'{name}': {fault['msg'][:1].lower()}{fault['msg'][1:]}")
    return f"{kind.title} is not configured: {'; '.join(said)}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "none"


def _owner(entry: EntryPoint) -> str:
    return f"'{entry.dist.name}'" if entry.dist is not None else "an unknown distribution"
