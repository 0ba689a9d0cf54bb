"""The statement as it grows: layers of named columns, each computed from those below, and their types in DuckDB."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import duckdb
import msgspec

from shared.plan.functions import install
from shared.postgres.identifiers import Identifier

SESSION = (
    "set TimeZone = 'UTC'",
    "set Calendar = 'gregorian'",
    "set ieee_floating_point_ops = false",
    "set preserve_insertion_order = true",
    # A part shared by two expressions would be computed outside the TRY that guards it in one of them.
    "set disabled_optimizers = 'common_subexpressions'",
)
"""What every connection that compiles or runs a plan has set: the same text must mean the same everywhere."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A hidden column: its name and the layer that computes it. Layer 0 is the batch itself."""

    name: str
    layer: int


class Layers:
    """Hidden columns by layer. The scratch database it opens is closed on leaving the context."""

    def __init__(self, source_columns: list[str]) -> None:
        self._layers: list[dict[str, str]] = []
        self._known: dict[tuple[str, int], Column] = {}
        self._types: dict[str, str] = {}
        self._floor = 0
        self._scratch = duckdb.connect(config={"threads": 1})
        for setting in SESSION:
            self._scratch.execute(setting)
        install(self._scratch)
        self._scratch.execute("set variable snapshot_at = timestamptz '2000-01-01 00:00:00+00'")
        self._scratch.execute("set variable namespace = from_hex('00')")
        names = ", ".join(f"{Identifier(name)} varchar" for name in source_columns)
        for table in ("source", "shape"):
            self._scratch.execute(f"create table {table} ({names})")
            self._scratch.execute(f"insert into {table} default values")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scratch.close()

    @property
    def depth(self) -> int:
        """How many layers there are."""
        return len(self._layers)

    def raise_floor(self) -> int:
        """From now on every column is computed above all that are there. Gives the layer that stands there."""
        self._floor = self.depth
        return self._floor

    def add(self, sql: str, below: int, prefix: str = "h") -> Column:
        """Compute `sql`, whose columns stand in layers up to `below`; the same text only once. Raises duckdb.Error."""
        layer = max(below, self._floor) + 1
        known = self._known.get((sql, layer))
        if known is not None:
            return known
        column = Column(name=f"{prefix}{len(self._known)}", layer=layer)
        kind = self.type_of(sql)
        while self.depth < layer:
            self._layers.append({})
        self._layers[layer - 1][column.name] = sql
        self._known[sql, layer] = column
        self._types[column.name] = kind
        self._scratch.execute(f"alter table shape add column {Identifier(column.name)} {kind}")
        return column

    def type_of(self, sql: str) -> str:
        """DuckDB's type of an expression over the columns there are. Raises duckdb.Error if it does not bind."""
        described = self._scratch.execute(f"describe select {sql} as x from shape").fetchall()  # noqa: S608 - composed of quoted names and checked expressions
        kind = str(described[0][1])
        return "INTEGER" if kind == '"NULL"' else kind

    def try_out(self, sql: str) -> None:
        """Run a statement over one row of NULLs: what only shows when it runs. Raises duckdb.Error."""
        self._scratch.sql(sql).to_arrow_table()

    def probe(self, sql: str) -> str:
        """DuckDB's type of an expression, which is run as well. Raises duckdb.Error."""
        kind = self.type_of(sql)
        self._scratch.sql(f"select {sql} as x from shape").to_arrow_table()  # noqa: S608 - the same
        return kind

    def select(self, columns: list[tuple[str, str]]) -> str:
        """The statement: `columns` (SQL and name) over all layers, over the table `source`."""
        inner = "source"
        for layer in self._layers:
            if layer:
                added = ",\n  ".join(f"{sql} as {Identifier(name)}" for name, sql in layer.items())
                inner = f"(select *,\n  {added}\nfrom {inner})"
        wanted = ",\n  ".join(f"{sql} as {Identifier(name)}" for sql, name in columns)
        return f"select\n  {wanted}\nfrom {inner}"
