from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from shared.core.ids import BatchRef
from shared.core.states import BatchState, RunState
from shared.crypto.envelope import RunKey
from shared.crypto.keyring import Keyring
from shared.ledger import planning
from shared.ledger.audit import Audit, AuditFilter
from shared.ledger.batches import read_batch, split_batch
from shared.ledger.bounds import BatchBounds
from shared.ledger.planning import CutMapping, Recount, TakenSnapshot
from shared.plan.compiled import CompiledPlan
from shared.postgres.identifiers import TableName
from tests.integration.extractor.conftest import mapping_of
from tests.ledgers.ledger import Ledger, batches

KEYRING = Keyring([b"k" * 32])
SNAPSHOT = TakenSnapshot(text="00000003-00000002-1 digest", holder="here:1", taken_at=datetime(2026, 1, 2, tzinfo=UTC))
PLAN = CompiledPlan(
    name="p", hash="", namespace="", namespace_secret="", keys="uuid5", transfuse_version="", duckdb_version="9.9",
    source_fingerprint="", target_fingerprint="", mappings=(mapping_of("public.t", {"t.id": "integer"}),),
)  # fmt: skip
BOUNDS = (
    BatchBounds(upper=("jane@example.org",)),
    BatchBounds(lower=("jane@example.org",), upper=("joe@example.org",)),
    BatchBounds(lower=("joe@example.org",), first_row=20, row_count=3),
)


def cut(name: str, bounds: tuple[BatchBounds, ...], *, clear: bool = False, in_seq_order: bool = False) -> CutMapping:
    return CutMapping(
        mapping=name, depends_on=(), in_seq_order=in_seq_order, table=TableName(schema="public", name=name),
        triggers_off=("touch",), clear_bounds=clear, driving_rows=30, from_rows=23, bounds=bounds,
    )  # fmt: skip


async def planned(ledger: Ledger, *mappings: CutMapping) -> tuple[UUID, RunKey]:
    """A run that was planned with these mappings."""
    run = await ledger.start()
    async with ledger.pool.acquire() as connection:
        key = await planning.ensure_run_key(connection, KEYRING, run)
        assert await planning.write_plan(connection, run, key, PLAN, mappings, SNAPSHOT, fingerprint="{}")
    return run, key


def ref(run: UUID, seq: int, *, generation: int = 1, mapping: str = "m") -> BatchRef:
    return BatchRef(run=run, mapping=mapping, seq=seq, generation=generation)


async def test_a_planned_run_has_its_batches_in_order_and_an_empty_mapping_is_complete(ledger: Ledger) -> None:
    run, _ = await planned(ledger, cut("m", BOUNDS), cut("empty", ()))
    assert await ledger.state(run) == RunState.RUNNING
    assert await ledger.mapping_states(run) == {"m": "planned", "empty": "complete"}
    assert set(await ledger.batch_states(run)) == {("m", 1), ("m", 2), ("m", 3)}
    async with ledger.pool.acquire() as connection:
        found = await planning.read_run(connection, run)
        batch = await read_batch(connection, ref(run, 2), KEYRING)
    assert found is not None
    assert (found.compiled, found.snapshot_count, found.snapshot_at) == (PLAN, 1, SNAPSHOT.taken_at)
    assert batch is not None
    assert (batch.bounds, batch.snapshot, batch.state) == (BOUNDS[1], SNAPSHOT.text, BatchState.PLANNED)


async def test_bounds_that_may_name_a_person_are_sealed_and_others_are_not(ledger: Ledger) -> None:
    await planned(ledger, cut("m", BOUNDS), cut("clear", (BatchBounds(upper=("17",)),), clear=True))
    rows = await ledger.connection.fetch("select mapping, bounds, bounds_sealed from transfuse.batch")
    assert all((b"example" in row["bounds"]) is False for row in rows)
    assert {row["mapping"]: row["bounds_sealed"] for row in rows} == {"m": True, "clear": False}


async def test_a_plan_is_written_once(ledger: Ledger) -> None:
    run, key = await planned(ledger, cut("m", BOUNDS))
    async with ledger.pool.acquire() as connection:
        again = await planning.write_plan(connection, run, key, PLAN, [cut("m", BOUNDS)], SNAPSHOT, fingerprint="{}")
    assert not again
    assert len(await ledger.batch_states(run)) == 3


async def test_a_run_cancelled_while_it_is_planned_gets_nothing(ledger: Ledger) -> None:
    run = await ledger.start()
    await ledger.runs.cancel(run, actor="tester")
    async with ledger.pool.acquire() as connection:
        key = await planning.ensure_run_key(connection, KEYRING, run)
        written = await planning.write_plan(connection, run, key, PLAN, [cut("m", BOUNDS)], SNAPSHOT, fingerprint="{}")
    assert not written
    assert await ledger.batch_states(run) == {}


async def test_one_instance_plans_at_a_time(ledger: Ledger) -> None:
    run = await ledger.start()
    async with ledger.pool.acquire() as first, ledger.pool.acquire() as second:
        async with planning.planning_lock(first, run) as mine, planning.planning_lock(second, run) as theirs:
            assert (mine, theirs) == (True, False)
        async with planning.planning_lock(second, run) as theirs:
            assert theirs


async def test_a_runs_key_is_made_once(ledger: Ledger) -> None:
    run = await ledger.start()
    async with ledger.pool.acquire() as connection:
        keys = [await planning.ensure_run_key(connection, KEYRING, run) for _ in range(2)]
    assert keys[0].data_key == keys[1].data_key


