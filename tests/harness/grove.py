"""A small legacy database of trees and circles, its target and its plan."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg

from shared.core.counts import Counts
from shared.ledger.snapshots import RunSnapshot
from tests.harness.clinic import fill
from tests.harness.command_line import Said, transfuse
from tests.harness.databases import PREFIX, allow_reading, copied, filled
from tests.harness.installation import Installation, installed
from tests.harness.ledger import ledger_of
from tests.harness.servers import Servers

NODES = 900
LEGACY = """
create table node (id integer primary key, parent_id integer, name text not null, shade text);
insert into node
select g, case when g = 1 then null when g = 13 then 100000 else 1 + (g * 7919) % 900 end, 'node ' || g,
       case g % 3 when 0 then 'dark' else 'light' end
  from generate_series(1, 900) g order by md5(g::text);
update node set parent_id = id where id = 44;
update node set name = 'bad' where id = 17;
update node set name = 'left out' where id = 18;
update node set parent_id = 17 where id = 200;
update node set parent_id = 18 where id = 201;
create table team (id integer primary key, name text, lead_id integer);
create table member (id integer primary key, name text, team_id integer not null);
insert into member select g, 'member ' || g, 1 + g % 20 from generate_series(1, 200) g;
insert into team select g, 'team ' || g, g * 7 from generate_series(1, 20) g;
"""
TABLES = ("public.node", "public.team", "public.member")
TARGET = """
create table nodes (
    id uuid primary key, legacy_id integer unique, parent_id uuid references nodes, name text, shade text
);
create table teams (id uuid primary key, legacy_id integer, name text, lead_id uuid);
create table members (id uuid primary key, legacy_id integer, name text, team_id uuid not null references teams);
alter table teams add foreign key (lead_id) references members;
alter table nodes enable row level security;
alter table teams enable row level security;
alter table members enable row level security;
"""
PLAN = """\
transfuse: 1
name: tree
namespace: 2b7e1516-28ae-42d2-a6ab-f7158809cf4f
source: {schema: public}
target: {schema: public}
mappings:
  - name: members
    into: members
    from: member AS m
    key: m.id
    columns: {id: key(), legacy_id: m.id, name: m.name, team_id: "ref('teams', m.team_id)"}
  - name: teams
    into: teams
    from: team AS t
    key: t.id
    columns: {id: key(), legacy_id: t.id, name: t.name, lead_id: "ref('members', t.lead_id)"}
  - name: nodes
    into: nodes
    from: node AS n
    key: n.id
    keep: n.name <> 'left out'
    columns: {id: key(), legacy_id: n.id, parent_id: "ref('nodes', n.parent_id)", name: n.name, shade: n.shade}
    rules:
      - {name: good, check: "name <> 'bad'"}
"""
TREE = "select n.legacy_id, p.legacy_id, n.name from nodes n left join nodes p on p.id = n.parent_id order by 1"
EXPECTED = """
select n.id, case when n.parent_id in (17, 18, 100000) then null else n.parent_id end, n.name
  from node n where n.id not in (17, 18) order by 1
"""
LEADS = "select t.legacy_id, m.legacy_id from teams t join members m on m.id = t.lead_id order by 1"
HASH = "select md5(string_agg(n::text, ',' order by legacy_id)) from nodes n"


@asynccontextmanager
async def grove(servers: Servers, *, own: bool = False) -> AsyncIterator[tuple[Installation, str]]:
    """An installation, and the URL of its legacy database; its `own` where a test changes it."""
    legacy = await filled(servers.postgres, f"{PREFIX}grove", lambda url: fill(url, LEGACY))
    await filled(servers.postgres, f"{PREFIX}grove_target", lambda url: fill(url, TARGET))
    async with AsyncExitStack() as stack:
        if own:
            legacy = await stack.enter_async_context(copied(servers.postgres, f"{PREFIX}grove"))
        installation = installed(
            servers.folder(),
            server=servers.postgres,
            legacy=await allow_reading(legacy, *TABLES),
            template=f"{PREFIX}grove_target",
        )
        yield await stack.enter_async_context(installation), legacy


async def run(installation: Installation, *words: str, text: str = PLAN, **variables: str) -> tuple[Said, RunSnapshot]:
    """`transfuse run` with a plan, and the run's last state."""
    said = await transfuse(installation, "run", written(installation, text), *words, **variables)
    assert said.out.startswith("run "), said.text
    async with ledger_of(installation) as ledger:
        return said, await ledger.progress.read(await ledger.youngest())


def written(installation: Installation, text: str = PLAN) -> str:
    """Path of a plan."""
    path = installation.home / "plan.yml"
    path.write_text(text, encoding="utf-8")
    return str(path)


async def rows(url: str, query: str) -> list[tuple[object, ...]]:
    """What a query gives."""
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


def passes(snapshot: RunSnapshot) -> dict[tuple[str, int], Counts]:
    """Counts by mapping and pass."""
    return {(mapping.mapping, mapping.pass_number): mapping.counts for mapping in snapshot.mappings}
