"""A first plan of two databases (`transfuse plan new`): what is plain is written, everything else is a question.

Tables of one name become mappings, every other legacy table is listed as a question; the plan refuses to run until each
is answered. Of the databases only the catalogues are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import msgspec
import yaml

from shared.plan.catalog_checks import HOLDS_ROWS
from shared.plan.draft_columns import DraftColumn, Pair, Parents, can_have_key, draft_columns
from shared.plan.draft_names import near_names, quoted, same_table, shared_prefixes, words_of
from shared.plan.keys import CanonicalForm, canonical_form
from shared.plan.mappings import NAME
from shared.plan.questions import QUESTION
from shared.postgres.catalog import Catalog, Table

IDENTIFYING = frozenset({CanonicalForm.TEXT, CanonicalForm.PADDED, CanonicalForm.CASELESS, CanonicalForm.NUMERIC})
WIDTH = 110


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The text of a plan, and how much of it there is. `secret` names what holds its namespace where one must be."""

    text: str
    mappings: int
    questions: int
    secret: str = ""


def draft_plan(name: str, namespace: UUID, source: Catalog, target: Catalog) -> Draft:
    """Write a first plan. `namespace` is new: keys of other plans are none of this one's."""
    pairs = pairs_of(source, target)
    parents = Parents(by_target={pair.name: pair for pair in pairs})
    columns = without_circles(pairs, {pair.name: draft_columns(pair, parents) for pair in pairs})
    secret = f"{name.upper().replace('-', '_')}_NAMESPACE" if any(map(identifies, pairs)) else ""
    blocks = [head(name, namespace, secret, source, target)]
    blocks += [line for pair in pairs for line in mapping_lines(pair, columns[pair.name])]
    if not pairs:
        blocks[-1] = blocks[-1].replace("mappings:", "mappings: []")
    listed = list(unmapped_lines(source, target, pairs))
    blocks += [
        "# Every legacy table is mapped, or listed here with a reason.",
        *(["unmapped:", *listed] if listed else ["unmapped: {}"]),
    ]
    blocks += unwritten_lines(source, target, pairs)
    text = "\n".join(blocks) + "\n"
    asked = sum(column.expression == QUESTION for found in columns.values() for column in found)
    return Draft(text=text, mappings=len(pairs), questions=asked + len(listed), secret=secret)


def tables_of(catalog: Catalog) -> list[Table]:
    """The tables that hold rows, partitions left out."""
    children = {child.name for table in catalog.tables.values() for child in table.children}
    return [
        table for name, table in sorted(catalog.tables.items()) if table.kind in HOLDS_ROWS and name not in children
    ]


def pairs_of(source: Catalog, target: Catalog) -> list[Pair]:
    """Legacy tables and the target tables of the same name, each in one pair at most, in the order of the target."""
    prefixes = shared_prefixes(table.name.name for table in tables_of(source))
    free = tables_of(source)
    found: list[Pair] = []
    for table in tables_of(target):
        if not can_have_key(table) or not NAME.fullmatch(table.name.name):
            continue
        named = [one for one in free if one.name.name == table.name.name]
        alike = named or [one for one in free if same_table(one.name.name, table.name.name, prefixes)]
        if len(alike) == 1 and alike[0].columns:
            found.append(Pair(source=alike[0], target=table, alias=alias_of(alike[0])))
            free.remove(alike[0])
    return found


def alias_of(table: Table) -> str:
    """A short name for the table: the first letter of its last word; no letter is a word of SQL."""
    words = words_of(table.name.name)
    letter = words[-1][0] if words else "t"
    return letter if letter.isalpha() else "t"


def identifies(pair: Pair) -> bool:
    """Whether a table's key may name a person, so that its namespace must be a secret."""
    columns = (pair.source.column(name) for name in pair.source.primary_key)
    return any(column is not None and canonical_form(column.type) in IDENTIFYING for column in columns)


def without_circles(pairs: list[Pair], columns: dict[str, list[DraftColumn]]) -> dict[str, list[DraftColumn]]:
    """The columns; of references that close a circle through columns that must have a value one is a question again."""
    order: dict[str, set[str]] = {}
    for pair in pairs:
        found = columns[pair.name]
        for number, column in enumerate(found):
            parent = parent_of(column)
            written = pair.target.column(column.column)
            if not parent or written is None or not written.not_null:
                continue
            if pair.name == parent or reaches(order, parent, pair.name):
                remark = f"perhaps {column.expression}; this closes a circle of columns that must have a value"
                found[number] = DraftColumn(column=column.column, expression=QUESTION, remark=remark)
            else:
                order.setdefault(pair.name, set()).add(parent)
    return columns


