"""Money through a whole run, with constraints off while it loads; what its report says; a trigger that takes a cent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from tests.harness import clinic
from tests.harness.command_line import transfuse
from tests.harness.databases import PREFIX, copied, filled
from tests.harness.installation import Installation, installed
from tests.harness.portal import PLAN as PORTAL
from tests.harness.servers import Servers
from transfuse.exit_codes import ExitCode

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
TEMPLATE = f"{PREFIX}money_target"
LEGACY = """
create table person (id integer primary key, sex text);
create table bill (id integer primary key, person_id integer, amount numeric(10, 2), fee numeric, void boolean);
insert into person select g, case when g < 41 then 'M' when g < 44 then 'F' else 'Z' end from generate_series(1, 50) g;
insert into bill select g, g, g * 1.11, g / 3.0, g % 5 = 0 from generate_series(1, 40) g;
insert into bill select g, 1000 + g, 5.55, 1, false from generate_series(41, 46) g;
"""
TARGET = """
create table people (id uuid primary key, sex text);
create table bills (
    id uuid primary key, person uuid not null references people (id), amount numeric(10, 2), fee numeric);
create index bills_by_person on bills (person);
alter table people enable row level security;
alter table bills enable row level security;
"""
PLAN = """\
transfuse: 1
name: clinic
namespace: 2b7e1516-28ae-42d2-a6ab-f7158809cf4f
source: {schema: public}
target: {schema: public}
codebooks:
  sex: {M: male, F: female, otherwise: {value: other}}
mappings:
  - name: people
    into: people
    from: person AS p
    key: p.id
    columns: {id: key(), sex: "codebook('sex', p.sex)"}
  - name: bills
    into: bills
    from: bill AS b
    key: b.id
    keep: NOT b.void
    columns:
      id: key()
      person: ref('people', b.person_id)
      amount: b.amount
      fee: b.fee
    missing_parent: {person: filter_too}
    proof: {sum: [amount, fee]}
"""
CONSTRAINTS = """
select conname, pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace
union all select indexname, indexdef from pg_indexes where schemaname = 'public' order by 1, 2
"""


@asynccontextmanager
async def clinic_of(server: str, folder: Path) -> AsyncIterator[Installation]:
    async def fill(url: str) -> None:
        await clinic.fill(url, TARGET)

    await filled(server, TEMPLATE, fill)
    async with copied(server) as legacy:
        await clinic.fill(legacy, LEGACY)
        async with installed(folder, server=server, legacy=legacy, template=TEMPLATE) as made:
            yield made


async def constraints(installation: Installation) -> list[tuple[str, str]]:
    connection = await asyncpg.connect(installation.target)
    try:
        return [tuple(row) for row in await connection.fetch(CONSTRAINTS)]
    finally:
        await connection.close()


async def report(installation: Installation) -> dict[str, Any]:
    said = await transfuse(installation, "report", "--json")
    assert said.code == ExitCode.OK, said.text
    found: dict[str, Any] = msgspec.json.decode(said.out)
    return found


async def test_money_agrees_and_the_report_says_what_was_left_out(postgres_server: str, tmp_path: Path) -> None:
    async with clinic_of(postgres_server, tmp_path) as installation:
        before = await constraints(installation)
        plan = clinic.written(installation.home, PLAN)
        said = await transfuse(installation, "run", plan, "--suspend-constraints", "--batch-rows", "10")
        assert said.code == ExitCode.WARNINGS, said.text
        assert "2 columns agree to the cent" in said.out
        assert await constraints(installation) == before
        found = await report(installation)
        sums = {one["column"]: one for one in found["sums"]}
        assert {one["state"] for one in sums.values()} == {"agrees"}
        # 820 * 1.11 in all bills of known people, a fifth of them void, and six bills whose person is not there.
        assert (sums["amount"]["source"], sums["amount"]["target"]) == ("943.5", "710.4")
        assert sums["amount"]["filtered"] == "233.1"
        assert [(one["keep"], one["parents"], one["rows"]) for one in found["filters"]] == [
            ("NOT b.void", ["person"], 14)
        ]
        (book,) = found["codebooks"]
        assert book["codes"] == [{"code": "M", "meaning": "male", "rows": 40}]
        assert (book["rare"], book["unknown"], book["unknownRows"], book["otherwise"]) == (1, 1, 7, "other")
        evidence = {proof["code"]: proof["state"] for proof in found["evidence"]}
        assert (evidence["sums"], evidence["compared"], evidence["audit"]) == ("holds", "not_checked", "holds")
        assert {one["mapping"] for one in found["times"]} == {"people", "bills"}
        page = installation.home / "report.html"
        said = await transfuse(installation, "report", "--html", str(page))
        assert said.code == ExitCode.OK, said.text
        text = await asyncio.to_thread(page.read_text, encoding="utf-8")
        assert "943.5" in text
        assert "<script" not in text
        assert "How we know" in (await transfuse(installation, "report")).out


async def test_a_trigger_that_takes_a_cent_fails_the_run_and_says_where(postgres_server: str, tmp_path: Path) -> None:
    async with clinic_of(postgres_server, tmp_path) as installation:
        await clinic.fill(
            installation.target,
            """create function cent() returns trigger language plpgsql
                   as 'begin new.amount = new.amount - 0.01; return new; end';
               create trigger cent before insert on bills for each row execute function cent()""",
        )
        plan = PLAN.replace("    proof:", "    triggers: {cent: keep}\n    proof:")
        said = await transfuse(installation, "run", clinic.written(installation.home, plan))
        assert said.code == ExitCode.FAILED, said.text
        assert "bills.amount (source 943.5, loaded 710.4, filtered 233.1, target 710.08)" in " ".join(said.out.split())
        (amount, fee) = (await report(installation))["sums"]
        assert (amount["state"], fee["state"]) == ("differs", "agrees")


@pytest.mark.parametrize("options", ((), ("--suspend-constraints",)))
async def test_the_portal_agrees_to_the_cent(servers: Servers, options: tuple[str, ...]) -> None:
    async with servers.portal_installation(0.01) as installation:
        before = await constraints(installation)
        said = await transfuse(installation, "run", str(PORTAL), *options)
        assert said.code == ExitCode.WARNINGS, said.text
        assert await constraints(installation) == before
        found = await report(installation)
        assert {one["state"] for one in found["sums"]} == {"agrees"}
        assert len(found["sums"]) > 3
