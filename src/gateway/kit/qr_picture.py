"""The picture of a QR as SVG, for pages: sharp at every size, no file, no script, no style."""

import io
from html import escape
from typing import Final

import segno

LEVEL: Final = "m"
"""Survives 15 % of the picture being unreadable, as the switch's own examples do."""
QUIET_ZONE: Final = 4
"""White modules around it; without them a camera does not find it."""
MODULE_PX: Final = 8


def svg(content: str, *, title: str) -> str:
    """Draw `content`; `title` is what a screen reader says instead of the picture.

    White lies under the dark modules, so that it is read on a dark page too. The root element is
    `<svg class="qr" role="img">` with a viewBox and its full size, about 300 to 400 pixels.

    Raises:
        ValueError: more than a QR holds.
    """
    drawn = segno.make(content, error=LEVEL, micro=False, boost_error=False)
    file = io.BytesIO()
    drawn.save(
        file,
        kind="svg",
        scale=MODULE_PX,
        border=QUIET_ZONE,
        dark="#000",
        light="#fff",
        xmldecl=False,
        svgns=True,
        svgclass="qr",
        lineclass=None,
        omitsize=True,
        nl=False,
    )
    side = (drawn.symbol_size(border=QUIET_ZONE)[0]) * MODULE_PX
    label = escape(title, quote=True)
    head = f'<svg role="img" aria-label="{label}" width="{side}" height="{side}" '
    picture = file.getvalue().decode().replace("<svg ", head, 1)
    at = picture.index(">") + 1
    return f"{picture[:at]}<title>{label}</title>{picture[at:]}"
