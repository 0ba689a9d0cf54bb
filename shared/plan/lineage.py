"""Where each target column comes from: source columns, functions, code books, references."""

from __future__ import annotations

import msgspec

from shared.plan.compiled import CompiledPlan, SourceColumn
from shared.plan.expressions import Expression, parse
from shared.plan.from_clause import read_from
from shared.plan.model import Mapping, Plan
from shared.plan.names import columns_of
from shared.plan.nodes import string_constant
from shared.plan.packing import packed_columns
from shared.plan.references import referred_mappings


class SourceOfColumn(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One source column. `table` is `schema.name`, empty where the alias is a subquery or a function."""

    alias: str
    table: str
    column: str


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """One target column. `expression` is the author's; without sources it is computed from constants or the key."""

    mapping: str
    table: str
    column: str
    expression: str
    sources: tuple[SourceOfColumn, ...]
    functions: tuple[str, ...]
    codebooks: tuple[str, ...]
    refers_to: tuple[str, ...]
    invented: bool


def lineage(plan: Plan, compiled: CompiledPlan | None = None) -> tuple[Lineage, ...]:
    """The lineage of every target column. With a compiled plan, `rest()` counts the columns that it packs.

    Raises BadExpression and BadFrom for a plan that was not checked.
    """
    return tuple(line for mapping in plan.mappings for line in mapping_lineage(plan, mapping, compiled))


def mapping_lineage(plan: Plan, mapping: Mapping, compiled: CompiledPlan | None) -> list[Lineage]:
    """The lineage of one mapping's columns."""
    clause = read_from(mapping.from_.value, plan.source_schema)[1]
    tables = {item.alias: "" if item.table is None else str(item.table) for item in clause.items}
    parsed = {column.column: parse(column.expression.value) for column in mapping.computed}
    packed: list[tuple[str, str]] = []
    if compiled is not None:
        selected: dict[str, dict[str, SourceColumn]] = {}
        for read in compiled.mapping(mapping.name).source.columns:
            selected.setdefault(read.alias, {})[read.column] = read
        packed = list(packed_columns(mapping, selected))
    lines = []
    for column in mapping.columns:
        expression = parsed[column.column]
        functions = tuple(dict.fromkeys(call.name.lower() for call in expression.calls()))
        pairs = pairs_of(expression, tables) + (packed if "rest" in functions else [])
        lines.append(
            Lineage(
                mapping=mapping.name,
                table=f"{plan.target_schema}.{mapping.into.value}",
                column=column.column,
                expression=column.expression.value.strip(),
                sources=tuple(
                    SourceOfColumn(alias=alias, table=tables.get(alias, ""), column=name)
                    for alias, name in dict.fromkeys(pairs)
                ),
                functions=functions,
                codebooks=books_of(expression),
                refers_to=referred_mappings(column.expression.value),
                invented=column.invented,
            )
        )
    return lines


def pairs_of(expression: Expression, tables: dict[str, str]) -> list[tuple[str, str]]:
    """Alias and column of what an expression reads, aliases as `from` has them."""
    found = [column.parts for column in columns_of(expression) if len(column.parts) == 2]
    return [(alias if alias in tables else alias.lower(), name) for alias, name in found]


def books_of(expression: Expression) -> tuple[str, ...]:
    """The code books that an expression looks into."""
    calls = [call for call in expression.calls() if call.name.lower() == "codebook" and call.arguments]
    names = [string_constant(call.arguments[0]) for call in calls]
    return tuple(dict.fromkeys(name for name in names if name is not None))
