"""`gateway new-provider NAME`: an adapter, its simulator, its tests and its page, green as written.

The templates speak a small protocol of their own, so that the first run shows how everything fits;
an author then replaces it, piece by piece, by what the provider's documents say.
"""

import keyword
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

_CODE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_ENTRY_POINTS = '[project.entry-points."gateway.providers"]\n'


class ScaffoldRefused(ValueError):
    """Nothing was written; the message says why."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where the templates go and what stands in them for the modules."""

    adapter: str
    simulator: str
    places: dict[str, str]


def scaffold(name: str, into: Path) -> list[Path]:
    """Write a new provider with the code `name` and give the files that were written.

    In a checkout of the gateway (a folder with src/gateway/providers) the files go to their places
    and pyproject.toml gets its entry point; anywhere else a distribution of its own is made.

    Raises:
        ScaffoldRefused: the name is no code, or a file is there already; nothing was written.
    """
    if not _CODE.fullmatch(name) or keyword.iskeyword(name):
        message = f"'{name}' is no provider's code: lower case letters, digits and '_', 32 at most"
        raise ScaffoldRefused(message)
    is_checkout = (into / "src" / "gateway" / "providers").is_dir()
    plan = _in_checkout(name) if is_checkout else _own_distribution(name)
    written = {into / place: _filled(template, name, plan) for place, template in _texts(plan)}
    there = [str(path) for path in written if path.exists()]
    if there:
        message = f"'{there[0]}' is there already; remove it or choose another name"
        raise ScaffoldRefused(message)
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if is_checkout:
        written[_add_entry_point(into / "pyproject.toml", name, plan)] = ""
    return list(written)


def _in_checkout(name: str) -> _Plan:
    return _Plan(
        adapter=f"gateway.providers.{name}",
        simulator=f"gateway.sandbox.{name}",
        places={
            f"src/gateway/providers/{name}.py": "adapter.txt",
            f"src/gateway/sandbox/{name}.py": "simulator.txt",
            f"tests/providers/test_{name}.py": "tests.txt",
            f"docs/providers/{name}.md": "page.txt",
        },
    )


def _own_distribution(name: str) -> _Plan:
    package = f"gateway_{name}"
    return _Plan(
        adapter=f"{package}.adapter",
        simulator=f"{package}.simulator",
        places={
            f"src/{package}/__init__.py": "package.txt",
            f"src/{package}/py.typed": "empty.txt",
            f"src/{package}/adapter.py": "adapter.txt",
            f"src/{package}/simulator.py": "simulator.txt",
            f"tests/test_{name}.py": "tests.txt",
            f"docs/{name}.md": "page.txt",
            "pyproject.toml": "pyproject.txt",
        },
    )


def _texts(plan: _Plan) -> list[tuple[str, str]]:
    here = files(__name__)
    return [
        (place, here.joinpath(template).read_text(encoding="utf-8"))
        for place, template in plan.places.items()
    ]


def _filled(template: str, name: str, plan: _Plan) -> str:
    title = _title(name)
    marks = {
        "@names@": ", ".join([*sorted(["Config", title]), "sign"]),
        "@adapter@": plan.adapter,
        "@simulator@": plan.simulator,
        "@code@": name,
        "@CODE@": name.upper(),
        "@Title@": title,
    }
    for mark, text in marks.items():
        template = template.replace(mark, text)
    return template


def _title(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _add_entry_point(pyproject: Path, name: str, plan: _Plan) -> Path:
    text = pyproject.read_text(encoding="utf-8")
    line = f'{name} = "{plan.adapter}:{_title(name)}"\n'
    if _ENTRY_POINTS in text:
        text = text.replace(_ENTRY_POINTS, _ENTRY_POINTS + line, 1)
    else:
        text = f"{text.rstrip()}\n\n{_ENTRY_POINTS}{line}"
    pyproject.write_text(text, encoding="utf-8")
    return pyproject
