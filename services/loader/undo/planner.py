"""Plans an undo: may the run be undone, who built on its rows, and which batches take it back."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from uuid import UUID

import asyncpg

from services.loader.runs import LoadRun, LoadRuns
from services.loader.transaction import told
from services.loader.undo.given_back import GivenBack
from services.loader.undo.survey import PLACEHOLDERS, Findings, Part, Survey, surveying
from services.loader.undo.table import UndoTable, read_table, written_table
from shared.core.errors import BatchError, Refused, RunError, SealBroken
from shared.core.passes import FIRST, REMOVAL
from shared.core.run_options import BuiltOn
from shared.core.states import RunState
from shared.core.versions import Versions, check_versions, own_versions
from shared.crypto.aad import manifest_aad
from shared.crypto.keyring import Keyring
from shared.ledger.planning import planning_lock
from shared.ledger.reports import fail_run, report_run_step
from shared.ledger.undo_plans import (
    CutUndo,
    Undo,
    UndoBounds,
    WrittenBatch,
    WrittenMapping,
    found_since,
    let_go_on,
    read_undo,
    undo_key,
    write_undo,
    written_batches,
    written_mappings,
)
from shared.ledger.undos import run_to_undo
from shared.messages import RunChanged
from shared.plan.compiled import CompiledPlan
from shared.postgres.identifiers import TableName
from shared.postgres.pools import Pool
from shared.runtime.failpoints import failpoint

REPORT_SECONDS = 5.0
BUILT_ON = "built_on"


class UndoPlanner:
    """Plans undos, each by one loader at a time. Nothing of the target changes here."""

    def __init__(self, pool: Pool, keyring: Keyring, runs: LoadRuns, versions: Versions | None = None) -> None:
        self._pool = pool
        self._keyring = keyring
        self._runs = runs
        self._versions = versions or own_versions()

    async def plan(self, run: UUID) -> RunChanged | None:
        """Bring an undo from `planning` to `running`, or to `failed` where it is refused.

        None where there is nothing to do. One that was planned before goes on as it is: its batches look again. Raises
        WorldError, VersionDiffers.
        """
        async with self._pool.acquire() as connection, planning_lock(connection, run) as locked:
            undo = await read_undo(connection, run) if locked else None
            if undo is None or undo.state not in {RunState.PENDING, RunState.PLANNING}:
                return None
            check_versions("loader", self._versions, Versions(transfuse=undo.transfuse_version))
            try:
                with told("planning an undo"):
                    planned = await self._plan(connection, undo)
            except (Refused, RunError, BatchError, SealBroken) as error:
                stopped = await fail_run(connection, run, error)
                return RunChanged(run=run, state=RunState.FAILED, reason=error.code) if stopped else None
        return RunChanged(run=run, state=RunState.RUNNING) if planned else None

    async def _plan(self, connection: asyncpg.Connection, undo: Undo) -> bool:
        if undo.planned:
            return await let_go_on(connection, undo.run)
        await run_to_undo(connection, undo.about)
        undone = await self._runs.get(connection, undo.about)
        if undone is None:
            raise Refused("The key of the run is gone, and with it what it wrote.", code="details_removed")
        mappings = await written_mappings(connection, undo.about)
        key = await undo_key(connection, self._keyring, undo.run)
        given_back = await GivenBack.read(connection, self._runs, undo.about)
        async with surveying(connection, undo.about, undo.built_on, given_back) as survey:
            parts, placeholders = await self._look(connection, undo, undone, mappings, survey)
            findings = await survey.findings()
        if undo.built_on is BuiltOn.REFUSE and findings.counts:
            raise built_on(findings.counts)
        await failpoint("loader.undo_surveyed")
        cuts = [
            _cut(undone.plan, mapping, parts[mapping.mapping, mapping.pass_number], findings)
            for mapping in (*mappings, *placeholders)
        ]
        return await write_undo(connection, undo.run, key, cuts, [])

    async def _look(
        self,
        connection: asyncpg.Connection,
        undo: Undo,
        undone: LoadRun,
        mappings: tuple[WrittenMapping, ...],
        survey: Survey,
    ) -> tuple[dict[tuple[str, int], Part], list[WrittenMapping]]:
        """Every row that the run wrote, in the survey; and mappings of which it made the placeholder alone."""
        parts: dict[tuple[str, int], Part] = {}
        made: dict[str, list[bytes]] = defaultdict(list)
        reported = time.monotonic()
        for mapping in mappings:
            part = survey.part(
                mapping.mapping, mapping.pass_number, await self._table(connection, undone, mapping.mapping)
            )
            parts[mapping.mapping, mapping.pass_number] = part
            async for batch in written_batches(
                connection, undo.about, undone.key, mapping.mapping, mapping.pass_number
            ):
                _check_kept(batch, mapping)
                await survey.add(part, batch)
                for name, key in batch.placeholders:
                    made[name].append(key)
                if time.monotonic() - reported > REPORT_SECONDS:
                    reported = time.monotonic()
                    await self._report(undo.run)
            await survey.locate(part)
            if mapping.pass_number == FIRST:
                await self._found_since(connection, undo, part, survey)
            await self._report(undo.run)
        alone = []
        for name, keys in made.items():
            if (name, FIRST) not in parts:
                table = await self._table(connection, undone, name)
                parts[name, FIRST] = survey.part(name, FIRST, table)
                alone.append(_placeholder_mapping(name, table.table))
            part = parts[name, FIRST]
            part.placeholders = b"".join(dict.fromkeys(keys))
            await survey.add_placeholders(part, dict.fromkeys(keys))
            await survey.locate(part)
        return parts, alone

    async def _found_since(self, connection: asyncpg.Connection, undo: Undo, part: Part, survey: Survey) -> None:
        async for ref, unchanged in found_since(connection, undo.about, part.mapping):
            key = await self._runs.key(connection, ref.run)
            await survey.found_since(part, await asyncio.to_thread(key.open_, unchanged, manifest_aad(ref)))

    async def _table(self, connection: asyncpg.Connection, undone: LoadRun, mapping: str) -> UndoTable:
        table, key, unique = written_table(undone.plan, mapping)
        return await read_table(connection, undone.plan, table, key, unique=unique)

    async def _report(self, run: UUID) -> None:
        """On a connection of its own: the survey's is in a transaction."""
        async with self._pool.acquire() as other:
            await report_run_step(other, run)


