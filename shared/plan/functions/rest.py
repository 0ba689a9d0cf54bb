"""rest(except := [...], also := [...]): what is left of the source, as JSON without loss; and source_table().

Columns that only `keep`, rules or `follows` name are packed too. `except` leaves columns out; `also` packs some from
which target columns are computed. A name in either is `column`, of every alias that has one, or `alias.column`.

Booleans are true and false, smallint, integer and bigint are numbers, NULL is null; everything else is the text that
PostgreSQL wrote, so that not a digit of a numeric or a timestamp changes. A key is `column` where that is unique over
the aliases, else `alias.column`.
"""

from __future__ import annotations

from collections.abc import Iterable

from shared.plan.compiled import SourceColumn
from shared.plan.functions.function import Function
from shared.postgres.identifiers import Identifier, literal

REST = Function(
    name="rest",
    signature="rest(except := [name, ...], also := [name, ...])",
    summary="Every column that no target column is computed from, as JSON.",
    minimum=0,
    maximum=2,
)

SOURCE_TABLE = Function(
    name="source_table", signature="source_table()", summary="The name of the driving table.", minimum=0, maximum=0
)

WHOLE = frozenset({"smallint", "integer", "bigint"})


def rest_keys(columns: Iterable[SourceColumn], everything: Iterable[SourceColumn]) -> dict[str, SourceColumn]:
    """The keys of the object: a column's name where only one alias has it, else with the alias in front."""
    names = [column.column for column in everything]
    return {
        column.column if names.count(column.column) == 1 else f"{column.alias}.{column.column}": column
        for column in columns
    }


def rest_sql(columns: dict[str, SourceColumn]) -> str:
    """SQL of the object, from the texts of the columns."""
    if not columns:
        return "'{}'"
    pairs = ", ".join(f"{literal(key)}, {_value(column)}" for key, column in columns.items())
    return f"CAST(json_object({pairs}) AS VARCHAR)"


def _value(column: SourceColumn) -> str:
    name = Identifier(column.name)
    if column.type_name == "boolean":
        return f"TRY_CAST({name} AS BOOLEAN)"
    if column.type_name in WHOLE:
        return f"TRY_CAST({name} AS BIGINT)"
    return str(name)
