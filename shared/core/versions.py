"""The versions that a run is pinned to, and whether a service has them."""

from __future__ import annotations

from importlib.metadata import version

import msgspec

from shared.core.errors import VersionDiffers


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """Versions of Transfuse and, where it matters, of DuckDB; empty is any."""

    transfuse: str
    duckdb: str = ""

    def __str__(self) -> str:
        return f"Transfuse {self.transfuse}" + (f" with DuckDB {self.duckdb}" if self.duckdb else "")


def own_versions() -> Versions:
    """What a service runs that executes nothing with DuckDB."""
    return Versions(transfuse=version("transfuse"))


def executing_versions() -> Versions:
    """What a transformer runs."""
    return Versions(transfuse=version("transfuse"), duckdb=version("duckdb"))


def check_versions(service: str, own: Versions, pinned: Versions) -> None:
    """Raise VersionDiffers where a run is pinned to others."""
    if any(one and other and one != other for one, other in zip(pinned_of(own), pinned_of(pinned), strict=True)):
        raise VersionDiffers(service=service, pinned=str(pinned), own=str(own))


def pinned_of(versions: Versions) -> tuple[str, str]:
    """Both versions, to be compared one by one."""
    return versions.transfuse, versions.duckdb
