"""Everything that can be said of a plan without a database: `check_plan`."""

from __future__ import annotations

from shared.plan.checks.calls import Calls
from shared.plan.checks.expressions import in_brackets
from shared.plan.checks.mapping import check_mapping
from shared.plan.checks.retired import check_retired
from shared.plan.checks.tables import check_tables
from shared.plan.deferred import order_of
from shared.plan.expressions import parse_all
from shared.plan.model import Plan
from shared.plan.position import Problem
from shared.plan.questions import report_questions
from shared.plan.report import Report

__all__ = ["check_plan", "report_plan"]


def check_plan(plan: Plan) -> tuple[Problem, ...]:
    """Hold a plan against itself. Returns warnings. Raises PlanRefused with every problem."""
    report = Report(plan.files)
    report_plan(plan, report)
    report.refuse()
    return tuple(report.warnings)


def report_plan(plan: Plan, report: Report) -> None:
    """Note everything wrong with a plan as far as it can be seen without a database."""
    calls = Calls(codebooks=frozenset(plan.codebooks), mappings={mapping.name: mapping for mapping in plan.mappings})
    texts = [text.value for mapping in plan.mappings for text in mapping.expressions]
    parse_all([*texts, *map(in_brackets, texts)])
    report_questions(plan, report)
    used: set[str] = set()
    too_deep = False
    for mapping in plan.mappings:
        try:
            used |= check_mapping(plan, mapping, calls, report)
        except RecursionError:
            report.problem(mapping.position, "an expression or the `from` of this mapping is nested too deep")
            too_deep = True
    if too_deep:
        return
    for name, book in plan.codebooks.items():
        if name not in used:
            report.warning(book.position, f"code book {name!r} is never used")
    check_tables(plan, report)
    check_retired(plan, report)
    order_of(plan.mappings, report)
