"""Run a command of this repository with nothing installed but Python 3.11 or newer.

python3 run.py run | test | lint | bench | storm | lock | clean [ARGS]

The first use makes a virtual environment and fills it from a hash-locked list, through pip. Later
uses start at once: the environment is renewed only when a lock, pyproject.toml, the interpreter or
this folder's place has changed, or when an earlier install was cut short. It stands in .venv, or
under the user's cache when .venv cannot be theirs, or where GATEWAY_VENV says.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - an older Python gets a sentence, not a traceback
    sys.exit(
        f"Python 3.11 or newer is needed and this is {sys.version_info[0]}.{sys.version_info[1]}; "
        "name a newer one: make run PYTHON=python3.12, or python3.12 run.py run"
    )
try:
    import fcntl
except ImportError:
    sys.exit("Linux or macOS is needed; on Windows use WSL")

ROOT = Path(__file__).resolve().parent
RUNTIME, DEV = "requirements.lock", "requirements-dev.lock"
LOCK_OF = {"run": RUNTIME, "lock": DEV, "clean": None} | dict.fromkeys(
    ("test", "lint", "bench", "storm"), DEV
)
PROGRAMS = {"run": ("gateway", "run"), "bench": ("bench",), "storm": ("tests.storm.weather",)}


def place() -> Path:
    """Choose the environment's folder: one that belongs to whoever runs this."""
    if os.environ.get("GATEWAY_VENV"):
        return Path(os.environ["GATEWAY_VENV"]).expanduser().absolute()
    beside = ROOT / ".venv"
    # Ownership, not only access: root may write everywhere, but would lock the owner out.
    if beside.is_dir() and beside.stat().st_uid == os.geteuid() and os.access(beside, os.W_OK):
        return beside
    if not os.path.lexists(beside) and os.access(ROOT, os.W_OK):
        return beside
    caches = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return caches / "gateway" / hashlib.sha256(bytes(ROOT)).hexdigest()[:12]


VENV = place()
PY = VENV / "bin" / "python"
GUARD = VENV / ".lock"  # held by whoever installs; also marks the folder as ours
BUILDING = VENV / ".building"  # stands while an install is under way; left behind = cut short


