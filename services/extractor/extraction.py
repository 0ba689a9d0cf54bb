"""Extracts one batch: what the ledger says of it, its rows, sealed. A batch that is too large is split instead.

What cannot be split travels whole: beyond what a message carries the ledger keeps the body, and of a row that is too
large for that as well only the key travels.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from uuid import UUID

import msgspec

from services.extractor.changes import Changes
from services.extractor.edits import edited
from services.extractor.reading import BatchTooLarge, SourceRows, check_rows, keys_alone, middle_key, read_range
from services.extractor.snapshot import Snapshot
from services.extractor.streams import Streams
from services.extractor.unmoved import Unmoved
from shared.core.errors import SchemaDrifted, SnapshotLost
from shared.core.ids import BatchRef
from shared.core.passes import mode_of
from shared.core.states import BatchState, LoadMode, RunState, Stage
from shared.core.versions import Versions, check_versions, own_versions
from shared.crypto.aad import batch_aad
from shared.crypto.envelope import RunKey
from shared.crypto.keyring import Keyring
from shared.ledger import planning, reports
from shared.ledger.batches import BatchToRead, read_batch, split_batch
from shared.ledger.bodies import MESSAGE_BODY_BYTES, keep_body
from shared.ledger.bounds import BatchBounds
from shared.messages import RunChanged, TransformBatch
from shared.plan.compiled import CompiledMapping, CompiledPlan
from shared.postgres.pools import Pool
from shared.runtime.failpoints import failpoint

PLANS_KEPT = 8


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How large things may be, in bytes.

    More than `batch_bytes` of source text is split, a single row of more than `row_bytes` is quarantined for its size;
    more than `body_bytes` of sealed rows is kept in the ledger instead of the message.
    """

    batch_bytes: int = 12 * 1024 * 1024
    row_bytes: int = 32 * 1024 * 1024
    body_bytes: int = MESSAGE_BODY_BYTES

    @property
    def read_bytes(self) -> int:
        """Source text at which a batch is looked at more closely."""
        return min(self.batch_bytes, self.row_bytes)


