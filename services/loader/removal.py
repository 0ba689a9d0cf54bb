"""The removal of a merge: finds the rows that the source has no more, and deletes or marks them, batch by batch.

The first batch finds and cuts the others; each of those is one transaction like any batch.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg

from services.loader.claim import claim
from services.loader.drift import check_target
from services.loader.finding import Finding
from services.loader.goodbye import Goodbye
from services.loader.load import Settled
from services.loader.referrers import referrers_of
from services.loader.runs import LoadRun, LoadRuns
from services.loader.shape import TargetShape, read_shape
from services.loader.transaction import RowsRefused, rows_tried, told, transaction
from shared.core.counts import Counts
from shared.core.errors import BatchError, RunError
from shared.core.ids import BatchRef
from shared.crypto.aad import manifest_aad
from shared.ledger.finishing import suspend_triggers
from shared.ledger.former import seal_former
from shared.ledger.removing import FIRST_SEQ, cut_removal, end_cut, first_pass, read_removal
from shared.ledger.settling import Claim, Manifest, Settlement, settle_batch
from shared.messages.data import Warned
from shared.plan.compiled import CompiledMapping
from shared.postgres.pools import Pool
from shared.runtime.failpoints import failpoint

BATCH_ROWS = 5_000
LISTS_AT_ONCE = 50
"""Batches that are written to the ledger together."""
LIMIT_ROWS = 1_000
LIMIT_SHARE = 0.10
"""More rows than both of these, of those that there were, are not removed before somebody has accepted it."""
REMOVAL_LIMIT = "removal_limit"


class Removal:
    """Removes batches. `remove` is idempotent: the ledger settles a batch once, whoever brings it."""

    def __init__(self, pool: Pool, runs: LoadRuns) -> None:
        self._pool = pool
        self._runs = runs
        self._without_triggers: set[tuple[UUID, str]] = set()

    async def remove(self, batch: BatchRef) -> Settled:
        """Do a batch of a removal and settle it, or find that there is nothing to do.

        Raises WorldError (put the command back), BatchError (count an attempt), RunError (the run cannot go on),
        SchemaDrifted (it pauses), VersionDiffers (another loader has to do it).
        """
        doing = f"removing rows of {batch.mapping}"
        async with self._pool.acquire() as connection:
            with told(doing):
                run = await self._runs.to_work_on(connection, batch.run)
                if run is None:
                    return Settled(claim=Claim.DROPPED)
                mapping = run.mapping(batch.mapping)
                await self._suspend_triggers(connection, batch, mapping)
            try:
                return await self._settle(connection, run, mapping, batch, doing)
            except (RunError, BatchError):
                with told(doing):
                    await check_target(connection, mapping)  # a change is told before what it led to
                raise

    def forget(self, run: UUID) -> None:
        """Drop what is kept of a run that ended."""
        self._without_triggers = {known for known in self._without_triggers if known[0] != run}

    async def _suspend_triggers(
        self, connection: asyncpg.Connection, batch: BatchRef, mapping: CompiledMapping
    ) -> None:
        known = (batch.run, batch.mapping)
        if mapping.load.triggers_off and known not in self._without_triggers:
            await suspend_triggers(connection, batch.run, mapping.name, len(mapping.load.triggers_off))
            self._without_triggers.add(known)

    async def _settle(
        self, connection: asyncpg.Connection, run: LoadRun, mapping: CompiledMapping, batch: BatchRef, doing: str
    ) -> Settled:
        """Once for all rows; where the target refuses one, again with every such row looked for."""
        try:
            return await self._attempt(connection, run, mapping, batch, doing, isolated=False)
        except RowsRefused:
            pass
        try:
            return await self._attempt(connection, run, mapping, batch, doing, isolated=True)
        except RowsRefused as refused:
            raise BatchError(
                f"The target changed while rows of {batch.mapping} were removed ({refused.sqlstate}).",
                code="target_moved",
            ) from refused

    async def _attempt(
        self,
        connection: asyncpg.Connection,
        run: LoadRun,
        mapping: CompiledMapping,
        batch: BatchRef,
        doing: str,
        *,
        isolated: bool,
    ) -> Settled:
        async with transaction(connection, doing):
            claimed = await claim(connection, batch, doing)
            if claimed is not Claim.CLAIMED:
                return Settled(claim=claimed)
            await failpoint("loader.before_removal")
            if batch.seq == FIRST_SEQ:
                with told(doing):
                    await self._find(connection, run, mapping, batch)
                settlement = _settlement(batch, run, Counts())
            else:
                with rows_tried(doing):
                    goodbye = await self._say(connection, run, mapping, batch, isolated=isolated)
                with told(doing):
                    await check_target(connection, mapping)
                settlement = await asyncio.to_thread(_of_goodbye, batch, run, goodbye)
            await failpoint("loader.after_removal")
            with told(doing):
                await settle_batch(connection, settlement)
            await failpoint("loader.before_removal_commit")
        await failpoint("loader.after_removal_commit")
        return Settled(claim=claimed, counts=settlement.counts)

    async def _find(
        self, connection: asyncpg.Connection, run: LoadRun, mapping: CompiledMapping, batch: BatchRef
    ) -> None:
        """Find what is gone, and cut it into batches; too much of it waits until somebody has resumed the run."""
        first = await first_pass(connection, batch.run, batch.mapping)
        if first is None or not first.is_whole:
            raise RunError(
                f"Not every row of {batch.mapping} was read, so that none can be told to be gone.",
                code="unbalanced",
                remedy="Nothing was removed. Start a new run, and report this if the source did not change.",
            )
        key = (await _shape(connection, mapping)).column(mapping.load.key_column)
        finding = Finding(connection, mapping.load.table, key.name, key.type_name)
        known = await finding.known(self._runs, batch)
        gone = await finding.gone(await referrers_of(connection, run.plan, mapping.load.table))
        seq, lists = FIRST_SEQ + 1, list[bytes]()
        async for keys in finding.lists(BATCH_ROWS):
            lists.append(keys)
            if len(lists) == LISTS_AT_ONCE:
                await cut_removal(connection, batch, run.key, lists, first_seq=seq)
                seq, lists = seq + len(lists), []
        if lists:
            await cut_removal(connection, batch, run.key, lists, first_seq=seq)
        if gone > LIMIT_ROWS and gone > LIMIT_SHARE * known:
            message = f"{gone} of {known} rows are gone from the source. Resume the run if that is right."
            await end_cut(connection, batch, gone, pause=REMOVAL_LIMIT, message=message)
        else:
            await end_cut(connection, batch, gone)

    async def _say(
        self, connection: asyncpg.Connection, run: LoadRun, mapping: CompiledMapping, batch: BatchRef, *, isolated: bool
    ) -> Goodbye:
        keys, moment = await read_removal(connection, batch, run.key)
        goodbye = Goodbye(
            connection=connection,
            run=run,
            program=mapping.load,
            shape=await _shape(connection, mapping),
            moment=moment,
        )
        await goodbye.say(keys, isolated=isolated)
        return goodbye


async def _shape(connection: asyncpg.Connection, mapping: CompiledMapping) -> TargetShape:
    return await read_shape(connection, mapping.load.table, mapping.load.columns)


def _of_goodbye(batch: BatchRef, run: LoadRun, goodbye: Goodbye) -> Settlement:
    """What the ledger keeps of rows that were removed or marked; CPU work for a thread."""
    gone, stays = goodbye.gone, goodbye.stays
    marks = bool(goodbye.program.marks)
    counts = Counts(
        read=len(gone) + len(stays),
        updated=len(gone) if marks else 0,
        deleted=0 if marks else len(gone),
        unchanged=len(stays),
    )
    warned = tuple(
        Warned(reason=reason, count=count)
        for reason, count in sorted(goodbye.warned.items(), key=lambda one: (one[0].code, one[0].column))
    )
    return _settlement(
        batch,
        run,
        counts,
        warned=warned,
        unchanged=b"".join(stays),
        updated=b"".join(gone) if marks else b"",
        former=seal_former(goodbye.former, run.key, batch),
    )


def _settlement(
    batch: BatchRef,
    run: LoadRun,
    counts: Counts,
    *,
    warned: tuple[Warned, ...] = (),
    unchanged: bytes = b"",
    updated: bytes = b"",
    former: bytes | None = None,
) -> Settlement:
    aad = manifest_aad(batch)
    nothing = run.key.seal(b"", aad)
    manifest = Manifest(
        written=nothing,
        unchanged=run.key.seal(unchanged, aad),
        filtered=nothing,
        quarantined=nothing,
        updated=run.key.seal(updated, aad),
        former=former,
    )
    return Settlement(batch=batch, counts=counts, warned=warned, manifest=manifest, quarantined=())
