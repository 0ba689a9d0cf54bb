"""The extractor's statements on a real server: every row in exactly one batch, whatever the key's type and values."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import asyncpg
import pytest

from shared.ledger.bounds import BatchBounds
from shared.plan.aliases import Aliases, aliases_of_clause, key_types
from shared.plan.compiled import Cut, KeyPart, SourceProgram
from shared.plan.describe import describe_statements
from shared.plan.from_clause import read_from
from shared.plan.keys import KeySignature, key_part_type
from shared.plan.model import Mapping
from shared.plan.reader import plan_of_files
from shared.plan.report import Report
from shared.plan.source_program import CONTENT_PART, source_program
from shared.plan.source_sql import (
    count_driving_sql,
    count_rows_sql,
    every_nth_key_sql,
    explain_pair,
    null_key_sql,
    repeated_key_sql,
    select_sql,
)
from shared.plan.used_columns import used_columns
from shared.postgres.catalog import Catalog
from shared.postgres.introspection import read_catalog, read_types
from tests.conftest import DatabaseFactory
from tests.planning import HEAD

SCHEMA = (Path(__file__).parent / "legacy.sql").read_text(encoding="utf-8")
PLAN = """
mappings:
  - name: one
    into: one
    from: |
      {from_}
    key: {key}
    columns:
      id: key()
      value: {value}
