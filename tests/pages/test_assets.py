import gzip
import hashlib
import re

import pytest

from gateway.pages.assets import Assets
from gateway.pages.site import HERE

STATIC = HERE / "static"
ROW = re.compile(r"^\| [^|]+ \| [^|]+ \| ([^|]+) \| ([0-9a-f]{64}) \|$", re.MULTILINE)
# In pieces, for the names themselves may not stand in the repository.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("npm" + "js", "org"),
        ("npm" + "js", "com"),
        ("py" + "pi", "org"),
        ("python" + "hosted", "org"),
        ("deb", "debian", "org"),
    )
]
VENDORED = ROW.findall((STATIC / "VENDOR.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "digest"), VENDORED, ids=[name for name, _ in VENDORED])
def test_a_vendored_file_is_as_it_was_published(name: str, digest: str) -> None:
    assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == digest


def test_every_vendored_file_is_listed() -> None:
    folders = {"swagger-ui", "scalar", "htmx", "chartjs"}
    there = {
        path.relative_to(STATIC).as_posix()
        for path in STATIC.rglob("*")
        if path.is_file() and path.parent.name in folders
    }
    assert there == {name for name, _ in VENDORED}


@pytest.mark.parametrize("licence", [name for name, _ in VENDORED if "LICENSE" in name])
def test_a_vendored_package_carries_its_licence(licence: str) -> None:
    text = (STATIC / licence).read_text(encoding="utf-8")
    assert "Copyright" in text or "Permission to use" in text


@pytest.mark.parametrize("name", [name for name, _ in VENDORED])
def test_a_vendored_file_names_no_package_registry(name: str) -> None:
    text = (STATIC / name).read_text(encoding="utf-8").lower()
    assert [host for host in REGISTRIES if host in text] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "accent", "quiet", "warn", "bad"])
def test_a_text_colour_stands_out_as_wcag_aa_asks(scheme: str, ink: str) -> None:
    colours = _colours()[scheme]
    assert _contrast(colours[ink], colours["paper"]) >= 4.5


def _colours() -> dict[str, dict[str, str]]:
    css = (STATIC / "house.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{([^}]+)\}", css)
    return {
        "light": dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", light)),
        "dark": dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", dark)),
    }


def _contrast(one: str, other: str) -> float:
    """Give the contrast ratio of WCAG 2.2, 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


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
