"""What only the legacy server knows of a plan: the columns that its subqueries give, and the types of its keys."""

# ruff: noqa: S608 - made of checked clauses and quoted identifiers only

from __future__ import annotations

from collections.abc import Mapping as ReadOnly

from shared.plan.from_clause import printed, read_from, read_key
from shared.plan.model import Mapping, Plan
from shared.postgres.catalog import ColumnType
from shared.postgres.identifiers import Identifier

KEY = ""
Described = ReadOnly[str, ReadOnly[str, ReadOnly[str, ColumnType]]]
"""By mapping, by alias (`KEY` for the key), by column (`k0`, `k1`, … for the key's parts): the type."""


def describe_statements(plan: Plan) -> dict[str, dict[str, str]]:
    """By mapping and alias a statement to prepare; its result's columns are what `compile_plan` takes as described.

    Only for what the catalogue cannot tell: the aliases of subqueries and functions, and under `KEY` the key's parts.
    Run them with `search_path` set to `plan.source_schema`, after `check_sources(plan, catalog)` has found nothing.
    """
    return {mapping.name: statements(mapping, plan.source_schema) for mapping in plan.mappings}


def statements(mapping: Mapping, schema: str) -> dict[str, str]:
    """The statements of one mapping by alias."""
    _, clause = read_from(mapping.from_.value, schema)
    asked = {
        item.alias: f"select {Identifier(item.alias)}.* from {clause.sql} limit 0"
        for item in clause.items
        if item.table is None
    }
    if mapping.key and not mapping.content_key:
        parts = ", ".join(f"{printed(read_key(part.value))} as k{n}" for n, part in enumerate(mapping.key))
        asked[KEY] = f"select {parts} from {clause.sql} limit 0"
    return asked
