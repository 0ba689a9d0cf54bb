"""What a database says about its tables: the part of the catalogue that plans are checked against."""

from __future__ import annotations

import msgspec

from shared.postgres.identifiers import TableName


class ColumnType(msgspec.Struct, frozen=True, kw_only=True):
    """A column's type. `name` is format_type() with typmod; for a domain, `base_*` describe what it rests on.

    `kind`: b base, e enum (`labels` in order), d domain, c composite, r range, m multirange, a array (`element_oid`).
    """

    oid: int
    typmod: int
    name: str
    kind: str = "b"
    base_oid: int = 0
    base_typmod: int = -1
    base_name: str = ""
    element_oid: int = 0
    labels: tuple[str, ...] = ()


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column. `generated` covers stored generated columns and `generated always as identity`."""

    name: str
    type: ColumnType
    not_null: bool = False
    has_default: bool = False
    generated: bool = False
    identity: bool = False


class UniqueKey(msgspec.Struct, frozen=True, kw_only=True):
    """A unique constraint or index. `partial` if it has a predicate or an expression."""

    name: str
    columns: tuple[str, ...]
    primary: bool = False
    partial: bool = False


class ForeignKey(msgspec.Struct, frozen=True, kw_only=True):
    """A validated foreign key."""

    name: str
    columns: tuple[str, ...]
    table: TableName
    referenced: tuple[str, ...]
    validated: bool = True


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """A user trigger (not internal). `enabled` as in pg_trigger.tgenabled (O, D, R, A)."""

    name: str
    enabled: str


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table, view or partitioned table, columns in order. `kind` as in pg_class.relkind."""

    name: TableName
    kind: str
    columns: tuple[Column, ...]
    keys: tuple[UniqueKey, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    row_security: bool = False
    row_estimate: int = -1
    byte_estimate: int = 0
    children: tuple[TableName, ...] = ()

    def column(self, name: str) -> Column | None:
        """The column of that name."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Columns of the primary key, empty if there is none."""
        return next((key.columns for key in self.keys if key.primary), ())


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """The tables of one schema of one database."""

    server_version: int
    schema: str
    tables: dict[str, Table]

    def fingerprint(self) -> str:
        """SHA-256 over everything that would change what a plan means, estimates left out."""
        import hashlib  # noqa: PLC0415 - only here

        tables = [
            msgspec.structs.replace(self.tables[name], row_estimate=-1, byte_estimate=0) for name in sorted(self.tables)
        ]
        return hashlib.sha256(msgspec.json.encode(tables)).hexdigest()
