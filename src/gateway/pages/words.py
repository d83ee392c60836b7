"""The words of the pages in two languages: `words/*.toml`, a table for each page.

A word is asked for by its table and name, `pay.title`, and holds both languages side by side, so
that neither can be forgotten. Facts stand in braces: `"{amount} for {count} bills"`.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = ("vi", "en")
FOLDER = Path(__file__).parent / "words"


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Read every word, by its full name, once."""
    found = {}
    for path in sorted(FOLDER.glob("*.toml")):
        tables: dict[str, dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))
        for table, words in tables.items():
            found.update({f"{table}.{name}": pair for name, pair in words.items()})
    return found


def word(language: Language, name: str, **facts: object) -> str:
    """Give the text of a word; markup in facts is escaped where the page shows it.

    Raises:
        KeyError: there is no such word, or a fact is missing.
    """
    return catalogue()[name][language].format(**facts)
