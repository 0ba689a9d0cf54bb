"""An archive of 50,000 people: a legacy database, its target and its plan, for verifies of many rows."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from services.gateway.documents.verification import VerificationDocument, verification_document
from shared.ledger.verification import Verifications
from tests.harness.clinic import fill
from tests.harness.command_line import Said, transfuse
from tests.harness.databases import PREFIX, allow_reading, copied, filled
from tests.harness.installation import Installation, installed
from tests.harness.ledger import LedgerView, ledger_of
from tests.harness.servers import Servers

PEOPLE = 50_000
TABLES = ("public.town", "public.person")
LEGACY = """
create table town (id integer primary key, name text not null);
create table person (id integer primary key, town_id integer, first_name text, last_name text, note text,
                     amount numeric(12, 2), seen timestamptz, flag boolean);
insert into town select g, 'Town ' || g from generate_series(1, 100) g;
insert into person
select g, case when g % 1000 = 0 then 999 else 1 + g % 100 end, 'First ' || g, 'Last ' || g % 977,
       case when g % 7 = 0 then null else repeat(md5(g::text), 1 + g % 3) end, g * 1.25,
       '2024-01-01 00:00:00.123+00'::timestamptz + g * interval '1 minute', g % 3 = 0
  from generate_series(1, {people}) g;
update person set first_name = 'left out' where id % 10000 = 17;
update person set last_name = 'bad' where id % 10000 = 19;
"""
TARGET = """
create table towns (id uuid primary key, legacy_id integer unique, name text not null);
create table people (id uuid primary key, legacy_id integer, town_id uuid references towns, first_name text,
                     last_name text, note text, amount numeric(12, 2), seen timestamp(3) with time zone, flag boolean);
alter table towns enable row level security;
alter table people enable row level security;
"""
PLAN = """\
transfuse: 1
name: archive
namespace: 2b7e1516-28ae-42d2-a6ab-f7158809cf4f
source: {schema: public}
target: {schema: public}
mappings:
  - name: towns
    into: towns
    from: town AS t
    key: t.id
    columns: {id: key(), legacy_id: t.id, name: t.name}
  - name: people
    into: people
    from: person AS p LEFT JOIN town AS t ON t.id = p.town_id
    key: p.id
    keep: p.first_name <> 'left out'
    columns:
      id: key()
      legacy_id: p.id
      town_id: ref('towns', p.town_id)
      first_name: p.first_name
      last_name: p.last_name
      note: p.note
      amount: p.amount
      seen: p.seen
      flag: p.flag
    missing_parent: {town_id: null_it}
    rules:
      - {name: good, check: "last_name <> 'bad'"}
"""
LEFT_OUT, BAD = 5, 5
"""Of 50,000 people those that the plan filters, and those that break its rule."""
CHARACTERS = 50
TEXTS = ("first_name", "last_name", "note")
Row = tuple[str, str, tuple[str, ...], bool | None]
"""Mapping, kind, columns and whether the source changed, of one finding."""


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """An installation that has run the plan once. Both connections may do everything."""

    installation: Installation
    plan: Path
    legacy: asyncpg.Connection
    target: asyncpg.Connection
    ledger: LedgerView

    async def verify(self, *words: str) -> tuple[Said, VerificationDocument]:
        """`transfuse verify WORDS…`, and what the ledger has of it."""
        said = await transfuse(self.installation, "verify", *words)
        return said, await self.found()

    async def found(self) -> VerificationDocument:
        """What the youngest verify found."""
        verify = await self.target.fetchval(
            "select id from transfuse.run where kind = 'verify' order by created_at desc limit 1"
        )
        found = await Verifications(self.ledger.pool).read(verify)
        assert found is not None
        return verification_document(found)

    async def findings(self) -> list[Row]:
        """Every row of the youngest verify, in order."""
        found = await self.found()
        rows = await self.target.fetch(
            """select mapping, kind, columns, source_changed from transfuse.finding
                where run_id = $1 order by mapping, kind, columns, target_key""",
            found.run_id,
        )
        return [(row["mapping"], row["kind"], tuple(row["columns"]), row["source_changed"]) for row in rows]


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to the target behind everybody's back: the findings that it makes, and the rows' keys."""

    findings: list[Row]
    keys: frozenset[UUID]


async def plant(target: asyncpg.Connection, seed: int) -> Planted:
    """Change single characters, swap a reference, delete a row and insert one that is nobody's."""
    chosen = random.Random(seed)  # noqa: S311 - to be planted alike each time
    rows = await target.fetch("select id from people where note is not null order by legacy_id")
    swapped, gone, *touched = [row["id"] for row in chosen.sample(rows, CHARACTERS + 2)]
    columns = [chosen.choice(TEXTS) for _ in touched]
    for key, column in zip(touched, columns, strict=True):
        statement = f"update people set {column} = overlay({column} placing 'ß' from $2 for 1) where id = $1"  # noqa: S608
        await target.execute(statement, key, chosen.randint(1, 4))
    await target.execute(
        "update people set town_id = (select id from towns where id <> people.town_id limit 1) where id = $1", swapped
    )
    await target.execute("delete from people where id = $1", gone)
    extra = await target.fetchval(
        "insert into people (id, first_name) values (gen_random_uuid(), 'Nobody') returning id"
    )
    return Planted(
        findings=[
            *(("people", "different", (column,), False) for column in columns),
            ("people", "different", ("town_id",), False),
            ("people", "missing", (), False),
            ("people", "extra", (), None),
        ],
        keys=frozenset({swapped, gone, extra, *touched}),
    )


@asynccontextmanager
async def archive(servers: Servers, *words: str, text: str = PLAN, after: str = "") -> AsyncIterator[Archive]:
    """The archive, run once with the `words`; `after` are statements for the target before that."""
    async with installed_archive(servers, PEOPLE, text=text) as sides:
        if after:
            await sides.target.execute(after)
        said = await transfuse(sides.installation, "run", str(sides.plan), *words)
        assert said.out.startswith("run "), said.text
        yield sides


@asynccontextmanager
async def installed_archive(
    servers: Servers, people: int, *, text: str = PLAN, rabbitmq: bool = False
) -> AsyncIterator[Archive]:
    """An archive of so many people, before its first run."""
    name = f"{PREFIX}archive_{people}"
    await filled(servers.postgres, name, lambda url: fill(url, LEGACY.format(people=people)))
    await filled(servers.postgres, f"{PREFIX}archive_target", lambda url: fill(url, TARGET))
    async with (
        copied(servers.postgres, name) as legacy_url,
        installed(
            servers.folder(),
            server=servers.postgres,
            legacy=await allow_reading(legacy_url, *TABLES),
            template=f"{PREFIX}archive_target",
            rabbitmq=servers.rabbitmq if rabbitmq else None,
        ) as installation,
        ledger_of(installation) as ledger,
    ):
        legacy, target = await asyncpg.connect(legacy_url), await asyncpg.connect(installation.target)
        try:
            path = installation.home / "plan.yml"
            path.write_text(text, encoding="utf-8")
            yield Archive(installation=installation, plan=path, legacy=legacy, target=target, ledger=ledger)
        finally:
            await legacy.close()
            await target.close()
