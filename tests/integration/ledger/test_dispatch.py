"""From the ledger's state to commands."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from shared.core.ids import BatchRef
from shared.core.states import BatchState, RunState, Stage
from shared.ledger.dispatch import Dispatch, Turn
from shared.ledger.reports import report_attempt_failed, report_run_step, report_step
from shared.ledger.settling import Claim
from shared.messages import FinishRun, PlanRun
from tests.ledgers.ledger import Ledger, PlannedMapping, batches

NOT_BEFORE_LONG_AGO = "update transfuse.batch set not_before = clock_timestamp() - interval '1 hour'"
LAST_STEP_LONG_AGO = "update transfuse.batch set moved_at = clock_timestamp() - interval '1 hour'"
COMMAND_LONG_AGO = """
    update transfuse.run
       set command_at = clock_timestamp() - interval '1 hour', moved_at = clock_timestamp() - interval '1 hour'
"""


def names(turn: Turn) -> list[str]:
    return [f"{ref.mapping} {ref.seq}" for ref in batches(turn)]


async def settle_all(ledger: Ledger, dispatch: Dispatch) -> list[str]:
    """Drive all runs until nothing is dispatched; gives the order of the batches."""
    order = []
    while refs := batches(await dispatch.tick()):
        for ref in refs:
            order.append(f"{ref.mapping} {ref.seq}")
            assert await ledger.settle(ref) is Claim.CLAIMED
    return order


async def test_a_pending_run_is_planned_once(ledger: Ledger) -> None:
    run = await ledger.start()
    turn = await ledger.dispatch().tick()
    assert turn.commands == (PlanRun(run=run),)
    assert [change.state for change in turn.changes] == [RunState.PLANNING]
    assert await ledger.dispatch().tick() == Turn()


async def test_a_window_of_batches_is_in_flight_and_refilled_as_they_settle(ledger: Ledger) -> None:
    await ledger.running(PlannedMapping(name="patients", batches=9))
    dispatch = ledger.dispatch(window=4)
    first = batches(await dispatch.tick())
    assert [ref.seq for ref in first] == [1, 2, 3, 4]
    assert await dispatch.tick() == Turn()
    await ledger.settle(first[1])
    await ledger.settle(first[3])
    assert [ref.seq for ref in batches(await dispatch.tick())] == [5, 6]


async def test_a_mapping_waits_for_those_it_refers_to(ledger: Ledger) -> None:
    run = await ledger.running(
        PlannedMapping(name="doctors", batches=2),
        PlannedMapping(name="patients", depends_on=("doctors",)),
        PlannedMapping(name="offices"),
        PlannedMapping(name="visits", depends_on=("patients", "doctors")),
    )
    dispatch = ledger.dispatch()
    turn = await dispatch.tick()
    assert names(turn) == ["doctors 1", "doctors 2", "offices 1"]
    first, second, office = batches(turn)
    await ledger.settle(first)
    await ledger.settle(office)
    assert not names(await dispatch.tick())
    await ledger.settle(second)
    assert names(await dispatch.tick()) == ["patients 1"]
    assert await ledger.mapping_states(run) == {
        "doctors": "complete",
        "patients": "open",
        "offices": "complete",
        "visits": "planned",
    }


async def test_empty_mappings_are_complete_at_once_and_an_empty_run_finishes(ledger: Ledger) -> None:
    run = await ledger.running(
        PlannedMapping(name="doctors", batches=0),
        PlannedMapping(name="patients", batches=0, depends_on=("doctors",)),
        PlannedMapping(name="visits", batches=0, depends_on=("patients",)),
    )
    turn = await ledger.dispatch().tick()
    assert turn.commands == (FinishRun(run=run),)
    assert [change.state for change in turn.changes] == [RunState.FINISHING]
    assert set((await ledger.mapping_states(run)).values()) == {"complete"}


async def test_a_mapping_that_is_still_cut_is_not_complete(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients", cut_complete=False))
    dispatch = ledger.dispatch()
    (only,) = batches(await dispatch.tick())
    await ledger.settle(only)
    assert await dispatch.tick() == Turn()
    assert await ledger.mapping_states(run) == {"patients": "open"}
    await ledger.connection.execute("update transfuse.run_mapping set cut_complete = true")
    assert (await dispatch.tick()).commands == (FinishRun(run=run),)


async def test_the_second_pass_waits_for_the_first(ledger: Ledger) -> None:
    await ledger.running(
        PlannedMapping(name="staff", depends_on=("staff",)),
        PlannedMapping(name="teams", depends_on=("staff",)),
        PlannedMapping(name="staff", pass_number=2, depends_on=("teams",)),
    )
    order = await settle_all(ledger, ledger.dispatch())
    assert order == ["staff 1", "teams 1", "staff 1"]


async def test_a_mapping_that_settles_in_order_has_one_batch_in_flight(ledger: Ledger) -> None:
    await ledger.running(
        PlannedMapping(name="users", batches=3, in_seq_order=True),
        PlannedMapping(name="offices", batches=2),
    )
    dispatch = ledger.dispatch()
    turn = await dispatch.tick()
    assert names(turn) == ["offices 1", "offices 2", "users 1"]
    assert not names(await dispatch.tick())
    user = batches(turn)[-1]
    # A later batch may not pass one that waits for its next attempt.
    await report_attempt_failed(ledger.connection, user, "timeout", backoff_seconds=3600)
    assert not names(await dispatch.tick())
    await ledger.connection.execute("update transfuse.batch set not_before = null")
    assert names(await dispatch.tick()) == ["users 1"]
    await ledger.settle(user)
    assert names(await dispatch.tick()) == ["users 2"]


async def test_two_dispatchers_at_once_issue_every_batch_once(ledger: Ledger) -> None:
    mappings = [PlannedMapping(name=f"mapping {number}", batches=40) for number in range(5)]
    runs = [await ledger.running(*mappings, migration=f"clinic {number}") for number in range(3)]
    dispatchers = [ledger.dispatch(window=7, total_window=10_000) for _ in range(4)]
    issued: Counter[BatchRef] = Counter()
    while sum(issued.values()) < len(runs) * 200:
        turns = await asyncio.gather(*(dispatch.tick() for dispatch in dispatchers))
        refs = [ref for turn in turns for ref in batches(turn)]
        assert refs
        issued.update(refs)
        per_run = Counter(ref.run for ref in refs)
        assert max(per_run.values()) <= 7
        await ledger.connection.execute(
            "update transfuse.batch set state = 'settled', settled_at = now() where state = 'dispatched'"
        )
    assert set(issued.values()) == {1}


async def test_an_attempt_is_not_issued_before_its_time(ledger: Ledger) -> None:
    await ledger.running(PlannedMapping(name="patients", batches=2))
    dispatch = ledger.dispatch()
    first, _second = batches(await dispatch.tick())
    await report_attempt_failed(ledger.connection, first, "timeout", backoff_seconds=3600)
    assert not names(await dispatch.tick())
    await ledger.connection.execute(NOT_BEFORE_LONG_AGO)
    assert names(await dispatch.tick()) == ["patients 1"]


async def fail_for_good(ledger: Ledger, dispatch: Dispatch, ref: BatchRef) -> None:
    for attempt in (1, 2, 3):
        state = await report_attempt_failed(ledger.connection, ref, "timeout", backoff_seconds=0)
        assert state is (BatchState.FAILED if attempt == 3 else BatchState.PLANNED)
        if attempt < 3:
            assert ref in batches(await dispatch.tick())


async def test_independent_mappings_go_on_beside_a_failed_one(ledger: Ledger) -> None:
    run = await ledger.running(
        PlannedMapping(name="patients", batches=2),
        PlannedMapping(name="visits", depends_on=("patients",)),
        PlannedMapping(name="offices", batches=2),
        PlannedMapping(name="rooms", depends_on=("offices",)),
    )
    dispatch = ledger.dispatch()
    patient, other_patient, *offices = batches(await dispatch.tick())[2:] + batches(await dispatch.tick())
    assert (patient.mapping, other_patient.mapping, offices) == ("patients", "patients", [])
    await fail_for_good(ledger, dispatch, patient)
    assert not names(await dispatch.tick())
    assert await ledger.state(run) == "running"
    for seq in (1, 2):
        await ledger.settle(BatchRef(run=run, mapping="offices", seq=seq, generation=1))
    assert names(await dispatch.tick()) == ["rooms 1"]
    await ledger.settle(BatchRef(run=run, mapping="rooms", seq=1, generation=1))
    # What is in flight of the failed mapping may still settle.
    assert await dispatch.tick() == Turn()
    await ledger.settle(other_patient)
    turn = await dispatch.tick()
    assert [(change.state, change.reason) for change in turn.changes] == [(RunState.FAILED, "batch_failed")]
    assert await ledger.mapping_states(run) == {
        "patients": "failed",
        "visits": "planned",
        "offices": "complete",
        "rooms": "complete",
    }


async def test_a_run_waits_for_a_person_when_only_paused_mappings_are_left(ledger: Ledger) -> None:
    run = await ledger.running(
        PlannedMapping(name="patients", batches=3),
        PlannedMapping(name="visits", depends_on=("patients",)),
        PlannedMapping(name="offices", batches=1),
    )
    dispatch = ledger.dispatch(window=2)
    turn = await dispatch.tick()
    assert names(turn) == ["patients 1", "patients 2"]
    for ref in batches(turn):
        await ledger.settle(ref, quarantined=6)
    await ledger.connection.execute(
        "update transfuse.run_mapping set state = 'paused', reason = 'quarantine_limit' where mapping = 'patients'"
    )
    assert names(await dispatch.tick()) == ["offices 1"]
    await ledger.settle(BatchRef(run=run, mapping="offices", seq=1, generation=1))
    turn = await dispatch.tick()
    assert [(change.state, change.reason) for change in turn.changes] == [(RunState.PAUSED, "quarantine_limit")]
    assert (await ledger.runs.get(run)).message == "Paused: patients."
    await ledger.runs.resume(run, actor="tester")
    accepted = await ledger.connection.fetchval(
        "select quarantine_accepted from transfuse.run_mapping where mapping = 'patients'"
    )
    assert accepted == 12
    assert names(await dispatch.tick()) == ["patients 3"]


async def test_mappings_that_wait_for_each_other_fail_the_run(ledger: Ledger) -> None:
    run = await ledger.running(
        PlannedMapping(name="staff", depends_on=("teams",)),
        PlannedMapping(name="teams", depends_on=("staff",)),
    )
    turn = await ledger.dispatch().tick()
    assert [change.reason for change in turn.changes] == ["mappings_stuck"]
    assert await ledger.state(run) == "failed"


async def test_a_run_that_makes_no_step_has_its_batches_issued_again_ever_more_slowly(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=2))
    dispatch = ledger.dispatch()
    issued = batches(await dispatch.tick())
    await ledger.connection.execute("update transfuse.batch set moved_at = clock_timestamp() - interval '25 seconds'")
    assert not batches(await dispatch.tick())
    await ledger.connection.execute("update transfuse.batch set moved_at = clock_timestamp() - interval '31 seconds'")
    assert batches(await dispatch.tick()) == issued
    assert not batches(await dispatch.tick())
    # Lost once already: twice the patience.
    await ledger.connection.execute("update transfuse.batch set moved_at = clock_timestamp() - interval '31 seconds'")
    assert not batches(await dispatch.tick())
    await ledger.connection.execute("update transfuse.batch set moved_at = clock_timestamp() - interval '61 seconds'")
    assert batches(await dispatch.tick()) == issued
    attempts = await ledger.connection.fetch("select attempts from transfuse.batch where run_id = $1", run)
    assert {row["attempts"] for row in attempts} == {0}


async def test_a_step_of_any_batch_shows_that_the_run_is_alive(ledger: Ledger) -> None:
    await ledger.running(PlannedMapping(name="patients", batches=2))
    dispatch = ledger.dispatch()
    first, _second = batches(await dispatch.tick())
    await ledger.connection.execute(LAST_STEP_LONG_AGO)
    await report_step(ledger.connection, first, Stage.EXTRACT)
    assert not batches(await dispatch.tick())
    times = await ledger.connection.fetchrow("select extracted_at, transformed_at from transfuse.batch where seq = 1")
    assert times["extracted_at"] is not None
    assert times["transformed_at"] is None


async def test_patience_grows_with_the_time_that_batches_take(ledger: Ledger) -> None:
    await ledger.running(PlannedMapping(name="patients", batches=12))
    dispatch = ledger.dispatch(window=10)
    issued = batches(await dispatch.tick())
    for ref in issued[:9]:
        await ledger.settle(ref)
    await ledger.connection.execute(
        "update transfuse.batch set dispatched_at = settled_at - interval '20 seconds' where state = 'settled'"
    )
    await dispatch.tick()
    # The slowest of twenty took 20 seconds: patience is 100.
    await ledger.connection.execute("update transfuse.batch set moved_at = clock_timestamp() - interval '90 seconds'")
    assert not batches(await dispatch.tick())
    await ledger.connection.execute("update transfuse.batch set moved_at = clock_timestamp() - interval '110 seconds'")
    assert [ref.seq for ref in batches(await dispatch.tick())] == [10, 11, 12]


async def test_a_batch_that_three_windows_of_younger_ones_overtook_is_issued_again(ledger: Ledger) -> None:
    await ledger.running(PlannedMapping(name="patients", batches=30))
    dispatch = ledger.dispatch(window=2)
    lost, other = batches(await dispatch.tick())
    await ledger.settle(other)
    settled_after_it = 0
    while True:
        refs = batches(await dispatch.tick())
        if lost in refs:
            break
        for ref in refs:
            await ledger.settle(ref)
            settled_after_it += 1
    assert settled_after_it == 6


async def test_what_could_not_be_published_is_open_again_at_once(ledger: Ledger) -> None:
    pending = await ledger.start(migration="other", priority=1)
    run = await ledger.running(PlannedMapping(name="patients", batches=2))
    dispatch = ledger.dispatch()
    turn = await dispatch.tick()
    assert PlanRun(run=pending) in turn.commands
    await ledger.settle(BatchRef(run=run, mapping="patients", seq=1, generation=1))
    await dispatch.give_back(turn.commands)
    assert await ledger.batch_states(run) == {("patients", 1): "settled", ("patients", 2): "planned"}
    again = await dispatch.tick()
    assert (names(again), PlanRun(run=pending) in again.commands) == (["patients 2"], True)


@pytest.mark.parametrize("state", ("planning", "finishing"))
async def test_a_lost_command_is_issued_again_unless_its_work_gives_a_sign_of_life(ledger: Ledger, state: str) -> None:
    run = await ledger.start()
    dispatch = ledger.dispatch(command_lost_seconds=100)
    await dispatch.tick()
    if state == "finishing":
        await ledger.plan(run, PlannedMapping(name="patients", batches=0))
        await dispatch.tick()
    commands = {"planning": PlanRun(run=run), "finishing": FinishRun(run=run)}
    await ledger.connection.execute(COMMAND_LONG_AGO)
    await report_run_step(ledger.connection, run)
    assert await dispatch.tick() == Turn()
    await ledger.connection.execute(COMMAND_LONG_AGO)
    assert (await dispatch.tick()).commands == (commands[state],)
    assert await dispatch.tick() == Turn()


async def test_runs_of_higher_priority_are_served_first_and_others_share(ledger: Ledger) -> None:
    mapping = PlannedMapping(name="patients", batches=50)
    low = await ledger.running(mapping, migration="low", priority=1)
    one = await ledger.running(mapping, migration="one", priority=10)
    two = await ledger.running(mapping, migration="two", priority=10)
    dispatch = ledger.dispatch(window=4, total_window=10)
    served: list[Counter[str]] = []
    labels = {low: "low", one: "one", two: "two"}
    for _ in range(3):
        refs = batches(await dispatch.tick())
        served.append(Counter(labels[ref.run] for ref in refs))
        for ref in refs:
            await ledger.settle(ref)
    assert served == [Counter(one=4, two=4, low=2)] * 3
    dispatch = ledger.dispatch(window=4, total_window=4)
    for _ in range(4):
        refs = batches(await dispatch.tick())
        served.append(Counter(labels[ref.run] for ref in refs))
        for ref in refs:
            await ledger.settle(ref)
    assert served[3:] == [Counter(one=4), Counter(two=4)] * 2


async def test_a_dispatcher_that_starts_anew_needs_nothing_but_the_ledger(ledger: Ledger) -> None:
    run = await ledger.running(
        PlannedMapping(name="doctors", batches=5),
        PlannedMapping(name="patients", batches=5, depends_on=("doctors",)),
    )
    order = []
    while await ledger.state(run) == "running":
        for ref in batches(await ledger.dispatch(window=2).tick()):
            order.append(f"{ref.mapping} {ref.seq}")
            await ledger.settle(ref)
    assert order == [f"doctors {seq}" for seq in range(1, 6)] + [f"patients {seq}" for seq in range(1, 6)]
    assert await ledger.state(run) == "finishing"
