"""Load a batch, finish a run, and tell the ledger what failed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator

from services.loader.finish import finish_run
from services.loader.load import Settled
from services.loader.loader import BatchLoader
from services.loader.rebuilding import rebuild_after_end
from services.loader.removal import Removal
from shared.core.errors import Refused, RunError, SchemaDrifted, TransfuseError, VersionDiffers
from shared.core.ids import BatchRef
from shared.core.states import Outcome, RunState
from shared.ledger.reports import (
    fail_run,
    pause_run,
    put_back,
    put_back_command,
    report_attempt_failed,
    report_command_failed,
)
from shared.ledger.settling import Claim
from shared.messages import BatchSettled, FinishRun, LoadBatch, Message, RemoveBatch, UndoBatch
from shared.postgres.pools import Pool
from shared.telemetry.metrics import DUPLICATES, ROWS


class Handlers:
    """The loader's handlers and what tells their failures."""

    def __init__(self, loader: BatchLoader, pool: Pool) -> None:
        self._loader = loader
        self._removal = Removal(pool, loader.runs)
        self._pool = pool

    async def load_batch(self, message: LoadBatch) -> AsyncGenerator[Message, None]:
        for told in told_of(message.batch, await self._loader.load(message)):
            yield told

    async def remove_batch(self, message: RemoveBatch) -> AsyncGenerator[Message, None]:
        for told in told_of(message.batch, await self._removal.remove(message.batch)):
            yield told

    async def load_failed(self, message: LoadBatch | RemoveBatch | UndoBatch, error: TransfuseError) -> None:
        """What every batch would meet ends the run, a changed target pauses it; anything else is a failed attempt."""
        async with self._pool.acquire() as connection:
            if isinstance(error, VersionDiffers):
                await put_back(connection, message.batch, error)
            elif isinstance(error, SchemaDrifted):
                await pause_run(connection, message.batch.run, error)
            elif isinstance(error, RunError | Refused):
                await fail_run(connection, message.batch.run, error)
            else:
                await report_attempt_failed(connection, message.batch, error.code)

    async def finish_run(self, message: FinishRun) -> AsyncGenerator[Message, None]:
        if await rebuild_after_end(self._pool, message.run):
            return
        await self._loader.check_version(message.run)
        await self._loader.extras.look(message.run)
        ended = await finish_run(self._pool, message.run, self._loader.runs)
        self._loader.forget(message.run)
        self._removal.forget(message.run)
        if ended is not None:
            yield ended

    async def finish_failed(self, message: FinishRun, error: TransfuseError) -> None:
        """The same for finishing, whose third failed attempt fails the run."""
        async with self._pool.acquire() as connection:
            if isinstance(error, VersionDiffers):
                await put_back_command(connection, message.run, RunState.FINISHING, error)
            elif isinstance(error, RunError | Refused):
                await fail_run(connection, message.run, error)
            else:
                await report_command_failed(connection, message.run, RunState.FINISHING, error)


def told_of(batch: BatchRef, settled: Settled) -> Iterator[BatchSettled]:
    """Count what became of a batch, and tell it where this attempt settled it."""
    if settled.claim is Claim.SETTLED:
        DUPLICATES.inc()
    if settled.counts is None:
        return
    for outcome in Outcome:
        if rows := getattr(settled.counts, outcome.value):
            ROWS.labels(mapping=batch.mapping, outcome=outcome.value).inc(rows)
    yield BatchSettled(batch=batch, counts=settled.counts)
