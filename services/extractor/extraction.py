"""Extracts one batch: what the ledger says of it, its rows, sealed. A batch that is too large is split instead."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from uuid import UUID

from services.extractor.planner import has_clear_bounds
from services.extractor.reading import BatchTooLarge, RowTooLarge, SourceRows, check_rows, middle_key, read_range
from services.extractor.snapshot import Snapshot
from services.extractor.streams import Streams
from shared.core.errors import SnapshotLost
from shared.core.ids import BatchRef
from shared.core.states import BatchState, LoadMode, RunState, Stage
from shared.crypto.aad import batch_aad
from shared.crypto.envelope import RunKey
from shared.crypto.keyring import Keyring
from shared.ledger import planning, reports
from shared.ledger.bounds import BatchBounds
from shared.ledger.planning import BatchToRead
from shared.messages import RunChanged, TransformBatch
from shared.plan.compiled import CompiledMapping, CompiledPlan
from shared.postgres.pools import Pool

MAX_BATCH_BYTES = 12 * 1024 * 1024
"""Source text that a batch may have at most; beyond it is split."""
MAX_BODY_BYTES = 11 * 1024 * 1024
"""Sealed bytes that a message may carry at most."""
PLANS_KEPT = 8


class Extraction:
    """Reads batches of any run, under the run's snapshot."""

    def __init__(self, *, ledger: Pool, legacy: Pool, streams: Streams, keyring: Keyring) -> None:
        self._ledger = ledger
        self._legacy = legacy
        self._streams = streams
        self._keyring = keyring
        self._plans: OrderedDict[UUID, CompiledPlan] = OrderedDict()

    async def extract(self, batch: BatchRef) -> TransformBatch | RunChanged | None:
        """The batch's rows, sealed for the transformer, also none; or the run's pause if its snapshot is gone.

        None where the ledger does not want this batch any more, or has split it. Raises WorldError, BatchError,
        RunError.
        """
        async with self._ledger.acquire() as connection:
            found = await planning.read_batch(connection, batch, self._keyring)
        if found is None or not is_wanted(found, batch):
            return None
        try:
            return await self._sealed(batch, found)
        except SnapshotLost as error:
            return await self._pause(batch.run, found.snapshot, error)

    async def _sealed(self, batch: BatchRef, found: BatchToRead) -> TransformBatch | None:
        mapping = (await self._plan(batch.run)).mapping(batch.mapping).of_pass(batch.pass_number)
        snapshot = Snapshot.from_text(found.snapshot)
        try:
            rows = await self._read(batch, snapshot, mapping, found.bounds)
            body = await asyncio.to_thread(seal, rows, batch, found.key)
        except BatchTooLarge as error:
            await self._split(batch, snapshot, mapping, found, error)
            return None
        async with self._ledger.acquire() as connection:
            await reports.report_step(connection, batch, Stage.EXTRACT)
        mode = found.mode if batch.pass_number == 1 else LoadMode.PATCH
        return TransformBatch(batch=batch, mode=mode, row_count=rows.row_count, body=body)

    async def _read(
        self, batch: BatchRef, snapshot: Snapshot, mapping: CompiledMapping, bounds: BatchBounds
    ) -> SourceRows:
        streamed = await self._streams.read(batch.run, snapshot, mapping, bounds, MAX_BATCH_BYTES, batch.pass_number)
        if streamed is not None:
            return streamed
        return await read_range(self._legacy, snapshot, mapping, bounds, MAX_BATCH_BYTES)

    async def _split(
        self,
        batch: BatchRef,
        snapshot: Snapshot,
        mapping: CompiledMapping,
        found: BatchToRead,
        error: BatchTooLarge,
    ) -> None:
        """Two batches instead of one; the dispatcher issues both. Raises RowTooLarge where there is nothing to part."""
        bounds = found.bounds
        middle = await middle_key(self._legacy, snapshot, mapping, bounds)
        if middle is None:
            raise RowTooLarge(f"a single row of mapping {mapping.name} is too large for a message") from error
        halves = BatchBounds(lower=bounds.lower, upper=middle), BatchBounds(lower=middle, upper=bounds.upper)
        async with self._ledger.acquire() as connection:
            await planning.split_batch(
                connection,
                batch,
                found.key,
                halves,
                clear_bounds=has_clear_bounds(mapping.source.cut_key),
                in_seq_order=mapping.load.in_seq_order,
            )

    async def _pause(self, run: UUID, snapshot: str | None, error: SnapshotLost) -> RunChanged | None:
        """Pause the run, if that snapshot is its own still."""
        async with self._ledger.acquire() as connection:
            paused = await reports.pause_run(connection, run, error, lost_snapshot=snapshot)
        return RunChanged(run=run, state=RunState.PAUSED, reason=error.code) if paused else None

    async def _plan(self, run: UUID) -> CompiledPlan:
        """The run's compiled plan; the last few are kept."""
        plan = self._plans.get(run)
        if plan is None:
            async with self._ledger.acquire() as connection:
                plan = self._plans[run] = await planning.read_compiled(connection, run)
        self._plans.move_to_end(run)
        while len(self._plans) > PLANS_KEPT:
            self._plans.popitem(last=False)
        return plan


def is_wanted(found: BatchToRead, batch: BatchRef) -> bool:
    """Whether the ledger still waits for this generation of the batch. A paused run lets batches in flight settle."""
    return (
        found.generation == batch.generation
        and found.state is BatchState.DISPATCHED
        and found.run_state in {RunState.RUNNING, RunState.PAUSED}
    )


def seal(rows: SourceRows, batch: BatchRef, key: RunKey) -> bytes:
    """Check and seal the rows. Takes CPU: call it in a worker thread. Raises BatchTooLarge, RunError."""
    check_rows(rows, batch.mapping)
    body = key.seal(b"".join(rows.chunks), batch_aad(batch, Stage.TRANSFORM))
    if len(body) > MAX_BODY_BYTES:
        raise BatchTooLarge(f"a batch of mapping {batch.mapping} has {len(body)} sealed bytes")
    return body
