"""Plans a run: checks, compiles, takes the snapshot, counts and cuts; or takes a new snapshot for one that lost it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from uuid import UUID

import asyncpg
import msgspec

from services.extractor.checking import Checked, check_run, unreachable
from services.extractor.comparing import comparing, comparisons_of, sample_of
from services.extractor.compilation import Compilation
from services.extractor.counting import MappingCounts, count_mappings
from services.extractor.cutting import cut_mapping
from services.extractor.fingerprint import Fingerprint, differences, drifted, read_places, shape_of
from services.extractor.met import met_books
from services.extractor.passes import cuts_of
from services.extractor.ranges import joined, without_places
from services.extractor.removals import removals_of
from services.extractor.replaying import ReplayCut, cut_replay, read_replay, without_conflicts
from services.extractor.sampling import finer
from services.extractor.snapshot import Held, Snapshot, SnapshotHolder, reading
from services.extractor.sums import sum_mappings
from services.extractor.tasks import each, meanwhile
from services.extractor.trying import foreseen
from shared.core.checks import Check
from shared.core.errors import BatchError, Refused, RunError, SchemaDrifted, SealBroken, SnapshotLost, WorldError
from shared.core.passes import PROGRAM_OF
from shared.core.states import LoadMode, RunKind, RunState
from shared.core.versions import Versions, check_versions
from shared.crypto.keyring import Keyring
from shared.ledger import planning, reports
from shared.ledger.bounds import BatchBounds
from shared.ledger.met import MetBook, write_met
from shared.ledger.planning import CutMapping, Recount, RunToPlan, TakenSnapshot
from shared.ledger.preflights import complete_preflight, warnings_of, write_preflight
from shared.ledger.validations import write_validation
from shared.messages import RunChanged
from shared.plan import source_sql
from shared.plan.compiled import CompiledMapping, CompiledPlan
from shared.postgres.connect_errors import ConnectionRefused, DatabaseUnreachable
from shared.postgres.introspection import read_catalog
from shared.postgres.pools import Pool
from shared.runtime.failpoints import failpoint

AT_ONCE = 3
"""Mappings that are counted and cut at the same time."""
REPORT_SECONDS = 5.0
VALIDATION_SKIPPED = {
    "code": "validation_skipped",
    "message": "The rules of the plan were left out: rows that break one were loaded.",
}
"""What a run without validation is to be looked at for, from its first moment on."""


class Planner:
    """Plans runs, one at a time each, over the whole cluster: a lock in the ledger keeps other instances away."""

    def __init__(
        self,
        *,
        ledger: Pool,
        legacy: Pool,
        holder: SnapshotHolder,
        keyring: Keyring,
        instance: str,
        transfuse_version: str,
    ) -> None:
        self._ledger = ledger
        self._legacy = legacy
        self._holder = holder
        self._keyring = keyring
        self._instance = instance
        self._version = transfuse_version

    async def plan(self, run: UUID) -> RunChanged | None:
        """Bring a run from `planning` to `running`, or to `failed` or `paused` where it cannot be planned.

        A preflight ends here: its checks are all it does. None where there is nothing to do: it is not in
        planning, or another instance plans it. Idempotent. Raises WorldError, VersionDiffers.
        """
        async with self._ledger.acquire() as connection, planning.planning_lock(connection, run) as locked:
            found = await planning.read_run(connection, run) if locked else None
            if found is None or found.state not in {RunState.PENDING, RunState.PLANNING}:
                return None
            check_versions("extractor", Versions(transfuse=self._version), Versions(transfuse=found.transfuse_version))
            try:
                if found.kind is RunKind.VALIDATE and found.mode is not LoadMode.CHECK:
                    return await self._validate(connection, found)
                planned = await self._plan(connection, found)
            except SchemaDrifted as error:
                stopped = await reports.pause_run(connection, run, error)
                return self._stopped(run, RunState.PAUSED, error.code) if stopped else None
            except (Refused, RunError, BatchError, SealBroken) as error:
                stopped = await reports.fail_run(connection, run, error)
                return self._stopped(run, RunState.FAILED, error.code) if stopped else None
            if not planned:
                self._holder.release(run)
                return None
        return RunChanged(run=run, state=RunState.RUNNING)

    def _stopped(self, run: UUID, state: RunState, code: str) -> RunChanged:
        self._holder.release(run)
        return RunChanged(run=run, state=state, reason=code)

    async def _validate(self, ledger: asyncpg.Connection, run: RunToPlan) -> RunChanged | None:
        """Check without a snapshot to keep, and end the run with what was found."""
        async with self._going_on(run.run):
            try:
                async with reading(self._legacy, None, "pg_catalog", "checking the plan") as legacy:
                    checked = await check_run(
                        run.plan_files, legacy, ledger, transfuse_version=self._version, only=run.options.only
                    )
            except (DatabaseUnreachable, ConnectionRefused) as error:
                checked = unreachable(error)
        async with ledger.transaction():
            await write_preflight(ledger, run.run, checked.checks, checked.problems)
            if checked.refusal is None:
                ended = await complete_preflight(ledger, run.run, checked.checks)
            else:
                ended = await reports.fail_run(ledger, run.run, checked.refusal)
        if not ended:
            return None
        if checked.refusal is not None:
            return RunChanged(run=run.run, state=RunState.FAILED, reason=checked.refusal.code)
        return RunChanged(run=run.run, state=RunState.COMPLETED)

    def _going_on(self, run: UUID) -> AbstractAsyncContextManager[None]:
        """Tells the ledger that the planning goes on, as long as it does."""

        async def report() -> None:
            async with self._ledger.acquire() as other:
                await reports.report_run_step(other, run)

        return meanwhile(report, seconds=REPORT_SECONDS)

    async def _plan(self, connection: asyncpg.Connection, run: RunToPlan) -> bool:
        held = await self._take(run)
        await failpoint("extractor.snapshot_taken")
        try:
            async with self._going_on(run.run):
                if run.compiled is None:
                    return await self._first(connection, run, held)
                return await self._again(connection, run, run.compiled, held)
        except SnapshotLost as error:
            raise WorldError("the legacy server was restarted while the run was planned") from error

    async def _take(self, run: RunToPlan) -> Held:
        """The snapshot. A run that has not begun fails where the legacy database is away, so that its user knows."""
        try:
            return await self._holder.take(run.run)
        except DatabaseUnreachable as error:
            if run.compiled is not None:
                raise
            remedy = "Start the legacy database or correct its settings, then start the run again."
            raise Refused(str(error), code=error.code, remedy=remedy) from error

    async def _first(self, ledger: asyncpg.Connection, run: RunToPlan, held: Held) -> bool:
        replay = await read_replay(ledger, self._keyring, run)
        only = run.options.only if replay is None else replay.mappings
        compilation, checks = await self._compile(ledger, run, held.snapshot, only)
        compiled = without_conflicts(compilation.compiled, run)
        check_mode(run.ending, compilation)
        if run.mode is LoadMode.CHECK:
            await write_validation(ledger, run.run, *foreseen(compilation, run.ending))
        if replay is None and run.mode is not LoadMode.COMPARE:
            await write_met(ledger, run.run, await self._met(held.snapshot, compilation))
        if replay is None:
            cut = ReplayCut(mappings=await self._cut(run, held.snapshot, compiled), warnings=[])
        else:
            cut = await cut_replay(
                self._legacy, held.snapshot, compiled.mappings, replay, run.options.batch_rows, most=AT_ONCE
            )
        await failpoint("extractor.before_plan_written")
        return await planning.write_plan(
            ledger,
            run.run,
            await planning.ensure_run_key(ledger, self._keyring, run.run),
            compiled,
            cut.mappings,
            self._taken(held),
            fingerprint=Fingerprint(
                shape=shape_of(compiled, compilation.source, compilation.target),
                places=await self._places(compiled, held.snapshot),
            ).text,
            warnings=[
                *warnings_of(checks),
                *cut.warnings,
                *([VALIDATION_SKIPPED] if run.options.skip_validation else ()),
            ],
        )

    async def _met(self, snapshot: Snapshot, compilation: Compilation) -> list[MetBook]:
        """The codes that the snapshot holds under the plan's code books."""
        plan = compilation.plan
        return await met_books(
            self._legacy, snapshot, plan.source_schema, compilation.uses, plan.codebooks, most=AT_ONCE
        )

    async def _cut(self, run: RunToPlan, snapshot: Snapshot, compiled: CompiledPlan) -> list[CutMapping]:
        """Every mapping counted and cut."""
        counts = await self._count(snapshot, compiled.mappings)
        await failpoint("extractor.counted")

        async def cut(mapping: CompiledMapping) -> tuple[BatchBounds, ...]:
            rows = counts[mapping.name].from_rows
            return await cut_mapping(self._legacy, snapshot, mapping, rows, finer(run.options, rows))

        order = sorted(compiled.mappings, key=lambda mapping: (mapping.wave, -counts[mapping.name].from_rows))
        bounds = await each(cut, order, most=AT_ONCE)
        proves = run.mode is not LoadMode.COMPARE
        sums = await sum_mappings(self._legacy, snapshot, compiled.mappings, most=AT_ONCE) if proves else {}
        passes = cuts_of(list(zip(order, bounds, strict=True)), counts, sums)
        if run.mode is LoadMode.COMPARE:
            return await self._compared(run, snapshot, compiled, comparing(passes))
        compared = comparisons_of(passes) if run.options.verify and run.mode is not LoadMode.CHECK else []
        removals = removals_of(order) if run.mode is LoadMode.MERGE else []
        return [*passes, *removals, *compared]

    async def _compared(
        self, run: RunToPlan, snapshot: Snapshot, compiled: CompiledPlan, passes: list[CutMapping]
    ) -> list[CutMapping]:
        """What a verify looks at: everything, or a sample of it."""
        if run.options.sample is None:
            return passes

        async def count(name: str, ranges: Sequence[BatchBounds]) -> int:
            return await self._count_ranges(snapshot, compiled.mapping(name), joined(ranges))

        return await sample_of(passes, run.options.sample, run.run, count)

    async def _compile(
        self, ledger: asyncpg.Connection, run: RunToPlan, snapshot: Snapshot, only: tuple[str, ...]
    ) -> tuple[Compilation, tuple[Check, ...]]:
        """Compile and run the preflight, and keep what it found. Raises PlanRefused, PreflightFailed, FromRefused."""
        async with reading(self._legacy, snapshot, "pg_catalog", "checking the plan") as legacy:
            checked: Checked = await check_run(
                run.plan_files,
                legacy,
                ledger,
                transfuse_version=self._version,
                with_rules=not run.options.skip_validation,
                only=only,
                mode=run.ending,
                is_dry=run.mode is LoadMode.CHECK,
            )
        await write_preflight(ledger, run.run, checked.checks, checked.problems)
        return checked.sound, checked.checks

    async def _count(self, snapshot: Snapshot, mappings: Sequence[CompiledMapping]) -> dict[str, MappingCounts]:
        return await count_mappings(self._legacy, snapshot, mappings, most=AT_ONCE)

    async def _again(self, ledger: asyncpg.Connection, run: RunToPlan, compiled: CompiledPlan, held: Held) -> bool:
        """A new snapshot for the open batches of a planned run."""
        fingerprint = await self._undrifted(ledger, run, compiled, held.snapshot)
        key = await planning.ensure_run_key(ledger, self._keyring, run.run)
        await planning.reopen_batches(ledger, run.run)
        await failpoint("extractor.batches_reopened")
        batches = await planning.read_open_batches(ledger, run.run, key)
        settled = await planning.read_settled_rows(ledger, run.run)
        open_names = {item.batch.mapping for item in batches}
        mappings = [mapping for mapping in compiled.mappings if mapping.name in open_names]
        lists = {item.batch.mapping for item in batches if item.bounds.keys is not None}
        counts = await self._count(held.snapshot, [mapping for mapping in mappings if mapping.name not in lists])

        async def recount(part: tuple[CompiledMapping, int]) -> Recount:
            mapping, number = part
            place = (mapping.name, number)
            ranges = joined([item.bounds for item in batches if (item.batch.mapping, item.batch.pass_number) == place])
            rows = settled.get(place, 0) + await self._count_ranges(held.snapshot, mapping, ranges)
            found = counts.get(mapping.name)
            excluded = 0 if found is None else found.driving_rows - found.from_rows
            return Recount(mapping=mapping.name, pass_number=number, driving_rows=rows + excluded, from_rows=rows)

        open_passes = {(item.batch.mapping, item.batch.pass_number) for item in batches}
        parts = [(mapping, number) for mapping in mappings for number in PROGRAM_OF]
        recounts = await each(recount, [part for part in parts if (part[0].name, part[1]) in open_passes], most=AT_ONCE)
        await failpoint("extractor.before_snapshot_written")
        uncounted = [msgspec.structs.replace(item, bounds=without_places(item.bounds)) for item in batches]
        return await planning.write_snapshot(ledger, run, key, uncounted, recounts, self._taken(held), fingerprint.text)

    async def _undrifted(
        self, ledger: asyncpg.Connection, run: RunToPlan, compiled: CompiledPlan, snapshot: Snapshot
    ) -> Fingerprint:
        """The run's fingerprint under another snapshot. Raises SchemaDrifted where its shape is not what it was."""
        async with reading(self._legacy, snapshot, "pg_catalog", "comparing the tables of the plan") as legacy:
            source = await read_catalog(legacy, compiled.mappings[0].source.schema)
        target = await read_catalog(ledger, compiled.mappings[0].load.table.schema)
        known = Fingerprint.from_text(run.fingerprint)
        if found := differences(known.shape, shape_of(compiled, source, target)):
            raise drifted(found)
        return Fingerprint(shape=known.shape, places=await self._places(compiled, snapshot))

    async def _places(self, compiled: CompiledPlan, snapshot: Snapshot) -> dict[str, dict[str, str]]:
        tables = {table for mapping in compiled.mappings for table in mapping.source.tables}
        async with reading(self._legacy, snapshot, "pg_catalog", "finding the tables of the plan") as legacy:
            return await read_places(legacy, tables)

    async def _count_ranges(self, snapshot: Snapshot, mapping: CompiledMapping, ranges: Sequence[BatchBounds]) -> int:
        source, rows = mapping.source, 0
        async with reading(self._legacy, snapshot, source.schema, f"counting mapping {mapping.name}") as connection:
            for bounds in ranges:
                statement = source_sql.count_rows_sql(source) + source_sql.where(source, bounds)
                rows += await connection.fetchval(statement)
        return rows

    def _taken(self, held: Held) -> TakenSnapshot:
        return TakenSnapshot(text=held.snapshot.text, holder=self._instance, taken_at=held.taken_at, ids=held.ids)


def check_mode(mode: LoadMode, compilation: Compilation) -> None:
    """Raise Refused where a run's mode does not go with what it is of, or a merge could not tell rows apart."""
    if (mode is LoadMode.PATCH) is not compilation.selection.back_fills:
        raise Refused(
            f"a run of mode {mode} does not go with what it is of",
            code="contradiction",
            remedy="A run that names columns (`mapping.column`) is of mode patch, and no other is.",
        )
    unknown = [mapping.name for mapping in compilation.compiled.mappings if not mapping.load.key_is_unique]
    if mode is LoadMode.MERGE and unknown:
        raise Refused(
            f"the target has no unique key on the column that holds key() of: {', '.join(unknown)}",
            code="key_not_unique",
            remedy="Give these tables a primary key or a unique constraint on that column: a merge finds rows by it.",
        )
