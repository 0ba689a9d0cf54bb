"""Tables of the legacy database that are changed in the middle of a run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from services.extractor.unmoved import Unmoved
from shared.core.states import RunState
from shared.messages import RunChanged
from shared.plan.compiled import CompiledMapping
from tests.integration.extractor.conftest import address_of
from tests.integration.extractor.extractor import FROM, LEGACY, TARGET, Extractor, opened_extractor, plan_text
from tests.ledgers.ledger import Ledger

CHILD = "create table contact_old () inherits (contact);"
ONCE = "person AS p LEFT JOIN (SELECT person_id, max(city) AS city FROM contact GROUP BY 1) AS c ON c.person_id = p.id"


@pytest.fixture
async def extractor(ledger: Ledger, legacy: asyncpg.Connection, legacy_url: str) -> AsyncIterator[Extractor]:
    await legacy.execute(LEGACY + CHILD)
    await ledger.connection.execute(TARGET)
    async with opened_extractor(ledger, address_of(legacy_url)) as opened:
        yield opened


async def rows_of(extractor: Extractor) -> int:
    """Rows of all batches that are issued now."""
    return sum([(await extractor.rows(batch)).count(b"\n") for batch in await extractor.dispatched()])


@pytest.mark.parametrize("from_", (FROM, ONCE))
@pytest.mark.parametrize(
    ("change", "told"),
    (
        ("alter table contact drop column city", "source public.contact.city (was text, is gone)"),
        (
            "alter table contact alter city type varchar(9)",
            "source public.contact.city (was text, is character varying(9))",
        ),
        (
            "alter table contact drop column city; alter table contact add column city text",
            "source public.contact.city (was made anew)",
        ),
        (
            "alter table person rename first_name to other; alter table person rename email to first_name",
            "source public.person.first_name (was made anew)",
        ),
        ("alter table contact rename to contacts", "source public.contact (was table, is gone)"),
        ("alter table contact_old no inherit contact", "source public.contact_old (was table, is gone)"),
    ),
)
async def test_a_change_of_what_the_plan_uses_pauses_the_run_with_the_difference(
    extractor: Extractor, legacy: asyncpg.Connection, from_: str, change: str, told: str
) -> None:
    run = await extractor.planned(plan_text(from_=from_))
    first, second, _ = await extractor.dispatched()
    assert (await extractor.rows(first)).count(b"\n") == 10
    await legacy.execute(change)
    paused = RunChanged(run=run, state=RunState.PAUSED, reason="schema_drifted")
    assert await extractor.extract(second) == [paused]
    state, reason, message, remedy = await extractor.outcome(run)
    assert (state, reason) == ("paused", "schema_drifted")
    assert told in message
    assert "resume" in remedy
    assert set((await extractor.ledger.batch_states(run)).values()) == {"dispatched"}, "no attempt failed"


async def test_a_column_that_is_back_before_anybody_looks_pauses_the_run_all_the_same(
    extractor: Extractor, legacy: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await extractor.planned(plan_text())
    first, *_ = await extractor.dispatched()
    look = Unmoved.check

    async def late(self: Unmoved, run: UUID, snapshot: str, mapping: CompiledMapping) -> None:
        await legacy.execute("alter table contact rename town to city")
        await look(self, run, snapshot, mapping)

    monkeypatch.setattr(Unmoved, "check", late)
    await legacy.execute("alter table contact rename city to town")
    assert await extractor.extract(first) == [RunChanged(run=run, state=RunState.PAUSED, reason="schema_drifted")]
    assert "is what it was again" in (await extractor.outcome(run))[2]


@pytest.mark.parametrize(
    "change",
    (
        "alter table contact add column other text",
        "alter table contact drop column is_primary; alter table person drop column secret",
        "create index on person (email); analyze person",
        "create table contact_new () inherits (contact)",
        "delete from person; update contact set city = 'Another'",
    ),
)
async def test_a_change_of_anything_else_does_not_disturb_the_run(
    extractor: Extractor, legacy: asyncpg.Connection, change: str
) -> None:
    await extractor.planned(plan_text(from_="person AS p LEFT JOIN contact AS c ON c.person_id = p.id"))
    await legacy.execute(change)
    assert await rows_of(extractor) == 25


@pytest.mark.parametrize("rewriting", ("truncate contact_old", "alter table contact alter is_primary type text"))
async def test_a_table_that_is_rewritten_and_so_looks_empty_to_the_snapshot_costs_that_snapshot_and_no_row(
    extractor: Extractor, legacy: asyncpg.Connection, rewriting: str
) -> None:
    run = await extractor.planned(plan_text(from_="person AS p LEFT JOIN contact AS c ON c.person_id = p.id"))
    first, second, _ = await extractor.dispatched()
    await extractor.ledger.settle(first)
    await legacy.execute(rewriting)
    assert await extractor.extract(second) == [RunChanged(run=run, state=RunState.PAUSED, reason="snapshot_lost")]
    assert "rewritten" in (await extractor.outcome(run))[2]
    assert await extractor.ledger.runs.resume(run, actor="tester") is RunState.PLANNING
    assert await extractor.plan(run) == [RunChanged(run=run, state=RunState.RUNNING)]
    assert await rows_of(extractor) == 15


async def test_a_run_whose_tables_were_repaired_goes_on_under_a_new_snapshot(
    extractor: Extractor, legacy: asyncpg.Connection
) -> None:
    run = await extractor.planned(plan_text())
    first, second, _ = await extractor.dispatched()
    await extractor.ledger.settle(first)
    await legacy.execute("alter table contact rename city to town")
    await extractor.extract(second)
    paused = [RunChanged(run=run, state=RunState.PAUSED, reason="schema_drifted")]
    for _ in range(2):
        assert await extractor.ledger.runs.resume(run, actor="tester") is RunState.PLANNING
        assert await extractor.plan(run) == paused, "not repaired yet"
        assert "source public.contact.city (was text, is gone)" in (await extractor.outcome(run))[2]
    await legacy.execute("alter table contact rename town to city")
    assert await extractor.ledger.runs.resume(run, actor="tester") is RunState.PLANNING
    assert await extractor.plan(run) == [RunChanged(run=run, state=RunState.RUNNING)]
    assert await rows_of(extractor) == 15
    assert await extractor.ledger.connection.fetchval("select snapshot_count from transfuse.run") == 2


async def test_what_the_plan_does_not_use_may_change_while_a_run_is_paused(
    extractor: Extractor, legacy: asyncpg.Connection
) -> None:
    run = await extractor.planned(plan_text())
    await extractor.ledger.runs.pause(run, actor="tester")
    await legacy.execute("alter table contact add column other text; create unique index on person (email)")
    await legacy.execute("alter table person drop column secret")
    await legacy.execute("vacuum full contact")
    await extractor.ledger.connection.execute("create index on patients (city)")
    await extractor.ledger.runs.resume(run, actor="tester", snapshot_lost=True)
    assert await extractor.plan(run) == [RunChanged(run=run, state=RunState.RUNNING)]
    assert await rows_of(extractor) == 25


async def test_a_key_that_proved_rows_unique_is_missed(extractor: Extractor, legacy: asyncpg.Connection) -> None:
    text = plan_text(from_="person AS p").replace("      city: c.city\n", "")
    run = await extractor.planned(text + "unmapped: {contact: not moved, contact_old: not moved}\n")
    await extractor.ledger.runs.pause(run, actor="tester")
    await legacy.execute("alter table person drop constraint person_pkey")
    await extractor.ledger.runs.resume(run, actor="tester", snapshot_lost=True)
    assert await extractor.plan(run) == [RunChanged(run=run, state=RunState.PAUSED, reason="schema_drifted")]
    assert "source public.person unique (id) (was there, is gone)" in (await extractor.outcome(run))[2]


@pytest.mark.parametrize(
    ("change", "told"),
    (
        ("alter table patients drop column city", "target public.patients.city (was text, is gone)"),
        ("alter table patients alter city type varchar(9)", "target public.patients.city (was text, is character"),
        ("alter table patients add column born date not null", "target public.patients.born (is new: date not null)"),
        ("alter table patients add unique (legacy_id)", "target public.patients unique patients_legacy_id_key (is new"),
    ),
)
async def test_a_target_that_changed_while_the_run_was_paused_is_told_before_it_goes_on(
    extractor: Extractor, change: str, told: str
) -> None:
    run = await extractor.planned(plan_text())
    await extractor.ledger.runs.pause(run, actor="tester")
    await extractor.ledger.connection.execute(change)
    await extractor.ledger.runs.resume(run, actor="tester", snapshot_lost=True)
    assert await extractor.plan(run) == [RunChanged(run=run, state=RunState.PAUSED, reason="schema_drifted")]
    assert told in (await extractor.outcome(run))[2]
