from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from shared.core.states import RunState
from shared.messages import RunChanged
from shared.settings import PostgresAddress
from tests.integration.extractor.conftest import RoleFactory, address_of
from tests.integration.extractor.extractor import (
    FROM,
    LEGACY,
    SECRET_NAMESPACE,
    TARGET,
    Extractor,
    opened_extractor,
    plan_text,
)
from tests.ledgers.ledger import Ledger

MULTIPLYING = "insert into contact values (1, 'Other City', true)"
INNER = "person AS p JOIN contact AS c ON c.person_id = p.id AND c.is_primary"

BY_EMAIL = plan_text(key="p.email", namespace=SECRET_NAMESPACE)


@pytest.fixture
async def extractor(ledger: Ledger, legacy: asyncpg.Connection, legacy_url: str) -> AsyncIterator[Extractor]:
    await legacy.execute(LEGACY)
    await ledger.connection.execute(TARGET)
    async with opened_extractor(ledger, address_of(legacy_url)) as opened:
        yield opened


async def test_a_planned_run_has_counts_batches_and_a_snapshot(extractor: Extractor) -> None:
    run = await extractor.start(plan_text())
    assert await extractor.plan(run) == [RunChanged(run=run, state=RunState.RUNNING)]
    connection = extractor.ledger.connection
    mapping = await connection.fetchrow(
        "select driving_rows, from_rows, target_schema, target_table, cut_complete from transfuse.run_mapping"
    )
    assert tuple(mapping) == (25, 25, "public", "patients", True)
    assert len(await extractor.ledger.batch_states(run)) == 3
    row = await connection.fetchrow("select * from transfuse.run")
    assert (row["snapshot_count"], row["snapshot_holder"], row["duckdb_version"] != "") == (1, "here", True)
    assert extractor.holder.held(run) is not None


async def test_a_command_that_comes_again_changes_nothing(extractor: Extractor) -> None:
    run = await extractor.start(plan_text())
    yielded = await asyncio.gather(extractor.plan(run), extractor.plan(run))
    assert sorted(map(len, yielded)) == [0, 1]
    assert await extractor.plan(run) == []
    assert await extractor.ledger.connection.fetchval("select snapshot_count from transfuse.run") == 1


@pytest.mark.parametrize(
    ("change", "text", "code", "words"),
    (
        ("drop table contact", plan_text(), "plan_refused", "contact"),
        ("alter table person drop column first_name", plan_text(), "plan_refused", "first_name"),
        ("create table forgotten (i integer)", plan_text(), "plan_refused", "forgotten"),
        (MULTIPLYING, plan_text(), "join_multiplies", "25 of public.person give 26"),
        ("delete from contact where person_id < 4", plan_text(from_=INNER), "join_drops_rows", "drop 3 of 25 rows"),
        ("update person set email = 'x'", BY_EMAIL, "key_repeats", "stands in 25 rows"),
        ("update person set email = null where id = 3", BY_EMAIL, "key_is_null", "NULL"),
        ("select 1", plan_text(key="p.email"), "plan_refused", "namespace: {secret: NAME}"),
        ("select 1", plan_text(from_=FROM.replace("p.id", "p.email")), "from_refused", "42883"),
        ("select 1", plan_text(key="p.nothing"), "plan_refused", "plan.yml:9:10: 'p' has no column 'nothing'"),
        ("select 1", plan_text(key="p.id + p.nothing"), "from_refused", "42703"),
        ("select 1", plan_text().replace("into: patients", "into: nowhere"), "plan_refused", "nowhere"),
        ("select 1", plan_text() + "target: {schema: nowhere}\n", "no_schema", "'nowhere'"),
        ("select 1", "transfuse: [", "plan_refused", "plan.yml:1"),
    ),
)
async def test_a_run_that_cannot_be_planned_fails_with_its_reason_and_writes_nothing(
    extractor: Extractor, legacy: asyncpg.Connection, change: str, text: str, code: str, words: str
) -> None:
    await legacy.execute(change)
    run = await extractor.start(text)
    assert await extractor.plan(run) == [RunChanged(run=run, state=RunState.FAILED, reason=code)]
    state, reason, message, remedy = await extractor.outcome(run)
    assert (state, reason) == ("failed", code)
    assert words in message
    assert len(remedy) > 20
    assert await extractor.written() == 0
    assert extractor.holder.held(run) is None


async def test_rows_that_joins_drop_are_counted_where_the_plan_expects_them(
    extractor: Extractor, legacy: asyncpg.Connection
) -> None:
    await legacy.execute("delete from contact where person_id < 4")
    run = await extractor.planned(plan_text(from_=INNER, excludes="expected"))
    row = await extractor.ledger.connection.fetchrow("select driving_rows, from_rows from transfuse.run_mapping")
    assert (await extractor.ledger.state(run), tuple(row)) == ("running", (25, 22))


async def test_an_empty_table_is_complete_at_once(extractor: Extractor, legacy: asyncpg.Connection) -> None:
    await legacy.execute("truncate person, contact")
    run = await extractor.planned(plan_text())
    assert await extractor.ledger.mapping_states(run) == {"patients": "complete"}


