"""One batch of an undo, one transaction: claim, look again at every row under its lock, take back, settle."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterator, Sequence
from uuid import UUID

import asyncpg
import msgspec

from services.loader.body import keys_of
from services.loader.claim import claim
from services.loader.load import Settled
from services.loader.runs import LoadRun, LoadRuns
from services.loader.transaction import RowsRefused, rows_tried, told, transaction
from services.loader.undo.planner import built_on
from services.loader.undo.staged import Found, Staged, stage, stage_keys
from services.loader.undo.survey import Stays
from services.loader.undo.table import UndoTable, read_table, written_table
from shared.core.counts import Counts
from shared.core.errors import BatchError, RunError
from shared.core.ids import BatchRef
from shared.core.run_options import BuiltOn
from shared.crypto.aad import manifest_aad
from shared.crypto.envelope import RunKey
from shared.ledger.finishing import suspend_triggers
from shared.ledger.former import FormerAction, FormerRows
from shared.ledger.settling import Claim, Manifest, Settlement, settle_batch
from shared.ledger.undo_plans import UndoBounds, WrittenBatch, read_bounds, read_undo, undos_of, written_batch
from shared.messages.data import Reason, Warned
from shared.postgres.pools import Pool
from shared.runtime.failpoints import failpoint

TABLES_KEPT = 200
NOT_IN_TARGET = "not_in_target"
ALREADY_BACK = "already_back"
"""A row that was removed, and that an earlier undo of the run put back."""
NOT_PUT_BACK = "not_put_back"
"""The target refuses the row: what it was does not fit what is there by now."""


class Undoing(msgspec.Struct, frozen=True, kw_only=True):
    """One batch on its way back. `writers` are the run that is undone and undos of it."""

    batch: BatchRef
    key: RunKey
    built_on: BuiltOn
    table: UndoTable
    bounds: UndoBounds
    written: WrittenBatch
    writers: tuple[UUID, ...]

    @property
    def doing(self) -> str:
        """What is done, for errors."""
        return f"taking back batch {self.batch.seq} of {self.batch.mapping}"


class Tally:
    """What became of the rows of one batch."""

    def __init__(self) -> None:
        self.deleted = 0
        self.updated = 0
        self.stayed: Counter[str] = Counter()

    @property
    def counts(self) -> Counts:
        """The rows by outcome."""
        stayed = self.stayed.total()
        return Counts(
            read=self.deleted + self.updated + stayed, deleted=self.deleted, updated=self.updated, unchanged=stayed
        )


class UndoLoader:
    """Takes batches back. `undo` is idempotent: the ledger settles a batch once, whoever brings it."""

    def __init__(self, pool: Pool, runs: LoadRuns) -> None:
        self._pool = pool
        self._runs = runs
        self._tables: OrderedDict[tuple[UUID, str], UndoTable] = OrderedDict()

    async def undo(self, batch: BatchRef) -> Settled:
        """Take a batch back and settle it, or find that there is nothing to do.

        Raises WorldError, BatchError, RunError, SchemaDrifted, VersionDiffers as a load does.
        """
        async with self._pool.acquire() as connection:
            with told(f"preparing to take back {batch.mapping}"):
                undoing = await self._prepare(connection, batch)
            if undoing is None:
                return Settled(claim=Claim.DROPPED)
            try:
                return await self._attempt(connection, undoing, careful=False)
            except RowsRefused:
                pass
            try:
                return await self._attempt(connection, undoing, careful=True)
            except RowsRefused as refused:
                raise BatchError(
                    f"The target changed while a batch of {batch.mapping} was taken back ({refused.sqlstate}).",
                    code="target_moved",
                ) from refused

    async def _prepare(self, connection: asyncpg.Connection, batch: BatchRef) -> Undoing | None:
        run = await self._runs.to_work_on(connection, batch.run)
        undo = await read_undo(connection, batch.run)
        if run is None or undo is None:
            return None
        undone = await self._runs.get(connection, undo.about)
        if undone is None:
            raise RunError("The key of the run is gone, and with it what it wrote.", code="details_removed")
        bounds = await read_bounds(connection, batch, run.key)
        return Undoing(
            batch=batch,
            key=run.key,
            built_on=undo.built_on,
            table=await self._table(connection, batch, undone),
            bounds=bounds,
            written=await _written(connection, batch, bounds, undone),
            writers=await undos_of(connection, undo.about),
        )

    async def _table(self, connection: asyncpg.Connection, batch: BatchRef, undone: LoadRun) -> UndoTable:
        """The table of a mapping; once per undo, its triggers off first where the plan says so."""
        known = self._tables.get((batch.run, batch.mapping))
        if known is None:
            mapping = next((one for one in undone.plan.mappings if one.name == batch.mapping), None)
            if mapping is not None and mapping.load.triggers_off:
                await suspend_triggers(connection, batch.run, mapping.name, len(mapping.load.triggers_off))
            table, key, unique = written_table(undone.plan, batch.mapping)
            known = await read_table(connection, undone.plan, table, key, unique=unique)
            self._tables[batch.run, batch.mapping] = known
            while len(self._tables) > TABLES_KEPT:
                self._tables.popitem(last=False)
        return known

    async def _attempt(self, connection: asyncpg.Connection, undoing: Undoing, *, careful: bool) -> Settled:
        async with transaction(connection, undoing.doing):
            claimed = await claim(connection, undoing.batch, undoing.doing)
            if claimed is not Claim.CLAIMED:
                return Settled(claim=claimed)
            await failpoint("loader.undo_before_rows")
            tally = Tally()
            with rows_tried(undoing.doing):
                await _remove(connection, undoing, tally, careful=careful)
                for former in undoing.written.former:
                    await _put_back(connection, undoing, former, tally, careful=careful)
            await failpoint("loader.undo_after_rows")
            settlement = await asyncio.to_thread(_settlement, undoing, tally)
            with told(undoing.doing):
                await settle_batch(connection, settlement)
            await failpoint("loader.undo_before_commit")
        await failpoint("loader.undo_after_commit")
        return Settled(claim=claimed, counts=settlement.counts)


async def _written(
    connection: asyncpg.Connection, batch: BatchRef, bounds: UndoBounds, undone: LoadRun
) -> WrittenBatch:
    if bounds.placeholders:
        return WrittenBatch(seq=0, written=bounds.placeholders, updated=b"", former=(), placeholders=())
    source = BatchRef(
        run=undone.run, mapping=batch.mapping, pass_number=batch.pass_number, seq=bounds.seq, generation=0
    )
    return await written_batch(connection, source, undone.key)


async def _remove(connection: asyncpg.Connection, undoing: Undoing, tally: Tally, *, careful: bool) -> None:
    """Delete what the batch inserted. A row to which somebody refers stays, and with it those that it refers to."""
    keys = list(_going(undoing, keys_of(undoing.written.written), tally))
    if not keys:
        return
    staged = await stage_keys(connection, undoing.table, keys, undoing.writers)
    await staged.lock()
    left = await _judge(staged, undoing, keys, tally)
    while left and (referred := await staged.referred() & left):
        _check_free(undoing, Stays.REFERRED, len(referred))
        tally.stayed[Stays.REFERRED] += len(referred)
        await staged.take_out(referred)
        left -= referred
    refused = await staged.delete(expected=len(left), careful=careful) if left else set()
    _refuse(undoing, refused, tally)
    tally.deleted += len(left) - len(refused)


async def _put_back(
    connection: asyncpg.Connection, undoing: Undoing, former: FormerRows, tally: Tally, *, careful: bool
) -> None:
    """Give rows their former values, the last one first: a value that moved from row to row finds its place free."""
    going = set(_going(undoing, [row.key for row in former.rows], tally))
    rows = [row for row in reversed(former.rows) if row.key in going]
    if not rows:
        return
    staged = await stage(connection, undoing.table, former.columns, rows, undoing.writers)
    await staged.lock()
    if former.action is FormerAction.UPDATED:
        left = await _judge(staged, undoing, [row.key for row in rows], tally)
    else:
        found = await staged.found(undoing.writers)
        back = {ordinal for ordinal, row in found.items() if row.ours}
        anew = found.keys() - back
        if anew:
            _check_free(undoing, Stays.CHANGED, len(anew))
            tally.stayed[Stays.CHANGED] += len(anew)
        tally.stayed[ALREADY_BACK] += len(back)
        await staged.take_out(found.keys())
        left = set(range(1, len(rows) + 1)) - found.keys()
    refused = await staged.put_back(former, expected=len(left), careful=careful) if left else set()
    _refuse(undoing, refused, tally)
    tally.updated += len(left) - len(refused)


def _going(undoing: Undoing, keys: Collection[bytes], tally: Tally) -> Iterator[bytes]:
    """Those that planning did not find to stay."""
    reasons = {key: reason for reason, packed in undoing.bounds.stays.items() for key in keys_of(packed)}
    for key in keys:
        if key in reasons:
            tally.stayed[reasons[key]] += 1
        else:
            yield key


async def _judge(staged: Staged, undoing: Undoing, keys: Sequence[bytes], tally: Tally) -> set[int]:
    """The staged rows, locked by now, that are there and as the run left them; others are taken out."""
    found = await staged.found(undoing.writers)
    gone = set(range(1, len(keys) + 1)) - found.keys()
    tally.stayed[NOT_IN_TARGET] += len(gone)
    changed = {ordinal for ordinal, row in found.items() if not _as_left(row, undoing, keys[ordinal - 1])}
    if undoing.built_on is BuiltOn.DISCARD:
        changed = set()
    elif changed:
        _check_free(undoing, Stays.CHANGED, len(changed))
        tally.stayed[Stays.CHANGED] += len(changed)
    await staged.take_out(changed | gone)
    return found.keys() - changed


def _as_left(row: Found, undoing: Undoing, key: bytes) -> bool:
    return row.ours or undoing.bounds.given_back.get(key) == row.written_by


def _check_free(undoing: Undoing, reason: str, count: int) -> None:
    """Raise where rows that others built on since the undo was planned are to end it."""
    if undoing.built_on is BuiltOn.REFUSE:
        refusal = built_on({undoing.batch.mapping: {reason: count}})
        raise RunError(str(refusal), code=refusal.code, remedy=f"Start the undo again. {refusal.remedy}")


def _refuse(undoing: Undoing, refused: set[int], tally: Tally) -> None:
    if refused:
        _check_free(undoing, NOT_PUT_BACK, len(refused))
        tally.stayed[NOT_PUT_BACK] += len(refused)


def _settlement(undoing: Undoing, tally: Tally) -> Settlement:
    """What the ledger keeps of the batch: counts, and an empty manifest that tells who wrote. CPU work for a thread."""
    empty = undoing.key.seal(b"", manifest_aad(undoing.batch))
    return Settlement(
        batch=undoing.batch,
        counts=tally.counts,
        warned=tuple(
            Warned(reason=Reason(code=str(code)), count=count) for code, count in sorted(tally.stayed.items()) if count
        ),
        manifest=Manifest(written=empty, unchanged=empty, filtered=empty, quarantined=empty, updated=empty),
        quarantined=(),
    )
