"""`run.py` on a tiny repository of its own: real interpreters, real pip, no index, no network."""

import hashlib
import os
import runpy
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What a newcomer has: the interpreter itself, outside of any environment.
PYTHON = getattr(sys, "_base_executable", sys.executable)
PATIENCE_S = 100

# The whole of an editable build, so that the tiny repository needs no build tool.
BACKEND = """
import os, signal, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    if os.environ.get("CUT_SHORT"):
        os.killpg(0, signal.SIGKILL)
    name = "gateway-1-py3-none-any.whl"
    info = "gateway-1.dist-info/"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("gateway.pth", os.path.abspath("src"))
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: gateway\\nVersion: 1\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
"""
# Without --no-index pip would ask a registry for what the folder of wheels lacks.
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "GATEWAY_VENV": ""}
ANSWER = "import sys, lamp; print(lamp.LIGHT, *sys.argv[1:])"
WITHOUT_ENSUREPIP = """
import runpy, subprocess, sys, venv

def absent(self, context):
    raise subprocess.CalledProcessError(1, "ensurepip")

venv.EnvBuilder._setup_pip = absent
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


class House:
    """A copy of `run.py` in a folder with a space, with one locked dependency: `lamp`."""

    def __init__(self, root: Path, wheels: Path) -> None:
        self.root, self.wheels, self.venv = root, wheels, root / ".venv"

    @classmethod
    def built_in(cls, folder: Path) -> "House":
        house = cls(folder / "a house", folder / "wheels")
        house.wheels.mkdir()
        package = house.root / "src" / "gateway"
        package.mkdir(parents=True)
        (package / "__main__.py").write_text(ANSWER)
        shutil.copy(ROOT / "run.py", house.root)
        (house.root / "backend.py").write_text(BACKEND)
        (house.root / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
            '[project]\nname = "gateway"\nversion = "1"\n'
        )
        house.lock("on")
        return house

    def copied_to(self, name: str) -> "House":
        copy = House(self.root.with_name(name), self.wheels)
        shutil.copytree(self.root, copy.root, symlinks=True)
        return copy

    def lock(self, light: str, hashed: str | None = None) -> None:
        """Publish a `lamp` and lock it."""
        version = len(list(self.wheels.iterdir())) + 1
        wheel = self.wheels / f"lamp-{version}-py3-none-any.whl"
        info = f"lamp-{version}.dist-info/"
        with zipfile.ZipFile(wheel, "w") as made:
            made.writestr("lamp.py", f"LIGHT = {light!r}")
            made.writestr(
                f"{info}METADATA", f"Metadata-Version: 2.1\nName: lamp\nVersion: {version}\n"
            )
            made.writestr(f"{info}WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            made.writestr(f"{info}RECORD", "")
        digest = hashed or hashlib.sha256(wheel.read_bytes()).hexdigest()
        (self.root / "requirements.lock").write_text(f"lamp=={version} --hash=sha256:{digest}\n")

    def start(self, *args: str, first: tuple[str, ...] = (), **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [PYTHON, *first, str(self.root / "run.py"), *args],
            env=os.environ | OFFLINE | {"PIP_FIND_LINKS": str(self.wheels)} | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *args: str, first: tuple[str, ...] = (), **env: str) -> tuple[int, str, str]:
        process = self.start(*args, first=first, **env)
        out, err = process.communicate(timeout=PATIENCE_S)
        return process.returncode, out.strip(), err


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House.built_in(tmp_path)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house whose environment stands already; for tests that leave it as it was."""
    house = House.built_in(tmp_path_factory.mktemp("furnished"))
    assert house.run("run")[0] == 0
    return house


def test_the_first_run_installs_and_the_second_starts_at_once(house: House) -> None:
    code, out, err = house.run("run", "--port", "9 9")
    assert (code, out) == (0, "on run --port 9 9"), err
    assert "installing requirements.lock" in err
    assert house.run("run") == (0, "on run", "")


def test_a_changed_lock_is_installed(house: House) -> None:
    house.run("run")
    house.lock("brighter")
    assert house.run("run")[1] == "brighter run"


