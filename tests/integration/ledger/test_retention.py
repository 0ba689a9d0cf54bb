"""Retention: what goes of older runs, and that what they came to is the same before and after."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from shared.core.errors import Refused, WorldError
from shared.core.states import RunState
from shared.ledger.progress import Progress
from shared.ledger.retention import Details, Retention, RunDetails
from shared.ledger.snapshots import RunSnapshot
from tests.ledgers.ledger import Ledger, PlannedMapping, batches

KEPT_COMPLETED, KEPT_FAILED = 10, 50
WARNED = '[{"code": "shortened", "column": "name", "count": 2}]'


class History:
    """Ended runs of one migration, made without moving a row."""

    def __init__(self, ledger: Ledger, migration: str = "clinic") -> None:
        self.ledger = ledger
        self.connection = ledger.connection
        self.migration = migration
        self.retention = Retention(ledger.pool, most_rows=2)

    async def ended(self, *mappings: str, state: RunState = RunState.COMPLETED, quarantined: int = 1) -> UUID:
        """An ended run; every mapping has three batches of ten rows, the first with refused and warned rows."""
        run = await self.ledger.running(
            *(PlannedMapping(name=name, batches=3) for name in mappings), migration=self.migration
        )
        await self.connection.execute("insert into transfuse.run_key (run_id, wrapped) values ($1, 'key')", run)
        await self.connection.execute(
            "update transfuse.batch set bounds = 'x', bounds_sealed = true where run_id = $1", run
        )
        dispatch = self.ledger.dispatch(window=100)
        for ref in batches(await dispatch.tick()):
            await self.ledger.settle(ref, quarantined=quarantined if ref.seq == 1 else 0)
        await self.connection.execute(
            "update transfuse.batch set warnings = $2::text::jsonb where run_id = $1 and seq = 2", run, WARNED
        )
        await self.connection.execute("select transfuse.append_event($1, 'drift', '{}')", run)
        if state is RunState.COMPLETED:
            await self.connection.execute("update transfuse.run set state = 'finishing' where id = $1", run)
        await self.connection.execute("update transfuse.run set state = $2 where id = $1", run, state)
        return run

    async def refuse(self, run: UUID, mapping: str, *, resolution: str = "", seq: int = 1) -> UUID:
        """A refused row of a run."""
        row = uuid4()
        await self.connection.execute(
            """insert into transfuse.quarantine
                   (id, run_id, mapping, pass, seq, generation, stage, reasons, sealed_key, sealed_row, resolution)
               values ($1, $2, $3, 1, $4, 1, 'load', '[{"code": "too_long", "column": "name"}]', 'k', 'r', $5)""",
            *(row, run, mapping, seq, resolution),
        )
        return row

    async def many(self, count: int, *mappings: str, state: RunState = RunState.COMPLETED) -> list[UUID]:
        """So many runs, the eldest first."""
        return [await self.ended(*mappings, state=state) for _ in range(count)]

    async def beside(self, run: UUID, kind: str, state: str) -> UUID:
        """Another run of the migration, without batches."""
        made = uuid4()
        await self.connection.execute(
            """insert into transfuse.run (id, migration_id, kind, mode, state, actor, plan_hash, transfuse_version)
               select $2, migration_id, $3, mode, $4, actor, plan_hash, '0' from transfuse.run where id = $1""",
            *(run, made, kind, state),
        )
        return made

    async def clean(self) -> tuple[RunDetails, ...]:
        """One pass."""
        return await self.retention.clean(actor="tester", transfuse_version="0")

    async def left(self, table: str, run: UUID) -> int:
        """Rows of a table that a run still has."""
        query = f"select count(*) from transfuse.{table} where run_id = $1"  # noqa: S608 - names of this test
        found: int = await self.connection.fetchval(query, run)
        return found

    async def figures(self, run: UUID) -> RunSnapshot:
        """All that there is to say of a run, as somebody reads it who has not read it before."""
        found = await Progress(self.ledger.pool).read(run)
        return msgspec.structs.replace(found, read_at=found.created_at)


@pytest.fixture
def history(ledger: Ledger) -> History:
    return History(ledger)


async def test_the_last_completed_and_failed_runs_keep_everything_and_older_ones_only_what_they_came_to(
    history: History,
) -> None:
    old = await history.ended("doctors")
    kept = await history.many(KEPT_COMPLETED, "doctors")
    removed = await history.clean()
    assert [item.run for item in removed] == [old]
    assert removed[0].details == Details(batches=3, manifests=3, events=1, run_keys=1)
    for table in ("batch", "manifest", "run_key"):
        assert await history.left(table, old) == 0
        assert all([await history.left(table, run) > 0 for run in kept])


async def test_fifty_failed_runs_stay_whatever_became_of_the_others(history: History) -> None:
    failed = await history.many(3, "doctors", state=RunState.FAILED)
    await history.many(2, "doctors", state=RunState.CANCELLED)
    await history.many(KEPT_COMPLETED, "doctors")
    assert await history.retention.outlook() == ()
    for _ in range(KEPT_FAILED - 4):
        await history.beside(failed[0], "migrate", "failed")
    assert [item.run for item in await history.retention.outlook()] == [failed[0]]


async def test_every_figure_of_a_run_is_the_same_after_its_details_went(history: History) -> None:
    old = await history.ended("doctors", "patients")
    await history.refuse(old, "patients", resolution="replayed")
    await history.refuse(old, "doctors")
    await history.many(KEPT_COMPLETED, "doctors", "patients")
    before = await history.figures(old)
    assert before.counts.quarantined == 2
    assert before.warnings
    assert len(before.quarantine) == 2
    removed = (await history.clean())[0].details
    assert (removed.batches, removed.quarantine_rows) == (5, 1)
    assert await history.figures(old) == before


async def test_rows_that_nobody_resolved_stay_with_their_batch_and_the_key_that_opens_them(history: History) -> None:
    old = await history.ended("doctors")
    unresolved = await history.refuse(old, "doctors")
    resolved = await history.refuse(old, "doctors", resolution="discarded")
    await history.many(KEPT_COMPLETED, "doctors")
    before = dict(await history.connection.fetchrow("select * from transfuse.quarantine where id = $1", unresolved))
    await history.clean()
    rows = await history.connection.fetch("select * from transfuse.quarantine where run_id = $1", old)
    assert [dict(row) for row in rows] == [before]
    assert resolved != unresolved
    assert (await history.left("batch", old), await history.left("run_key", old)) == (1, 1)
    await history.connection.execute(
        "update transfuse.quarantine set resolution = 'replayed' where id = $1", unresolved
    )
    await history.clean()
    assert [await history.left(table, old) for table in ("quarantine", "batch", "run_key")] == [0, 0, 0]


async def test_the_latest_run_of_a_mapping_keeps_its_undo_records_however_old_it_is(history: History) -> None:
    old = await history.ended("doctors", "patients")
    younger = await history.many(KEPT_COMPLETED, "doctors")
    await history.clean()
    rows = await history.connection.fetch("select distinct mapping from transfuse.manifest where run_id = $1", old)
    assert [row["mapping"] for row in rows] == ["patients"]
    assert await history.left("run_key", old) == 1
    assert await history.left("manifest", younger[-1]) == 3


@pytest.mark.parametrize("mode", ("check", "patch"))
async def test_a_dry_run_or_a_back_fill_does_not_replace_the_undo_records_of_a_run(history: History, mode: str) -> None:
    old = await history.ended("doctors")
    younger = await history.many(KEPT_COMPLETED, "doctors")
    await history.connection.execute("update transfuse.run set mode = $2 where id = any ($1)", younger, mode)
    await history.clean()
    assert await history.left("manifest", old) == 3


async def test_a_second_pass_finds_nothing(history: History) -> None:
    old = await history.ended("doctors")
    await history.many(KEPT_COMPLETED, "doctors")
    assert len(await history.clean()) == 1
    before = await history.figures(old)
    assert await history.clean() == ()
    assert await history.retention.outlook() == ()
    assert await history.figures(old) == before


@pytest.mark.parametrize("steps", range(4))
async def test_a_pass_that_is_interrupted_loses_nothing_and_is_taken_up_by_the_next(
    history: History, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    old = await history.ended("doctors", "patients")
    await history.refuse(old, "doctors", resolution="replayed")
    await history.refuse(old, "patients")
    await history.many(KEPT_COMPLETED, "doctors", "patients")
    before = await history.figures(old)
    done = itertools.count()
    fetchrow = asyncpg.Connection.fetchrow

    async def breaking(self: asyncpg.Connection, query: str, *values: Any) -> Any:  # noqa: ANN401 - the driver's own
        if "remove_details" in query and next(done) == steps:
            raise ConnectionResetError
        return await fetchrow(self, query, *values)

    with monkeypatch.context() as patch:
        patch.setattr(asyncpg.Connection, "fetchrow", breaking)
        with pytest.raises(WorldError):
            await history.clean()
    assert await history.figures(old) == before
    first = await history.connection.fetchrow("select id, state from transfuse.run where kind = 'cleanup'")
    assert first["state"] == "running"
    await history.clean()
    assert await history.figures(old) == before
    assert await history.ledger.state(first["id"]) == "completed"
    assert await history.connection.fetchval("select count(*) from transfuse.run where kind = 'cleanup'") == 1


async def test_a_pass_is_a_run_that_tells_what_it_removed_and_that_no_dispatcher_touches(history: History) -> None:
    await history.ended("doctors")
    await history.many(KEPT_COMPLETED, "doctors")
    await history.clean()
    run = await history.connection.fetchrow("select * from transfuse.run where kind = 'cleanup'")
    assert (run["state"], run["actor"]) == ("completed", "tester")
    events = await history.ledger.progress.events(run["id"])
    (told,) = [event.detail for event in events if event.kind == "cleanup"]
    assert (told["runs"], told["batches"], told["manifests"]) == (1, 3, 3)
    await history.beside(run["id"], "cleanup", "running")
    assert (await history.ledger.dispatch().tick()).commands == ()
    assert (await history.ledger.dispatch().tick()).changes == ()


async def test_a_pass_that_a_person_has_stopped_removes_nothing(history: History) -> None:
    old = await history.ended("doctors")
    await history.many(KEPT_COMPLETED, "doctors")
    await history.beside(old, "cleanup", "paused")
    assert await history.clean() == ()
    assert await history.left("batch", old) == 3


async def test_a_run_without_its_details_is_not_resumed(history: History) -> None:
    old = await history.ended("doctors", state=RunState.FAILED)
    await history.connection.execute("update transfuse.run set details_removed_at = now() where id = $1", old)
    with pytest.raises(Refused, match="details of this run are gone"):
        await history.ledger.runs.resume(old, actor="tester")
    with pytest.raises(asyncpg.PostgresError, match="does not go from failed to running"):
        await history.connection.execute("update transfuse.run set state = 'running' where id = $1", old)


async def test_nothing_is_removed_of_a_run_within_retention_whoever_asks(history: History) -> None:
    young = await history.ended("doctors")
    cleanup = await history.beside(young, "cleanup", "running")
    await history.connection.fetchrow("select * from transfuse.remove_details($1, $2, 1000)", cleanup, young)
    assert await history.left("batch", young) == 3


async def test_preflights_and_passes_push_no_run_out_of_retention(history: History) -> None:
    runs = await history.many(KEPT_COMPLETED, "doctors")
    for kind in ("validate", "cleanup"):
        for _ in range(20):
            await history.beside(runs[0], kind, "completed")
    assert await history.retention.outlook() == ()


async def test_manifests_stay_until_a_younger_run_has_loaded_the_whole_mapping(history: History) -> None:
    whole = await history.ended("doctors")
    replay = await history.ended("doctors")
    await history.connection.execute("update transfuse.run set kind = 'replay' where id = $1", replay)
    await history.many(KEPT_COMPLETED, "patients")
    await history.clean()
    assert await history.left("manifest", whole) > 0
    await history.ended("doctors")
    assert whole in [item.run for item in await history.clean()]
    assert await history.left("manifest", whole) == 0


async def test_rows_that_a_verify_found_go_and_their_figures_stay(history: History) -> None:
    old = await history.ended("doctors")
    await history.connection.execute(
        """insert into transfuse.finding (id, run_id, mapping, pass, seq, kind, target_key)
           values (gen_random_uuid(), $1, 'doctors', 1, 1, 'different', gen_random_uuid()),
                  (gen_random_uuid(), $1, 'doctors', 1, null, 'extra', gen_random_uuid())""",
        old,
    )
    await history.connection.execute(
        """insert into transfuse.finding_count (run_id, mapping, pass, seq, kind, row_count)
           values ($1, 'doctors', 1, 0, 'extra', 1)""",
        old,
    )
    await history.many(KEPT_COMPLETED, "doctors")
    await history.clean()
    assert (await history.left("finding", old), await history.left("finding_count", old)) == (0, 1)


@pytest.mark.parametrize(("resolution", "goes"), (("", False), ("replayed", True)))
async def test_the_key_of_an_edited_value_stays_as_long_as_its_row_waits(
    history: History, resolution: str, goes: bool
) -> None:
    old = await history.ended("doctors")
    await history.connection.execute(
        """insert into transfuse.quarantine_edit
               (id, run_id, quarantine_id, mapping, target_key, "column", sealed_new, actor, reason)
           values (gen_random_uuid(), $1, gen_random_uuid(), 'doctors', $2, 'd.born', 'new', 'tester', 'why')""",
        *(old, UUID(int=1)),
    )
    *_, youngest = await history.many(KEPT_COMPLETED, "doctors")
    row = await history.refuse(youngest, "doctors", resolution=resolution)
    await history.connection.execute("update transfuse.quarantine set target_key = $2 where id = $1", row, UUID(int=1))
    await history.clean()
    assert (await history.left("run_key", old) == 0) is goes


async def test_the_transactions_of_manifests_that_went_are_known_still(history: History) -> None:
    old = await history.ended("doctors")
    query = "select transaction_id from transfuse.manifest where run_id = $1"
    wrote = {row[0] for row in await history.connection.fetch(query, old)}
    youngest = (await history.many(KEPT_COMPLETED, "doctors"))[-1]
    await history.clean()
    assert await history.left("manifest", old) == 0
    known = await history.connection.fetch("select o.id::text from transfuse.own_transactions($1) as o (id)", youngest)
    assert {str(one % 2**32) for one in wrote} <= {row[0] for row in known}


@pytest.mark.parametrize(("state", "goes"), (("running", False), ("failed", False), ("cancelled", True)))
async def test_a_run_keeps_what_its_undo_goes_by_as_long_as_that_may_go_on(
    history: History, state: str, goes: bool
) -> None:
    old = await history.ended("doctors")
    await history.many(KEPT_COMPLETED, "doctors")
    undo = await history.beside(old, "undo", state)
    await history.connection.execute("update transfuse.run set about_run = $2 where id = $1", undo, old)
    assert [item.run for item in await history.clean()] == ([old] if goes else [])
    assert (await history.left("manifest", old) == 0) is goes


async def test_a_run_that_was_undone_is_not_what_an_undo_goes_by(history: History) -> None:
    asked = "select transfuse.run_with_undo_records((select migration_id from transfuse.run where id = $1), 'doctors')"
    first, second = await history.many(2, "doctors")
    assert await history.connection.fetchval(asked, first) == second
    undo = await history.beside(second, "undo", "finishing")
    await history.connection.execute("update transfuse.run set about_run = $2 where id = $1", undo, second)
    await history.connection.execute("update transfuse.run set state = 'completed' where id = $1", undo)
    assert await history.connection.fetchval(asked, first) == first
    events = await history.connection.fetch("select detail from transfuse.run_event where run_id = $1", second)
    assert any(str(undo) in event["detail"] for event in events)


@pytest.mark.parametrize("kind", ("verify", "replay", "undo"))
async def test_runs_that_follow_a_load_push_no_load_out_of_retention(history: History, kind: str) -> None:
    load = await history.ended("doctors")
    for _ in range(KEPT_COMPLETED + 1):
        await history.beside(load, kind, "completed")
    assert load not in [item.run for item in await history.clean()]
