"""The picture is read by somebody else's decoder, from the very path that a page shows."""

import re
from xml.etree import ElementTree

import pytest
import zxingcpp

from gateway.domain.emvqr import TransferQr, encode
from gateway.kit.qr_picture import MODULE_PX, svg

CONTENT = encode(
    TransferQr("970436", "EVNCMP7XHXH5N2ND", 512_345, "P7XHXH5N2ND PB14010012345", is_dynamic=True)
)
SPACE = "{http://www.w3.org/2000/svg}"


def parsed(picture: str) -> ElementTree.Element:
    return ElementTree.fromstring(picture)  # noqa: S314 (our own)


def pixels(picture: str) -> "list[bytearray]":
    """Draw the dark path of the SVG, a pixel for a module: `M x y h run m dx dy …`."""
    root = parsed(picture)
    side = int(root.attrib["width"]) // MODULE_PX
    image = [bytearray(b"\xff" * side) for _ in range(side)]
    (path,) = (p for p in root.iter(f"{SPACE}path") if "stroke" in p.attrib)
    x = y = 0.0
    for command, first, second in re.findall(
        r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", path.attrib["d"]
    ):
        if command == "h":
            for at in range(int(x), int(x) + int(first)):
                image[int(y)][at] = 0
            x += float(first)
        else:
            x, y = (0.0, 0.0) if command == "M" else (x, y)
            x, y = x + float(first), y + float(second)
    return image


def seen(image: "list[bytearray]") -> str:
    scale = 4
    rows = [bytes(b for b in row for _ in range(scale)) for row in image for _ in range(scale)]
    side = len(image) * scale
    view = memoryview(b"".join(rows)).cast("B", (side, side))
    (found,) = zxingcpp.read_barcodes(view)
    return str(found.text)


@pytest.mark.parametrize("content", [CONTENT, "https://pay.example.vn/đường?a=1", "1"])
def test_another_program_reads_what_was_drawn(content: str) -> None:
    assert seen(pixels(svg(content, title="QR"))) == content


def test_it_is_read_with_a_tenth_of_it_covered() -> None:
    image = pixels(svg(CONTENT, title="QR"))
    middle = len(image) // 2
    for row in image[middle - 5 : middle + 5]:
        row[middle - 5 : middle + 5] = b"\xff" * 10
    assert seen(image) == CONTENT


def test_it_has_a_quiet_zone_and_white_beneath() -> None:
    image = pixels(svg(CONTENT, title="QR"))
    assert all(not row.count(0) for row in image[:4] + image[-4:])
    assert all(not row[:4].count(0) and not row[-4:].count(0) for row in image)
    assert 'fill="#fff"' in svg(CONTENT, title="QR")


def test_a_screen_reader_says_its_title_and_no_title_breaks_out() -> None:
    root = parsed(svg("1", title='Mã "QR" </title><script>'))
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == 'Mã "QR" </title><script>'
    assert root.findtext(f"{SPACE}title") == 'Mã "QR" </title><script>'


def test_it_is_large_and_needs_no_style_or_script() -> None:
    picture = svg(CONTENT, title="QR")
    assert int(parsed(picture).attrib["width"]) >= 300
    assert "style" not in picture
    assert "script" not in picture
