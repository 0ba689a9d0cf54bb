"""What the stage loop promises: the class of an error decides what becomes of a delivery."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from shared.bus.memory import MemoryBus
from shared.bus.port import Queue
from shared.bus.topology import Topology
from shared.core.errors import BatchError, BusUnavailable, RunError, TransfuseError, WorldError
from shared.core.ids import BatchRef
from shared.core.states import LoadMode
from shared.messages import ExtractBatch, Message, TransformBatch
from shared.runtime.stage import Stage

RUN = UUID("6f1fca6b-9f4a-4a6e-8a53-0d8d9f6c2a11")
PATIENCE = 10.0
Handler = Callable[[ExtractBatch], AsyncGenerator[Message, None]]


def command(seq: int) -> ExtractBatch:
    return ExtractBatch(batch=BatchRef(run=RUN, mapping="patients", seq=seq, generation=0))


def rows(message: ExtractBatch) -> TransformBatch:
    return TransformBatch(batch=message.batch, mode=LoadMode.INSERT, row_count=1, body=b"sealed")


async def forward(message: ExtractBatch) -> AsyncGenerator[Message, None]:
    yield rows(message)


def raising(error: BaseException) -> Handler:
    """A handler that fails before it yields."""

    async def handler(message: ExtractBatch) -> AsyncGenerator[Message, None]:
        if message.batch.run == RUN:
            raise error
        yield rows(message)

    return handler


class Bench:
    """One stage over a bus of its own, with a world that can be taken away."""

    def __init__(
        self, handler: Handler, *, concurrency: int = 1, delivery_limit: int = 3, body_bytes: int = 10_000
    ) -> None:
        self.bus = MemoryBus(
            topology=Topology(delivery_limit=delivery_limit, body_bytes=body_bytes), publish_seconds=0.2
        )
        self.failures: list[tuple[ExtractBatch, TransfuseError]] = []
        self.failed = asyncio.Event()
        self.probed = asyncio.Event()
        self.world_is_back = True
        self.ledger_error: Exception | None = None
        self.stage = Stage(
            name="extract",
            bus=self.bus,
            queue=Queue.EXTRACT,
            handler=handler,
            on_failure=self._on_failure,
            probe=self._probe,
            concurrency=concurrency,
            first_wait_seconds=0.001,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self.stage.run(), name="stage")
            await self.stage.ready.wait()
            yield
            self.stage.drain()
            await running

    async def taken(self, queue: Queue, count: int) -> list[Message]:
        async with self.bus.consume(queue, prefetch=1) as deliveries:
            seen = []
            for _ in range(count):
                delivery = await anext(deliveries)
                seen.append(delivery.message)
                await delivery.ack()
            return seen

    async def left(self, queue: Queue) -> Message | None:
        """What is still in a queue, None if nothing is."""
        async with self.bus.consume(queue, prefetch=1) as deliveries:
            try:
                async with asyncio.timeout(0.02):
                    return (await anext(deliveries)).message
            except TimeoutError:
                return None

    async def _on_failure(self, message: ExtractBatch, error: TransfuseError) -> None:
        if self.ledger_error is not None:
            raised, self.ledger_error = self.ledger_error, None
            raise raised
        self.failures.append((message, error))
        self.failed.set()

    async def _probe(self) -> None:
        self.probed.set()
        if not self.world_is_back:
            raise WorldError("the legacy database does not answer")


async def test_what_a_handler_yields_is_published_and_its_message_acknowledged() -> None:
    bench = Bench(forward)
    async with bench.running():
        for seq in range(5):
            await bench.bus.publish(command(seq))
        assert await bench.taken(Queue.TRANSFORM, 5) == [rows(command(seq)) for seq in range(5)]
    assert await bench.left(Queue.EXTRACT) is None
    assert not bench.failures


@pytest.mark.parametrize(
    ("raised", "code"),
    (
        (BatchError("refused", code="refused_batch"), "refused_batch"),
        (RunError("drift", code="drift"), "drift"),
        (ValueError("Xq7Canary"), "unexpected"),
        (asyncio.CancelledError(), "unexpected"),
        (ExceptionGroup("", [ValueError("Xq7Canary"), BatchError("b", code="inner")]), "inner"),
    ),
    ids=("batch", "run", "foreign", "a future given up by a library", "group"),
)
async def test_a_failure_is_told_to_the_ledger_and_acknowledged(raised: BaseException, code: str) -> None:
    bench = Bench(raising(raised))
    async with bench.running():
        await bench.bus.publish(command(1))
        await bench.failed.wait()
    ((message, error),) = bench.failures
    assert (message, error.code) == (command(1), code)
    assert "Xq7Canary" not in str(error)
    assert await bench.left(Queue.EXTRACT) is None


async def test_while_the_world_is_away_nothing_is_counted_and_the_stage_goes_on_by_itself() -> None:
    bench: Bench

    async def handler(message: ExtractBatch) -> AsyncGenerator[Message, None]:
        if not bench.world_is_back:
            raise WorldError("the legacy database does not answer")
        yield rows(message)

    bench = Bench(handler)
    bench.world_is_back = False
    async with bench.running():
        await bench.bus.publish(command(1))
        await bench.bus.publish(command(2))
        await bench.probed.wait()
        assert bench.stage.is_waiting
        bench.world_is_back = True
        taken = await bench.taken(Queue.TRANSFORM, 2)
    assert sorted(taken, key=str) == [rows(command(1)), rows(command(2))]
    assert not bench.failures
    assert not bench.stage.is_waiting


async def test_a_world_that_answers_and_does_not_let_work_never_makes_a_dead_letter() -> None:
    attempts = 0

    async def handler(message: ExtractBatch) -> AsyncGenerator[Message, None]:
        nonlocal attempts
        attempts += 1
        if attempts < 12:
            raise WorldError("the target's disk is full")
        yield rows(message)

    bench = Bench(handler, delivery_limit=1)
    async with bench.running():
        await bench.bus.publish(command(1))
        assert await bench.taken(Queue.TRANSFORM, 1) == [rows(command(1))]
    assert attempts == 12
    assert not bench.failures


async def test_a_full_queue_ahead_is_the_world_and_loses_nothing() -> None:
    bench = Bench(forward, body_bytes=1)
    async with bench.running():
        for seq in range(3):
            await bench.bus.publish(command(seq))
        await bench.probed.wait()
        taken = await bench.taken(Queue.TRANSFORM, 3)
    assert {str(message) for message in taken} == {str(rows(command(seq))) for seq in range(3)}
    assert not bench.failures


async def test_a_failure_that_the_ledger_cannot_take_yet_is_told_again() -> None:
    bench = Bench(raising(BatchError("refused")))
    bench.ledger_error = WorldError("the ledger does not answer")
    async with bench.running():
        await bench.bus.publish(command(1))
        await bench.failed.wait()
    assert len(bench.failures) == 1
    assert await bench.left(Queue.EXTRACT) is None


async def test_a_failure_that_the_ledger_never_takes_becomes_a_dead_letter() -> None:
    bench = Bench(raising(BatchError("refused")), delivery_limit=1)

    async def refuse(_message: ExtractBatch, _error: TransfuseError) -> None:
        raise KeyError("Xq7Canary")

    bench.stage._on_failure = refuse
    async with bench.running(), bench.bus.dead_letters() as dead:
        await bench.bus.publish(command(1))
        assert (await anext(dead)).message == command(1)


async def test_no_more_than_the_allowed_number_of_handlers_run_at_a_time() -> None:
    running, most = 0, 0
    full, go_on = asyncio.Event(), asyncio.Event()

    async def handler(message: ExtractBatch) -> AsyncGenerator[Message, None]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 3:
            full.set()
        await go_on.wait()
        running -= 1
        yield rows(message)

    bench = Bench(handler, concurrency=3)
    async with bench.running():
        for seq in range(10):
            await bench.bus.publish(command(seq))
        await full.wait()
        go_on.set()
        await bench.taken(Queue.TRANSFORM, 10)
    assert most == 3


async def test_a_drain_finishes_what_is_in_hand_and_takes_nothing_more() -> None:
    taken, go_on = asyncio.Event(), asyncio.Event()

    async def handler(message: ExtractBatch) -> AsyncGenerator[Message, None]:
        taken.set()
        await go_on.wait()
        yield rows(message)

    bench = Bench(handler)
    async with bench.running():
        await bench.bus.publish(command(1))
        await bench.bus.publish(command(2))
        await taken.wait()
        bench.stage.drain()
        go_on.set()
    assert await bench.taken(Queue.TRANSFORM, 1) == [rows(command(1))]
    assert await bench.left(Queue.EXTRACT) == command(2)


async def test_a_cancellation_settles_nothing() -> None:
    taken, cleaned = asyncio.Event(), asyncio.Event()

    async def handler(message: ExtractBatch) -> AsyncGenerator[Message, None]:
        taken.set()
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()
        yield rows(message)

    bench = Bench(handler)
    running = asyncio.ensure_future(bench.stage.run())
    await bench.bus.publish(command(1))
    await taken.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert cleaned.is_set()
    assert not bench.failures
    assert await bench.left(Queue.EXTRACT) == command(1)


async def test_a_drain_while_the_world_is_away_leaves_the_message_unsettled() -> None:
    bench = Bench(raising(WorldError("the legacy database does not answer")))
    bench.world_is_back = False
    async with bench.running():
        await bench.bus.publish(command(1))
        await bench.probed.wait()
    assert await bench.left(Queue.EXTRACT) == command(1)


async def test_a_bus_closed_under_a_stage_ends_it_with_an_error() -> None:
    bench = Bench(forward)
    running = asyncio.ensure_future(bench.stage.run())
    await bench.stage.ready.wait()
    await bench.bus.close()
    with pytest.raises(ExceptionGroup) as caught:
        await running
    assert caught.group_contains(BusUnavailable)
