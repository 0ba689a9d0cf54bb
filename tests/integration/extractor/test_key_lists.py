"""Rows that are asked for by their keys, as the quarantine has them, whatever the key's type and values."""

from __future__ import annotations

from uuid import uuid4

import asyncpg
import pytest

from services.extractor.counting import MappingRefused
from services.extractor.csv_texts import Texts, csv_of, texts_of
from services.extractor.key_lists import KeyList, cut_key_list
from services.extractor.reading import read_range
from services.extractor.snapshot import SnapshotHolder
from shared.core.keys import canonical_text, content_part, legacy_key
from shared.ledger.bounds import BatchBounds
from shared.plan.compiled import CompiledMapping
from shared.postgres.pools import Pool
from tests.integration.extractor.conftest import mapping_of

TABLE = """
create extension citext;
create type mood as enum ('sad', 'o''k');
create domain code as varchar(12);
create table t (
    id integer, big bigint, txt text, short varchar(8), padded char(6), amount numeric(12, 4), free numeric,
    caseless citext, at timestamp, zoned timestamptz, day date, clock time, u uuid, flag boolean, code code, mood mood,
    raw bytea, bits bit(8)
);
insert into t
select g, g * 1000000007::bigint, (array[E'a\\\\b''c', 'x|y', E'two\\nlines', '"q",', ' '])[g % 5 + 1] || g, 'Ä' || g,
       'p' || g, g * 1.5, (g / 3.0)::numeric(20, 10), 'Größe ' || g,
       case g when 1 then 'infinity' when 2 then '0044-03-15 10:00 BC'
              else '2020-01-01'::timestamp + g * interval '1.5 s' end,
       case g when 1 then '-infinity' when 2 then '0044-03-15 10:00:00+00 BC'
              else '2020-01-01'::timestamptz + g * interval '1 h' end,
       '0001-01-03 BC'::date + g, '00:00'::time + g * interval '1.25 s', md5(g::text)::uuid, g % 2 = 0, 'c' || g,
       (array['sad', 'o''k'])[g % 2 + 1]::mood, decode(md5(g::text), 'hex'), g::bit(8)
  from generate_series(1, 20) g;
"""
KEYS = {
    "id": ("integer", "integer"),
    "big": ("bigint", "integer"),
    "txt": ("text", "text"),
    "short": ("character varying(8)", "text"),
    "padded": ("character(6)", "padded"),
    "amount": ("numeric(12,4)", "numeric"),
    "free": ("numeric", "numeric"),
    "caseless": ("public.citext", "caseless"),
    "at": ("timestamp without time zone", "timestamp"),
    "zoned": ("timestamp with time zone", "timestamptz"),
    "day": ("date", "date"),
    "clock": ("time without time zone", "time"),
    "u": ("uuid", "uuid"),
    "code": ("public.code", "text"),
    "raw": ("bytea", "opaque"),
    "bits": ("bit(8)", "opaque"),
}
COMPOSITES = (("txt", "id"), ("padded", "flag", "zoned"), ("mood", "caseless", "u"), ("amount", "day"))
FORMS = {**KEYS, "flag": ("boolean", "boolean"), "mood": ("public.mood", "opaque")}
CONTENT = mapping_of(
    "(select md5(row((t.note)::text, (t.n)::text)::text) as h, t.note, t.n from public.t as t) as q",
    {"row_number() over (partition by q.h)": "bigint"},
    ("q.note", "q.n"),
    cut_key={"q.h": "text"},
)


async def read(
    pool: Pool, holder: SnapshotHolder, mapping: CompiledMapping, keys: list[str], *, batch_rows: int = 1000
) -> tuple[KeyList, list[Texts]]:
    """The list as it was cut, and the rows of its batches."""
    held = await holder.take(uuid4())
    cut = await cut_key_list(pool, held.snapshot, mapping, keys, batch_rows=batch_rows)
    rows: list[Texts] = []
    for bounds in cut.bounds:
        found = await read_range(pool, held.snapshot, mapping, bounds, 1_000_000)
        rows += texts_of(b"".join(found.chunks), len(mapping.source.key) + len(mapping.source.columns))
    return cut, rows


