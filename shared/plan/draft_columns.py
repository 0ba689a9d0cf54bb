"""The columns of one mapping of a first plan: what is plain is written, everything else is a question."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from shared.plan.draft_names import near_names, quoted, same_type, words_of
from shared.plan.load_program import KEY_TYPES, needs_source
from shared.plan.questions import QUESTION
from shared.plan.source_types import JSON, JSONB, base_oid
from shared.plan.used_columns import SECRET
from shared.postgres.catalog import Column, ForeignKey, Table
from shared.postgres.identifiers import literal

REST = ("metadata", "extra", "extras", "legacy", "legacy_data", "data", "attributes", "raw")
"""Names under which targets keep what has no column of its own."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A legacy table and the target table that it moves to. `alias` names the former in `from`."""

    source: Table
    target: Table
    alias: str

    @property
    def name(self) -> str:
        """The mapping's name."""
        return self.target.name.name


class DraftColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One line under `columns`: an expression or a question, why, and the legacy columns that it uses."""

    column: str
    expression: str
    remark: str = ""
    uses: tuple[str, ...] = ()


class Parents(msgspec.Struct, frozen=True, kw_only=True):
    """The pairs of a draft by target table, for what refers to them."""

    by_target: dict[str, Pair]


def can_have_key(table: Table) -> bool:
    """Whether a target table takes the keys that are computed: one primary column, of a type that holds a UUID."""
    column = table.column(table.primary_key[0]) if len(table.primary_key) == 1 else None
    return column is not None and not column.generated and base_oid(column.type) in KEY_TYPES


def draft_columns(pair: Pair, parents: Parents) -> list[DraftColumn]:
    """Every column of the target that may be written, in its order."""
    key = pair.target.primary_key[0]
    references = {key.columns[0]: key for key in pair.target.foreign_keys if len(key.columns) == 1}
    found: list[DraftColumn] = []
    for column in pair.target.columns:
        if column.generated:
            continue
        if column.name == key:
            found.append(
                DraftColumn(column=column.name, expression="key()", remark="computed of namespace, mapping and key")
            )
        elif column.name in references:
            found.append(_reference(pair, column, references[column.name], parents))
        else:
            found.append(_plain(pair, column))
    return list(_with_rest(pair, found))


def _plain(pair: Pair, column: Column) -> DraftColumn:
    """A column of the same name and type, else a question."""
    same = pair.source.column(column.name)
    if same is not None and same_type(same.type, column.type):
        return _taken(pair, column.name, same.name)
    if same is not None:
        remark = f"{pair.alias}.{same.name} is {same.type.name}, this is {column.type.name}"
        return DraftColumn(column=column.name, expression=QUESTION, remark=remark)
    return DraftColumn(column=column.name, expression=QUESTION, remark=_remark(pair, column, _near(pair, column)))


def _near(pair: Pair, column: Column) -> list[str]:
    """Legacy columns that a target column may be; `legacy_id` and `legacy_order_id` of orders are the legacy key."""
    looked = column.name.removeprefix("legacy_")
    own = pair.source.primary_key
    if looked != column.name and len(own) == 1 and words_of(looked) in {("id",), (*words_of(pair.name), "id")}:
        return list(own)
    names = [one.name for one in pair.source.columns if one.name not in own]
    return [looked] if looked in names else near_names(looked, names)


def _taken(pair: Pair, column: str, source: str) -> DraftColumn:
    return DraftColumn(column=column, expression=f"{pair.alias}.{quoted(source)}", uses=(source,))


def _remark(pair: Pair, column: Column, near: list[str]) -> str:
    perhaps = " or ".join(f"{pair.alias}.{quoted(name)}" for name in near)
    left = (
        "must have a value" if needs_source(column) else "default if left out" if column.has_default else "may be NULL"
    )
    kind = f"{column.type.name}, {left}"
    return f"perhaps {perhaps}; {kind}" if perhaps else kind


def _reference(pair: Pair, column: Column, foreign: ForeignKey, parents: Parents) -> DraftColumn:
    """A column that refers to a table that is mapped: ref() of the legacy column that refers to its source."""
    parent = parents.by_target.get(foreign.table.name)
    if parent is None or not parent.source.primary_key or len(parent.source.primary_key) != 1:
        return DraftColumn(
            column=column.name, expression=QUESTION, remark=f"refers to {foreign.table.name}, which no mapping fills"
        )
    held = [key.columns[0] for key in pair.source.foreign_keys if _leads_to(key, parent.source)]
    near = near_names(column.name, held, most=1)
    chosen = column.name if column.name in held else near[0] if near else held[0] if len(held) == 1 else ""
    calls = [f"ref({literal(parent.name)}, {pair.alias}.{quoted(name)})" for name in held]
    if not chosen or (parent.name == pair.name and column.not_null):
        remark = f"perhaps {' or '.join(calls)}" if calls else f"refers to {parent.name}"
        return DraftColumn(column=column.name, expression=QUESTION, remark=remark)
    call = f"ref({literal(parent.name)}, {pair.alias}.{quoted(chosen)})"
    return DraftColumn(column=column.name, expression=call, uses=(chosen,))


def _leads_to(key: ForeignKey, table: Table) -> bool:
    return len(key.columns) == 1 and key.table == table.name and key.referenced == table.primary_key


def _with_rest(pair: Pair, columns: list[DraftColumn]) -> Iterator[DraftColumn]:
    """The columns; the one that may keep what nothing else uses does so, secrets left behind."""
    used = {name for column in columns for name in column.uses}
    for column in columns:
        kind = pair.target.column(column.column)
        takes = kind is not None and base_oid(kind.type) in {JSON, JSONB} and column.column.lower() in REST
        if not takes or column.expression != QUESTION:
            yield column
            continue
        left = [one.name for one in pair.source.columns if one.name not in used | set(pair.source.primary_key)]
        secret = [name for name in left if SECRET.search(name)]
        excepted = f"except := [{', '.join(map(literal, secret))}]" if secret else ""
        yield DraftColumn(
            column=column.column,
            expression=f"rest({excepted})",
            remark="every legacy column that no line above uses" + (", secrets left behind" if secret else ""),
            uses=tuple(name for name in left if name not in secret),
        )
        used |= set(left)
