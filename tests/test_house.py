"""What holds for all of the repository: floors, sizes, locks, and what may stand nowhere."""

import fnmatch
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "gateway"
PROVIDERS = SOURCE / "providers"
LOCKS = ["requirements.lock", "requirements-dev.lock"]
LINES_MAX = 300

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = PYPROJECT["project"]["dependencies"]
GROUPS = PYPROJECT["dependency-groups"]
ASKED_BY = {
    "requirements.lock": [*RUNTIME, *GROUPS["build"]],
    "requirements-dev.lock": [*RUNTIME, *GROUPS["build"], *GROUPS["dev"]],
}

# Written so that no pattern matches its own line.
NOWHERE = {
    "a package registry's host": r"pypi[.]org|python[h]osted|npmjs[.]|deb[.]debian|registry[.]npm",
    "a path of one machine": r"(?<![\w.])/(?:work|root|farm|home/\w+)/|[.]pyenv/|/opt[/]wheels",
    "a private workplace tool": r"farm[-]\w+|[.](?:library)/",
}


def repository_files() -> Iterator[Path]:
    """Give every file that is ours, with git or without: all but what .gitignore names."""
    ignored = [line.rstrip("/") for line in text_of(ROOT / ".gitignore").split()]
    for folder, folders, files in os.walk(ROOT):
        here = Path(folder)
        folders[:] = [name for name in folders if is_ours(here / name, ignored)]
        yield from (here / name for name in files if is_ours(here / name, ignored))


def is_ours(path: Path, ignored: list[str]) -> bool:
    relative = str(path.relative_to(ROOT))
    if path.name == ".git" or (path / "pyvenv.cfg").exists():
        return False
    return not any(fnmatch.fnmatch(path.name, p) or relative == p for p in ignored)


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def name_of(module: Path) -> str:
    """Give the name by which a module is imported; a package's is its folder's."""
    return module.parent.name if module.stem == "__init__" else module.stem


def provider_codes() -> list[str]:
    """Give the codes of our own adapters: one module or one package each."""
    parts = {path.relative_to(PROVIDERS).parts[0] for path in sources(PROVIDERS)}
    return sorted(part.removesuffix(".py") for part in parts - {"__init__.py"})


def pins(lock: str) -> dict[str, tuple[Requirement, str]]:
    """Read a lock: name → the pinned requirement and all of its text, hashes included."""
    entries = re.split(r"\n(?=\S)", text_of(ROOT / lock).strip().replace("\\\n", " "))
    parsed = [(Requirement(entry.split("--hash")[0].strip()), entry) for entry in entries]
    return {canonicalize_name(pin.name): (pin, entry) for pin, entry in parsed}


def test_imports_only_go_down() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    command = [sys.executable, str(program), "--no-logo", "--no-cache"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_no_contract_of_the_floors_has_an_exception() -> None:
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    assert [c["name"] for c in contracts if {"ignore_imports", "exhaustive_ignores"} & set(c)] == []


def test_no_source_file_is_longer_than_a_reader_can_hold() -> None:
    ours = [*sources(ROOT / "src"), *sources(ROOT / "tests"), *sources(ROOT / "bench")]
    lengths = {
        str(path.relative_to(ROOT)): len(text_of(path).splitlines())
        for path in [*ours, ROOT / "run.py"]
    }
    long = [f"{name}: {lines} lines" for name, lines in lengths.items() if lines > LINES_MAX]
    assert not long, "\n".join(long)


@pytest.mark.parametrize("what", NOWHERE)
def test_no_file_holds(what: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {hit.group()}"
        for path in repository_files()
        if "static" not in path.parts
        for hit in re.finditer(NOWHERE[what], text_of(path))
    ]
    assert not found, "\n".join(found)


def test_every_adapter_of_the_house_is_an_entry_point() -> None:
    assert provider_codes() == sorted(PYPROJECT["project"]["entry-points"]["gateway.providers"])


def test_nobody_names_a_provider_outside_its_own_files() -> None:
    codes = provider_codes()
    assert codes
    # A hyphen joins: the biller `evnspc-camau` is not the provider `evnspc`.
    named = re.compile(rf"(?<![a-z0-9-])(?:{'|'.join(codes)})(?![a-z0-9-])", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources(SOURCE)
        if not {"providers", "sandbox"} & set(path.relative_to(SOURCE).parts)
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if named.search(line)
    ]
    assert not found, "\n".join(found)


def own_names(module: Path, floor: str) -> set[str]:
    """Give its name, and the name of the package within a floor that it is a part of."""
    package = {module.parent.name} - {floor}
    return {name_of(module).lstrip("_"), *package}


@pytest.mark.parametrize("floor", ["domain", "kit", "store", "flows", "api", "providers"])
def test_every_module_has_its_test_file(floor: str) -> None:
    tested = {path.stem for path in sources(ROOT / "tests")}
    modules = [p for p in sources(SOURCE / floor) if name_of(p) != floor]
    assert modules, f"the floor '{floor}' is empty"
    bare = [p for p in modules if not {f"test_{n}" for n in own_names(p, floor)} & tested]
    assert not bare, "\n".join(["no test file:", *(str(p.relative_to(ROOT)) for p in bare)])


def test_every_part_above_the_floors_has_its_test_file() -> None:
    tested = {path.stem for path in (ROOT / "tests").glob("test_*.py")}
    tops = [SOURCE / "cli", *(p for p in SOURCE.glob("*.py") if not p.stem.startswith("__"))]
    assert len(tops) > 1
    assert [top.stem for top in tops if f"test_{top.stem}" not in tested] == []


def test_a_package_goes_by_its_folders_name() -> None:
    assert name_of(SOURCE / "cli" / "__init__.py") == "cli"
    assert name_of(SOURCE / "cli" / "flow.py") == "flow"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place_to_fetch_from(lock: str) -> None:
    text = text_of(ROOT / lock)
    assert "://" not in text
    assert not re.search(r"^\s*--(?!hash=)", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_in_a_lock_is_pinned_and_hashed(lock: str) -> None:
    loose = [
        name
        for name, (pin, entry) in pins(lock).items()
        if not re.fullmatch(r"==[^*,]+", str(pin.specifier))
        or not re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry)
    ]
    assert loose == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_satisfies_pyproject(lock: str) -> None:
    locked = pins(lock)
    stale = []
    for asked in map(Requirement, ASKED_BY[lock]):
        pin, _ = locked.get(canonicalize_name(asked.name), (None, ""))
        if pin is None or not asked.specifier.contains(str(pin.specifier).removeprefix("==")):
            stale.append(str(asked))
    assert stale == [], "run `make lock`"


def test_both_locks_agree_because_they_share_one_environment() -> None:
    runtime, dev = (pins(lock) for lock in LOCKS)
    assert {n: str(pin) for n, (pin, _) in runtime.items()} == {
        n: str(pin) for n, (pin, _) in dev.items() if n in runtime
    }


def test_every_dependency_is_named_with_its_reason() -> None:
    named = re.findall(r"^- `([\w-]+)`: \S", text_of(ROOT / "docs/contributing.md"), re.M)
    asked = {Requirement(text).name for text in [*RUNTIME, *GROUPS["build"], *GROUPS["dev"]]}
    assert sorted(named) == sorted(asked)


def test_the_image_installs_from_the_lock_and_runs_as_a_user() -> None:
    image = text_of(ROOT / "Dockerfile")
    assert "--require-hashes --only-binary :all: -r requirements.lock" in image
    assert re.search(r"^USER (?!0\b)\d+", image, re.MULTILINE)