def test_two_at_once_install_once(house: House) -> None:
    both = [house.start("run"), house.start("run")]
    told = [process.communicate(timeout=PATIENCE_S) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert [out for out, _ in told] == ["on run\n"] * 2
    assert sum("installing" in err for _, err in told) == 1


def test_an_install_killed_half_way_is_repaired(house: House) -> None:
    assert house.run("run", CUT_SHORT="1")[0] == -signal.SIGKILL
    assert (house.venv / ".building").exists()
    assert house.run("run")[:2] == (0, "on run")
    assert not (house.venv / ".building").exists()


def test_a_renewal_killed_half_way_is_not_taken_for_what_it_was(house: House) -> None:
    house.run("run")
    before = (house.root / "requirements.lock").read_text()
    house.lock("half")
    house.run("run", CUT_SHORT="1")
    (house.root / "requirements.lock").write_text(before)
    assert house.run("run")[:2] == (0, "on run")


def test_a_package_that_does_not_match_its_hash_is_refused(house: House) -> None:
    house.lock("forged", hashed="0" * 64)
    code, out, err = house.run("run")
    assert (code, out) == (1, "")
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in err
    assert "pip could not install requirements.lock" in err


def test_a_python_without_ensurepip_fills_the_environment_with_its_own_pip(house: House) -> None:
    code, out, err = house.run("run", first=("-c", WITHOUT_ENSUREPIP))
    assert (code, out) == (0, "on run"), err
    assert not (house.venv / "bin" / "pip").exists()


def test_the_environment_stands_where_gateway_venv_says(house: House, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    assert house.run("run", GATEWAY_VENV=str(elsewhere))[:2] == (0, "on run")
    assert (elsewhere / "pyvenv.cfg").exists()
    assert not house.venv.exists()


def test_a_folder_that_holds_something_else_is_left_alone(house: House, tmp_path: Path) -> None:
    precious = tmp_path / "precious" / "letter"
    precious.parent.mkdir()
    precious.write_text("dear")
    for command in ("run", "clean"):
        house.run(command, GATEWAY_VENV=str(precious.parent))
    assert "holds something else" in house.run("run", GATEWAY_VENV=str(precious.parent))[2]
    assert [path.name for path in precious.parent.iterdir()] == ["letter"]


def test_an_environment_of_somebody_else_is_not_touched(house: House, tmp_path: Path) -> None:
    house.venv.mkdir()
    if os.geteuid() == 0:
        os.chown(house.venv, 12345, 12345)
    else:
        house.venv.chmod(0o555)
    code, out, err = house.run("run", XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert (code, out) == (0, "on run"), err
    assert list(house.venv.iterdir()) == []
    assert len(list((tmp_path / "cache" / "gateway").iterdir())) == 1


def test_an_unwritable_place_gets_a_sentence(house: House, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = house.run("run", GATEWAY_VENV=str(tmp_path / "file" / "venv"))
    assert code == 1
    assert "let GATEWAY_VENV name a folder of yours" in err
    assert "Traceback" not in err


def test_clean_removes_the_environment_and_leaves_the_sources(furnished: House) -> None:
    copy = furnished.copied_to("to clean")
    assert copy.run("clean")[0] == 0
    assert not copy.venv.exists()
    assert (copy.root / "src" / "gateway" / "__main__.py").exists()


def test_a_copied_folder_does_not_run_the_sources_it_came_from(furnished: House) -> None:
    copy = furnished.copied_to("a copy")
    (copy.root / "src" / "gateway" / "__main__.py").write_text("print('copy')")
    assert copy.run("run")[1] == "copy"


def test_an_old_python_gets_a_sentence_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    with pytest.raises(SystemExit, match=r"^Python 3\.11 or newer is needed and this is 3\.10;"):
        runpy.run_path(str(ROOT / "run.py"))


def test_an_unknown_command_shows_what_there_is(furnished: House) -> None:
    code, _, err = furnished.run("dance")
    assert code == 1
    assert "run | test | lint | bench | storm | lock | clean" in err


@pytest.mark.parametrize("target", ["run", "test", "lint", "bench", "lock", "clean", "help"])
def test_every_make_target_is_one_call_of_run_py(target: str) -> None:
    make = shutil.which("make")
    assert make, "this repository's commands need make"
    command = [make, "--no-print-directory", "-n", target, "PYTHON=py", "ARGS="]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["py", "run.py", target]
