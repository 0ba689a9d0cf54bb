"""What the bus gave up on."""

from __future__ import annotations

import asyncio

import pytest

from services.gateway.dead_letters import DeadLetters
from shared.bus.memory import MemoryBus
from shared.bus.port import Queue
from shared.bus.topology import Topology
from shared.core.ids import BatchRef
from shared.core.states import Encoding, LoadMode, RunState
from shared.messages import ExtractBatch, FinishRun, LoadBatch, Message, PlanRun, RunChanged, TransformBatch
from tests.ledgers.ledger import Ledger, PlannedMapping, batches


async def until(ledger: Ledger, question: str, answer: object) -> None:
    """Wait until the ledger answers so."""
    while await ledger.connection.fetchval(question) != answer:
        continue


async def test_a_message_that_is_put_back_too_often_is_a_failed_attempt_of_its_batch(ledger: Ledger) -> None:
    await ledger.running(PlannedMapping(name="patients"))
    (ref,) = batches(await ledger.dispatch().tick())
    topology = Topology(delivery_limit=2)
    draining = asyncio.Event()
    async with MemoryBus(topology=topology) as bus, asyncio.TaskGroup() as tasks:
        tasks.create_task(DeadLetters(ledger.pool, bus).run(draining))
        await bus.publish(ExtractBatch(batch=ref))
        async with bus.consume(Queue.EXTRACT, prefetch=1) as deliveries:
            for _ in range(3):
                await (await anext(deliveries)).retry()
        await until(ledger, "select state from transfuse.batch", "planned")
        draining.set()
    row = await ledger.connection.fetchrow("select attempts, reason, not_before from transfuse.batch")
    assert (row["attempts"], row["reason"]) == (1, "dead_letter")
    assert row["not_before"] is not None


def of_batch(ref: BatchRef) -> tuple[Message, ...]:
    return (
        ExtractBatch(batch=ref),
        TransformBatch(batch=ref, mode=LoadMode.INSERT, row_count=1, body=b"sealed"),
        LoadBatch(batch=ref, mode=LoadMode.INSERT, encoding=Encoding.BINARY, row_count=1, body=b"sealed"),
    )


async def test_the_third_dead_letter_of_a_batch_fails_it(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients"))
    async with MemoryBus() as bus:
        letters = DeadLetters(ledger.pool, bus)
        for message in of_batch(BatchRef(run=run, mapping="patients", seq=1, generation=1)):
            await ledger.connection.execute("update transfuse.batch set not_before = null")
            assert batches(await ledger.dispatch().tick())
            await letters.tell(message)
            await letters.tell(message)
    assert await ledger.batch_states(run) == {("patients", 1): "failed"}
    await ledger.dispatch().tick()
    assert (await ledger.runs.get(run)).reason == "batch_failed"


@pytest.mark.parametrize("phase", ("planning", "finishing"))
async def test_the_third_dead_letter_of_a_command_fails_the_run(ledger: Ledger, phase: str) -> None:
    run = await ledger.start()
    await ledger.dispatch().tick()
    if phase == "finishing":
        await ledger.plan(run, PlannedMapping(name="patients", batches=0))
        await ledger.dispatch().tick()
    message: Message = PlanRun(run=run) if phase == "planning" else FinishRun(run=run)
    async with MemoryBus() as bus:
        letters = DeadLetters(ledger.pool, bus)
        for _ in range(3):
            assert await ledger.state(run) == phase
            await letters.tell(message)
            await ledger.connection.execute("update transfuse.run set not_before = null")
            await ledger.dispatch().tick()
    assert (await ledger.runs.get(run)).reason == "dead_letter"


async def test_nobody_waits_for_an_old_event(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients"))
    async with MemoryBus() as bus:
        await DeadLetters(ledger.pool, bus).tell(RunChanged(run=run, state=RunState.FAILED))
    assert await ledger.batch_states(run) == {("patients", 1): "planned"}
