"""The ability matrix in the docs is what the classes say."""

import re
import tomllib
from pathlib import Path

import pytest

from gateway.kit import registry

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OURS = PROJECT["entry-points"][registry.GROUP]


def test_the_matrix_in_the_docs_is_up_to_date() -> None:
    found = registry.discover()
    rows = registry.matrix([found.load(code) for code in sorted(OURS)])
    page = (ROOT / "docs/providers/matrix.md").read_text(encoding="utf-8")
    assert page == registry.page(rows), "gateway providers --markdown > docs/providers/matrix.md"


def test_every_provider_in_the_folder_has_its_entry_point() -> None:
    folder = ROOT / "src/gateway/providers"
    assert set(OURS) == {path.stem for path in folder.glob("[a-z]*")}


@pytest.mark.parametrize("code", sorted(OURS))
def test_a_provider_has_its_page_its_simulator_and_its_conformance_test(code: str) -> None:
    for place in (f"docs/providers/{code}.md", f"tests/providers/test_{code}_conformance.py"):
        assert (ROOT / place).exists(), place
    # A simulator of its own, or a part in one that plays several: a bank tells in many ways.
    named = re.compile(rf"\b{code}\b", re.IGNORECASE)
    simulators = (ROOT / "src/gateway/sandbox").rglob("*.py")
    assert any(named.search(path.read_text(encoding="utf-8")) for path in simulators)
