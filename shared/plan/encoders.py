"""Which exact encoder a target column gets, from its type's oid, typmod, a domain's base and an enum's labels.

Binary COPY accepts wrong bytes in silence, so the choice is made once, when a plan is compiled, and an Arrow type that
is not the encoder's stops the run. A type without an exact binary encoder sends its whole mapping through CSV.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.core.states import Encoding
from shared.plan import source_types as pg
from shared.postgres.catalog import Column, ColumnType

MOST_DIGITS = 38
"""What a 128-bit decimal holds."""


class Shape(StrEnum):
    """What a value looks like on its way to the target. `OTHER` travels as text that only the target can read."""

    BOOL = "bool"
    INT2 = "int2"
    INT4 = "int4"
    INT8 = "int8"
    FLOAT4 = "float4"
    FLOAT8 = "float8"
    NUMERIC = "numeric"
    WIDE_NUMERIC = "wide_numeric"
    TEXT = "text"
    PADDED = "padded"
    ENUM = "enum"
    BYTEA = "bytea"
    UUID = "uuid"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    TIMESTAMPTZ = "timestamptz"
    JSON = "json"
    JSONB = "jsonb"
    OTHER = "other"


BY_OID = {
    pg.BOOL: Shape.BOOL,
    pg.INT2: Shape.INT2,
    pg.INT4: Shape.INT4,
    pg.INT8: Shape.INT8,
    pg.FLOAT4: Shape.FLOAT4,
    pg.FLOAT8: Shape.FLOAT8,
    pg.TEXT: Shape.TEXT,
    pg.VARCHAR: Shape.TEXT,
    pg.BPCHAR: Shape.PADDED,
    pg.BYTEA: Shape.BYTEA,
    pg.UUID: Shape.UUID,
    pg.DATE: Shape.DATE,
    pg.TIME: Shape.TIME,
    pg.TIMESTAMP: Shape.TIMESTAMP,
    pg.TIMESTAMPTZ: Shape.TIMESTAMPTZ,
    pg.JSON: Shape.JSON,
    pg.JSONB: Shape.JSONB,
}
DUCK_TYPES = {
    Shape.BOOL: "BOOLEAN",
    Shape.INT2: "SMALLINT",
    Shape.INT4: "INTEGER",
    Shape.INT8: "BIGINT",
    Shape.FLOAT4: "FLOAT",
    Shape.FLOAT8: "DOUBLE",
    Shape.BYTEA: "BLOB",
    Shape.UUID: "UUID",
    Shape.DATE: "DATE",
    Shape.TIME: "TIME",
    Shape.TIMESTAMP: "TIMESTAMP",
    Shape.TIMESTAMPTZ: "TIMESTAMP WITH TIME ZONE",
}
BY_TEXT = frozenset({Shape.WIDE_NUMERIC, Shape.OTHER})
"""What has no exact binary encoder."""


class Encoder(msgspec.Struct, frozen=True, kw_only=True):
    """How one column's values are made and checked.

    `length` in characters, 0 for no limit; `digits` are precision and scale, `fraction` the digits of a second.
    """

    shape: Shape
    length: int = 0
    fraction: int = 6
    digits: tuple[int, int] | None = None
    labels: tuple[str, ...] = ()

    @property
    def binary(self) -> bool:
        """Whether binary COPY carries it exactly."""
        return self.shape not in BY_TEXT

    @property
    def duck_type(self) -> str:
        """The DuckDB type that the encoder takes."""
        if self.shape is Shape.NUMERIC and self.digits is not None:
            return f"DECIMAL({self.digits[0]},{self.digits[1]})"
        return DUCK_TYPES.get(self.shape, "VARCHAR")

    @property
    def name(self) -> str:
        """What `TargetColumn.encoder` says."""
        if self.shape is Shape.NUMERIC and self.digits is not None:
            return f"numeric({self.digits[0]},{self.digits[1]})"
        return self.shape.value


def encoder_of(column_type: ColumnType) -> Encoder:
    """The encoder of a type; that of a domain is its base's."""
    if column_type.kind == "e":
        return Encoder(shape=Shape.ENUM, labels=column_type.labels)
    oid, typmod = pg.base_oid(column_type), pg.base_typmod(column_type)
    name = column_type.base_name if column_type.kind == "d" else column_type.name
    if oid == pg.NUMERIC:
        return _numeric(typmod)
    if name.rpartition(".")[2].strip('"') == "citext":
        return Encoder(shape=Shape.TEXT)
    shape = BY_OID.get(oid, Shape.OTHER) if column_type.kind in ("b", "d") else Shape.OTHER
    if shape in (Shape.TIME, Shape.TIMESTAMP, Shape.TIMESTAMPTZ) and typmod >= 0:
        return Encoder(shape=shape, fraction=typmod)
    limited = oid in (pg.VARCHAR, pg.BPCHAR) and typmod >= pg.VARLENA_HEADER
    return Encoder(shape=shape, length=typmod - pg.VARLENA_HEADER if limited else 0)


def encoding_of(columns: tuple[Column, ...]) -> Encoding:
    """Binary where every column has an exact encoder, else CSV."""
    return Encoding.BINARY if all(encoder_of(column.type).binary for column in columns) else Encoding.CSV


def _numeric(typmod: int) -> Encoder:
    limits = pg.numeric_limits(typmod)
    if limits is None:
        return Encoder(shape=Shape.WIDE_NUMERIC)
    precision, scale = limits
    exact = precision <= MOST_DIGITS and 0 <= scale <= precision
    return Encoder(shape=Shape.NUMERIC if exact else Shape.WIDE_NUMERIC, digits=limits)
