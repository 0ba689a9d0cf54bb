"""The key of each mapping as other mappings see it: its parts, their types, and how each is written canonically."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

import msgspec

from shared.plan import source_types as pg
from shared.postgres.catalog import ColumnType


class CanonicalForm(StrEnum):
    """How a part of a key is written before it is hashed, for ever.

    integer: no leading zeros or plus sign. numeric: no trailing zeros, no exponent. text: as it is.
    padded (char(n)): trailing spaces trimmed. caseless (citext): lower case. boolean: `true`, `false`.
    date, time, timestamp: ISO. timestamptz: ISO in UTC. uuid: lower case with hyphens.
    opaque: PostgreSQL's text as it is (enums, bytea, inet, bits).
    """

    INTEGER = "integer"
    NUMERIC = "numeric"
    TEXT = "text"
    PADDED = "padded"
    CASELESS = "caseless"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    TIMESTAMPTZ = "timestamptz"
    UUID = "uuid"
    OPAQUE = "opaque"


FORMS = MappingProxyType(
    {
        pg.BOOL: CanonicalForm.BOOLEAN,
        pg.INT2: CanonicalForm.INTEGER,
        pg.INT4: CanonicalForm.INTEGER,
        pg.INT8: CanonicalForm.INTEGER,
        pg.OID: CanonicalForm.INTEGER,
        pg.NUMERIC: CanonicalForm.NUMERIC,
        pg.CHAR: CanonicalForm.TEXT,
        pg.NAME: CanonicalForm.TEXT,
        pg.TEXT: CanonicalForm.TEXT,
        pg.VARCHAR: CanonicalForm.TEXT,
        pg.BPCHAR: CanonicalForm.PADDED,
        pg.DATE: CanonicalForm.DATE,
        pg.TIME: CanonicalForm.TIME,
        pg.TIMESTAMP: CanonicalForm.TIMESTAMP,
        pg.TIMESTAMPTZ: CanonicalForm.TIMESTAMPTZ,
        pg.UUID: CanonicalForm.UUID,
        pg.BYTEA: CanonicalForm.OPAQUE,
        pg.BIT: CanonicalForm.OPAQUE,
        pg.VARBIT: CanonicalForm.OPAQUE,
        829: CanonicalForm.OPAQUE,  # macaddr
        650: CanonicalForm.OPAQUE,  # cidr
        869: CanonicalForm.OPAQUE,  # inet
    }
)


class KeyPartType(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a key: its legacy type, what it is in DuckDB, and its canonical form."""

    type_name: str
    duck_type: str
    form: CanonicalForm


class KeySignature(msgspec.Struct, frozen=True, kw_only=True):
    """What `key()` and `ref()` need to know of a mapping.

    `content_key`: the one part is the occurrence number among equal rows, and `ref()` to the mapping is refused.
    `ordered`: the UUID is version 8, in the order of the one integer that the key is.
    """

    mapping: str
    key_domain: str
    parts: tuple[KeyPartType, ...]
    content_key: bool = False
    ordered: bool = False


def key_part_type(column_type: ColumnType) -> KeyPartType | None:
    """The type of a key's part; None where it has no canonical text (floats, json, arrays, intervals, money)."""
    form = canonical_form(column_type)
    if form is None:
        return None
    return KeyPartType(type_name=column_type.name, duck_type=pg.duck_type(column_type), form=form)


def can_be_ordered(parts: tuple[KeyPartType, ...]) -> bool:
    """Whether a key is one integer, so that its UUIDs may come in its order."""
    return len(parts) == 1 and parts[0].form is CanonicalForm.INTEGER


def canonical_form(column_type: ColumnType) -> CanonicalForm | None:
    """The canonical form of a legacy type, None where it has none."""
    if column_type.kind == "e":
        return CanonicalForm.OPAQUE
    name = column_type.base_name if column_type.kind == "d" else column_type.name
    if name.rpartition(".")[2].strip('"') == "citext":
        return CanonicalForm.CASELESS
    return FORMS.get(pg.base_oid(column_type))
