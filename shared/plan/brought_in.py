"""Values that are not in the source: constants of the plan, and defaults of the target where nothing fills a column."""

from __future__ import annotations

from collections.abc import Collection

from shared.core.states import Brought
from shared.plan.compiled import BroughtIn
from shared.plan.expressions import BadExpression, Expression, Node, parse
from shared.plan.model import ColumnExpression, Mapping
from shared.postgres.catalog import Table


def brought_in(mapping: Mapping, table: Table, written: Collection[str]) -> tuple[BroughtIn, ...]:
    """The columns that hold such a value in every inserted row.

    Those of which only some rows do are counted by the transformer (`last_resort`).
    """
    constants = [column.column for column in mapping.columns if column.column in written and in_every_row(column)]
    filled = {column.column for column in mapping.columns}
    defaults = [
        column.name
        for column in table.columns
        if column.name not in filled and not column.generated and (column.has_default or column.identity)
    ]
    return (
        *(BroughtIn(column=name, kind=Brought.INVENTED) for name in constants),
        *(BroughtIn(column=name, kind=Brought.DEFAULT) for name in defaults),
    )


def in_every_row(column: ColumnExpression) -> bool:
    """Whether a column is marked as invented, and nothing tells the rows for which it is from the others."""
    if not column.invented:
        return False
    try:
        return last_resort(parse(column.expression.value)) is None
    except BadExpression:
        return False


def last_resort(expression: Expression) -> Node | None:
    """Of `coalesce(a, b, invented)` what comes before the last operand, which is invented where that is NULL."""
    root = expression.tree
    if root["class"] != "OPERATOR" or root["type"] != "OPERATOR_COALESCE":
        return None
    before = root["children"][:-1]
    first: Node = before[0]
    return first if len(before) == 1 else {**root, "children": before}
