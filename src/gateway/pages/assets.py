"""Static files: read on first use, addressed by their content, kept compressed."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".md": "text/markdown; charset=utf-8",
    "": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
HASH_SHOWN = 16


@dataclass(frozen=True)
class Asset:
    """One file."""

    path: Path

    @property
    def body(self) -> bytes:
        """The file as it is; read from disk, for the compressed form is what browsers take."""
        return self.path.read_bytes()

    @cached_property
    def gzipped(self) -> bytes:
        """The file compressed, once."""
        return gzip.compress(self.body, 9, mtime=0)

    @cached_property
    def fingerprint(self) -> str:
        """What changes when the content does."""
        return hashlib.sha256(self.body).hexdigest()[:HASH_SHOWN]

    @property
    def media_type(self) -> str:
        """The type by the name's ending."""
        return TYPES[self.path.suffix]

    def caching(self, version: str | None) -> str:
        """Give Cache-Control: keep for ever only what was asked for by its own fingerprint.

        While a release rolls out, a page of one release may ask the other for a file. It gets what
        is there, but no cache may keep that under a fingerprint that is not the file's.
        """
        is_exact = version == self.fingerprint
        return "public, max-age=31536000, immutable" if is_exact else "no-cache"


class Assets:
    """The files of one folder, and nothing outside it."""

    def __init__(self, folder: Path) -> None:
        self._assets = {
            path.relative_to(folder).as_posix(): Asset(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix in TYPES
        }

    def find(self, name: str) -> Asset | None:
        """Give the file of this name; only names that stood there at the start exist."""
        return self._assets.get(name)

    def url(self, name: str) -> str:
        """Give the address of a file, which changes with its content."""
        return f"/static/{name}?v={self._assets[name].fingerprint}"


def accepts_gzip(accept_encoding: str) -> bool:
    """Say whether an Accept-Encoding header allows gzip (RFC 9110, section 12.5.3).

    >>> [accepts_gzip(value) for value in ("br, gzip;q=0.5", "*", "gzip; q=0", "br", "")]
    [True, True, False, False, False]
    """
    weights = {}
    for part in accept_encoding.lower().split(","):
        coding, _, weight = part.partition(";")
        weights[coding.strip()] = weight.strip()
    weight = weights.get("gzip", weights.get("*", "q=0"))
    return re.fullmatch(r"q=0(\.0*)?", weight) is None
