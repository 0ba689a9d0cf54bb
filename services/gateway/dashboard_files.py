"""The files that the dashboard was built to, held in memory: what is asked for is looked up, never opened."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

import msgspec

FOLDER: Final = "static"
SOURCES: Final = "sources.sha256"
"""Not to be served: the hash of what the build was made from."""
HASHED: Final = "assets"
"""The folder of files whose names change with their content."""
UNKNOWN: Final = "application/octet-stream"
MEDIA_TYPES: Final = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".png": "image/png",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
        ".woff2": "font/woff2",
    }
)
PACKED: Final = frozenset({".png", ".woff2"})
"""What no compression makes smaller."""


class DashboardFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file. `gzipped` is None where that would not be smaller."""

    content: bytes
    gzipped: bytes | None
    media_type: str
    etag: str
    is_hashed: bool


@cache
def built_files() -> Mapping[str, DashboardFile]:
    """The files of the packaged build by path; empty where there is none."""
    return read_files(files("services.gateway").joinpath(FOLDER))


def read_files(folder: Traversable) -> Mapping[str, DashboardFile]:
    """The files below a folder by path, compressed once for all requests."""
    found = dict(_walk(folder, "")) if folder.is_dir() else {}
    return MappingProxyType({path: _file(path, content) for path, content in found.items()})


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        path = prefix + entry.name
        if entry.is_dir():
            yield from _walk(entry, f"{path}/")
        elif path != SOURCES:
            yield path, entry.read_bytes()


def _file(path: str, content: bytes) -> DashboardFile:
    suffix = PurePosixPath(path).suffix
    gzipped = None if suffix in PACKED else gzip.compress(content, mtime=0)
    return DashboardFile(
        content=content,
        gzipped=gzipped if gzipped is not None and len(gzipped) < len(content) else None,
        media_type=MEDIA_TYPES.get(suffix, UNKNOWN),
        etag=f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        is_hashed=path.startswith(f"{HASHED}/"),
    )
