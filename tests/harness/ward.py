"""A legacy database that is written to all the time; one table of it is cut into ranges, one is read as a stream."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import msgspec

from tests.harness.clinic import fill
from tests.harness.databases import PREFIX, allow_reading, copied, filled
from tests.harness.installation import Installation, installed
from tests.harness.ledger import STILL, LedgerView, until
from tests.harness.servers import Servers

ROWS = 12_000
SMALL_BATCHES = ("--batch-rows", "250")
LEGACY = """
create table person (id integer primary key, name text);
create table visit (id integer primary key, person_id integer, note text);
insert into person select g * 2, 'Person ' || g from generate_series(1, 6000) g;
insert into visit select g * 2, 2 + g % 100, 'Visit ' || g from generate_series(1, 12000) g;
"""
TABLES = ("public.person", "public.visit")
TARGET = """
create table people (id uuid primary key, legacy_id integer, name text);
create table visits (id uuid primary key, legacy_id integer, note text, of_person bigint);
alter table people enable row level security;
alter table visits enable row level security;
"""
PLAN = """\
transfuse: 1
name: ward
namespace: 2b7e1516-28ae-42d2-a6ab-f7158809cf4f
source: {schema: public}
target: {schema: public}
mappings:
  - name: visits
    into: visits
    from: >-
      visit AS v LEFT JOIN (SELECT person_id, count(*) AS visits FROM visit GROUP BY person_id) AS n
      ON n.person_id = v.person_id
    key: v.id
    columns: {id: key(), legacy_id: v.id, note: v.note, of_person: n.visits}
  - name: people
    into: people
    from: person AS p
    key: p.id
    columns: {id: key(), legacy_id: p.id, name: p.name}
"""
INTO = {"visit": "visits", "person": "people"}
LAST = "people"
SETTLED = 5
MIDDLE = """
select count(*) filter (where b.state = 'settled') as settled,
       count(*) filter (where b.mapping = $2 and b.state in ('planned', 'dispatched')) as open,
       count(*) filter (where b.mapping = $2 and b.state = 'dispatched') as dispatched,
       (select state from transfuse.run where id = $1) as state
  from transfuse.batch b where b.run_id = $1
"""


@asynccontextmanager
async def ward(servers: Servers, *, rabbitmq: bool = False) -> AsyncIterator[tuple[Installation, str]]:
    """An installation with its plan in `plan.yml`, and the URL by which its legacy database is written to."""
    await filled(servers.postgres, f"{PREFIX}ward", lambda url: fill(url, LEGACY))
    await filled(servers.postgres, f"{PREFIX}ward_target", lambda url: fill(url, TARGET))
    async with (
        copied(servers.postgres, f"{PREFIX}ward") as legacy,
        installed(
            servers.folder(),
            server=servers.postgres,
            legacy=await allow_reading(legacy, *TABLES),
            template=f"{PREFIX}ward_target",
            rabbitmq=servers.rabbitmq if rabbitmq else None,
        ) as installation,
    ):
        (installation.home / "plan.yml").write_text(PLAN, encoding="utf-8")
        yield installation, legacy


class Written(msgspec.Struct):
    """By table the ids that were there at the beginning and ever since, and those that were there at some moment."""

    throughout: dict[str, set[int]]
    ever: dict[str, set[int]]
    rounds: int = 0


@asynccontextmanager
async def writers(legacy: str) -> AsyncIterator[Written]:
    """Somebody who inserts, deletes and updates rows between those that there are, as long as the context lasts."""
    connection = await asyncpg.connect(legacy)
    known = {table: {row["id"] for row in await connection.fetch(f"select id from {table}")} for table in INTO}  # noqa: S608 - constants
    written = Written(throughout=known, ever={table: set(ids) for table, ids in known.items()})
    writing = asyncio.create_task(_write(connection, written), name="writers")
    try:
        yield written
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        connection.terminate()


async def _write(connection: asyncpg.Connection, written: Written) -> None:
    dice = random.Random(7)  # noqa: S311 - no secret
    while True:
        for table in INTO:
            column = "name" if table == "person" else "note"
            new = {dice.randrange(1, 2 * ROWS, 2) for _ in range(5)}
            gone = {dice.randrange(2, 2 * ROWS, 2) for _ in range(3)}
            changed = [dice.randrange(2, 2 * ROWS, 2) for _ in range(20)]
            # Noted before: what is cancelled in between may have happened.
            written.throughout[table] -= gone
            written.ever[table] |= new
            async with connection.transaction():
                await connection.execute(
                    f"insert into {table} (id, {column}) select unnest($1::int[]), 'new' on conflict do nothing",
                    list(new),
                )
                await connection.execute(f"delete from {table} where id = any ($1)", list(gone))  # noqa: S608
                await connection.execute(
                    f"update {table} set {column} = {column} || '.' where id = any ($1)",  # noqa: S608
                    changed,
                )
        written.rounds += 1


@asynccontextmanager
async def held_in_the_middle_of(
    installation: Installation, ledger: LedgerView, run: UUID, mapping: str
) -> AsyncIterator[None]:
    """Within it some batches are settled, and some of the mapping are on their way.

    The last mapping is held back by a lock on its target table: its window is full, and the rest of it waits for that.
    """
    held = await asyncpg.connect(installation.target)
    try:
        async with held.transaction():
            if mapping == LAST:
                await held.execute(f"lock table {LAST} in share mode")
            await in_the_middle_of(ledger, run, mapping)
            yield
    finally:
        await held.close()


async def in_the_middle_of(ledger: LedgerView, run: UUID, mapping: str) -> None:
    """Return when batches are settled, and of the mapping one is on its way and some are open; fails when missed."""

    async def there() -> bool:
        row = await ledger.connection.fetchrow(MIDDLE, run, mapping)
        assert row["state"] not in STILL, f"the run is {row['state']} already"
        return bool(row["settled"] >= SETTLED and row["open"] >= SETTLED and row["dispatched"])

    await until(there)


async def assert_nothing_lost_or_doubled(installation: Installation, written: Written) -> None:
    """What was there throughout arrived, each row once, and nothing that never was."""
    connection = await asyncpg.connect(installation.target)
    try:
        for table, into in INTO.items():
            found = [row["legacy_id"] for row in await connection.fetch(f"select legacy_id from {into}")]  # noqa: S608
            assert len(found) == len(set(found)), f"rows of {table} arrived twice"
            assert not written.throughout[table] - set(found), f"rows of {table} are lost"
            assert not set(found) - written.ever[table], f"rows of {table} were never there"
    finally:
        await connection.close()
