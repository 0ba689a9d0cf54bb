"""What a run's history tells of its mappings."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from shared.ledger.events import EventLevel, RunEvents
from tests.ledgers.ledger import Ledger, PlannedMapping, batches

PAUSE = """update transfuse.run_mapping set state = 'paused', reason = 'quarantine_limit', message = 'too many'
            where run_id = $1 and mapping = $2"""


async def told(ledger: Ledger, run: UUID, kind: str) -> list[dict[str, Any]]:
    return [event.detail for event in await RunEvents(ledger.pool).read(run) if event.kind == kind]


async def test_a_complete_mapping_is_told_once_with_its_rows_by_outcome(ledger: Ledger) -> None:
    run = await ledger.running(
        PlannedMapping(name="doctors", batches=2),
        PlannedMapping(name="patients", depends_on=("doctors",)),
        PlannedMapping(name="notes", batches=0),
    )
    dispatch = ledger.dispatch()
    first, second = batches(await dispatch.tick())
    assert [event["mapping"] for event in await told(ledger, run, "mapping")] == ["notes"], "it has no rows"
    await ledger.settle(first, quarantined=3)
    await dispatch.tick()
    assert len(await told(ledger, run, "mapping")) == 1
    await ledger.settle(second)
    await asyncio.gather(*(ledger.dispatch().tick() for _ in range(4)))
    await dispatch.tick()
    notes, doctors = await told(ledger, run, "mapping")
    assert (notes["code"], notes["read"]) == ("mapping_complete", 0)
    assert doctors == {
        "code": "mapping_complete", "mapping": "doctors", "pass": 1, "state": "complete", "reason": "", "read": 20,
        "loaded": 17, "updated": 0, "unchanged": 0, "merged": 0, "filtered": 0, "quarantined": 3,
            "deleted": 0, "different": 0,
    }  # fmt: skip


async def test_a_mapping_that_fails_is_told_as_an_error(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="doctors"))
    await ledger.dispatch().tick()
    await ledger.connection.execute("update transfuse.batch set state = 'failed', reason = 'boom'")
    await ledger.dispatch().tick()
    (failed,) = [event for event in await RunEvents(ledger.pool).read(run) if event.kind == "mapping"]
    assert (failed.level, failed.detail["code"], failed.detail["reason"]) == (
        *(EventLevel.ERROR, "mapping_failed", "boom"),
    )


async def test_each_pause_at_the_quarantine_limit_is_told_once(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="doctors", batches=2), PlannedMapping(name="patients", batches=2))
    dispatch = ledger.dispatch()
    for ref in batches(await dispatch.tick()):
        if ref.seq == 1:
            await ledger.settle(ref, quarantined=5)
    await ledger.connection.execute(PAUSE, run, "doctors")
    for _ in range(3):
        await dispatch.tick()
    (limit,) = await told(ledger, run, "limit")
    assert (limit["code"], limit["mapping"], limit["pass"], limit["quarantined"]) == (
        "quarantine_limit",
        "doctors",
        1,
        5,
    )
    await ledger.runs.resume(run, actor="tester")
    await dispatch.tick()
    assert len(await told(ledger, run, "limit")) == 1
    await ledger.connection.execute(PAUSE, run, "doctors")
    await dispatch.tick()
    assert len(await told(ledger, run, "limit")) == 2
    assert {event.level for event in await RunEvents(ledger.pool).read(run) if event.kind == "limit"} == {
        EventLevel.WARNING
    }


async def test_a_pause_at_the_limit_that_no_dispatcher_saw_is_told_when_the_run_is_resumed(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="doctors", batches=2))
    await ledger.dispatch().tick()
    await ledger.connection.execute(PAUSE, run, "doctors")
    await ledger.runs.pause(run, actor="tester")
    await ledger.runs.resume(run, actor="tester")
    kinds = [event.kind for event in await RunEvents(ledger.pool).read(run)]
    assert kinds.count("limit") == 1
    assert kinds.index("limit") < len(kinds) - 1 - kinds[::-1].index("asked"), "before what accepted it"


async def test_the_number_of_a_run_grows_with_what_is_told_of_its_mappings(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="doctors"), PlannedMapping(name="patients"))
    dispatch = ledger.dispatch()
    doctors, _ = batches(await dispatch.tick())
    await ledger.settle(doctors)
    before = (await ledger.progress.read(run)).seq
    await dispatch.tick()
    assert (await ledger.progress.read(run)).seq == before + 1
