"""A small legacy database with rows that are refused for every sort of reason, its target, its plan, the fixes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.harness.clinic import fill
from tests.harness.databases import PREFIX, allow_reading, copied, filled
from tests.harness.installation import Installation, installed
from tests.harness.servers import Servers

LEGACY = """
create table town (id integer primary key, name text);
create table person (code text primary key, name text, kind text, born text, town_id integer);
create table visit (id integer, day date, person_code text, note text, primary key (id, day));
create table log (line text, level integer);
insert into town values (1, 'Here'), (2, 'There');
insert into person values
    ('a''1', 'One', 'A', '1990-01-01', 1), ('b\\2', 'Two', 'B', '1990-01-02', 2),
    ('c|3', 'Three', 'Z', '1990-01-03', 1),
    ('d 4', 'Four', 'A', '1990-02-31', 1), ('e5', 'bad', 'A', '1990-01-05', 1), ('f6', 'Six', 'A', 'unknown', 1),
    ('g7', 'Seven', 'A', '1990-01-07', 9);
insert into visit select n, date '2020-01-01' + n, code, 'note ' || code
  from (select row_number() over (order by code)::int as n, code from person) p;
insert into log values ('short', 1), ('far too long a line', 1), ('far too long a line', 1), (null, 2);
"""
TABLES = ("public.town", "public.person", "public.visit", "public.log")
TARGET = """
create table towns (id uuid primary key, legacy_id integer, name text);
create table people (
    id uuid primary key, code text unique, name text, kind text not null, born date, town_id uuid references towns
);
create table visits (id uuid primary key, legacy_id integer, person_id uuid not null references people, note text);
create table lines (id uuid primary key, line varchar(10), level integer);
alter table towns enable row level security;
alter table people enable row level security;
alter table visits enable row level security;
alter table lines enable row level security;
"""
NAMESPACE = "2b7e1516-28ae-42d2-a6ab-f7158809cf4f"
PLAN = """\
transfuse: 1
name: infirmary
namespace: 2b7e1516-28ae-42d2-a6ab-f7158809cf4f
source: {schema: public}
target: {schema: public}
codebooks:
  kind: {A: first, B: second}
mappings:
  - name: towns
    into: towns
    from: town AS t
    key: t.id
    columns: {id: key(), legacy_id: t.id, name: t.name}
  - name: people
    into: people
    from: person AS p
    key: p.code
    columns:
      id: key()
      code: p.code
      name: p.name
      kind: codebook('kind', p.kind)
      born: date_of(p.born, '%Y-%m-%d')
      town_id: ref('towns', p.town_id)
    rules:
      - {name: good, check: "name <> 'bad'"}
    clear: [code, kind]
  - name: visits
    into: visits
    from: visit AS v
    key: [v.id, v.day]
    columns: {id: key(), legacy_id: v.id, person_id: "ref('people', v.person_code)", note: v.note}
  - name: lines
    into: lines
    from: log AS l
    key: content()
    columns: {id: key(), line: l.line, level: l.level}
"""
WITH_CODE = PLAN.replace("{A: first, B: second}", "{A: first, B: second, Z: third}")
WITHOUT_RULE = WITH_CODE.replace("name <> 'bad'", "name <> ''")
SHORTER = WITHOUT_RULE.replace("line: l.line", 'line: "substr(l.line, 1, 10)"')
DATE_MENDED = "update person set born = '1990-02-28' where code = 'd 4'"
TOWN_FOUND = "insert into town values (9, 'Found')"
PEOPLE = "select code, name, kind, born::text from people order by 1"
VISITORS = "select p.code from visits v join people p on p.id = v.person_id order by 1"
STATES = """
select q.mapping, case q.resolution when '' then 'waiting' else q.resolution end, count(*)
  from transfuse.quarantine q where q.run_id = $1 group by 1, 2 order by 1, 2
"""


@asynccontextmanager
async def infirmary(servers: Servers, *, rabbitmq: bool = False) -> AsyncIterator[tuple[Installation, str]]:
    """An installation, and the URL of its legacy database's owner."""
    await filled(servers.postgres, f"{PREFIX}infirmary", lambda url: fill(url, LEGACY))
    await filled(servers.postgres, f"{PREFIX}infirmary_target", lambda url: fill(url, TARGET))
    async with (
        copied(servers.postgres, f"{PREFIX}infirmary") as legacy,
        installed(
            servers.folder(),
            server=servers.postgres,
            legacy=await allow_reading(legacy, *TABLES),
            template=f"{PREFIX}infirmary_target",
            rabbitmq=servers.rabbitmq if rabbitmq else None,
        ) as installation,
    ):
        yield installation, legacy