async def test_a_new_snapshot_raises_the_generation_of_open_batches_and_keeps_the_settled(ledger: Ledger) -> None:
    run, key = await planned(ledger, cut("m", BOUNDS))
    await ledger.dispatch(window=1).tick()
    await ledger.settle(ref(run, 1))
    await ledger.runs.pause(run, actor="tester")
    assert await ledger.runs.resume(run, actor="tester", snapshot_lost=True) is RunState.PLANNING
    later = msgspec.structs.replace(
        SNAPSHOT, text="00000009-00000002-1 digest", taken_at=datetime(2026, 2, 2, tzinfo=UTC)
    )
    async with ledger.pool.acquire() as connection:
        found = await planning.read_run(connection, run)
        assert found is not None
        await planning.reopen_batches(connection, run)
        open_batches = await planning.read_open_batches(connection, run, key)
        assert [(item.batch.seq, item.bounds) for item in open_batches] == [(2, BOUNDS[1]), (3, BOUNDS[2])]
        assert await planning.read_settled_rows(connection, run) == {("m", 1): 10}
        recount = Recount(mapping="m", pass_number=1, driving_rows=31, from_rows=24)
        assert await planning.write_snapshot(connection, found, key, open_batches, [recount], later, "{}")
        batch = await read_batch(connection, ref(run, 3), KEYRING)
    assert batch is not None
    assert (batch.generation, batch.bounds, batch.snapshot) == (2, BOUNDS[2], later.text)
    row = await ledger.connection.fetchrow(
        """select r.snapshot_count, r.snapshot_at, m.from_rows, b.generation, b.state from transfuse.run r
           join transfuse.run_mapping m on m.run_id = r.id join transfuse.batch b on b.run_id = r.id and b.seq = 1"""
    )
    assert tuple(row) == (2, SNAPSHOT.taken_at, 24, 1, "settled")


@pytest.mark.parametrize("in_seq_order", (False, True))
async def test_the_halves_of_a_split_batch_are_planned_and_keep_the_order_of_a_mapping_that_needs_it(
    ledger: Ledger, in_seq_order: bool
) -> None:
    run, key = await planned(ledger, cut("m", BOUNDS, in_seq_order=in_seq_order))
    (batch,) = batches(await ledger.dispatch(window=1).tick())
    halves = BatchBounds(upper=("a",)), BatchBounds(lower=("a",), upper=BOUNDS[0].upper)
    async with ledger.pool.acquire() as connection:
        for expected in (True, False):
            split = await split_batch(connection, batch, key, halves, in_seq_order=in_seq_order)
            assert split is expected
        seqs = sorted(seq for _, seq in await ledger.batch_states(run))
        found = [await read_batch(connection, ref(run, seq), KEYRING) for seq in seqs]
    assert [item.bounds for item in found if item is not None] == (
        [halves[0], halves[1], *BOUNDS[1:]] if in_seq_order else [halves[0], *BOUNDS[1:], halves[1]]
    )
    assert found[0] is not None
    assert (found[0].generation, found[0].state) == (2, BatchState.PLANNED)


async def test_the_halves_of_a_batch_whose_bounds_are_sealed_are_sealed_whatever_the_key(ledger: Ledger) -> None:
    listed = BatchBounds(keys=(("1",), ("2",)))
    run, key = await planned(ledger, cut("m", (listed,)))
    (batch,) = batches(await ledger.dispatch(window=1).tick())
    halves = msgspec.structs.replace(listed, upper=("1",)), msgspec.structs.replace(listed, lower=("1",))
    async with ledger.pool.acquire() as connection:
        assert await split_batch(connection, batch, key, halves, in_seq_order=False)
        found = [await read_batch(connection, ref(run, seq), KEYRING) for seq in (1, 2)]
    assert [item.bounds for item in found if item is not None] == list(halves)
    plain = await ledger.connection.fetchval("select count(*) from transfuse.batch where not bounds_sealed")
    assert plain == 0


async def test_a_snapshot_is_wanted_until_every_mapping_is_complete(ledger: Ledger) -> None:
    run, _ = await planned(ledger, cut("m", BOUNDS[:1]))
    dispatch = ledger.dispatch()
    async with ledger.pool.acquire() as connection:
        assert await planning.snapshot_wanted(connection, run, SNAPSHOT.text)
        assert not await planning.snapshot_wanted(connection, run, "another that took its place")
        await dispatch.tick()
        await ledger.settle(ref(run, 1))
        await dispatch.tick()
        assert not await planning.snapshot_wanted(connection, run, SNAPSHOT.text)


async def test_every_reading_of_legacy_data_leaves_one_entry_per_run_and_mapping_in_the_audit(ledger: Ledger) -> None:
    mapping = PLAN.mappings[0]
    source = msgspec.structs.replace(mapping.source, read_columns={"public.t": ("id", "name")})
    plan = msgspec.structs.replace(PLAN, mappings=(msgspec.structs.replace(mapping, source=source),))
    run, name = await ledger.start(), mapping.name
    async with ledger.pool.acquire() as connection:
        key = await planning.ensure_run_key(connection, KEYRING, run)
        for _ in range(2):
            await planning.write_plan(connection, run, key, plan, [cut(name, BOUNDS)], SNAPSHOT, fingerprint="{}")
    (entry,) = await Audit(ledger.pool).list(AuditFilter(object_id=str(run)))
    assert (entry.action, entry.actor, entry.object_kind) == ("legacy.read", "tester", "run")
    assert msgspec.json.decode(entry.detail) == {
        "mapping": name,
        "tables": ["public.t"],
        "columns": ["public.t.id", "public.t.name"],
        "rowCount": 23,
    }
    assert (await Audit(ledger.pool).verify()).whole