def parent_of(column: DraftColumn) -> str:
    """The mapping that a column refers to, empty for others."""
    return column.expression.split("'")[1] if column.expression.startswith("ref(") else ""


def reaches(order: dict[str, set[str]], start: str, end: str) -> bool:
    """Whether references lead from one mapping to another."""
    seen: set[str] = set()
    pending = [start]
    while pending:
        name = pending.pop()
        if name == end:
            return True
        if name not in seen:
            seen.add(name)
            pending += order.get(name, ())
    return False


def head(name: str, namespace: UUID, secret: str, source: Catalog, target: Catalog) -> str:
    """What stands above the mappings."""
    why = (
        f"namespace: {{secret: {secret}}}  # some keys may name a person; its value is a new UUID (uuidgen), for ever"
        if secret
        else f"namespace: {namespace}  # every key follows from it; never change it"
    )
    return "\n".join(
        (
            f'# First draft of the plan {name}. A "?" is a question: the plan does not run before each is answered',
            "# with an expression, or its line is taken out. What the remarks suggest goes by names alone: check it.",
            "transfuse: 1",
            f"name: {name}",
            why,
            "keys: uuid5",
            f"source: {{schema: {scalar(source.schema)}}}",
            f"target: {{schema: {scalar(target.schema)}}}",
            "",
            "mappings:",
        )
    )


def mapping_lines(pair: Pair, columns: list[DraftColumn]) -> Iterator[str]:
    """One mapping."""
    key = [f"{pair.alias}.{quoted(name)}" for name in pair.source.primary_key]
    yield f"  - name: {scalar(pair.name)}"
    yield f"    into: {scalar(pair.name)}"
    yield f"    from: {scalar(f'{quoted(pair.source.name.name)} AS {pair.alias}')}"
    if not key:
        yield "    key: content()  # the table has no primary key: the row's own values tell it from others"
    else:
        yield f"    key: {scalar(key[0])}" if len(key) == 1 else f"    key: [{', '.join(map(scalar, key))}]"
    yield "    columns:"
    for column in columns:
        remark = f"  # {column.remark}" if column.remark else ""
        yield f"      {scalar(column.column)}: {scalar(column.expression)}{remark}"
    triggers = [trigger.name for trigger in pair.target.triggers if trigger.enabled != "D"]
    if triggers:
        kept = ", ".join(f"{scalar(name)}: keep" for name in triggers)
        yield f"    triggers: {{{kept}}}  # or off, if the plan does their work"
    used = {name for column in columns for name in column.uses} | set(pair.source.primary_key)
    unused = [column.name for column in pair.source.columns if column.name not in used]
    if unused:
        yield from comment("not used: " + ", ".join(unused), "    ")
    yield ""


def unmapped_lines(source: Catalog, target: Catalog, pairs: list[Pair]) -> Iterator[str]:
    """Legacy tables without a mapping, each with what it may belong to."""
    taken = {pair.source.name.name for pair in pairs}
    names = [table.name.name for table in tables_of(target)]
    for table in tables_of(source):
        if table.name.name not in taken:
            near = near_names(table.name.name, names)
            remark = f"  # perhaps into {' or '.join(near)}" if near else ""
            yield f'  {scalar(table.name.name)}: "{QUESTION}"{remark}'


def unwritten_lines(source: Catalog, target: Catalog, pairs: list[Pair]) -> Iterator[str]:
    """Target tables that no mapping writes, as remarks."""
    written = {pair.name for pair in pairs}
    names = [table.name.name for table in tables_of(source)]
    left = [table for table in tables_of(target) if table.name.name not in written]
    if left:
        yield ""
        yield "# Tables of the target that no mapping writes yet:"
    for table in left:
        near = near_names(table.name.name, names)
        perhaps = f": perhaps from {' or '.join(near)}" if near else ""
        yield f"#   {table.name.name}{perhaps}" + ("" if can_have_key(table) else " (its key is not one uuid)")


def scalar(text: str) -> str:
    """A text as YAML writes it on one line, in quotes where it needs them."""
    if text in {"NULL", "null", "~"} or text == QUESTION:
        return f'"{text}"'
    return str(yaml.safe_dump(text, width=10_000, allow_unicode=True)).removesuffix("\n").removesuffix("\n...")


def comment(text: str, indent: str) -> Iterator[str]:
    """A remark on as many lines as it needs."""
    line = f"{indent}#"
    for word in text.split(" "):
        if len(line) + len(word) + 1 > WIDTH:
            yield line
            line = f"{indent}#  "
        line = f"{line} {word}"
    yield line
