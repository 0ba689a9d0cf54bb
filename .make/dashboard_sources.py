"""One hash over everything that the dashboard's build is made from, so that a stale build shows without Node."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
DASHBOARD = CHECKOUT / "dashboard"
SOURCES = ("index.html", "package.json", "package-lock.json", "public", "src", "tsconfig.json", "vite.config.ts")
NOT_BUILT = (".test.ts", ".test.tsx", "/api/schema.ts")
"""Tests, and what holds types alone: nothing of them is in the build."""


def hash_of_sources(dashboard: Path = DASHBOARD) -> str:
    """Hash of paths and texts, the same whatever the line ends of a checkout are."""
    whole = hashlib.sha256()
    for path in sorted(files_of(dashboard), key=lambda found: found.relative_to(dashboard).as_posix()):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        whole.update(f"{path.relative_to(dashboard).as_posix()} {hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()


def files_of(dashboard: Path) -> Iterator[Path]:
    """What is built or decides how."""
    for name in SOURCES:
        source = dashboard / name
        for path in source.rglob("*") if source.is_dir() else (source,):
            if path.is_file() and not path.as_posix().endswith(NOT_BUILT):
                yield path