def built_on(counts: dict[str, dict[str, int]]) -> Refused:
    """The refusal that says how many rows of which mappings others built on."""
    told_of = "; ".join(
        f"{mapping} ({', '.join(f'{count} {reason}' for reason, count in sorted(reasons.items()))})"
        for mapping, reasons in sorted(counts.items())
    )
    return Refused(
        f"Others built on rows of this run since: {told_of}.",
        code=BUILT_ON,
        remedy="Undo the later runs first; or undo with `--built-on keep`, which leaves such rows, or with `--built-on "
        "discard`, which takes back changed ones all the same.",
    )


def _cut(plan: CompiledPlan, mapping: WrittenMapping, part: Part, findings: Findings) -> CutUndo:
    """One batch for each that wrote rows, the last first; behind them the placeholder rows."""
    bounds = [
        UndoBounds(
            seq=seq,
            stays=findings.stays.get((part.number, seq), {}),
            given_back=findings.given_back.get((part.number, seq), {}),
            placeholders=part.placeholders if seq == PLACEHOLDERS else b"",
        )
        for seq in sorted(part.row_counts, reverse=True)
    ]
    return CutUndo(
        mapping=mapping.mapping,
        pass_number=mapping.pass_number,
        depends_on=_undone_before(plan, mapping),
        # What was removed last refers to nothing that was removed after it.
        in_seq_order=mapping.in_seq_order or mapping.pass_number == REMOVAL,
        table=mapping.table,
        triggers_off=mapping.triggers_off,
        row_count=sum(part.row_counts.values()),
        bounds=tuple(bounds),
    )


def _undone_before(plan: CompiledPlan, mapping: WrittenMapping) -> tuple[str, ...]:
    """Rows that go, go before those that they refer to; rows that come back, after them. A patch has no order."""
    refers_to = {
        one.name: {*one.depends_on, *(reference.mapping for reference in one.load.references)} - {one.name}
        for one in plan.mappings
    }
    if mapping.pass_number == FIRST:
        return tuple(name for name, parents in refers_to.items() if mapping.mapping in parents)
    if mapping.pass_number == REMOVAL:
        return tuple(sorted(refers_to.get(mapping.mapping, ())))
    return ()


def _placeholder_mapping(name: str, table: TableName) -> WrittenMapping:
    return WrittenMapping(mapping=name, pass_number=FIRST, in_seq_order=False, table=table, triggers_off=())


def _check_kept(batch: WrittenBatch, mapping: WrittenMapping) -> None:
    """Raise Refused for rows that were changed before former values were kept."""
    kept = sum(len(former.rows) for former in batch.former if former.action == "updated")
    if len(batch.updated) // 16 > kept:
        raise Refused(
            f"The run changed rows of {mapping.mapping} and kept no former values of them.",
            code="former_values_missing",
            remedy="The run is of an earlier version of Transfuse: restore a backup of the target.",
        )
