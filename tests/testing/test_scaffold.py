"""A new provider is written in a moment and is green at its first run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.testing.scaffold import ScaffoldRefused, scaffold

ROOT = Path(__file__).parents[2]
RUFF = Path(sys.executable).with_name("ruff")
OURS = 'lint.isort.known-first-party = ["gateway"]'


def python(*argv: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *argv], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_its_own_tests_pass_at_the_first_run(tmp_path: Path) -> None:
    scaffold("acme_pay", tmp_path)
    ran = python("pytest", "-q", "-p", "no:cacheprovider", "-W", "error", cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout
    assert "skipped" not in ran.stdout


@pytest.mark.slow
def test_what_it_writes_is_typed(tmp_path: Path) -> None:
    scaffold("acme_pay", tmp_path)
    cache = str(tmp_path / "cache")
    ran = python("mypy", "--strict", "--cache-dir", cache, "gateway_acme_pay", cwd=tmp_path / "src")
    assert ran.returncode == 0, ran.stdout


def test_in_a_checkout_every_file_goes_to_its_place_and_the_linters_are_content(
    tmp_path: Path,
) -> None:
    (tmp_path / "src/gateway/providers").mkdir(parents=True)
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    written = {str(path.relative_to(tmp_path)) for path in scaffold("acme", tmp_path)}
    assert written == {
        "src/gateway/providers/acme.py",
        "src/gateway/sandbox/acme.py",
        "tests/providers/test_acme.py",
        "docs/providers/acme.md",
        "pyproject.toml",
    }
    assert '\nacme = "gateway.providers.acme:Acme"\n' in (tmp_path / "pyproject.toml").read_text()
    for command in (["check", "--config", OURS], ["format", "--check"]):
        ran = subprocess.run(
            [RUFF, *command, "."], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("name", ["", "Acme", "acme-pay", "1acme", "class", "a" * 33, "../acme"])
def test_a_name_that_cannot_be_a_code_writes_nothing(name: str, tmp_path: Path) -> None:
    with pytest.raises(ScaffoldRefused, match="is no provider's code"):
        scaffold(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    mine = tmp_path / "docs" / "acme.md"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(ScaffoldRefused, match=r"acme\.md' is there already"):
        scaffold("acme", tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [mine]
    assert mine.read_text() == "mine"


def test_the_command_says_what_it_wrote_and_what_comes_next(tmp_path: Path) -> None:
    ran = python("gateway", "new-provider", "acme", "--into", str(tmp_path), cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert f"{tmp_path / 'src/gateway_acme/adapter.py'}{os.linesep}" in ran.stdout
