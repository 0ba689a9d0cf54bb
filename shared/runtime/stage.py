"""The loop around a handler: take, handle, publish what it yields, wait for the confirms, acknowledge.

A handler takes one message and yields messages. It never sees the bus or a delivery. What becomes of the delivery is
decided by the class of the error:

| what happened            | the delivery                                                                          |
|--------------------------|---------------------------------------------------------------------------------------|
| nothing                  | acknowledged, after everything yielded was confirmed                                  |
| WorldError               | held until the stage's probe succeeds, then put back; nothing is counted              |
| another TransfuseError   | told to the ledger by `on_failure`, then acknowledged                                 |
| any other exception      | the same, as a BatchError with the code `unexpected`                                  |
| cancellation             | left unsettled: the bus delivers it again                                             |
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Generic, TypeVar, cast

from shared.bus.port import Bus, Delivery, Queue
from shared.core.errors import BatchError, BusUnavailable, RunError, TransfuseError, WorldError
from shared.messages import Message
from shared.messages.codec import rows_of, size_of, tag_of
from shared.runtime.failpoints import failpoint
from shared.runtime.meter import Meter
from shared.runtime.world import Probe, World
from shared.telemetry.failure import class_of
from shared.telemetry.logging import get_logger
from shared.telemetry.metrics import BATCHES, IN_FLIGHT, STAGE_BYTES, STAGE_SECONDS

log = get_logger(__name__)

M = TypeVar("M", bound=Message)


class Stage(Generic[M]):
    """Consumes one queue with `concurrency` handlers at a time; a `Part` of a service.

    `on_failure(message, error)` writes the failure to the ledger; it may raise WorldError, which is waited for.
    `probe` says whether the world is back. Prefetched messages that are not in hand yet return to the queue on a drain.
    """

    def __init__(
        self,
        *,
        name: str,
        bus: Bus,
        queue: Queue,
        handler: Callable[[M], AsyncGenerator[Message, None]],
        on_failure: Callable[[M, TransfuseError], Awaitable[None]],
        probe: Probe,
        concurrency: int = 1,
        first_wait_seconds: float = 0.2,
    ) -> None:
        self.name = name
        self.queue = queue
        self.ready = asyncio.Event()
        self.meter = Meter(concurrency)
        self._bus = bus
        self._handler = handler
        self._on_failure = on_failure
        self._concurrency = concurrency
        self._draining = asyncio.Event()
        self._world = World(name, probe, self._draining, first_seconds=first_wait_seconds)

    @property
    def is_waiting(self) -> bool:
        """Whether the stage waits for the world."""
        return not self._world.is_up

    async def run(self) -> None:
        """Handle messages until drained, and finish what is in hand. Raises when the bus is of no use any more."""
        async with self._bus.consume(self.queue, prefetch=self._concurrency + 1) as deliveries:
            self.ready.set()
            try:
                async with asyncio.TaskGroup() as tasks:
                    reading = tasks.create_task(self._read(deliveries, tasks), name=f"{self.name} reading")
                    await self._draining.wait()
                    reading.cancel()
            finally:
                self.ready.clear()

    def drain(self) -> None:
        """Take nothing more; `run` returns when what is in hand is done."""
        self._draining.set()

    async def _read(self, deliveries: AsyncIterator[Delivery], tasks: asyncio.TaskGroup) -> None:
        slots = asyncio.Semaphore(self._concurrency)
        while True:
            await slots.acquire()
            await self._world.until_up()
            try:
                delivery = await anext(deliveries)
            except StopAsyncIteration:
                raise BusUnavailable(f"the bus was closed under the stage {self.name}", code="bus_closed") from None
            handling = tasks.create_task(self._settle(delivery), name=f"{self.name} handling")
            handling.add_done_callback(lambda _task: slots.release())

    async def _settle(self, delivery: Delivery) -> None:
        """Handle one delivery and decide what becomes of it. Raises nothing but its own cancellation."""
        started = time.monotonic()
        with IN_FLIGHT.labels(stage=self.name).track_inprogress():
            try:
                outcome = await self._outcome(delivery)
            except asyncio.CancelledError:
                BATCHES.labels(stage=self.name, outcome="cancelled").inc()
                raise
        BATCHES.labels(stage=self.name, outcome=outcome).inc()
        STAGE_SECONDS.labels(stage=self.name).observe(time.monotonic() - started)

    async def _outcome(self, delivery: Delivery) -> str:
        message = cast("M", delivery.message)
        while True:
            error = await self._attempt(self._handle(message))
            if error is None:
                self._world.succeeded()
                await failpoint(f"{self.name}.before_ack")
                await delivery.ack()
                return "done"
            if not isinstance(error, WorldError):
                log.error("a message failed", stage=self.name, error=error, **_names(message))
                await failpoint(f"{self.name}.before_failure_told")
                error = await self._attempt(self._on_failure(message, error))
                if error is None:
                    await failpoint(f"{self.name}.after_failure_told")
                    await delivery.ack()
                    return "failed"
            if not isinstance(error, WorldError):
                log.error("a failure could not be told to the ledger", stage=self.name, error=error, **_names(message))
                await delivery.retry()
                return "failed"
            if not await self._world.came_back(error):
                return "world"
            if isinstance(error, BusUnavailable):
                # A new connection brings the message again; this one only gives back what a full queue refused.
                await delivery.retry()
                return "world"
            # It stays in hand: put back again and again it would become a dead letter, and the world counts nothing.

    async def _handle(self, message: M) -> None:
        """Run the handler and publish what it yields, in order, each confirmed."""
        STAGE_BYTES.labels(stage=self.name, direction="in").inc(size_of(message))
        given = 0
        self.meter.begin()
        try:
            async with aclosing(self._handler(message)) as outgoing:
                async for following in outgoing:
                    await failpoint(f"{self.name}.before_publish")
                    await self._bus.publish(following)
                    STAGE_BYTES.labels(stage=self.name, direction="out").inc(size_of(following))
                    given += rows_of(following)
        finally:
            self.meter.end(max(rows_of(message), given))

    async def _attempt(self, doing: Awaitable[None]) -> TransfuseError | None:
        """What went wrong, as an error of ours; None when nothing did. The task's own cancellation passes through."""
        try:
            await doing
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return self._unexpected(error)  # a library gave up one of its own futures
        except Exception as error:  # noqa: BLE001 - the class decides, see the table above
            decisive = _decisive(error)
            return decisive if isinstance(decisive, TransfuseError) else self._unexpected(decisive)
        return None

    def _unexpected(self, cause: BaseException) -> BatchError:
        error = BatchError(f"the stage {self.name} failed unexpectedly ({class_of(cause)})", code="unexpected")
        error.__cause__ = cause
        return error


def _decisive(error: BaseException) -> BaseException:
    """Of a group of errors the one that decides: the run's, the world's, ours, any."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    members = [_decisive(member) for member in error.exceptions]
    for kind in (RunError, WorldError, TransfuseError):
        for member in members:
            if isinstance(member, kind):
                return member
    return members[0]


def _names(message: Message) -> dict[str, object]:
    """What a log line says of a message."""
    batch = getattr(message, "batch", None)
    names = {"message_type": tag_of(message), "run": getattr(message, "run", None)}
    if batch is not None:
        names |= {name: getattr(batch, name) for name in ("run", "mapping", "pass_number", "seq", "generation")}
    return names
