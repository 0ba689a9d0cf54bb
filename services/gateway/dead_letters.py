"""What the bus gave up on: the ledger decides what becomes of it, then it is acknowledged."""

from __future__ import annotations

import asyncio

from shared.bus.port import Bus, Delivery
from shared.core.backoff import Backoff
from shared.core.errors import BatchError, BusUnavailable, RunError, WorldError
from shared.core.states import RunState
from shared.ledger.reports import report_attempt_failed, report_command_failed
from shared.messages import (
    ExtractBatch,
    FinishRun,
    LoadBatch,
    Message,
    PlanRun,
    PlanUndo,
    RemoveBatch,
    TransformBatch,
    UndoBatch,
)
from shared.postgres.pools import Pool
from shared.runtime.failpoints import failpoint
from shared.telemetry.logging import get_logger

log = get_logger(__name__)

GAVE_UP = BatchError(
    "A message of the batch was delivered again and again and never settled.",
    code="dead_letter",
    remedy="Look at why the service that takes it keeps ending: memory, most often. Then resume the run.",
)


class DeadLetters:
    """Takes dead letters one at a time. A batch is counted as a failed attempt, planning and finishing likewise.

    Messages of services that died through no fault of their own are among them: they are merely tried again.
    """

    def __init__(self, pool: Pool, bus: Bus) -> None:
        self._pool = pool
        self._bus = bus
        self._backoff = Backoff(first_seconds=0.2, most_seconds=10.0)

    async def run(self, draining: asyncio.Event) -> None:
        """Take dead letters until `draining` is set. One whose fate is not written yet is delivered again."""
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._read(), name="dead letters reading")
            await draining.wait()
            reading.cancel()

    async def _read(self) -> None:
        async with self._bus.dead_letters() as deliveries:
            async for delivery in deliveries:
                await self._settle(delivery)
        raise BusUnavailable("the bus was closed under the dead letters", code="bus_closed")

    async def _settle(self, delivery: Delivery) -> None:
        while True:
            try:
                await failpoint("gateway.before_dead_letter")
                await self.tell(delivery.message)
                await failpoint("gateway.after_dead_letter")
            except WorldError as error:
                log.warning("a dead letter waits for the ledger", error=error)
                await asyncio.sleep(self._backoff.next_seconds())
            else:
                self._backoff.reset()
                await delivery.ack()
                return

    async def tell(self, message: Message) -> None:
        """Write the fate of one message to the ledger. Raises WorldError."""
        async with self._pool.acquire() as connection:
            match message:
                case (
                    ExtractBatch(batch=ref)
                    | TransformBatch(batch=ref)
                    | LoadBatch(batch=ref)
                    | UndoBatch(batch=ref)
                    | RemoveBatch(batch=ref)
                ):
                    state = await report_attempt_failed(connection, ref, GAVE_UP.code)
                    names = {"mapping": ref.mapping, "seq": ref.seq, "generation": ref.generation}
                    log.warning("a dead letter", run=ref.run, state=state and state.value, **names)
                case PlanRun(run=run) | PlanUndo(run=run):
                    await report_command_failed(connection, run, RunState.PLANNING, _gave_up("planning"))
                    log.warning("a dead letter", run=run, phase="planning")
                case FinishRun(run=run):
                    await report_command_failed(connection, run, RunState.FINISHING, _gave_up("finishing"))
                    log.warning("a dead letter", run=run, phase="finishing")
                case _:
                    # An event among dead letters was put there by hand: nobody waits for an old one.
                    log.warning("a dead letter", message_type=type(message).__name__)


def _gave_up(phase: str) -> RunError:
    return RunError(f"The command for {phase} was never settled.", code="dead_letter", remedy=GAVE_UP.remedy)
