"""rest() loses nothing: a source row is what columns are made of, what `except` names, and what lies in the JSON."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec
import pytest

from shared.core.keys import key_name, key_uuid
from shared.plan.compiled import CompiledMapping, SourceColumn, decode_compiled
from shared.plan.expressions import parse
from shared.plan.from_clause import read_from
from shared.plan.model import Mapping
from shared.plan.names import columns_of
from shared.plan.packing import RestCall, rest_call
from shared.plan.reader import read_plan
from shared.postgres.identifiers import Identifier
from shared.postgres.pools import PINNED
from tests.harness.both_sides import BothSides, both_sides
from tests.harness.portal import PLAN
from tests.harness.servers import Servers

SCALE = 0.05
SAMPLED = 1000
SEED = 7
WHOLE = frozenset({"smallint", "integer", "bigint"})
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Pairs = set[tuple[str, str]]
"""Alias and column."""


class Packing(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping whose column `holder` holds rest(); `said` is what its author wrote there."""

    mapping: Mapping
    holder: str
    said: RestCall

    def is_excepted(self, alias: str, column: str) -> bool:
        """Whether `except` names a column."""
        return not {column, f"{alias}.{column}"}.isdisjoint(self.said.excepted)

    def is_asked_for(self, alias: str, column: str) -> bool:
        """Whether `also` names a column."""
        return not {column, f"{alias}.{column}"}.isdisjoint(self.said.also)


def packings() -> dict[str, Packing]:
    """Every mapping of the plan that has rest(), by name."""
    found = {}
    for mapping in read_plan(PLAN).mappings:
        for column in mapping.columns:
            for call in parse(column.expression.value).calls():
                said = rest_call(call) if call.name.lower() == "rest" else None
                if said is not None:
                    found[mapping.name] = Packing(mapping=mapping, holder=column.column, said=said)
    return found


PACKINGS = packings()


@pytest.fixture
async def sides(servers: Servers) -> AsyncIterator[BothSides]:
    """Both databases; the legacy session writes values as the extractor's sessions do."""
    async with both_sides(servers, SCALE) as found:
        for name in ("TimeZone", "DateStyle", "IntervalStyle", "extra_float_digits", "bytea_output"):
            await found.legacy.execute("select set_config($1, $2, false)", name, PINNED[name])
        yield found


@pytest.mark.parametrize("name", PACKINGS)
async def test_every_column_of_the_source_is_mapped_or_excepted_or_packed(sides: BothSides, name: str) -> None:
    packing = PACKINGS[name]
    compiled = await compiled_mapping(sides, name)
    everything = await source_columns(sides, packing.mapping)
    packed = {(column.alias, column.column) for column in packed_columns(packing, compiled).values()}
    named = named_columns(packing.mapping) & everything
    excepted = {pair for pair in everything if packing.is_excepted(*pair)}
    asked_for = {pair for pair in everything if packing.is_asked_for(*pair)}
    assert asked_for <= packed
    assert named | excepted | packed == everything
    assert (packed - asked_for).isdisjoint(named | excepted)


@pytest.mark.parametrize("name", PACKINGS)
async def test_what_is_packed_is_the_source_to_the_letter(sides: BothSides, name: str) -> None:
    packing = PACKINGS[name]
    compiled = await compiled_mapping(sides, name)
    packed = packed_columns(packing, compiled)
    keys = await sampled_keys(sides, compiled)
    assert keys, "nothing there to compare"
    there = await source_values(sides, compiled, packed, keys)
    here = await packed_values(sides, packing, compiled, list(there))
    assert here.keys() == there.keys()
    different = {
        key
        for uuid, values in there.items()
        for key, value in values.items()
        if key not in here[uuid] or (type(here[uuid][key]), here[uuid][key]) != (type(value), value)
    }
    assert different == set()


async def compiled_mapping(sides: BothSides, name: str) -> CompiledMapping:
    """What the run executed for a mapping."""
    data = await sides.target.fetchval("select compiled from transfuse.run where id = $1", sides.finished.run)
    return decode_compiled(data).mapping(name)


