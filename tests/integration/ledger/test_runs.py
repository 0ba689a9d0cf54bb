"""Plans, migrations and the life of runs."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.core.errors import Refused, RunError, SnapshotLost, WorldError
from shared.core.ids import BatchRef
from shared.core.states import BatchState, RunState
from shared.core.transitions import CANCELLABLE, PAUSABLE, RESUMABLE, TRANSITIONS
from shared.ledger.reports import fail_run, pause_run, report_attempt_failed, report_command_failed
from shared.ledger.runs import NewRun
from shared.ledger.settling import Claim, claim_batch
from shared.messages import PlanRun
from tests.ledgers.ledger import Ledger, PlannedMapping, batches

PATIENTS = PlannedMapping(name="patients", batches=3)


async def test_a_plan_has_one_version_per_text(ledger: Ledger) -> None:
    files = {"plan.yaml": "transfuse: 1"}
    assert await ledger.runs.register_plan(name="clinic", hash="a", files=files) == 1
    assert await ledger.runs.register_plan(name="clinic", hash="b", files=files) == 2
    assert await ledger.runs.register_plan(name="clinic", hash="a", files=files) == 1
    assert await ledger.runs.register_plan(name="other", hash="c", files=files) == 1


async def test_a_migration_is_bound_to_one_plan(ledger: Ledger) -> None:
    first = await ledger.runs.register_migration("clinic", plan_name="clinic")
    assert await ledger.runs.register_migration("clinic", plan_name="clinic") == first
    with pytest.raises(Refused) as refused:
        await ledger.runs.register_migration("clinic", plan_name="another")
    assert refused.value.code == "other_migration"


async def test_of_twenty_starts_at_once_one_is_taken_and_the_others_are_refused(ledger: Ledger) -> None:
    await ledger.runs.register_plan(name="clinic", hash="a", files={})
    await ledger.runs.register_migration("clinic", plan_name="clinic")
    new = NewRun(migration="clinic", plan_hash="a", actor="tester", transfuse_version="0.1.0")
    answers = await asyncio.gather(*(ledger.runs.create(new) for _ in range(20)), return_exceptions=True)
    started = [answer for answer in answers if isinstance(answer, UUID)]
    refusals = [answer.code for answer in answers if isinstance(answer, Refused)]
    assert len(started) == 1
    assert refusals == ["already_active"] * 19
    assert [run.id for run in await ledger.runs.list()] == started


@pytest.mark.parametrize("end", ("cancelled", "failed", "completed"))
async def test_a_migration_can_be_started_again_when_its_run_has_ended(ledger: Ledger, end: str) -> None:
    first = await ledger.running(PATIENTS)
    if end == "completed":
        await ledger.connection.execute("update transfuse.run set state = 'finishing'")
    await ledger.connection.execute("update transfuse.run set state = $1", end)
    second = await ledger.start()
    assert {run.id: run.state for run in await ledger.runs.list(migration="clinic")} == {
        first: RunState(end),
        second: RunState.PENDING,
    }
    active = await ledger.runs.list(states=[RunState.PENDING])
    assert [run.id for run in active] == [second]


async def test_a_run_of_what_is_not_registered_is_refused(ledger: Ledger) -> None:
    new = NewRun(migration="clinic", plan_hash="a", actor="tester", transfuse_version="0.1.0")
    with pytest.raises(Refused, match="no migration clinic") as refused:
        await ledger.runs.create(new)
    assert refused.value.code == "unknown_migration"
    await ledger.runs.register_migration("clinic", plan_name="clinic")
    with pytest.raises(Refused) as refused:
        await ledger.runs.create(new)
    assert refused.value.code == "unknown_plan"


async def test_an_unknown_run_is_refused_by_every_verb(ledger: Ledger) -> None:
    for verb in (ledger.runs.pause, ledger.runs.resume, ledger.runs.cancel):
        with pytest.raises(Refused) as refused:
            await verb(uuid4(), actor="tester")
        assert refused.value.code == "unknown_run"


async def test_the_ledger_allows_the_transitions_of_the_table_and_no_other(ledger: Ledger) -> None:
    run = await ledger.start()
    for state in RunState:
        for following in RunState:
            await ledger.connection.execute("alter table transfuse.run disable trigger user")
            await ledger.connection.execute("update transfuse.run set state = $2 where id = $1", run, state)
            await ledger.connection.execute("alter table transfuse.run enable trigger user")
            allowed = following in TRANSITIONS[state] or following is state
            try:
                await ledger.connection.execute("update transfuse.run set state = $2 where id = $1", run, following)
            except asyncpg.ObjectNotInPrerequisiteStateError:
                assert not allowed, f"{state} to {following} is refused"
            else:
                assert allowed, f"{state} to {following} is let through"


@pytest.mark.parametrize("state", list(RunState))
async def test_verbs_are_allowed_in_their_states_only(ledger: Ledger, state: RunState) -> None:
    run = await ledger.running(PATIENTS)
    allowed = {
        "pause": PAUSABLE | {RunState.PAUSED},
        "cancel": CANCELLABLE | {RunState.CANCELLING, RunState.CANCELLED},
        "resume": RESUMABLE | {RunState.PENDING},
    }
    for name, states in allowed.items():
        await ledger.connection.execute("alter table transfuse.run disable trigger user")
        await ledger.connection.execute("update transfuse.run set state = $2 where id = $1", run, state)
        await ledger.connection.execute("alter table transfuse.run enable trigger user")
        verb = getattr(ledger.runs, name)
        if state in states:
            await verb(run, actor="tester")
        else:
            with pytest.raises(Refused) as refused:
                await verb(run, actor="tester")
            assert refused.value.code == "not_allowed"


async def test_cancel_waits_for_the_batch_in_hand_and_nothing_commits_after_it(ledger: Ledger) -> None:
    run = await ledger.running(PATIENTS)
    first, second, third = batches(await ledger.dispatch().tick())
    async with ledger.pool.acquire() as loader:
        transaction = loader.transaction()
        await transaction.start()
        assert await claim_batch(loader, first) is Claim.CLAIMED
        cancelling = asyncio.ensure_future(ledger.runs.cancel(run, actor="tester"))
        while await ledger.settle(second) not in {Claim.HELD, Claim.DROPPED}:
            # Until the cancellation has made its mark.
            assert not cancelling.done()
        assert await ledger.state(run) == "cancelling"
        await loader.execute("update transfuse.batch set state = 'settled' where seq = 1")
        await transaction.commit()
        assert await cancelling is RunState.CANCELLED
    assert await ledger.settle(third) is Claim.DROPPED
    assert (await ledger.batch_states(run))["patients", 1] == "settled"
    assert (await ledger.batch_states(run))["patients", 3] == "dispatched"


async def test_a_cancellation_that_was_cut_short_is_completed_by_the_dispatcher(ledger: Ledger) -> None:
    run = await ledger.running(PATIENTS)
    async with ledger.pool.acquire() as loader:
        transaction = loader.transaction()
        await transaction.start()
        await loader.execute("select pg_advisory_xact_lock_shared(transfuse.run_lock_key($1))", run)
        await ledger.connection.execute("update transfuse.run set state = 'cancelling'")
        assert not (await ledger.dispatch().tick()).changes
        assert await ledger.state(run) == "cancelling"
        await transaction.rollback()
    turn = await ledger.dispatch().tick()
    assert [change.state for change in turn.changes] == [RunState.CANCELLED]
    assert await ledger.state(run) == "cancelled"


async def test_a_paused_run_settles_what_is_in_flight_and_dispatches_nothing(ledger: Ledger) -> None:
    run = await ledger.running(PATIENTS)
    dispatch = ledger.dispatch(window=1)
    (first,) = batches(await dispatch.tick())
    assert await ledger.runs.pause(run, actor="tester") is RunState.PAUSED
    assert not (await dispatch.tick()).commands
    assert await ledger.settle(first) is Claim.CLAIMED
    assert not (await dispatch.tick()).commands
    assert await ledger.runs.resume(run, actor="tester") is RunState.RUNNING
    assert [ref.seq for ref in batches(await dispatch.tick())] == [2]


async def test_resume_opens_what_was_dispatched_and_a_late_duplicate_settles_once(ledger: Ledger) -> None:
    run = await ledger.running(PATIENTS)
    issued = batches(await ledger.dispatch().tick())
    await ledger.runs.pause(run, actor="tester")
    await ledger.runs.resume(run, actor="tester")
    assert set((await ledger.batch_states(run)).values()) == {"planned"}
    assert batches(await ledger.dispatch().tick()) == issued
    assert [await ledger.settle(ref) for ref in issued * 2] == [Claim.CLAIMED] * 3 + [Claim.SETTLED] * 3


async def test_an_interrupted_run_is_resumed_without_a_pause(ledger: Ledger) -> None:
    run = await ledger.running(PATIENTS)
    issued = batches(await ledger.dispatch().tick())
    assert not batches(await ledger.dispatch().tick())
    assert await ledger.runs.resume(run, actor="tester") is RunState.RUNNING
    assert batches(await ledger.dispatch().tick()) == issued


async def test_a_run_that_lost_its_snapshot_is_resumed_through_planning(ledger: Ledger) -> None:
    run = await ledger.running(PATIENTS)
    await ledger.dispatch().tick()
    lost = SnapshotLost("The snapshot's holder is gone.")
    assert not await pause_run(ledger.connection, run, lost, lost_snapshot="another snapshot")
    assert await pause_run(ledger.connection, run, lost, lost_snapshot="a snapshot")
    assert not await pause_run(ledger.connection, run, lost, lost_snapshot="a snapshot")
    assert (await ledger.runs.get(run)).reason == "snapshot_lost"
    assert await ledger.runs.resume(run, actor="tester") is RunState.PLANNING
    assert (await ledger.dispatch().tick()).commands == (PlanRun(run=run),)


async def test_a_resume_that_knows_the_snapshot_is_lost_goes_through_planning_at_once(ledger: Ledger) -> None:
    run = await ledger.running(PATIENTS)
    assert await ledger.runs.resume(run, actor="tester", snapshot_lost=True) is RunState.PLANNING


@pytest.mark.parametrize("paused_in", ("pending", "planning"))
async def test_a_run_that_was_paused_before_it_was_planned_is_planned_on_resume(ledger: Ledger, paused_in: str) -> None:
    run = await ledger.start()
    if paused_in == "planning":
        await ledger.dispatch().tick()
    await ledger.runs.pause(run, actor="tester")
    assert await ledger.runs.resume(run, actor="tester") is RunState.PLANNING
    assert (await ledger.dispatch().tick()).commands == (PlanRun(run=run),)


async def test_a_failed_run_is_resumed_with_attempts_reset(ledger: Ledger) -> None:
    run = await ledger.running(PATIENTS)
    for _ in range(3):
        (first, *_others) = batches(await ledger.dispatch(window=1).tick())
        await report_attempt_failed(ledger.connection, first, "timeout", backoff_seconds=0)
    await ledger.dispatch().tick()
    failed = await ledger.runs.get(run)
    assert (failed.state, failed.reason, failed.message) == (
        RunState.FAILED,
        "batch_failed",
        "A batch failed three times (timeout) in: patients.",
    )
    assert failed.finished_at is not None
    # Its snapshot was given back when it failed.
    assert await ledger.runs.resume(run, actor="tester") is RunState.PLANNING
    resumed = await ledger.runs.get(run)
    assert (resumed.finished_at, resumed.reason, resumed.message, resumed.remedy) == (None, "", "", "")
    attempts = await ledger.connection.fetch("select attempts, state from transfuse.batch")
    assert {(row["attempts"], row["state"]) for row in attempts} == {(0, "planned")}


async def test_a_failed_run_with_nothing_open_needs_no_snapshot(ledger: Ledger) -> None:
    run = await ledger.running(PATIENTS)
    for ref in batches(await ledger.dispatch().tick()):
        await ledger.settle(ref)
    await ledger.dispatch().tick()
    await fail_run(ledger.connection, run, RunError("It does not balance.", code="unbalanced"))
    assert await ledger.runs.resume(run, actor="tester") is RunState.RUNNING
    turn = await ledger.dispatch().tick()
    assert [change.state for change in turn.changes] == [RunState.FINISHING]


async def test_a_failed_run_is_not_resumed_beside_an_active_one(ledger: Ledger) -> None:
    failed = await ledger.running(PATIENTS)
    await fail_run(ledger.connection, failed, RunError("Our bug."))
    await ledger.start()
    with pytest.raises(Refused) as refused:
        await ledger.runs.resume(failed, actor="tester")
    assert refused.value.code == "already_active"
    assert await ledger.state(failed) == "failed"


async def test_a_failed_run_drops_what_is_still_on_its_way(ledger: Ledger) -> None:
    run = await ledger.running(PATIENTS)
    first, *_others = batches(await ledger.dispatch().tick())
    assert await fail_run(ledger.connection, run, RunError("Our bug."))
    assert not await fail_run(ledger.connection, run, RunError("Our bug."))
    assert await ledger.settle(first) is Claim.DROPPED


async def test_a_late_report_of_a_failed_attempt_changes_nothing(ledger: Ledger) -> None:
    run = await ledger.running(PATIENTS)
    first, second, third = batches(await ledger.dispatch().tick())
    await ledger.settle(first)
    stale = BatchRef(run=run, mapping="patients", seq=second.seq, generation=2)
    assert await report_attempt_failed(ledger.connection, first, "timeout") is None
    assert await report_attempt_failed(ledger.connection, stale, "timeout") is None
    assert await report_attempt_failed(ledger.connection, third, "timeout") is BatchState.PLANNED
    assert await report_attempt_failed(ledger.connection, third, "timeout") is None
    waits = await ledger.connection.fetchval(
        "select extract(epoch from not_before - moved_at)::float8 from transfuse.batch where seq = 3"
    )
    assert waits == pytest.approx(2, abs=0.01)


async def test_the_third_failed_attempt_at_planning_fails_the_run(ledger: Ledger) -> None:
    run = await ledger.start()
    error = WorldError("The planner was killed.", code="killed")
    for expected in (RunState.PLANNING, RunState.PLANNING, RunState.FAILED):
        await ledger.connection.execute("update transfuse.run set not_before = null")
        assert PlanRun(run=run) in (await ledger.dispatch().tick()).commands
        assert await report_command_failed(ledger.connection, run, RunState.PLANNING, error) is expected
        assert await report_command_failed(ledger.connection, run, RunState.PLANNING, error) is None
        assert not (await ledger.dispatch().tick()).commands
    assert (await ledger.runs.get(run)).reason == "killed"


async def test_every_change_of_state_and_every_verb_leaves_an_event(ledger: Ledger) -> None:
    run = await ledger.running(PATIENTS)
    await ledger.runs.pause(run, actor="ann")
    await ledger.runs.resume(run, actor="bob")
    await ledger.runs.cancel(run, actor="cid")
    events = await ledger.progress.events(run)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [event.detail.get("state") or f"{event.detail['verb']} {event.detail['actor']}" for event in events] == [
        "pending",
        "running",
        "paused",
        "pause ann",
        "running",
        "resume bob",
        "cancelling",
        "cancel cid",
        "cancelled",
    ]
    assert await ledger.progress.events(run, after=8) == events[8:]
