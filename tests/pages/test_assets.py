import gzip
import hashlib
import re

import pytest

from gateway.pages.assets import Assets
from gateway.pages.docs import HERE

STATIC = HERE / "static"
ROW = re.compile(r"^\| [^|]+ \| [^|]+ \| ([^|]+) \| ([0-9a-f]{64}) \|$", re.MULTILINE)
VENDORED = ROW.findall((STATIC / "VENDOR.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "digest"), VENDORED, ids=[name for name, _ in VENDORED])
def test_a_vendored_file_is_as_it_was_published(name: str, digest: str) -> None:
    assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == digest


def test_every_vendored_file_is_listed() -> None:
    folders = {"swagger-ui", "scalar"}
    there = {
        path.relative_to(STATIC).as_posix()
        for path in STATIC.rglob("*")
        if path.is_file() and path.parent.name in folders
    }
    assert there == {name for name, _ in VENDORED}


def test_an_address_changes_with_the_content() -> None:
    assets = Assets(STATIC)
    digest = hashlib.sha256((STATIC / "house.css").read_bytes()).hexdigest()
    assert assets.url("house.css") == f"/static/house.css?v={digest[:16]}"


def test_the_compressed_form_is_the_same_file() -> None:
    asset = Assets(STATIC).find("house.css")
    assert asset is not None
    assert gzip.decompress(asset.gzipped) == asset.body


@pytest.mark.parametrize("name", ["../docs.py", "/etc/passwd", "swagger-ui", "", "house.css/"])
def test_nothing_outside_the_folder_exists(name: str) -> None:
    assert Assets(STATIC).find(name) is None
