"""Some mappings of a run go on alone."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.core.errors import Refused
from shared.core.ids import BatchRef
from shared.core.states import RunState
from shared.ledger.dispatch import Dispatch
from shared.ledger.planning import reopen_batches
from shared.ledger.reports import report_attempt_failed
from tests.ledgers.ledger import Ledger, PlannedMapping, batches

MAPPINGS = (
    PlannedMapping(name="patients"),
    PlannedMapping(name="visits", depends_on=("patients",)),
    PlannedMapping(name="offices"),
    PlannedMapping(name="rooms", depends_on=("offices",)),
)


async def fail(ledger: Ledger, dispatch: Dispatch, names: set[str]) -> None:
    """Settle all that comes, but fail the batches of some mappings, until nothing is dispatched any more."""
    while refs := batches(await dispatch.tick()):
        for ref in refs:
            if ref.mapping in names:
                await report_attempt_failed(ledger.connection, ref, "timeout", backoff_seconds=0)
            else:
                await ledger.settle(ref)


async def failed_run(ledger: Ledger, *names: str) -> UUID:
    run = await ledger.running(*MAPPINGS)
    await fail(ledger, ledger.dispatch(), set(names))
    assert await ledger.state(run) == "failed"
    return run


async def planned_anew(ledger: Ledger, run: UUID) -> None:
    """What the extractor does with a planned run that needs another snapshot."""
    await reopen_batches(ledger.connection, run)
    await ledger.connection.execute("update transfuse.run set state = 'running', snapshot = 'x' where id = $1", run)


async def test_a_failed_mapping_does_not_stop_those_that_do_not_depend_on_it(ledger: Ledger) -> None:
    run = await failed_run(ledger, "patients")
    assert await ledger.mapping_states(run) == {
        "patients": "failed",
        "visits": "planned",
        "offices": "complete",
        "rooms": "complete",
    }


async def test_one_mapping_is_resumed_and_the_other_stays_failed_and_so_does_the_run(ledger: Ledger) -> None:
    run = await failed_run(ledger, "patients", "offices")
    assert await ledger.runs.resume(run, actor="ann", mappings=["offices"]) is RunState.PLANNING
    assert (await ledger.mapping_states(run))["patients"] == "failed"
    await planned_anew(ledger, run)
    assert await ledger.batch_states(run) == {
        ("patients", 1): "failed",
        ("visits", 1): "planned",
        ("offices", 1): "planned",
        ("rooms", 1): "planned",
    }
    await fail(ledger, ledger.dispatch(), set())
    found = await ledger.runs.get(run)
    assert (found.state, found.message) == (
        RunState.FAILED,
        "A batch failed three times (timeout) in: patients.",
    )
    assert await ledger.mapping_states(run) == {
        "patients": "failed",
        "visits": "planned",
        "offices": "complete",
        "rooms": "complete",
    }
    detail = (await ledger.progress.events(run))[-1].detail
    assert detail["state"] == "failed"

    # The rest goes on by an ordinary resume.
    await ledger.runs.resume(run, actor="ann")
    await planned_anew(ledger, run)
    await fail(ledger, ledger.dispatch(), set())
    assert await ledger.state(run) == "finishing"


async def test_a_mapping_is_resumed_while_its_run_goes_on_and_nothing_else_is_issued_twice(ledger: Ledger) -> None:
    run = await ledger.running(*MAPPINGS)
    dispatch = ledger.dispatch()
    offices, patients = batches(await dispatch.tick())
    await ledger.settle(patients, quarantined=5)
    await ledger.settle(offices)
    await ledger.connection.execute(
        "update transfuse.run_mapping set state = 'paused', reason = 'quarantine_limit' where mapping = 'patients'"
    )
    assert [ref.mapping for ref in batches(await dispatch.tick())] == ["rooms"]
    state = await ledger.runs.resume(run, actor="ann", only_stopped=True, mappings=["patients"])
    assert state is RunState.RUNNING
    assert (await ledger.batch_states(run))["rooms", 1] == "dispatched"
    assert [ref.mapping for ref in batches(await dispatch.tick())] == ["visits"]
    assert (await ledger.progress.events(run))[-2].detail == {"verb": "resume", "actor": "ann", "mappings": "patients"}
    accepted = "select quarantine_accepted from transfuse.run_mapping where mapping = 'patients'"
    assert await ledger.connection.fetchval(accepted) == 5


async def test_what_was_in_flight_of_other_mappings_is_issued_again_with_the_resumed_one(ledger: Ledger) -> None:
    run = await ledger.running(*MAPPINGS)
    dispatch = ledger.dispatch()
    await dispatch.tick()
    await ledger.connection.execute("update transfuse.run_mapping set state = 'paused' where mapping = 'patients'")
    await ledger.runs.pause(run, actor="ann")
    assert await ledger.runs.resume(run, actor="ann", mappings=["patients"]) is RunState.RUNNING
    assert {ref.mapping for ref in batches(await dispatch.tick())} == {"patients", "offices"}


@pytest.mark.parametrize(
    ("name", "code", "remedy"),
    (
        ("offices", "not_stopped", "Only these can be resumed: patients."),
        ("cellars", "unknown_mapping", "Only these can be resumed: patients."),
    ),
)
async def test_only_a_mapping_that_is_stopped_is_resumed(ledger: Ledger, name: str, code: str, remedy: str) -> None:
    run = await failed_run(ledger, "patients")
    with pytest.raises(Refused) as refused:
        await ledger.runs.resume(run, actor="ann", mappings=["patients", name])
    assert (refused.value.code, refused.value.remedy) == (code, remedy)
    assert (await ledger.mapping_states(run))["patients"] == "failed"
    assert await ledger.state(run) == "failed"
    assert BatchRef(run=run, mapping="patients", seq=1, generation=1) not in batches(await ledger.dispatch().tick())
