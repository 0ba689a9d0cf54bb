"""Mappings of one table whose rows may meet in a unique key: they load one after the other, so that the first one wins.

Within a mapping `LoadProgram.in_seq_order` sees to the same. Without it, which of two rows that exclude each other is
loaded would be a matter of which batch comes first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as ReadOnly
from itertools import combinations

from shared.plan.expressions import parse
from shared.plan.model import Mapping
from shared.plan.nodes import string_constant
from shared.plan.references import key_column
from shared.plan.source_types import BPCHAR, TEXT, VARCHAR, base_oid
from shared.postgres.catalog import Table, UniqueKey

TEXTS = frozenset({TEXT, VARCHAR, BPCHAR})


def turns(
    mappings: Sequence[Mapping], tables: ReadOnly[str, Table | None], waves: ReadOnly[str, int]
) -> Iterator[tuple[str, str]]:
    """Pairs of mappings, the later one first, that must not load at once: by waves, then in the order of the plan."""
    ordered = sorted(mappings, key=lambda mapping: waves[mapping.name])
    for earlier, later in combinations(ordered, 2):
        table = tables.get(later.name)
        if table is not None and earlier.into.value == later.into.value and may_meet(earlier, later, table):
            yield later.name, earlier.name


def may_meet(one: Mapping, other: Mapping, table: Table) -> bool:
    """Whether rows of two mappings may have the same value of a unique key of their table, as far as the plan tells."""
    return any(not kept_apart(one, other, key, table) for key in table.keys)


def kept_apart(one: Mapping, other: Mapping, key: UniqueKey, table: Table) -> bool:
    """Whether the plan itself keeps rows of two mappings apart in a unique key; of an expression it says nothing."""
    if not key.columns:
        return False
    if {key_column(one), key_column(other)} <= set(key.columns) and key_column(one) == key_column(other):
        return True
    columns = set(key.columns)
    if any(not columns & {column.column for column in mapping.columns} for mapping in (one, other)):
        return True
    if all(columns <= {text.value for text in mapping.unique_checked} for mapping in (one, other)):
        return True
    return any(differ(one, other, name, table) for name in key.columns)


def differ(one: Mapping, other: Mapping, name: str, table: Table) -> bool:
    """Whether two mappings write two different text constants to a column."""
    column = table.column(name)
    first, second = constant_of(one, name), constant_of(other, name)
    if column is None or base_oid(column.type) not in TEXTS or first is None or second is None:
        return False
    return first.strip().casefold() != second.strip().casefold()


def constant_of(mapping: Mapping, name: str) -> str | None:
    """The text that a mapping writes to a column of all its rows, None where it is no such constant."""
    found = next((column for column in mapping.columns if column.column == name), None)
    return None if found is None else string_constant(parse(found.expression.value).tree)
