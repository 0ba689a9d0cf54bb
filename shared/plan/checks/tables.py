"""Mappings that write the same table must agree on what holds for the table as a whole."""

from __future__ import annotations

from shared.plan.model import Mapping, Plan
from shared.plan.report import Report


def check_tables(plan: Plan, report: Report) -> None:
    """A trigger is on or off for every row: the mappings of one table decide it alike."""
    first: dict[str, Mapping] = {}
    for mapping in plan.mappings:
        other = first.setdefault(mapping.into.value, mapping)
        for name in {**other.triggers, **mapping.triggers}:
            if other.triggers.get(name) != mapping.triggers.get(name):
                message = (
                    f"mappings {other.name!r} and {mapping.name!r} both write {mapping.into.value}: "
                    f"decide its trigger {name!r} alike in both"
                )
                report.problem(mapping.into.position, message)
