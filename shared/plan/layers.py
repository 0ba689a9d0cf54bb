"""The statement as it grows: layers of named columns, each computed from those below, and their types in DuckDB."""

from __future__ import annotations

import msgspec

from shared.plan import scratch
from shared.postgres.identifiers import Identifier


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A hidden column: its name and the layer that computes it. Layer 0 is the batch itself."""

    name: str
    layer: int


class Layers:
    """Hidden columns by layer, over source columns that are texts, all of them."""

    def __init__(self, source_columns: list[str]) -> None:
        self._layers: list[dict[str, str]] = []
        self._known: dict[tuple[str, int], Column] = {}
        self._source = dict.fromkeys(source_columns, "VARCHAR")
        self._types = dict(self._source)
        self._floor = 0

    @property
    def depth(self) -> int:
        """How many layers there are."""
        return len(self._layers)

    def raise_floor(self) -> int:
        """From now on every column is computed above all that are there. Gives the layer that stands there."""
        self._floor = self.depth
        return self._floor

    def add(self, sql: str, below: int, prefix: str = "h", kind: str = "") -> Column:
        """Compute `sql`, whose columns stand in layers up to `below`; the same text only once.

        `kind` is its type in DuckDB where that is known before. Raises duckdb.Error.
        """
        layer = max(below, self._floor) + 1
        known = self._known.get((sql, layer))
        if known is not None:
            return known
        column = Column(name=f"{prefix}{len(self._known)}", layer=layer)
        kind = kind or self.type_of(sql)
        while self.depth < layer:
            self._layers.append({})
        self._layers[layer - 1][column.name] = sql
        self._known[sql, layer] = column
        self._types[column.name] = kind
        return column

    def type_of(self, sql: str) -> str:
        """DuckDB's type of an expression over the columns there are. Raises duckdb.Error if it does not bind."""
        return self._types.get(sql) or scratch.type_of(sql, self._types)

    def probe(self, sql: str) -> None:
        """Run an expression over the columns there are, all of them NULL. Raises duckdb.Error."""
        scratch.run("shape", self._types, f"select {sql} as x from shape")  # noqa: S608 - composed of quoted names and checked expressions

    def try_out(self, statement: str) -> None:
        """Run the statement over one row of NULLs. Raises duckdb.Error."""
        scratch.run("source", self._source, statement)

    def select(self, columns: list[tuple[str, str]]) -> str:
        """The statement: `columns` (SQL and name) over all layers, over the table `source`."""
        inner = "source"
        for layer in self._layers:
            if layer:
                added = ",\n  ".join(f"{sql} as {Identifier(name)}" for name, sql in layer.items())
                inner = f"(select *,\n  {added}\nfrom {inner})"
        wanted = ",\n  ".join(f"{sql} as {Identifier(name)}" for sql, name in columns)
        return f"select\n  {wanted}\nfrom {inner}"
