"""Columns of the target that are on their way out: nothing of the plan fills them."""

from __future__ import annotations

from shared.plan.model import Plan
from shared.plan.report import Report


def check_retired(plan: Plan, report: Report) -> None:
    """Note every expression, and every placeholder, that fills a retired column."""
    retired = {(one.table, one.column): one for one in plan.retired}
    for mapping in plan.mappings:
        texts = {column.column: column.expression for column in mapping.columns}
        if mapping.placeholder is not None:
            texts |= mapping.placeholder.columns
        for column, text in texts.items():
            one = retired.get((mapping.into.value, column))
            if one is not None:
                message = (
                    f"{one.table}.{one.column} is retired (line {one.position.line}: {one.reason}): nothing fills it"
                )
                report.problem(text.position, message)
