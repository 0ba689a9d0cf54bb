"""Placeholders: who refers to one says so, and the parent's mapping says what it holds."""

from __future__ import annotations

from shared.plan.model import Mapping, MissingParent, ParentPolicy, Plan
from shared.plan.references import holding, referred
from shared.plan.report import Report


def check_placeholders(plan: Plan, mapping: Mapping, report: Report) -> None:
    """Note what is wrong with a mapping's own placeholder, and with its references to those of others."""
    check_own(mapping, report)
    for column, names in referred(mapping).items():
        policy = mapping.missing_parent.get(column)
        if policy is not None and MissingParent.PLACEHOLDER in policy.fates:
            check_reference(plan, mapping, column, names, policy, report)


def check_own(mapping: Mapping, report: Report) -> None:
    """A placeholder's key is computed, and it is marked where its mapping packs the rest."""
    if mapping.placeholder is None:
        return
    made = dict.fromkeys(holding(mapping, "key"), "its key is computed")
    made |= dict.fromkeys(holding(mapping, "rest"), 'it says {"placeholder": true} there')
    for column, value in mapping.placeholder.columns.items():
        if column in made:
            report.problem(value.position, f"the placeholder of {mapping.name!r} has no own {column!r}: {made[column]}")


def check_reference(
    plan: Plan, mapping: Mapping, column: str, names: tuple[str, ...], policy: ParentPolicy, report: Report
) -> None:
    """One reference that may become one to a placeholder."""
    if any(followed.column == column for followed in mapping.follows):
        message = f"{column!r} is followed and has no column that could refer to a placeholder"
        report.problem(policy.position, message)
    if len(names) > 1:
        message = f"{column!r} may refer to {' or '.join(names)}: a placeholder stands for a row of one mapping"
        report.problem(policy.position, message)
    parents = [parent for parent in plan.mappings if parent.name in names]
    for parent in parents:
        if parent.placeholder is None:
            message = (
                f"mapping {parent.name!r} has no placeholder to refer to: say there what the row holds "
                "(placeholder: {columns: {name: Unknown}})"
            )
            report.problem(policy.position, message)
