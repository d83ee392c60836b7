"""Both languages say everything, and no page asks for a word that is not there."""

import re
from string import Formatter

import pytest

from gateway.domain.user import Role
from gateway.pages.site import HERE
from gateway.pages.words import LANGUAGES, catalogue, word

ASKED = re.compile(r"\bw\(\s*[\"']([a-z_]+\.[a-z_0-9]+)[\"'](?!\s*~)")


def asked_for() -> set[str]:
    texts = [path.read_text(encoding="utf-8") for path in (HERE / "templates").glob("*.html")]
    return {name for text in texts for name in ASKED.findall(text)}


def facts_of(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field is not None}


def test_every_word_is_said_in_both_languages_with_the_same_facts() -> None:
    for name, pair in catalogue().items():
        assert sorted(pair) == sorted(LANGUAGES), name
        assert facts_of(pair["vi"]) == facts_of(pair["en"]), name
        assert pair["vi"].strip(), name


def test_a_page_asks_for_no_word_that_is_missing() -> None:
    assert asked_for()
    assert sorted(asked_for() - catalogue().keys()) == []


def test_every_role_has_its_name() -> None:
    assert {f"account.role_{role}" for role in Role} <= catalogue().keys()


def test_a_word_without_its_fact_is_our_mistake_and_says_so() -> None:
    with pytest.raises(KeyError):
        word("vi", "no.such_word")
