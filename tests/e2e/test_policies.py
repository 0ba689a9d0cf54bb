"""What becomes of rows and values that do not fit, through all services at once: each policy of the plan language."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.core.counts import Counts
from shared.core.states import RunState
from tests.harness.clinic import LEGACY, TABLES, fill
from tests.harness.databases import PREFIX, allow_reading, filled
from tests.harness.grove import passes, rows, run
from tests.harness.installation import Installation, installed
from tests.harness.servers import Servers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
TARGET = """
create table towns (id uuid primary key, name text);
create table people (
    id uuid primary key, legacy_id integer, name text, kind text, shade text default 'plain', born date,
    town_id uuid references towns, metadata jsonb
);
create table visits (id uuid primary key, legacy_id integer, person_id uuid not null references people, note text);
"""
PLAN = """\
transfuse: 1
name: policies
namespace: 2b7e1516-28ae-42d2-a6ab-f7158809cf4f
codebooks:
  kind: {A: first, B: second}
mappings:
  - {name: towns, into: towns, from: town AS t, key: t.id, columns: {id: key(), name: t.name}}
  - name: people
    into: people
    from: person AS p
    key: p.id
    keep: p.name <> 'Two'
    columns:
      id: key()
      legacy_id: p.id
      name: p.name
      kind: codebook('kind', p.kind)
      born: date_of(p.name)
      town_id: ref('towns', p.town_id)
      metadata: rest()
    bad_value: {kind: keep_aside, born: null_it}
    missing_parent: {town_id: null_it}
    rules: [{name: not the first, check: "name <> 'One'", else: warn}]
    clear: [legacy_id]
  - name: visits
    into: visits
    from: visit AS v
    key: v.id
    columns: {id: key(), legacy_id: v.id, person_id: "ref('people', v.person_id)", note: v.note}
    missing_parent: {person_id: {filtered: filter_too}}
unmapped: {counter: not moved}
"""
WARNED = [
    ("people", "bad_date", "born", 3),
    ("people", "missing_parent", "town_id", 1),
    ("people", "rule", "not the first", 1),
    ("people", "unknown_code", "kind", 1),
]


@pytest.fixture
async def installation(servers: Servers) -> AsyncIterator[Installation]:
    legacy = await filled(servers.postgres, f"{PREFIX}policies", lambda url: fill(url, LEGACY))
    await filled(servers.postgres, f"{PREFIX}policies_target", lambda url: fill(url, TARGET))
    async with installed(
        servers.folder(),
        server=servers.postgres,
        legacy=await allow_reading(legacy, *TABLES),
        template=f"{PREFIX}policies_target",
    ) as found:
        yield found


async def test_each_policy_does_what_it_says_and_is_counted(installation: Installation) -> None:
    said, snapshot = await run(installation, text=PLAN)
    assert snapshot.state is RunState.COMPLETED, said.text
    assert {name: counts for (name, _), counts in passes(snapshot).items()} == {
        "towns": Counts(read=2, loaded=2),
        "people": Counts(read=4, loaded=3, filtered=1),
        "visits": Counts(read=3, loaded=2, filtered=1),
    }
    people = "select legacy_id, kind, born::text, town_id is not null, metadata::text from people order by 1"
    assert await rows(installation.target, people) == [
        (1, "first", None, True, "{}"),
        (3, None, None, True, '{"rejected": {"kind": "NO"}}'),
        (4, "first", None, False, "{}"),
    ]
    warned = sorted((one.mapping, one.code, one.column, one.row_count) for one in snapshot.warnings)
    assert warned == WARNED
    assert [(one.mapping, one.kind.value, one.column, one.row_count) for one in snapshot.brought_in] == [
        ("people", "default", "shade", 3)
    ]


async def test_a_missing_parent_that_may_not_be_ends_the_run(installation: Installation) -> None:
    said, snapshot = await run(installation, text=PLAN.replace("town_id: null_it", "town_id: fail_run"))
    assert (snapshot.state, snapshot.reason) == (RunState.FAILED, "missing_parent"), said.text
