"""`gateway users`: what an administrator types."""

import re
from pathlib import Path

import pytest

from tests.command import Gateway, assert_refused


@pytest.fixture
def gateway(database: str, tmp_path: Path) -> Gateway:
    return Gateway(database, tmp_path)


def test_a_user_is_added_listed_reset_and_disabled(gateway: Gateway) -> None:
    added = gateway.must("users", "add", "dung.nt", "--role", "utility", "--area", "32011")
    first = re.search(r"first password: (\S{16})", added)
    assert first is not None
    assert re.search(r"dung\.nt +utility +32011 +no app yet\n", gateway.must("users", "list"))
    assert first[1] not in gateway.must("users", "reset", "dung.nt")
    gateway.must("users", "disable", "dung.nt")
    assert "DISABLED" in gateway.must("users", "list")


def test_a_name_that_is_taken_is_refused_with_a_sentence(gateway: Gateway) -> None:
    gateway.must("users", "add", "dung.nt")
    assert_refused(gateway("users", "add", "dung.nt"), "is taken")