def wanted(lock: str) -> str:
    """Name the state that `lock` asks for: equal text, equal environment."""
    parts = [(ROOT / lock).read_bytes(), (ROOT / "pyproject.toml").read_bytes()]
    parts += [sys.version.encode(), bytes(ROOT), bytes(VENV)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def stamp(lock: str) -> Path:
    """Name the file that says in what state `lock` was last installed."""
    return VENV / f".{lock}.ok"


def is_ready(lock: str) -> bool:
    """Tell whether the environment holds all of `lock`."""
    if BUILDING.exists() or not PY.exists() or not stamp(lock).exists():
        return False
    return stamp(lock).read_text() == wanted(lock)


def ensure(lock: str) -> None:
    """Make the environment hold all of `lock`; of many at once, one installs and the rest wait."""
    if is_ready(lock):
        return
    try:
        VENV.mkdir(parents=True, exist_ok=True)
        if any(VENV.iterdir()) and not GUARD.exists() and not (VENV / "pyvenv.cfg").exists():
            sys.exit(f"'{VENV}' holds something else; let GATEWAY_VENV name an empty or new folder")
        guard = GUARD.open("w")
    except OSError as why:
        sys.exit(f"cannot write '{VENV}' ({why.strerror}); let GATEWAY_VENV name a folder of yours")
    with guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not is_ready(lock):
            fill(lock, guard.fileno())


def fill(lock: str, guard: int) -> None:
    """Install `lock` and this package, from nothing if what stands there cannot be trusted.

    pip inherits the `guard`: should this process be killed, the next one still waits for that pip.
    """
    say(f"installing {lock} into '{VENV}' (once, about half a minute)")
    if BUILDING.exists() or not has_our_python():
        for old in VENV.iterdir():
            if old != GUARD:
                shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
    BUILDING.touch()
    if not PY.exists():
        create()
    install = [*pip(), "--disable-pip-version-check", "install", "--quiet"]
    hashed = ["--require-hashes", "--only-binary", ":all:", "-r", str(ROOT / lock)]
    ours = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    for what in (hashed, ours):
        if subprocess.run([*install, *what], check=False, pass_fds=[guard]).returncode:
            sys.exit(f"pip could not install {lock}, for the reason above; mend it and run again")
    # The development lock is compiled on top of the runtime lock, so it holds both.
    for held in {lock, RUNTIME}:
        stamp(held).write_text(wanted(held))
    BUILDING.unlink()


def has_our_python() -> bool:
    """Tell whether the environment's interpreter works and is the one that runs this."""
    return PY.exists() and output(PY, "-c", "import sys; print(sys.version)") == sys.version


def create() -> None:
    """Make the bare environment, with a pip of its own where this Python can give it one."""
    try:
        venv.create(VENV, with_pip=True, symlinks=True)
    except (subprocess.CalledProcessError, ImportError, SystemExit):
        # Debian's python3 comes without ensurepip; the outer pip then fills the environment.
        venv.create(VENV, with_pip=False, symlinks=True)


def pip() -> list[str]:
    """Find a pip that installs into the environment: its own, else this interpreter's."""
    for candidate in ([str(PY), "-m", "pip"], [sys.executable, "-m", "pip", "--python", str(PY)]):
        if output(*candidate, "--version"):
            return candidate
    sys.exit("this Python has neither ensurepip nor pip; on Debian: apt install python3-venv")


def output(*command: str | Path) -> str:
    """Give what `command` prints, or nothing if it fails."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return "" if done.returncode else done.stdout.strip()


def say(what: str) -> None:
    """Speak to the person, apart from the command's own output."""
    print(f"run.py: {what}", file=sys.stderr, flush=True)


def cache(name: str) -> str:
    """Name a tool's cache inside the environment: the checkout may be somebody else's."""
    return str(VENV / "cache" / name)


def become(module: str, *args: str) -> None:
    """Turn this process into `python -m module args` of the environment."""
    os.execv(PY, [str(PY), "-m", module, *args])


def test(*args: str) -> None:
    """Run the tests: all but the slow ones on two processes, or what `args` say."""
    on_two = ["-n", "2", "--dist", "loadgroup"]
    become("pytest", "-o", f"cache_dir={cache('pytest')}", *(args or on_two))


def lint(*_: str) -> None:
    """Run every linter, then say which of them were not content."""
    tools = VENV / "bin"
    steps: dict[str, list[str | Path]] = {
        "ruff format": [tools / "ruff", "format", "--check", "."],
        "ruff check": [tools / "ruff", "check", "."],
        "mypy": [PY, "-m", "mypy"],
        "lint-imports": [PY, tools / "lint-imports", "--no-logo", "--cache-dir", cache("imports")],
        "hadolint": [tools / "hadolint", "Dockerfile"],
    }
    failed = []
    for name, command in steps.items():
        say(name)
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    sys.exit(f"lint failed: {', '.join(failed)}" if failed else 0)


def lock(*args: str) -> None:
    """Make both locks again; pins stay unless pyproject.toml or `--upgrade` moves them."""
    common = [str(PY), "-m", "uv", "pip", "compile", "pyproject.toml", "--universal", "--quiet"]
    common += ["--python", str(PY), "--python-version", "3.11", "--generate-hashes"]
    common += ["--no-emit-index-url", "--no-annotate", "--no-header", "--group", "build", *args]
    for more in (["-o", RUNTIME], ["--group", "dev", "-c", RUNTIME, "-o", DEV]):
        if subprocess.run([*common, *more], check=False, env=uv_environment()).returncode:
            sys.exit("uv could not make the locks, for the reason above")


def uv_environment() -> dict[str, str]:
    """Tell uv of the index that pip is configured for; uv does not read pip's configuration."""
    names = {
        "index-url": "UV_DEFAULT_INDEX",
        "extra-index-url": "UV_INDEX",
        "cert": "SSL_CERT_FILE",
    }
    environment = os.environ | {"UV_PYTHON_DOWNLOADS": "never"}
    for line in output(*pip(), "config", "list").splitlines():
        key, _, value = line.partition("=")
        if key.rpartition(".")[2] in names:
            environment[names[key.rpartition(".")[2]]] = " ".join(shlex.split(value))
    return environment


def clean(*_: str) -> None:
    """Remove what can be made again; the state that `run` keeps is data and stays."""
    made = ["build", "dist", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"]
    made += [".import_linter_cache"]
    for folder in [*([VENV] if GUARD.exists() else []), *(ROOT / name for name in made)]:
        shutil.rmtree(folder, ignore_errors=True)


def main(command: str = "help", *args: str) -> None:
    """Prepare what `command` needs and run it in the repository's folder."""
    if command not in LOCK_OF:
        say(__doc__)
        sys.exit(command not in {"help", "-h", "--help"})
    os.chdir(ROOT)
    needs = LOCK_OF[command]
    if needs:
        ensure(needs)
    os.environ["MYPY_CACHE_DIR"] = cache("mypy")
    os.environ["RUFF_CACHE_DIR"] = cache("ruff")
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = cache("hypothesis")
    if command in PROGRAMS:
        become(*PROGRAMS[command], *args)
    {"test": test, "lint": lint, "lock": lock, "clean": clean}[command](*args)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
