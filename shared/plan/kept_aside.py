"""`keep_aside`: a value that does not fit becomes NULL, its original goes under `rejected` where `rest()` is.

`null_it` is the same without the original.
"""

from __future__ import annotations

import json

from shared.plan.compiled import SourceColumn
from shared.plan.failures import any_of
from shared.plan.functions.rest import rest_keys
from shared.plan.model import BadValue, Mapping
from shared.plan.position import Problem
from shared.plan.target_columns import Computed
from shared.postgres.identifiers import Identifier, literal

REJECTED = "rejected"
NULLED = frozenset({BadValue.KEEP_ASIDE, BadValue.NULL_IT})
REMEDY = "add one, or write null_it, which keeps no original"


def nulled_columns(mapping: Mapping, columns: list[Computed], required: frozenset[str]) -> dict[str, Computed]:
    """The columns whose bad values become NULL, by name; a required column has no NULL to fall back to."""
    return {
        column.name: column
        for column in columns
        if mapping.bad_value.get(column.name) in NULLED and column.name not in required and column.failures
    }


def kept_aside(mapping: Mapping, nulled: dict[str, Computed]) -> dict[str, Computed]:
    """Those of them whose originals are kept."""
    return {name: column for name, column in nulled.items() if mapping.bad_value[name] is BadValue.KEEP_ASIDE}


def holder_problems(holder: Computed | None, aside: dict[str, Computed], packed: tuple[str, ...]) -> list[Problem]:
    """What keeps the originals from being kept."""
    if not aside:
        return []
    if holder is None:
        position = next(iter(aside.values())).expression.expression.position
        message = f"keep_aside needs a column with rest(), which keeps the original values under `rejected`: {REMEDY}"
        return [Problem(position=position, message=message)]
    position = holder.expression.expression.position
    if holder.name in aside:
        return [Problem(position=position, message="the column that holds rest() cannot itself be kept aside")]
    if REJECTED in packed:
        message = "rest() packs a column named `rejected`, the place of values kept aside; rename it in `from`"
        return [Problem(position=position, message=message)]
    return []


def with_rejected(
    value: str, aside: dict[str, Computed], failed: dict[str, str], sources: tuple[SourceColumn, ...]
) -> str:
    """The holder's JSON with the originals, made only for rows that have any. `failed`: a hidden column by name."""
    members = []
    for name, column in aside.items():
        key = literal(json.dumps(name, ensure_ascii=False) + ":")
        members.append(f"CASE WHEN {failed[name]} THEN {key} || {_original(column.used, sources)} END")
    rejected = f"'{{' || concat_ws(',', {', '.join(members)}) || '}}'"
    return (
        f"CASE WHEN {any_of([failed[name] for name in aside])} THEN with_rejected({value}, {rejected}) ELSE {value} END"
    )


def _original(used: tuple[str, ...], sources: tuple[SourceColumn, ...]) -> str:
    """The original texts of a column's sources as JSON: a text, or an object where there are several."""
    columns = [column for column in sources if column.name in used]
    if len(columns) == 1:
        return f"CAST(coalesce(to_json({Identifier(columns[0].name)}), 'null') AS VARCHAR)"
    pairs = (f"{literal(key)}, {Identifier(column.name)}" for key, column in rest_keys(columns, columns).items())
    return f"CAST(json_object({', '.join(pairs)}) AS VARCHAR)"