"""


@pytest.fixture
async def legacy(new_database: DatabaseFactory) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(await new_database("front"))
    await connection.execute(SCHEMA)
    await connection.execute(
        "set search_path to legacy; set timezone to 'UTC'; set datestyle to 'ISO'; set extra_float_digits to 3;"
        "set standard_conforming_strings to on"
    )
    yield connection
    await connection.close()


async def program_of(legacy: asyncpg.Connection, from_: str, key: str, value: str) -> tuple[SourceProgram, Mapping]:
    """Compile the source side of one mapping against the server."""
    text = HEAD + PLAN.format(from_=from_, key=key, value=value)
    plan = plan_of_files({"plan.yml": text})
    (mapping,) = plan.mappings
    catalog: Catalog = await read_catalog(legacy, "legacy")
    described = {}
    for alias, statement in describe_statements(plan)["one"].items():
        attributes = (await legacy.prepare(statement)).get_attributes()
        types = await read_types(legacy, [(attribute.type.oid, -1) for attribute in attributes])
        described[alias] = {attribute.name: found for attribute, found in zip(attributes, types, strict=True)}
    report = Report(plan.files)
    clause = read_from(mapping.from_.value, "legacy")[1]
    aliases: Aliases = aliases_of_clause(clause, catalog, described)
    used = used_columns(mapping, aliases, report)
    parts = [key_part_type(found) for found in key_types(mapping, aliases, described, report)]
    report.refuse()
    signature = KeySignature(
        mapping="one",
        key_domain="one",
        parts=(CONTENT_PART,) if mapping.content_key else tuple(part for part in parts if part is not None),
        content_key=mapping.content_key,
    )
    return source_program(mapping, clause, aliases, used, signature, catalog), mapping


async def batches(legacy: asyncpg.Connection, source: SourceProgram, every: int) -> list[BatchBounds]:
    """The batches of a mapping, cut after every n-th key."""
    ends = [tuple(row)[:-1] for row in await legacy.fetch(every_nth_key_sql(source, every))]
    edges = [None, *dict.fromkeys(ends), None]
    return [BatchBounds(lower=low, upper=high) for low, high in pairwise(edges)]


async def rows_of(legacy: asyncpg.Connection, source: SourceProgram, bounds: BatchBounds) -> Counter[tuple[str, ...]]:
    """The rows of a batch as COPY writes them."""
    output = io.BytesIO()
    await legacy.copy_from_query(select_sql(source, bounds), output=output, format="csv", null="NULL!")
    return Counter(map(tuple, csv.reader(io.StringIO(output.getvalue().decode(), newline=""))))


async def check_cutting(legacy: asyncpg.Connection, source: SourceProgram, every: int = 17) -> None:
    """Every row is in exactly one batch, and a batch read twice is the same."""
    whole = await rows_of(legacy, source, BatchBounds())
    found: Counter[tuple[str, ...]] = Counter()
    for bounds in await batches(legacy, source, every):
        rows = await rows_of(legacy, source, bounds)
        assert rows == await rows_of(legacy, source, bounds)
        found += rows
    assert found == whole
    assert sum(whole.values()) == await legacy.fetchval(count_rows_sql(source))


@pytest.mark.parametrize(
    "column",
    ("id", "big", "small", "amount", "free", "txt", "short", "padded", "at", "day", "u", "code", "mood", "raw"),
)
async def test_every_row_is_in_exactly_one_batch_whatever_the_type_of_the_key(
    legacy: asyncpg.Connection, column: str
) -> None:
    source, _ = await program_of(legacy, '"Odd ""Name" AS o', f"o.{column}", "o.txt")
    await check_cutting(legacy, source)


@pytest.mark.parametrize(
    ("from_", "key"),
    (
        ('"Odd ""Name" AS o', "[o.flag, o.mood, o.id]"),
        ('"Odd ""Name" AS o JOIN child AS c ON c.parent = o.id', "[o.id, c.id]"),
        ("child AS c", "c.n % 7 || '-' || c.id"),
        (
            "(SELECT c.parent, row_number() OVER (ORDER BY c.parent) AS txt FROM child c GROUP BY c.parent) AS o",
            "o.parent",
        ),
    ),
)
async def test_every_row_is_in_exactly_one_batch_whatever_the_clause(
    legacy: asyncpg.Connection, from_: str, key: str
) -> None:
    value = "c.n" if from_.startswith("child") else "o.txt"
    source, mapping = await program_of(legacy, from_, key, value)
    await check_cutting(legacy, source)
    author, ours = explain_pair(source, mapping.from_.value)
    assert await legacy.fetch(author) == await legacy.fetch(ours)


async def test_rows_without_identity_are_numbered_among_their_equals_and_each_is_in_one_batch(
    legacy: asyncpg.Connection,
) -> None:
    source, mapping = await program_of(legacy, "log AS l", "content()", "concat(l.line, l.level, l.detail)")
    await check_cutting(legacy, source, 5)
    rows = await rows_of(legacy, source, BatchBounds())
    assert len(rows) == sum(rows.values()) == 63
    assert repeated_key_sql(source) is None
    author, ours = explain_pair(source, mapping.from_.value)
    assert await legacy.fetch(author) == await legacy.fetch(ours)


async def test_the_key_is_asked_for_repeats_and_nulls_where_the_catalogue_proves_nothing(
    legacy: asyncpg.Connection,
) -> None:
    source, _ = await program_of(legacy, '"Odd ""Name" AS o JOIN child AS c ON c.parent = o.id', "o.id", "o.txt")
    assert await legacy.fetchval(str(repeated_key_sql(source))) == 3
    assert await legacy.fetchval(str(null_key_sql(source))) is None
    source, _ = await program_of(legacy, "child AS c LEFT JOIN log AS l ON l.level = c.n", "l.line", "c.n")
    assert await legacy.fetchval(str(null_key_sql(source))) == 1
    proven, _ = await program_of(legacy, "child AS c", "c.id", "c.n")
    assert proven.unique_proven
    assert await legacy.fetchval(count_driving_sql(proven)) == 120


async def test_a_bound_cannot_leave_its_constant_under_any_setting(legacy: asyncpg.Connection) -> None:
    key = KeyPart(name="k0", sql="o.txt", type_name="text", duck_type="VARCHAR", form="text")
    base, _ = await program_of(legacy, '"Odd ""Name" AS o', "o.txt", "o.txt")
    assert base.key == (key,)
    assert base.cut is Cut.RANGES
    await legacy.execute("set standard_conforming_strings to off")
    for hostile in ("\\' or true --", "' or true --", "\\", "$1", "a\nb", "\\x27 or true --"):
        bounds = BatchBounds(lower=(hostile,), upper=(hostile,))
        assert await legacy.fetch(select_sql(base, bounds)) == []
