from __future__ import annotations

import pytest

from shared.plan.keys import CanonicalForm, canonical_form, key_part_type
from shared.plan.source_types import duck_type, numeric_limits
from shared.postgres.catalog import ColumnType


def numeric(precision: int, scale: int) -> ColumnType:
    typmod = ((precision << 16) | (scale & 0x7FF)) + 4
    return ColumnType(oid=1700, typmod=typmod, name=f"numeric({precision},{scale})")


@pytest.mark.parametrize(
    ("column_type", "expected"),
    (
        (ColumnType(oid=23, typmod=-1, name="integer"), "INTEGER"),
        (ColumnType(oid=1184, typmod=3, name="timestamp(3) with time zone"), "TIMESTAMP WITH TIME ZONE"),
        (numeric(10, 2), "DECIMAL(10,2)"),
        (numeric(38, 0), "DECIMAL(38,0)"),
        (numeric(39, 0), "VARCHAR"),
        (numeric(5, -2), "VARCHAR"),
        (numeric(3, 5), "VARCHAR"),
        (ColumnType(oid=1700, typmod=-1, name="numeric"), "VARCHAR"),
        (ColumnType(oid=3802, typmod=-1, name="jsonb"), "VARCHAR"),
        (ColumnType(oid=1186, typmod=-1, name="interval"), "VARCHAR"),
        (ColumnType(oid=1007, typmod=-1, name="integer[]", kind="a", element_oid=23), "VARCHAR"),
        (ColumnType(oid=99999, typmod=-1, name="mood", kind="e", labels=("a",)), "VARCHAR"),
        (ColumnType(oid=99998, typmod=-1, name="age", kind="d", base_oid=23, base_name="integer"), "INTEGER"),
    ),
)
def test_a_legacy_type_becomes_a_type_of_duckdb_only_where_that_is_exact(
    column_type: ColumnType, expected: str
) -> None:
    assert duck_type(column_type) == expected


def test_precision_and_scale_are_read_from_the_typmod() -> None:
    assert numeric_limits(numeric(1000, 1000).typmod) == (1000, 1000)
    assert numeric_limits(numeric(5, -2).typmod) == (5, -2)
    assert numeric_limits(-1) is None


@pytest.mark.parametrize("oid", (114, 3802, 700, 701, 1186, 790))
def test_a_type_without_canonical_text_is_no_key(oid: int) -> None:
    assert key_part_type(ColumnType(oid=oid, typmod=-1, name="t")) is None


def test_citext_is_a_caseless_key_wherever_it_is_installed() -> None:
    assert canonical_form(ColumnType(oid=54321, typmod=-1, name="extensions.citext")) is CanonicalForm.CASELESS
