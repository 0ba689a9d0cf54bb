"""Named SQL blocks: `-- name: settle_batch` heads each block of a `.sql` file."""

from __future__ import annotations

import re
from importlib.resources import files
from types import MappingProxyType

NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def load_sql(package: str, file: str) -> MappingProxyType[str, str]:
    """Blocks of one file by name. Raises ValueError for a repeated name, FileNotFoundError for a missing file."""
    parts = NAME.split(files(package).joinpath(file).read_text(encoding="utf-8"))
    names = parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{package}/{file} repeats a block name")
    return MappingProxyType({name: text.strip() for name, text in zip(names, parts[2::2], strict=True)})
