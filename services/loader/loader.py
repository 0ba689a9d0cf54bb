"""One batch, one transaction: claim, rows, counts, manifest, quarantine, settlement.

The first attempt copies straight into the target. A refused one is rolled back as a whole and made again through the
temporary table, at last with every bad row looked for.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import msgspec

from services.loader.body import kept_body, open_batch
from services.loader.by_index import by_index
from services.loader.claim import claim
from services.loader.compare import Comparer
from services.loader.conflicts import judge_changed
from services.loader.drift import check_target
from services.loader.extras import Extras
from services.loader.former import read_former
from services.loader.isolation import check_systematic, isolate
from services.loader.load import Load, Path, Settled
from services.loader.own_keys import judge_own_keys
from services.loader.parents import MISSING_PARENT, UNRESOLVED, Parents
from services.loader.patch import pass_over
from services.loader.placeholders import make_placeholders
from services.loader.resolving import resolve
from services.loader.runs import LoadRun, LoadRuns
from services.loader.settlement import make_settlement
from services.loader.shadow import Bringing, bring_over, is_dry, make_shadow, overlay, shadowed
from services.loader.shape import TargetShape, read_shape
from services.loader.staging import check_count, copy_rows, stage, take_out, write_staged
from services.loader.statements import Statements, make_statements
from services.loader.transaction import RowsRefused, rows_tried, told, transaction
from services.loader.verdicts import Verdicts
from shared.core.errors import BatchError, RunError
from shared.core.ids import BatchRef
from shared.core.states import BUILT_MODES, LoadMode
from shared.core.versions import Versions
from shared.crypto.keyring import Keyring
from shared.ledger.finishing import suspend_triggers
from shared.ledger.settling import Claim, pause_beyond, settle_batch
from shared.messages.data import LoadBatch
from shared.plan.compiled import CompiledMapping
from shared.postgres.pools import Pool
from shared.runtime.failpoints import failpoint


class BatchLoader:
    """Loads batches, several at a time. `load` is idempotent: the ledger settles a batch once, whoever brings it."""

    def __init__(self, pool: Pool, keyring: Keyring, versions: Versions | None = None) -> None:
        self._pool = pool
        self._runs = LoadRuns(keyring, versions)
        self.extras = Extras(pool, self._runs)
        self._parents = Parents(self._runs)
        self._comparer = Comparer(self._runs)
        self._prepared: dict[tuple[UUID, str, int], tuple[TargetShape, Statements, Bringing | None]] = {}
        self._rerun: set[tuple[UUID, str]] = set()

    @property
    def runs(self) -> LoadRuns:
        """The runs that it works for, with their plans and keys."""
        return self._runs

    async def load(self, message: LoadBatch) -> Settled:
        """Load a batch and settle it, or find that there is nothing to do.

        Raises WorldError (put the message back), BatchError (count an attempt), RunError (the run cannot go on),
        SchemaDrifted (it pauses), VersionDiffers (another loader has to do it).
        """
        batch = message.batch
        async with self._pool.acquire() as connection:
            with told(f"preparing to load {batch.mapping}"):
                run = await self._runs.to_work_on(connection, batch.run)
                if run is None:
                    return Settled(claim=Claim.DROPPED)
                _check_mode(message, run)
                mapping = run.mapping(batch.mapping).of_pass(batch.pass_number)
                if is_dry(run):
                    if not await make_shadow(connection, run):
                        return Settled(claim=Claim.DROPPED)
                    mapping = shadowed(run, mapping)
                mode = run.ending if message.mode is LoadMode.CHECK else message.mode
                shape, statements, bringing = await self._prepare(connection, run, batch, mapping, mode)
            if message.body_id is not None:
                body = await kept_body(connection, message)
                if isinstance(body, Claim):
                    return Settled(claim=body)
                message = msgspec.structs.replace(message, body=body)
            opened = await asyncio.to_thread(open_batch, message, run.key)
            load = Load(
                run=run,
                mapping=mapping,
                mode=mode,
                opened=opened,
                shape=shape,
                statements=statements,
                bringing=bringing,
            )
            try:
                settled = await self._settle(connection, load)
            except (RunError, BatchError):
                with told(load.doing):
                    await check_target(connection, mapping)  # a change is told before what it led to
                raise
            # A duplicate too: whoever settled the batch may have died before this check.
            quarantined = settled.counts is not None and settled.counts.quarantined > 0
            limited = not is_dry(run) and mode is not LoadMode.COMPARE
            if limited and (settled.claim is Claim.SETTLED or quarantined):
                with told(f"checking the quarantine limit of {batch.mapping}"):
                    await pause_beyond(connection, batch, mapping.load.quarantine_limit)
        return settled

    async def check_version(self, run: UUID) -> None:
        """Raise VersionDiffers where a loader of another version has to finish the run."""
        async with self._pool.acquire() as connection:
            with told("preparing to finish a run"):
                await self._runs.to_work_on(connection, run)

    def forget(self, run: UUID) -> None:
        """Drop what is kept of a run that ended."""
        self._parents.forget(run)
        self._comparer.forget(run)
        for known in [known for known in self._prepared if known[0] == run]:
            del self._prepared[known]
        self._rerun -= {known for known in self._rerun if known[0] == run}

    async def _prepare(
        self,
        connection: asyncpg.Connection,
        run: LoadRun,
        batch: BatchRef,
        mapping: CompiledMapping,
        mode: LoadMode,
    ) -> tuple[TargetShape, Statements, Bringing | None]:
        """The table's shape and statements; once per pass and run, its triggers off first where the plan says so."""
        name = (batch.run, batch.mapping, batch.pass_number)
        known = self._prepared.get(name)
        if known is None:
            if mapping.load.triggers_off and mode is not LoadMode.COMPARE:
                await suspend_triggers(connection, batch.run, mapping.name, len(mapping.load.triggers_off))
            shape = await read_shape(connection, mapping.load.table, mapping.load.columns, mapping.load.follows)
            bringing = None
            if is_dry(run):
                table = run.mapping(batch.mapping).load.table
                shape, bringing = await overlay(connection, table, mapping.load, shape)
            known = self._prepared[name] = shape, make_statements(mapping.load, shape, mode), bringing
        return known

    async def _settle(self, connection: asyncpg.Connection, load: Load) -> Settled:
        """Attempts in one go, each looking closer than the one before."""
        path = self._first_path(load)
        while True:
            try:
                return await self._attempt(connection, load, path)
            except RowsRefused as refused:
                if path is Path.ISOLATED:
                    raise BatchError(
                        f"The target changed while a batch of {load.mapping.name} was tried ({refused.sqlstate}).",
                        code="target_moved",
                    ) from refused
                path = _closer(path, refused)

    def _first_path(self, load: Load) -> Path:
        """Straight into the target, unless its rows must be looked at anyway or are probably there already."""
        staged = (
            load.mode is not LoadMode.INSERT
            or load.bringing is not None
            or load.shape.guarded
            or (load.run.run, load.mapping.name) in self._rerun
            or any(not reference.enforced for reference in load.mapping.load.references)
        )
        return Path.STAGED if staged else Path.DIRECT

    async def _attempt(self, connection: asyncpg.Connection, load: Load, path: Path) -> Settled:
        verdicts = Verdicts()
        await failpoint("loader.before_claim")
        async with transaction(connection, load.doing):
            claimed = await claim(connection, load.opened.batch, load.doing)
            if claimed is not Claim.CLAIMED:
                return Settled(claim=claimed)
            await failpoint("loader.before_rows")
            if load.mode is LoadMode.COMPARE:
                return Settled(claim=claimed, counts=await self._comparer.compare(connection, load))
            patches_refused = load.mode is LoadMode.PATCH and load.opened.body.refused
            if load.opened.body.row_count or patches_refused:
                with rows_tried(load.doing):
                    await self._write(connection, load, path, verdicts)
                with told(load.doing):
                    await check_target(connection, load.mapping)
            await failpoint("loader.after_rows")
            settlement = await asyncio.to_thread(
                make_settlement, load.opened, verdicts, load.mapping.load, load.run.key
            )
            with told(load.doing):
                await settle_batch(connection, settlement)
                await resolve(connection, load, verdicts)
            await failpoint("loader.before_commit")
        await failpoint("loader.after_commit")
        return Settled(claim=claimed, counts=settlement.counts)

    async def _write(self, connection: asyncpg.Connection, load: Load, path: Path, verdicts: Verdicts) -> None:
        """Write the rows, or say in `verdicts` why not. Rows written are written outside any savepoint."""
        program, opened = load.mapping.load, load.opened
        if path is Path.DIRECT:
            check_count(
                opened,
                await copy_rows(connection, program.table, program.columns, opened.encoding, opened.body.rows),
            )
            return
        await self._stage(connection, load, verdicts)
        nulled_code = MISSING_PARENT if opened.batch.pass_number == 1 else UNRESOLVED
        keys = opened.body.placeholders
        needed = await self._parents.judge(
            connection, load.run, program, load.statements, verdicts, keys, nulled_code=nulled_code
        )
        verdicts.placeholders = await make_placeholders(connection, program, {name: keys[name] for name in needed})
        async with by_index(connection, program):
            if await judge_own_keys(connection, program, load.statements, verdicts, load.run.ending):
                self._rerun.add((load.run.run, load.mapping.name))
            await judge_changed(connection, load.run, program, load.known, verdicts)
        await take_out(connection, verdicts.judged, load.shape, load.statements, verdicts)
        if path is Path.ISOLATED:
            refused = await isolate(connection, opened, program, load.shape, load.statements, verdicts)
            await take_out(connection, refused, load.shape, load.statements, verdicts)
        if not load.run.replays:  # those were refused before, often all for one reason
            check_systematic(opened, verdicts)
        left = opened.body.row_count - len(verdicts.judged)
        if left and await self._put(connection, load, verdicts) != left:
            raise RunError(
                f"The target took fewer rows of a batch of {load.mapping.name} than were written.",
                code="rows_miscounted",
                remedy="A rule or trigger of the target swallows rows: decide it under `triggers`, or remove it.",
            )

    async def _put(self, connection: asyncpg.Connection, load: Load, verdicts: Verdicts) -> int:
        """Write what is left of the staged rows, with what an undo needs of those that they change; their number."""
        program = load.mapping.load
        async with by_index(connection, program):
            if load.mode is not LoadMode.INSERT and load.bringing is None:
                verdicts.former += await read_former(connection, load.opened, program, load.shape, verdicts)
            return await write_staged(connection, load.statements)

    async def _stage(self, connection: asyncpg.Connection, load: Load, verdicts: Verdicts) -> None:
        """Fill the temporary table; of a patch with those rows alone that are in the target."""
        opened, shape, statements = load.opened, load.shape, load.statements
        await stage(connection, opened, shape, statements, verdicts)
        if load.bringing is not None:
            await bring_over(connection, opened, load.bringing)
        if load.mode is LoadMode.PATCH:
            told = await self._parents.not_loaded(connection, load.run, opened) if opened.is_second else frozenset()
            async with by_index(connection, load.mapping.load):
                await pass_over(connection, opened, statements, verdicts, told)
            await take_out(connection, verdicts.filtered, shape, statements, verdicts)


def _check_mode(message: LoadBatch, run: LoadRun) -> None:
    """The mode is the ledger's: a message that says another one could make an insert overwrite rows."""
    mode = run.mode_of(message.batch.pass_number)
    if mode not in BUILT_MODES:
        raise RunError(f"The load mode {mode} is not part of this version.", code="unknown_mode")
    if message.mode is not mode:
        raise RunError(
            f"A batch of {message.batch.mapping} came in the load mode {message.mode}, the run's is {mode}.",
            code="mode_differs",
        )


def _closer(path: Path, refused: RowsRefused) -> Path:
    """The next path: missing parents and known keys are found by joins, all else by trying rows."""
    joinable = refused.sqlstate in {"23503", "23505"}
    return Path.STAGED if path is Path.DIRECT and joinable else Path.ISOLATED
