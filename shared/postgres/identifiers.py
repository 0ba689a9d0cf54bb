"""The one way by which a name becomes part of an SQL text."""

from __future__ import annotations

from typing import Self

import msgspec


class Identifier(str):
    """A name quoted for SQL. `Identifier('a"b')` is `"a""b"`. Raises ValueError for an empty name or one with NUL."""

    __slots__ = ()

    def __new__(cls, name: str) -> Self:
        """Quote a name."""
        if not name or "\0" in name:
            raise ValueError("an identifier is empty or holds a NUL character")
        return super().__new__(cls, '"' + name.replace('"', '""') + '"')


class TableName(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A table in a schema, unquoted parts."""

    schema: str
    name: str

    @property
    def sql(self) -> str:
        """Both parts quoted, for SQL."""
        return f"{Identifier(self.schema)}.{Identifier(self.name)}"

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def literal(text: str) -> str:
    """A text as a string constant that PostgreSQL and DuckDB read alike. Raises ValueError for NUL."""
    if "\0" in text:
        raise ValueError("a string constant cannot hold a NUL character")
    return "'" + text.replace("'", "''") + "'"
