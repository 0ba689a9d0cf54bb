"""Planted people: their names, the databases they live in, the plans that move them, and what gives them away."""

from __future__ import annotations

import re
from pathlib import Path

import asyncpg

TOKEN = "qzcanary"
PHONE = "2025550163"
SOCIAL = "987-65-4"
NAMESPACE = "0f9d3c1e-77aa-4d0f-9c0b-5d1a2b3c4d5e"
PLANTED = (TOKEN, PHONE, SOCIAL, "98765400", NAMESPACE)
PEOPLE = 60
TABLES = ("public.person", "public.visit", "public.twice")

COLUMNS = "email, name, social, phone, note, age, born, twin"

LEGACY = f"""
create table person (
    email text primary key, name text, social text, phone text, note text, age text, born text, code text, twin text
);
create table visit (id integer primary key, email text, summary text);
insert into person
select 'ann.{TOKEN}' || n || '@example.test', 'Ann{TOKEN} Q' || n, '{SOCIAL}' || lpad(n::text, 3, '0'), '+1{PHONE}',
       'note {TOKEN} ' || n,
       case when n % 7 = 0 then 'age {TOKEN} ' || n else (20 + n)::text end,
       case when n % 11 = 0 then 'born {TOKEN} ' || n else '1980-01-02' end,
       case when n % 13 = 0 then 'code {TOKEN} ' || n else 'A' end,
       case when n % 17 = 0 then 'twin {TOKEN}' else 'twin {TOKEN} ' || n end
  from generate_series(1, {PEOPLE}) n;
insert into visit
select n, case when n % 5 = 0 then 'gone.' else 'ann.' end || '{TOKEN}' || n || '@example.test',
       'summary {TOKEN} ' || n
  from generate_series(1, {PEOPLE}) n;
create table twice (email text, name text);
insert into twice select email, name from person union all (select email, name from person order by email limit 3);
"""  # noqa: S608 - a planted database

TARGET = """
create table people (
    id uuid primary key, email text, name text, social text, phone text, note text check (note not like '% 23'),
    age integer check (age < 75), born date, code text, twin text unique, metadata jsonb
);
create table visits (id uuid primary key, person_id uuid not null references people, summary text);
create function angry() returns trigger language plpgsql as $$
begin
    if new.note like '% 29' then
        raise exception 'never: % %', new.note, new.email using detail = new.name;
    elsif new.code = 'broken' then
        raise exception 'never: % %', new.note, new.email using errcode = '42P17', detail = new.name;
    end if;
    return new;
end $$;
create trigger angry before insert on people for each row execute function angry();
"""

PEOPLE_MAPPING = """\
  - name: people
    into: people
    from: {source}
    key: p.email
    columns:
      id: key()
      email: p.email
      name: p.name
      social: p.social
      phone: phone(p.phone, 'US')
      note: p.note
      age: p.age::INTEGER
      born: date_of(p.born, '%Y-%m-%d')
      code: {code}
      twin: p.twin
      metadata: rest()
    bad_value: {born: keep_aside}
    triggers: {angry: keep}
    rules:
      - {name: not too old, check: "age < 70"}
"""
VISITS_MAPPING = """\
  - name: visits
    into: visits
    from: visit AS v
    key: v.id
    columns:
      id: key()
      person_id: ref('people', v.email)
      summary: v.summary
"""
HEAD = """\
transfuse: 1
name: {name}
namespace: {secret: CANARY_NAMESPACE}
source: {schema: public}
target: {schema: public}
codebooks:
  code: {A: first}
mappings:
"""


def people(source: str, code: str) -> str:
    """The mapping of people with that FROM clause and that expression for the code."""
    return PEOPLE_MAPPING.replace("{source}", source).replace("{code}", code)


GOOD = people("person AS p", "codebook('code', p.code)")
PLANS = {
    "arrives": HEAD + GOOD + VISITS_MAPPING + "unmapped: {twice: a trap}\n",
    "refused-by-the-legacy-database": HEAD  # noqa: S608
    + people(f"(SELECT {COLUMNS}, note::integer AS number FROM person) AS p", "p.number::VARCHAR")  # noqa: S608
    + "unmapped: {twice: a trap, visit: a trap}\n",
    "broken-in-the-target": HEAD
    + people("person AS p", "{value: \"'broken'\", invented: true}").replace("p.age::INTEGER", "30")
    + "unmapped: {twice: a trap, visit: a trap}\n",
    "repeated-keys": HEAD
    + """\
  - name: people
    into: people
    from: twice AS p
    key: p.email
    columns: {id: key(), email: p.email, name: p.name}
    triggers: {angry: keep}
unmapped: {person: a trap, visit: a trap}
""",
}  # fmt: skip


def plan_in(home: Path, name: str) -> str:
    """Path of the plan of that name, written below a folder."""
    folder = home / name
    folder.mkdir()
    (folder / "plan.yml").write_text(PLANS[name].replace("{name}", name), encoding="utf-8")
    return str(folder)


async def arrived(url: str) -> int:
    """Rows in the target that hold the planted text: the canary was alive."""
    connection = await asyncpg.connect(url)
    try:
        count: int = await connection.fetchval("select count(*) from people where note like $1", f"%{TOKEN}%")
        return count
    finally:
        await connection.close()


def gives_away(content: str | bytes) -> list[str]:
    """Which of the planted texts a place holds, as they are or in hexadecimal."""
    raw = content if isinstance(content, bytes) else content.encode()
    lowered = raw.lower()
    return [planted for planted in PLANTED if planted.encode() in lowered or planted.encode().hex().encode() in lowered]


def around(content: str | bytes) -> list[str]:
    """What stands around the first places that give somebody away: only planted people do."""
    raw = (content if isinstance(content, bytes) else content.encode()).lower()
    planted = b"|".join(name.encode() + b"|" + name.encode().hex().encode() for name in PLANTED)
    return [match[0].decode(errors="replace") for match in re.finditer(rb".{0,100}(?:" + planted + rb").{0,40}", raw)][
        :3
    ]
