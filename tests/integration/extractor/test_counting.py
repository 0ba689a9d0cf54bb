from __future__ import annotations

from uuid import uuid4

import asyncpg
import pytest

from services.extractor.counting import MappingCounts, MappingRefused, count_mappings
from services.extractor.snapshot import SnapshotHolder
from shared.plan.compiled import CompiledMapping
from shared.postgres.pools import Pool
from tests.integration.extractor.conftest import mapping_of

TABLES = """
create table t (id integer primary key, email text, parent integer);
create table contact (person integer, n integer);
insert into t select g, nullif('p' || g % 5, 'p0'), g + 1 from generate_series(1, 10) g;
insert into contact values (1, 1), (2, 1), (2, 2), (3, 1);
"""
INNER = "public.t as t join public.contact as c on c.person = t.id"
LEFT = "public.t as t left join public.contact as c on c.person = t.id"
FIRST = INNER + " and c.n = 1"


async def counted(
    legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder, mapping: CompiledMapping
) -> MappingCounts:
    await legacy.execute(TABLES)
    held = await holder.take(uuid4())
    return (await count_mappings(pool, held.snapshot, [mapping], most=1))[mapping.name]


@pytest.mark.parametrize(
    ("mapping", "code", "words"),
    (
        (mapping_of(LEFT, {"t.id": "integer"}), "join_multiplies", "10 of public.t give 11"),
        (mapping_of(LEFT, {"t.id": "integer"}, driving_alias="t"), "join_multiplies", "10 of public.t give 11"),
        (mapping_of(INNER, {"t.id": "integer"}, excludes_expected=True), "key_repeats", "in 2 rows"),
        (mapping_of(FIRST, {"t.id": "integer"}), "join_drops_rows", "drop 7 of 10 rows of public.t"),
        (mapping_of("public.t as t", {"t.email": "text"}), "key_is_null", "is NULL"),
        (mapping_of("public.t as t", {"left(t.email, 1)": "text"}), "key_is_null", "is NULL"),
        (mapping_of("public.t as t", {"t.id % 3": "integer"}), "key_repeats", "stands in"),
        (mapping_of("public.t as t", {"t.id % 3": "integer", "t.id % 2": "integer"}), "key_repeats", "stands in"),
    ),
)
async def test_rows_that_the_plan_does_not_expect_are_refused_with_their_number(
    legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder, mapping: CompiledMapping, code: str, words: str
) -> None:
    with pytest.raises(MappingRefused) as caught:
        await counted(legacy, pool, holder, mapping)
    assert (caught.value.code, words in str(caught.value)) == (code, True)


async def test_rows_that_joins_drop_as_expected_are_counted(
    legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder
) -> None:
    mapping = mapping_of(FIRST, {"t.id": "integer"}, excludes_expected=True)
    assert await counted(legacy, pool, holder, mapping) == MappingCounts(driving_rows=10, from_rows=3)


async def test_an_error_of_the_legacy_server_is_told_without_its_text(
    legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder
) -> None:
    broken = mapping_of("(select id, email::integer as n from public.t order by 2) as t", {"t.n": "integer"})
    with pytest.raises(Exception, match="SQLSTATE 22P02") as caught:
        await counted(legacy, pool, holder, broken)
    assert "p1" not in str(caught.value)
