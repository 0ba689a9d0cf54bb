"""A tiny legacy database and its target, for plans that are made wrong on purpose."""

from __future__ import annotations

from pathlib import Path

import asyncpg

LEGACY = """
create table person (id integer primary key, name text, kind text, town_id integer);
create table town (id integer primary key, name text);
create table visit (id integer primary key, person_id integer, note text);
create table counter (value integer not null);
insert into town values (1, 'Here'), (2, 'There');
insert into person values (1, 'One', 'A', 1), (2, 'Two', 'B', 2), (3, 'Three', 'NO', 1), (4, 'Four', 'A', 99);
insert into visit values (1, 1, 'first'), (2, 1, 'second'), (3, 2, 'third');
insert into counter values (0);
create function counted() returns integer language sql volatile security definer
    as 'update counter set value = value + 1 returning value';
"""
TABLES = ("public.person", "public.town", "public.visit", "public.counter")

TARGET = """
create table people (id uuid primary key, legacy_id integer unique, name text, kind text);
alter table people enable row level security;
"""

PLAN = """\
transfuse: 1
name: clinic
namespace: 2b7e1516-28ae-42d2-a6ab-f7158809cf4f
source: {schema: public}
target: {schema: public}

codebooks:
  kind: {A: first, B: second, NO: third, ON: fourth}

mappings:
  - name: people
    into: people
    from: person AS p
    key: p.id
    columns:
      id: key()
      legacy_id: p.id
      name: p.name
      kind: codebook('kind', p.kind)

unmapped:
  town: not moved
  visit: not moved
  counter: not moved
"""


def changed(old: str, new: str) -> str:
    """The plan with one thing wrong."""
    assert PLAN.count(old) == 1
    return PLAN.replace(old, new)


def written(folder: Path, text: str) -> str:
    """Path of a plan with that text."""
    path = folder / "plan.yml"
    path.write_text(text, encoding="utf-8")
    return str(path)


async def fill(url: str, statements: str) -> None:
    """Run statements in a database."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()
