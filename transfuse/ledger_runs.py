"""Runs of the workspace's ledger: what an operator does with them where the ledger is at hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from uuid import UUID

from services.gateway.api.surroundings import now
from services.gateway.chain_watch import ChainWatch
from services.gateway.documents.report import ReportDocument
from services.gateway.documents.verification import VerificationDocument, verification_document
from services.gateway.inspection import Inspections
from services.gateway.reports.gathering import gather
from services.gateway.reports.report import run_report
from shared.core.run_options import BuiltOn
from shared.core.states import RunState
from shared.ledger.audit import Audit
from shared.ledger.provenance import Provenances
from shared.ledger.replays import follower
from shared.ledger.runs import Run
from shared.ledger.undos import NewUndo, Undos
from shared.ledger.validations import read_validation
from shared.ledger.verification import Verification, Verifications, unverified
from shared.ledger.verifying import Verifying
from shared.status.document import RunStatus
from shared.status.validation import ValidationDocument, validation_of
from transfuse.operator import Operator, actor
from transfuse.run_control import AskedRun, ListedRun
from transfuse.silence import silence
from transfuse.starting import start
from transfuse.workers import workers


class LedgerRuns:
    """`RunControl` over an open ledger."""

    def __init__(self, ledger: Operator, *, working_here: bool = False) -> None:
        self._ledger = ledger
        self._working_here = working_here

    @asynccontextmanager
    async def working(self) -> AsyncIterator[bool]:
        """See `RunControl.working`."""
        async with workers(self._ledger.workspace) as self._working_here:
            yield self._working_here

    async def start(self, asked: AskedRun) -> UUID:
        """See `RunControl.start`."""
        return await start(
            self._ledger.runs,
            asked.plan,
            actor=actor(),
            migration=asked.migration,
            options=asked.options,
            priority=asked.priority,
            mode=asked.mode,
        )

    async def run_or_latest(self, run: UUID | None) -> UUID:
        """See `RunControl.run_or_latest`."""
        return await self._ledger.run_or_latest(run)

    async def status(self, run: UUID) -> RunStatus:
        """See `RunControl.status`."""
        return await self._ledger.status(run)

    async def validation(self, run: UUID) -> ValidationDocument:
        """See `RunControl.validation`."""
        async with self._ledger.pool.acquire() as connection:
            planned = await read_validation(connection, run)
        return validation_of(planned, await self._ledger.progress.read(run))

    async def report(self, run: UUID) -> ReportDocument:
        """See `RunControl.report`. The whole chain of the audit is looked at."""
        pool = self._ledger.pool
        snapshot = await self._ledger.progress.read(run)
        provenance = await Provenances(pool).read(run)
        beside = await gather(pool, run, provenance.plan_hash, Inspections().inspect)
        looked = await ChainWatch(Audit(pool), now).look_at_all()
        return run_report(snapshot, provenance, looked, written_at=now(), beside=beside)

    async def cancel(self, run: UUID) -> RunState:
        """See `RunControl.cancel`."""
        return await self._ledger.runs.cancel(run, actor=actor())

    async def pause(self, run: UUID) -> RunState:
        """See `RunControl.pause`."""
        return await self._ledger.runs.pause(run, actor=actor())

    async def resume(self, run: UUID, mappings: tuple[str, ...] = ()) -> RunState:
        """See `RunControl.resume`. Services that live in this process hold no snapshot of an earlier one."""
        return await self._ledger.runs.resume(run, actor=actor(), snapshot_lost=self._working_here, mappings=mappings)

    async def verify(self, run: UUID | None, sample: float | None) -> UUID:
        """See `RunControl.verify`."""
        return await Verifying(self._ledger.pool).verify(run, actor=actor(), sample=sample)

    async def verification(self, run: UUID) -> VerificationDocument:
        """See `RunControl.verification`."""
        found = await Verifications(self._ledger.pool).read(run)
        return verification_document(await self._unverified(run) if found is None else found)

    async def repair(self, run: UUID, *, with_changed: bool) -> UUID:
        """See `RunControl.repair`."""
        return await Verifying(self._ledger.pool).repair(run, actor=actor(), with_changed=with_changed)

    async def _unverified(self, run: UUID) -> Verification:
        return unverified(await self._ledger.runs.get(run))

    async def run_to_undo(self, run: UUID | None) -> UUID:
        """See `RunControl.run_to_undo`."""
        return run or await Undos(self._ledger.pool).youngest()

    async def undo(self, run: UUID, built_on: BuiltOn) -> UUID:
        """See `RunControl.undo`."""
        new = NewUndo(run=run, actor=actor(), transfuse_version=version("transfuse"), built_on=built_on)
        return await Undos(self._ledger.pool).start(new)

    async def list(self, migration: str | None, limit: int) -> tuple[ListedRun, ...]:
        """See `RunControl.list`."""
        return tuple(map(_listed, await self._ledger.runs.list(migration=migration, limit=limit)))

    async def follower(self, run: UUID) -> UUID | None:
        """See `RunControl.follower`."""
        if not self._working_here:
            return None
        async with self._ledger.pool.acquire() as connection:
            return await follower(connection, run)

    async def silent(self) -> str:
        """See `RunControl.silent`."""
        return "" if self._working_here else await silence(self._ledger.workspace)

    def resuming(self, run: UUID) -> str:
        """See `RunControl.resuming`."""
        return f"transfuse resume {run}"

    def again(self, run: UUID) -> str:
        """See `RunControl.again`."""
        if self._working_here:
            return f"Interrupted. Batches in hand are finished; go on with: transfuse resume {run}"
        return f"The run goes on in the services. Look at it again with: transfuse status {run} --watch"


def _listed(run: Run) -> ListedRun:
    return ListedRun(
        id=run.id,
        migration=run.migration,
        kind=run.kind,
        state=run.state,
        plan=run.plan_name,
        plan_version=run.plan_version,
        at=run.started_at or run.created_at,
        actor=run.actor,
        reason=run.reason,
        undone_at=run.undone_at,
    )
