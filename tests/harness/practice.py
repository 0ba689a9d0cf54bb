"""A legacy database in which some rows change at random, and what a differential must make of exactly those."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import msgspec

from tests.harness.clinic import fill
from tests.harness.databases import PREFIX, allow_reading, copied, filled
from tests.harness.installation import Installation, installed
from tests.harness.servers import Servers

LEGACY = """
create table person (id integer primary key, name text not null, boss_id integer, note text);
create table visit (id integer primary key, person_id integer not null, note text);
insert into person
select g, 'Person ' || g, case when g % 2 = 0 and g > 2 then g / 4 * 2 end, repeat('x', 40)
  from generate_series(1, {persons}) g;
insert into visit select g, 2 + g % ({persons} / 2) / 2 * 2, 'Visit ' || g from generate_series(1, {visits}) g;
analyze;
"""
"""No row refers to a person of an odd number; nothing says when a row was changed."""
TABLES = ("public.person", "public.visit")
TARGET = """
create table people (
    id uuid primary key, legacy_id integer, name text not null, boss_id uuid references people on delete cascade,
    note text, left_at timestamptz
);
create table visits (
    id uuid primary key, legacy_id integer, person_id uuid not null references people on delete cascade, note text
);
create index on people (boss_id);
create index on visits (person_id);
alter table people enable row level security;
alter table visits enable row level security;
"""
PLAN = """\
transfuse: 1
name: practice
namespace: 2b7e1516-28ae-42d2-a6ab-f7158809cf4f
mappings:
  - name: people
    into: people
    from: person AS p
    key: p.id
    columns:
      {id: key(), legacy_id: p.id, name: p.name, boss_id: "ref('people', p.boss_id)", note: p.note, left_at: "NULL"}
    gone: remove
  - name: visits
    into: visits
    from: visit AS v
    key: v.id
    columns: {id: key(), legacy_id: v.id, person_id: "ref('people', v.person_id)", note: v.note}
    gone: remove
"""
SOURCE = {
    "people": "select id, name, boss_id, note from person",
    "visits": "select id, person_id, note from visit",
}
TARGET_ROWS = {
    "people": "select t.legacy_id, t.name, b.legacy_id, t.note from people t left join people b on b.id = t.boss_id",
    "visits": "select t.legacy_id, b.legacy_id, t.note from visits t join people b on b.id = t.person_id",
}
VERSIONS = {table: f"select legacy_id, xmin::text || ctid::text from {table}" for table in SOURCE}  # noqa: S608 - constants

Rows = dict[int, tuple[object, ...]]


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of the rows of one table that are new, other and gone."""

    inserted: frozenset[int]
    updated: frozenset[int]
    deleted: frozenset[int]

    @property
    def count(self) -> int:
        return len(self.inserted) + len(self.updated) + len(self.deleted)


@asynccontextmanager
async def practice(
    servers: Servers, row_count: int, *, rabbitmq: bool = False
) -> AsyncIterator[tuple[Installation, str]]:
    """An installation with its plan, and the URL of a legacy database of its own with so many rows."""
    persons = row_count * 6 // 10
    statements = LEGACY.format(persons=persons, visits=row_count - persons)
    name = f"{PREFIX}practice_{row_count}"
    await filled(servers.postgres, name, lambda url: fill(url, statements))
    await filled(servers.postgres, f"{PREFIX}practice_target", lambda url: fill(url, TARGET))
    async with AsyncExitStack() as stack:
        legacy = await stack.enter_async_context(copied(servers.postgres, name))
        installation = await stack.enter_async_context(
            installed(
                servers.folder(),
                server=servers.postgres,
                legacy=await allow_reading(legacy, *TABLES),
                template=f"{PREFIX}practice_target",
                rabbitmq=servers.rabbitmq if rabbitmq else None,
            )
        )
        (installation.home / "plan.yml").write_text(PLAN, encoding="utf-8")
        yield installation, legacy


async def change(legacy: str, count: int, seed: int) -> None:
    """Insert, update and delete so many rows in all, at random; some persons go with all who refer to them."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    connection = await asyncpg.connect(legacy)
    try:
        async with connection.transaction():
            persons = [row["id"] for row in await connection.fetch("select id from person order by id")]
            visits = [row["id"] for row in await connection.fetch("select id from visit order by id")]
            left = count
            # The last of the tree, which are nobody's boss, with their visits.
            whole = dice.sample([number for number in persons if number % 2 == 0 and number > persons[-1] // 2 + 2], 3)
            gone = await connection.fetch("delete from visit where person_id = any ($1) returning id", whole)
            left -= len(gone) + len(whole)
            third = left // 3
            single = dice.sample([number for number in persons if number % 2], third // 2)
            await connection.execute("delete from person where id = any ($1)", [*whole, *single])
            kept = [number for number in visits if number not in {row["id"] for row in gone}]
            dropped = dice.sample(kept, third - len(single))
            await connection.execute("delete from visit where id = any ($1)", dropped)
            updated = dice.sample(sorted(set(persons) - {*whole, *single}), third // 2)
            await connection.execute("update person set name = name || '*' where id = any ($1)", updated)
            moved = dice.sample(sorted(set(kept) - set(dropped)), third - len(updated))
            await connection.execute("update visit set person_id = 2, note = note || '*' where id = any ($1)", moved)
            new = range(persons[-1] + 1, persons[-1] + 1 + third // 2)
            await connection.execute(
                "insert into person select n, 'New ' || n, 2, null from unnest($1::int[]) n", list(new)
            )
            rest = left - 2 * third - len(new)
            await connection.execute(
                "insert into visit select n, $2, 'new' from generate_series($1 + 1, $1 + $3::int) n",
                *(visits[-1], new[0], rest),
            )
    finally:
        await connection.close()


async def read(url: str, queries: dict[str, str]) -> dict[str, Rows]:
    """Rows by table and number."""
    connection = await asyncpg.connect(url)
    try:
        return {
            table: {row[0]: tuple(row)[1:] for row in await connection.fetch(query)} for table, query in queries.items()
        }
    finally:
        await connection.close()


def changes_between(before: dict[str, Rows], after: dict[str, Rows]) -> dict[str, Changes]:
    """What is not the same, by table."""
    return {
        table: Changes(
            inserted=frozenset(after[table].keys() - rows.keys()),
            updated=frozenset(
                number for number in after[table].keys() & rows.keys() if after[table][number] != rows[number]
            ),
            deleted=frozenset(rows.keys() - after[table].keys()),
        )
        for table, rows in before.items()
    }
