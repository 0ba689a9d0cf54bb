"""What each PostgreSQL type becomes inside DuckDB: its own type where that holds every value exactly, else VARCHAR.

The table is a promise between the compiler of the source SQL, which says what it sends, and the compiler of the
transform, which reads the text of COPY CSV. Two limits of DuckDB's remain and are refused per row, never changed: a
timestamp beyond the year 294247 and `NaN` in a `numeric(p, s)`. BC dates need ` BC` rewritten as ` (BC)`.
"""

from __future__ import annotations

from types import MappingProxyType

from shared.postgres.catalog import ColumnType

BOOL, BYTEA, CHAR, NAME, INT8, INT2, INT4, TEXT, OID = 16, 17, 18, 19, 20, 21, 23, 25, 26
JSON, XML, FLOAT4, FLOAT8, MONEY, BPCHAR, VARCHAR = 114, 142, 700, 701, 790, 1042, 1043
DATE, TIME, TIMESTAMP, TIMESTAMPTZ, INTERVAL, TIMETZ = 1082, 1083, 1114, 1184, 1186, 1266
BIT, VARBIT, NUMERIC, UUID, JSONB = 1560, 1562, 1700, 2950, 3802

EXACT = MappingProxyType(
    {
        BOOL: "BOOLEAN",
        INT2: "SMALLINT",
        INT4: "INTEGER",
        INT8: "BIGINT",
        OID: "UINTEGER",
        FLOAT4: "FLOAT",
        FLOAT8: "DOUBLE",
        DATE: "DATE",
        TIME: "TIME",
        TIMESTAMP: "TIMESTAMP",
        TIMESTAMPTZ: "TIMESTAMP WITH TIME ZONE",
        UUID: "UUID",
    }
)
VARLENA_HEADER = 4
SCALE_BITS = 0x7FF


def base_oid(column_type: ColumnType) -> int:
    """The oid that a value travels under: a domain's base, else the type's own."""
    return column_type.base_oid if column_type.kind == "d" and column_type.base_oid else column_type.oid


def base_typmod(column_type: ColumnType) -> int:
    """The typmod that limits a value: a domain's, else the column's; -1 where nothing limits it."""
    return column_type.base_typmod if column_type.kind == "d" and column_type.base_oid else column_type.typmod


def numeric_limits(typmod: int) -> tuple[int, int] | None:
    """Precision and scale of a `numeric` typmod, None without one. Scale may be negative (PostgreSQL 15)."""
    if typmod < VARLENA_HEADER:
        return None
    packed = typmod - VARLENA_HEADER
    scale = packed & SCALE_BITS
    return (packed >> 16) & 0xFFFF, scale - 2048 if scale >= 1024 else scale


def duck_type(column_type: ColumnType) -> str:
    """The DuckDB type that a legacy column becomes.

    VARCHAR holds COPY's text as it is: text types, json, jsonb, xml, bytea, interval, arrays, ranges, network
    addresses, enums, money, bits, timetz, and every numeric that DECIMAL(38) cannot hold or that has no precision.
    """
    oid = base_oid(column_type)
    if oid == NUMERIC:
        limits = numeric_limits(base_typmod(column_type))
        if limits is None:
            return "VARCHAR"
        precision, scale = limits
        return f"DECIMAL({precision},{scale})" if precision <= 38 and 0 <= scale <= precision else "VARCHAR"
    return EXACT.get(oid, "VARCHAR")
