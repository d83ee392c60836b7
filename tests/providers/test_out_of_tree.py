"""A provider in somebody else's wheel is found and configured like our own."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent / "out_of_tree"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the wheel is installed: built without network, and unpacked as pip does."""
    folder = tmp_path_factory.mktemp("out_of_tree")
    shutil.copytree(PACKAGE, folder / "source")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=folder / "source", check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def providers(path: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    environ = {name: v for name, v in os.environ.items() if not name.startswith("GATEWAY_")}
    return subprocess.run(
        [sys.executable, "-m", "gateway", "providers"],
        env={**environ, "PYTHONPATH": str(path), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_found_and_shown_with_its_abilities(installed: Path) -> None:
    done = providers(installed)
    assert done.returncode == 0, done.stderr
    assert "tiny (Tiny Pay): not configured\n  abilities: AnswersQueries\n" in done.stdout


def test_it_is_configured_by_its_own_variables(installed: Path) -> None:
    done = providers(installed, GATEWAY_TINY__TOKEN="t0ken")
    assert "tiny (Tiny Pay): configured\n" in done.stdout
    wrong = providers(installed, GATEWAY_TINY__HOST="https://tiny.example")
    assert wrong.returncode == 1
    assert wrong.stderr == "gateway: Tiny Pay is not configured: 'GATEWAY_TINY__TOKEN' is not set\n"


def test_without_the_wheel_it_is_not_there(tmp_path: Path) -> None:
    assert "tiny" not in providers(tmp_path).stdout


def test_a_second_wheel_with_the_same_code_is_refused(installed: Path, tmp_path: Path) -> None:
    info = tmp_path / "gateway_other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gateway-other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gateway.providers]\ntiny = other:Tiny\n")
    done = providers(Path(f"{installed}{os.pathsep}{tmp_path}"))
    assert done.returncode == 1
    assert "two providers have the code 'tiny'" in done.stderr
    assert "'gateway-other'" in done.stderr
