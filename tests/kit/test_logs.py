import json
import os
import subprocess
import sys

PROGRAM = """
import logging
from gateway.kit import logs
logs.configure("INFO")
log = logs.log
log.debug("too.quiet")
log.info("thing.done", payment="pay_1")
logs.write_line(event="request.answered", status=201)
logging.getLogger("elsewhere").warning("somebody's %s", "warning")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("thing.broke")
"""


def lines() -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=os.environ, capture_output=True, check=True
    )
    assert done.stdout == b""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_every_line_is_one_json_object_with_event_level_and_time() -> None:
    found = lines()
    assert [line["event"] for line in found] == [
        "thing.done",
        "request.answered",
        "somebody's warning",
        "thing.broke",
    ]
    assert all({"level", "timestamp"} <= set(line) for line in found)


def test_an_exception_is_a_part_of_its_line() -> None:
    assert "ZeroDivisionError" in str(lines()[-1]["exception"])