def keyed(*columns: str) -> CompiledMapping:
    return mapping_of("public.t as t", {f"t.{name}": FORMS[name][0] for name in columns}, ("t.id",))


def canonical(columns: tuple[str, ...], row: Texts) -> str:
    """The key of a row as the ledger has it."""
    return legacy_key([canonical_text(FORMS[name][1], text or "") for name, text in zip(columns, row, strict=False)])


@pytest.mark.parametrize("columns", (*((name,) for name in KEYS), *COMPOSITES))
async def test_a_key_of_any_type_finds_its_row_and_no_other(
    legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder, columns: tuple[str, ...]
) -> None:
    await legacy.execute(TABLE)
    mapping = keyed(*columns)
    held = await holder.take(uuid4())
    whole = await read_range(pool, held.snapshot, mapping, BatchBounds(), 1_000_000)
    rows = texts_of(b"".join(whole.chunks), len(columns) + 1)
    assert len(rows) == 20
    wanted = rows[::3]
    cut, found = await read(pool, holder, mapping, [canonical(columns, row) for row in wanted], batch_rows=4)
    assert sorted(found, key=str) == sorted(wanted, key=str)
    assert (cut.row_count, cut.missing) == (7, 0)
    assert all(len(bounds.keys or ()) <= 4 for bounds in cut.bounds)


async def test_keys_that_the_source_does_not_have_any_more_are_counted(
    legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder
) -> None:
    await legacy.execute("create table t as select 1 as id union select 3")
    cut, rows = await read(pool, holder, keyed("id"), ["1", "2", "3", "3", "99"])
    assert (cut.row_count, cut.missing) == (2, 2)
    assert sorted(rows) == [("1", "1"), ("3", "3")]
    gone, none = await read(pool, holder, keyed("id"), ["2"])
    assert (gone.bounds, gone.row_count, gone.missing, none) == ((), 0, 1, [])


async def test_a_key_that_became_another_one_is_refused(
    legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder
) -> None:
    await legacy.execute(TABLE)
    for mapping, key in (
        (keyed("id", "txt"), "1"),
        (keyed("id"), "1|2"),
        (keyed("id"), "no number"),
        (keyed("u"), "1"),
    ):
        with pytest.raises(MappingRefused, match="not what it was") as refused:
            await read(pool, holder, mapping, [key])
        assert refused.value.code == "key_changed"


async def test_a_join_that_multiplies_listed_rows_is_refused(
    legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder
) -> None:
    await legacy.execute("create table t as select 1 as id from generate_series(1, 2)")
    with pytest.raises(MappingRefused, match="multiplies") as refused:
        await read(pool, holder, keyed("id"), ["1"])
    assert refused.value.code == "key_repeats"


async def test_rows_without_identity_are_found_by_their_content(
    legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder
) -> None:
    await legacy.execute("create table t (note text, n integer)")
    await legacy.execute(
        "insert into t select 'note ' || g % 3, g % 3 from generate_series(1, 9) g;"
        "insert into t values (null, 1), ('', 1)"
    )
    wanted = [legacy_key([content_part(["note 1", "1"]), str(n)]) for n in (1, 2, 3)]
    empty = legacy_key([content_part(["", "1"]), "1"])
    gone = legacy_key([content_part(["note 7", "7"]), "1"])
    cut, rows = await read(pool, holder, CONTENT, [*wanted, empty, gone])
    assert sorted(row[1:] for row in rows) == [("", "1"), *[("note 1", "1")] * 3]
    assert sorted(row[0] or "" for row in rows) == ["1", "1", "2", "3"]
    assert (cut.row_count, cut.missing) == (4, 1)


def test_texts_of_a_csv_are_written_as_they_were_read() -> None:
    rows = [("a", None, ""), ('q"uo,te', "two\nlines", "\\N"), (None, "", "ü")]
    assert texts_of(csv_of(rows), 3) == rows
    assert texts_of(csv_of([]), 3) == []