@pytest.mark.parametrize(
    ("change", "code"), (({"port": 1}, "legacy_unreachable"), ({"user": "no such role"}, "role_refused"))
)
async def test_a_legacy_database_that_does_not_let_us_in_fails_the_run(
    ledger: Ledger, legacy_url: str, change: dict[str, object], code: str
) -> None:
    await ledger.connection.execute(TARGET)
    known = address_of(legacy_url)
    fields = {name: getattr(known, name) for name in known.__struct_fields__}
    async with opened_extractor(ledger, PostgresAddress(**(fields | change))) as extractor:
        run = await extractor.planned(plan_text())
        assert (await extractor.outcome(run))[:2] == ("failed", code)
        assert await extractor.written() == 0


async def test_a_missing_right_fails_the_run_with_the_grant(
    ledger: Ledger, legacy: asyncpg.Connection, legacy_url: str, new_role: RoleFactory
) -> None:
    await legacy.execute(LEGACY)
    await ledger.connection.execute(TARGET)
    role = await new_role("reader")
    async with opened_extractor(ledger, address_of(legacy_url, user=role, password="reader")) as extractor:
        run = await extractor.planned(plan_text())
        state, reason, _, remedy = await extractor.outcome(run)
        assert (state, reason) == ("failed", "preflight_failed")
        assert f'GRANT SELECT ON "public"."person" TO "{role}";' in remedy
        assert f'GRANT SELECT ON "public"."contact" TO "{role}";' in remedy


async def test_a_run_cancelled_while_it_is_planned_stays_cancelled(extractor: Extractor) -> None:
    run = await extractor.start(plan_text())
    await extractor.ledger.runs.cancel(run, actor="tester")
    assert await extractor.plan(run) == []
    assert await extractor.written() == 0
    assert extractor.holder.held(run) is None


async def test_a_resumed_run_takes_a_new_snapshot_and_counts_what_is_open_in_it(
    extractor: Extractor, legacy: asyncpg.Connection
) -> None:
    run = await extractor.planned(plan_text())
    first, *_ = await extractor.dispatched(window=1)
    await extractor.ledger.settle(first)
    await extractor.ledger.runs.pause(run, actor="tester")
    await legacy.execute("delete from person where id in (3, 15); insert into person values (26, 'New', 'n', '')")
    assert await extractor.ledger.runs.resume(run, actor="tester", snapshot_lost=True) is RunState.PLANNING
    assert await extractor.plan(run) == [RunChanged(run=run, state=RunState.RUNNING)]
    row = await extractor.ledger.connection.fetchrow(
        "select snapshot_count, driving_rows, from_rows from transfuse.run, transfuse.run_mapping"
    )
    assert tuple(row) == (2, 25, 25)  # ten are settled, and fifteen others are open: 11 to 14, 16 to 26
    issued = await extractor.dispatched()
    assert {(batch.seq, batch.generation) for batch in issued} == {(2, 2), (3, 2)}
    assert sum([(await extractor.rows(batch)).count(b"\n") for batch in issued]) == 15


async def test_triggers_that_the_loader_switches_off_are_no_drift(extractor: Extractor) -> None:
    connection = extractor.ledger.connection
    await connection.execute("""
        create function touch() returns trigger language plpgsql as 'begin return new; end';
        create trigger touch before insert on patients for each row execute function touch();
    """)
    run = await extractor.planned(plan_text() + "    triggers: {touch: off}\n")
    await extractor.ledger.runs.pause(run, actor="tester")
    await connection.execute("alter table patients disable trigger touch")
    await extractor.ledger.runs.resume(run, actor="tester", snapshot_lost=True)
    assert await extractor.plan(run) == [RunChanged(run=run, state=RunState.RUNNING)]


HOSTILE = """
create table "select" ("ID ""x"" y" integer primary key, "größe ☂" text, "from" text);
insert into "select" select g, 'a' || g, null from generate_series(1, 12) g;
"""
HOSTILE_PLAN = """
transfuse: 1
name: hostile
namespace: 8a3c1f62-5a0e-4f0e-9c55-0d6b3f1f7f10
mappings:
  - name: patients
    into: my "table" ☂
    from: '"select" AS "Order"'
    key: '"Order"."ID ""x"" y"'
    columns:
      id: key()
      "größe ☂": '"Order"."größe ☂"'
"""


async def test_hostile_names_are_read_like_any_other(
    ledger: Ledger, legacy: asyncpg.Connection, legacy_url: str
) -> None:
    await legacy.execute(HOSTILE)
    await ledger.connection.execute('create table "my ""table"" ☂" (id uuid primary key, "größe ☂" text)')
    async with opened_extractor(ledger, address_of(legacy_url)) as extractor:
        run = await extractor.planned(HOSTILE_PLAN)
        assert await extractor.outcome(run) == ("running", "", "", "")
        texts = [await extractor.rows(batch) for batch in await extractor.dispatched()]
        assert b"".join(texts) == b"".join(b"%d,a%d\n" % (n, n) for n in range(1, 13))
