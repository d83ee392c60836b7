"""What a serving process does not load, for every one of them would pay for it in memory."""

import subprocess
import sys

import pytest

PROCESSES = {
    "api": "from gateway import app; app.fastapi_app(lambda: None)",
    "worker": "import gateway.worker",
}
# SQLAlchemy is for migrations, typer for the command line, Jinja and YAML for whoever asks for a
# page; structlog brought rich. (httpx still loads rich for its own command line: 2.5 MiB.)
FOREIGN = ("alembic", "jinja2", "sqlalchemy", "structlog", "typer", "yaml")


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("package", FOREIGN)
def test_a_serving_process_does_not_load(process: str, package: str) -> None:
    program = f"{PROCESSES[process]}; import sys; print({package!r} in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert told.stdout.split() == [b"False"]
