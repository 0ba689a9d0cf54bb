"""Which sums the legacy server can give: of columns that a plan copies as they are, or casts without rounding."""

from __future__ import annotations

import msgspec
import pytest

from shared.plan.compile import compile_plan
from shared.plan.source_sql import sums_sql
from shared.plan.source_types import MONEY, NUMERIC
from shared.postgres.catalog import Column, ColumnType
from tests.planning import APP, APP_PATIENTS, CLINIC, DESCRIBED, INTEGER, LEGACY, catalog, read

PRICE = ColumnType(oid=NUMERIC, typmod=(8 << 16 | 2) + 4, name="numeric(8,2)")
ANY = ColumnType(oid=NUMERIC, typmod=-1, name="numeric")
CASH = ColumnType(oid=MONEY, typmod=-1, name="money")


def summed(expression: str, kind: ColumnType = PRICE) -> tuple[dict[str, str], str]:
    """The sums of a plan with that expression, and the statement of them."""
    person = LEGACY.tables["person"]
    legacy = catalog(
        "legacy",
        *(table for name, table in LEGACY.tables.items() if name != "person"),
        msgspec.structs.replace(person, columns=(*person.columns, Column(name="price", type=kind))),
    )
    patients = msgspec.structs.replace(APP_PATIENTS, columns=(*APP_PATIENTS.columns, Column(name="balance", type=ANY)))
    app = catalog("app", APP.tables["doctors"], patients)
    text = CLINIC.replace("metadata:", f"balance: {expression}\n      metadata:").replace(
        "unmapped:", "    proof: {sum: [balance]}\nunmapped:"
    )
    plan = compile_plan(read(text), legacy, app, DESCRIBED, transfuse_version="0.1.0")
    source = plan.mapping("patients").source
    columns = {column.name: f"{column.alias}.{column.column}" for column in source.columns}
    statement = sums_sql(source) if source.sums else ""
    return {target: columns[name] for target, name in source.sums.items()}, statement


@pytest.mark.parametrize(
    ("expression", "kind"),
    (
        ("p.price", PRICE),
        ("P.PRICE", PRICE),
        ("p.price", ANY),
        ("p.price", INTEGER),
        ("p.price", CASH),
        ("CAST(p.price AS DECIMAL(20,4))", PRICE),
        ("p.price::DECIMAL(12,2)", CASH),
        ("p.price::BIGINT::DECIMAL(20,0)", INTEGER),
        ("TRY_CAST(p.price AS DECIMAL)", PRICE),
    ),
)
def test_a_column_that_is_copied_is_summed_by_the_legacy_server(expression: str, kind: ColumnType) -> None:
    found, statement = summed(expression, kind)
    assert found == {"balance": "p.price"}
    assert "sum(case when" in statement


@pytest.mark.parametrize(
    ("expression", "kind"),
    (
        ("p.price * 100", PRICE),
        ("round(p.price, 1)", PRICE),
        ("coalesce(p.price, 0)", PRICE),
        ("p.price::DECIMAL(12,1)", PRICE),
        ("p.price::DECIMAL(12,2)", ANY),
        ("p.price::BIGINT", PRICE),
        ("p.price::DOUBLE::DECIMAL(12,2)", PRICE),
        ("CAST(p.notes AS DECIMAL(12,2))", PRICE),
        ("CAST(p.weight AS DECIMAL(12,2))", PRICE),
    ),
)
def test_whatever_else_is_done_to_a_value_is_not_summed_there(expression: str, kind: ColumnType) -> None:
    assert summed(expression, kind)[0] == {}