async def source_columns(sides: BothSides, mapping: Mapping) -> Pairs:
    """Every column of every alias of `from`, as the legacy server itself describes it."""
    clause = read_from(mapping.from_.value, "public")[1]
    found = set()
    for item in clause.items:
        statement = await sides.legacy.prepare(f"select {Identifier(item.alias)}.* from {clause.sql}")  # noqa: S608
        found |= {(item.alias, attribute.name) for attribute in statement.get_attributes()}
    return found


def named_columns(mapping: Mapping) -> Pairs:
    """The columns that target columns are computed from, and those of the key."""
    texts = [*(column.expression for column in mapping.columns), *mapping.key]
    paths = [column.parts for text in texts for column in columns_of(parse(text.value))]
    return {(parts[0], parts[1]) for parts in paths if len(parts) == 2}


def packed_columns(packing: Packing, compiled: CompiledMapping) -> dict[str, SourceColumn]:
    """What the compiled mapping packs: source columns by their key in the JSON."""
    named = named_columns(packing.mapping)
    left = [
        column
        for column in compiled.source.columns
        if packing.is_asked_for(column.alias, column.column)
        or ((column.alias, column.column) not in named and not packing.is_excepted(column.alias, column.column))
    ]
    found = {
        key: [column for column in left if key in (column.column, f"{column.alias}.{column.column}")]
        for key in compiled.transform.packed
    }
    assert sorted(len(columns) for columns in found.values()) == [1] * len(left)
    return {key: columns[0] for key, columns in found.items()}


async def sampled_keys(sides: BothSides, compiled: CompiledMapping) -> dict[UUID, tuple[int, ...]]:
    """Legacy keys of at most a thousand rows that are loaded, by their UUIDs; the same ones in each run."""
    namespace = UUID(read_plan(PLAN).namespace)
    parts = ", ".join(part.sql for part in compiled.source.key)
    found = await sides.legacy.fetch(f"select {parts} from {compiled.source.from_sql} order by {parts}")  # noqa: S608
    rows = [tuple(row) for row in found]
    assert all(isinstance(part, int) for row in rows for part in row), "this test knows keys of whole numbers only"
    random.Random(SEED).shuffle(rows)  # noqa: S311 - a sample, no secret
    key, table = Identifier(compiled.load.key_column), compiled.load.table.sql
    loaded = {row[0] for row in await sides.target.fetch(f"select {key} from {table}")}  # noqa: S608
    keyed = ((key_uuid(namespace, key_name(compiled.key_domain, map(str, row))), row) for row in rows)
    return dict(islice((pair for pair in keyed if pair[0] in loaded), SAMPLED))


async def source_values(
    sides: BothSides, compiled: CompiledMapping, packed: dict[str, SourceColumn], keys: dict[UUID, tuple[int, ...]]
) -> dict[UUID, dict[str, Any]]:
    """What rest() must hold of these rows: truth values and whole numbers as such, anything else as text."""
    parts = [part.sql for part in compiled.source.key]
    numbers = ", ".join(f"${place}::bigint[]" for place, _ in enumerate(parts, 1))
    values = [as_packed(column) for column in packed.values()]
    rows = await sides.legacy.fetch(
        f"select {', '.join([*parts, *values])} from {compiled.source.from_sql}"  # noqa: S608
        f" where ({', '.join(parts)}) in (select * from unnest({numbers}))",
        *zip(*keys.values(), strict=True),
    )
    uuids = {key: uuid for uuid, key in keys.items()}
    return {
        uuids[tuple(row[: len(parts)])]: dict(zip(packed, row[len(parts) :], strict=True)) for row in map(tuple, rows)
    }


def as_packed(column: SourceColumn) -> str:
    """SQL of a source column as JSON can hold it without loss."""
    return column.sql if column.type_name == "boolean" or column.type_name in WHOLE else f"({column.sql})::text"


async def packed_values(
    sides: BothSides, packing: Packing, compiled: CompiledMapping, keys: list[UUID]
) -> dict[UUID, dict[str, Any]]:
    """What these rows' JSON holds in the target; of a row without any, nothing."""
    key, table = Identifier(compiled.load.key_column), compiled.load.table.sql
    rows = await sides.target.fetch(
        f"select {key}, {Identifier(packing.holder)}::text from {table} where {key} = any ($1)",  # noqa: S608
        keys,
    )
    return {uuid: json.loads(text or "{}") for uuid, text in rows}