class Extraction:
    """Reads batches of any run, under the run's snapshot."""

    def __init__(
        self,
        *,
        ledger: Pool,
        legacy: Pool,
        streams: Streams,
        keyring: Keyring,
        limits: Limits | None = None,
        versions: Versions | None = None,
    ) -> None:
        self._ledger = ledger
        self._legacy = legacy
        self._streams = streams
        self._keyring = keyring
        self._limits = limits or Limits()
        self._versions = versions or own_versions()
        self._plans: OrderedDict[UUID, CompiledPlan] = OrderedDict()
        self._changes = Changes(legacy)
        self._unmoved = Unmoved(ledger=ledger, legacy=legacy)

    async def extract(self, batch: BatchRef) -> TransformBatch | RunChanged | None:
        """The batch's rows, sealed for the transformer, also none; or the run's pause.

        It pauses where its snapshot is gone, or a table is not what that snapshot shows. None where the ledger does not
        want this batch any more, or has split it. Raises WorldError, BatchError, RunError, VersionDiffers.
        """
        async with self._ledger.acquire() as connection:
            found = await read_batch(connection, batch, self._keyring)
        if found is None or not is_wanted(found, batch):
            return None
        check_versions("extractor", self._versions, Versions(transfuse=found.transfuse_version))
        try:
            return await self._sealed(batch, found)
        except (SnapshotLost, SchemaDrifted) as error:
            return await self._pause(batch.run, found.snapshot, error)

    async def _sealed(self, batch: BatchRef, found: BatchToRead) -> TransformBatch | None:
        mapping = (await self._plan(batch.run)).mapping(batch.mapping).of_pass(batch.pass_number)
        snapshot = Snapshot.from_text(found.snapshot)
        too_large = False
        async with self._unmoved.watched(batch.run, snapshot.text, mapping):
            try:
                rows = await self._read(batch, snapshot, mapping, found.bounds)
            except BatchTooLarge:
                if await self._split(batch, snapshot, mapping, found):
                    return None
                rows, too_large = await self._whole(snapshot, mapping, found.bounds)
        if found.bounds.edits and not too_large:
            rows = await asyncio.to_thread(edited, rows, mapping.source, found.bounds)
        mode = mode_of(found.mode, batch.pass_number)
        changed = await self._changed(batch, snapshot, mapping, found) if mode is LoadMode.COMPARE else None
        body = await asyncio.to_thread(seal, rows, batch, found.key)
        await failpoint("extractor.sealed")
        kept = None
        async with self._ledger.acquire() as connection:
            if len(body) > self._limits.body_bytes:
                kept, body = await keep_body(connection, batch, Stage.TRANSFORM, body), b""
            if changed is not None:
                await keep_body(connection, batch, Stage.EXTRACT, changed)
            await reports.report_step(connection, batch, Stage.EXTRACT)
        return TransformBatch(
            batch=batch, mode=mode, row_count=rows.row_count, body=body, body_id=kept, too_large=too_large
        )

    async def _read(
        self, batch: BatchRef, snapshot: Snapshot, mapping: CompiledMapping, bounds: BatchBounds
    ) -> SourceRows:
        most = self._limits.read_bytes
        streamed = await self._streams.read(batch.run, snapshot, mapping, bounds, most, batch.pass_number)
        if streamed is not None:
            return streamed
        return await read_range(self._legacy, snapshot, mapping, bounds, most)

    async def _changed(
        self, batch: BatchRef, snapshot: Snapshot, mapping: CompiledMapping, found: BatchToRead
    ) -> bytes | None:
        """Sealed, the keys of the batch that were written since its rows were loaded; None where nobody can tell."""
        if found.since is None:
            return None
        keys = await self._changes.keys(batch.run, snapshot, mapping, found.bounds, found.since)
        return None if keys is None else found.key.seal(msgspec.msgpack.encode(keys), batch_aad(batch, Stage.EXTRACT))

    async def _whole(
        self, snapshot: Snapshot, mapping: CompiledMapping, bounds: BatchBounds
    ) -> tuple[SourceRows, bool]:
        """The rows of what cannot be split, or their keys alone and True where they are too large.

        It is one row, or rows of one content, which count together.
        """
        most = self._limits.row_bytes
        try:
            return await read_range(self._legacy, snapshot, mapping, bounds, most), False
        except BatchTooLarge:
            return await read_range(self._legacy, snapshot, keys_alone(mapping), bounds, most), True

    async def _split(self, batch: BatchRef, snapshot: Snapshot, mapping: CompiledMapping, found: BatchToRead) -> bool:
        """Two batches instead of one, both issued by the dispatcher; False where there is nothing to part."""
        bounds = found.bounds
        middle = await middle_key(self._legacy, snapshot, mapping, bounds)
        if middle is None:
            return False
        await failpoint("extractor.before_split")
        lower = msgspec.structs.replace(bounds, upper=middle, first_row=None, row_count=None)
        upper = msgspec.structs.replace(bounds, lower=middle, first_row=None, row_count=None)
        halves = lower, upper
        async with self._ledger.acquire() as connection:
            await split_batch(connection, batch, found.key, halves, in_seq_order=mapping.load.in_seq_order)
        await failpoint("extractor.after_split")
        return True

    async def _pause(self, run: UUID, snapshot: str | None, error: SnapshotLost | SchemaDrifted) -> RunChanged | None:
        """Pause the run, if that snapshot is its own still."""
        await failpoint("extractor.before_pause")
        async with self._ledger.acquire() as connection:
            paused = await reports.pause_run(connection, run, error, lost_snapshot=snapshot)
        await failpoint("extractor.after_pause")
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
    """Check and seal the rows. Takes CPU: call it in a worker thread. Raises RunError."""
    check_rows(rows, batch.mapping)
    return key.seal(b"".join(rows.chunks), batch_aad(batch, Stage.TRANSFORM))
