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


def filled(block: str, **parts: str) -> str:
    """A block with its `:name` places filled, all in one pass: what is put in is not looked at again.

    Parts are quoted identifiers, checked expressions or constants made by `literal`. Raises KeyError for a place that
    the block does not have.
    """
    for name in parts:
        if not re.search(place(name), block):
            raise KeyError(name)
    return re.sub("|".join(map(place, parts)), lambda found: parts[found[0][1:]], block)


def place(name: str) -> str:
    """The pattern of one place: `:name`, and no cast `::name`."""
    return rf"(?<!:):{name}\b"
