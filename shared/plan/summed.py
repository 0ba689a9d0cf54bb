"""Which columns of a proof are plain columns of the source, so that the legacy server can sum them too."""

from __future__ import annotations

from collections.abc import Collection

from shared.plan.aliases import Aliases
from shared.plan.expressions import BadExpression, Node, parse
from shared.plan.last_cast import INTEGERS
from shared.plan.model import Mapping
from shared.plan.source_types import INT2, INT4, INT8, MONEY, NUMERIC, base_oid, base_typmod, numeric_limits
from shared.postgres.catalog import ColumnType

WHOLE = frozenset({INT2, INT4, INT8})
SUMMED = WHOLE | {NUMERIC, MONEY}
MONEY_SCALE = 2


def summed_columns(mapping: Mapping, aliases: Aliases, names: dict[tuple[str, str], str]) -> dict[str, str]:
    """By target column the name of the extraction's column that holds the same numbers.

    `names` are those of the extraction, by alias and column. A cast that cannot round is no difference; whatever else
    is done to a value is one, and such a column is left out.
    """
    wanted = {text.value for text in mapping.proof_sums}
    found = {}
    for column in mapping.computed:
        if column.column not in wanted:
            continue
        pair = _plain(column.expression.value, aliases)
        if pair is not None and pair in names:
            found[column.column] = names[pair]
    return found


def _plain(text: str, aliases: Aliases) -> tuple[str, str] | None:
    """Alias and column that an expression is, whatever exact casts stand around it."""
    try:
        node = parse(text).tree
    except BadExpression:
        return None
    casts = []
    while node["class"] == "CAST":
        casts.append(node["type_expr"])
        node = node["child"]
    parts: Collection[str] = node["column_names"] if node["class"] == "COLUMN_REF" else ()
    if len(parts) != 2:
        return None
    pair = aliases.find(*parts)
    if pair is None or base_oid(aliases.type_of(*pair)) not in SUMMED:
        return None
    kind = aliases.type_of(*pair)
    return pair if all(_exact(kind, cast) for cast in casts) else None


def _exact(kind: ColumnType, cast: Node) -> bool:
    """Whether a cast gives the same number or none: what overflows is refused, what rounds is another number."""
    name = str(cast["type_name"]).upper()
    limits = [int(child["literal"]["text"]) for child in cast["children"] if child["class"] == "CONSTANT"]
    if name in {"DECIMAL", "NUMERIC", "DEC"}:
        return (limits[1] if len(limits) > 1 else 0 if limits else 3) >= _scale(kind)
    whole = {*INTEGERS, "INT", "INT2", "INT4", "INT8", "LONG", "SHORT"}
    return name in whole and _scale(kind) == 0


def _scale(kind: ColumnType) -> int:
    """Digits after the point that a source column may have."""
    oid = base_oid(kind)
    if oid in WHOLE:
        return 0
    if oid == MONEY:
        return MONEY_SCALE
    limits = numeric_limits(base_typmod(kind))
    return 1_000 if limits is None else max(limits[1], 0)
