"""Planted people never appear where nobody should see them: not when all goes well, and not when it fails."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from shared.bus.topology import Topology
from shared.core.states import RunState
from tests.harness.clinic import fill
from tests.harness.command_line import transfuse
from tests.harness.databases import PREFIX, allow_reading, filled
from tests.harness.firehose import firehose
from tests.harness.installation import installed
from tests.harness.ledger import ledger_of
from tests.harness.servers import Servers
from tests.harness.services import services
from transfuse.exit_codes import ExitCode

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

TOKEN = "qzcanary"
PHONE = "2025550163"
SOCIAL = "987-65-4"
NAMESPACE = "0f9d3c1e-77aa-4d0f-9c0b-5d1a2b3c4d5e"
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


async def test_planted_people_appear_nowhere_outside_the_target(servers: Servers) -> None:
    legacy = await filled(servers.postgres, f"{PREFIX}canary", lambda url: fill(url, LEGACY))
    await filled(servers.postgres, f"{PREFIX}canary_target", lambda url: fill(url, TARGET))
    places: dict[str, str | bytes] = {}
    async with (
        installed(
            servers.folder(),
            server=servers.postgres,
            legacy=await allow_reading(legacy, *TABLES),
            template=f"{PREFIX}canary_target",
            rabbitmq=servers.rabbitmq,
            variables={"LOG_LEVEL": "debug"},
        ) as installation,
        services(installation, PLAN_SECRET_CANARY_NAMESPACE=NAMESPACE) as five,
        firehose(servers.rabbitmq, Topology(prefix=installation.bus_prefix)) as published,
        ledger_of(installation) as ledger,
    ):
        last = None
        for name in PLANS:
            said = await transfuse(installation, "run", plan_in(installation.home, name), "--batch-rows", "20")
            places[f"what the command says of {name}"] = said.text
            last = await ledger.youngest(after=last)
            snapshot = await ledger.progress.read(last)
            if name == "arrives":
                assert said.code == ExitCode.WARNINGS, said.text
                assert snapshot.state is RunState.COMPLETED, said.text
                assert await arrived(installation.target) > 0
                codes = {reason.code for reason in snapshot.quarantine}
                assert len(codes) >= 5, codes
            else:
                assert said.code == ExitCode.FAILED, said.text
                assert snapshot.state is RunState.FAILED, said.text
        for words in (("status",), ("runs",)):
            places[f"what {words[0]} says"] = (await transfuse(installation, *words)).text
        places["the metrics"] = await five.metrics()
        places["the ledger"] = await ledger.text()
    assert len(published.bodies) > 20
    places["the log"] = five.log.read_text(encoding="utf-8")
    assert '"level":"debug"' in str(places["the log"]) or len(five.lines()) > 20
    places["the messages' headers"] = "\n".join(published.labels)
    places["the messages' bodies"] = b"\n".join(published.bodies)
    assert [place for place, content in places.items() if gives_away(content)] == []


async def test_planted_people_appear_nowhere_when_one_process_does_it_all(servers: Servers) -> None:
    legacy = await filled(servers.postgres, f"{PREFIX}canary", lambda url: fill(url, LEGACY))
    await filled(servers.postgres, f"{PREFIX}canary_target", lambda url: fill(url, TARGET))
    async with (
        installed(
            servers.folder(),
            server=servers.postgres,
            legacy=await allow_reading(legacy, *TABLES),
            template=f"{PREFIX}canary_target",
        ) as installation,
        ledger_of(installation) as ledger,
    ):
        heard = []
        for name, code in (("arrives", ExitCode.WARNINGS), ("broken-in-the-target", ExitCode.FAILED)):
            variables = {"PLAN_SECRET_CANARY_NAMESPACE": NAMESPACE, "LOG_LEVEL": "debug"}
            said = await transfuse(installation, "run", plan_in(installation.home, name), **variables)
            assert said.code == code, said.text
            heard.append(said.text)
        assert await arrived(installation.target) > 0
        heard.append(await ledger.text())
        heard += [file.read_text(encoding="utf-8") for file in installation.home.glob("*.log")]
    assert len(heard) > 3
    assert [gives_away(text) for text in heard] == [[]] * len(heard)


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
    return [
        planted
        for planted in (TOKEN, PHONE, SOCIAL, "98765400", NAMESPACE)
        if planted.encode() in lowered or planted.encode().hex().encode() in lowered
    ]


def test_the_canary_is_found_where_it_sings() -> None:
    assert gives_away(f"row (ann.{TOKEN.upper()}1@example.test)")
    assert gives_away(Path("x" + TOKEN).name.encode().hex())
    assert not gives_away("a row was refused")
