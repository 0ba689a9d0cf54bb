"""Commands in, sealed rows and events out; and what becomes of a command that failed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from uuid import UUID

from services.extractor.extraction import Extraction
from services.extractor.planner import Planner
from services.extractor.snapshot import Snapshot
from shared.core.errors import BatchError, SnapshotLost, TransfuseError, VersionDiffers
from shared.core.states import RunState
from shared.ledger import planning, reports
from shared.messages import ExtractBatch, Message, PlanRun
from shared.postgres.pools import Pool
from shared.runtime.failpoints import failpoint


class Handlers:
    """Handlers of the extractor's two commands. A command that comes twice finds in the ledger what was done."""

    def __init__(self, *, ledger: Pool, planner: Planner, extraction: Extraction) -> None:
        self._ledger = ledger
        self._planner = planner
        self._extraction = extraction

    async def plan(self, message: PlanRun) -> AsyncGenerator[Message, None]:
        """Plan a run, or take a new snapshot for it."""
        await failpoint("extractor.before_plan")
        changed = await self._planner.plan(message.run)
        await failpoint("extractor.after_plan")
        if changed is not None:
            yield changed

    async def extract(self, message: ExtractBatch) -> AsyncGenerator[Message, None]:
        """Read a batch; a snapshot that is gone pauses the run."""
        await failpoint("extractor.before_read")
        outcome = await self._extraction.extract(message.batch)
        await failpoint("extractor.after_read")
        if outcome is not None:
            yield outcome

    async def holder_lost(self, run: UUID, snapshot: Snapshot) -> None:
        """What the holder of a snapshot calls when it is gone."""
        error = SnapshotLost("the transaction that held the run's snapshot is gone")
        async with self._ledger.acquire() as connection:
            await reports.pause_run(connection, run, error, lost_snapshot=snapshot.text)

    async def is_snapshot_wanted(self, run: UUID, snapshot: Snapshot) -> bool:
        """Whether the run may still have batches to read under that snapshot."""
        async with self._ledger.acquire() as connection:
            return await planning.snapshot_wanted(connection, run, snapshot.text)

    async def planning_failed(self, message: PlanRun, error: TransfuseError) -> None:
        """Count a failed attempt at planning that is not the plan's fault."""
        async with self._ledger.acquire() as connection:
            if isinstance(error, VersionDiffers):
                await reports.put_back_command(connection, message.run, RunState.PLANNING, error)
            else:
                await reports.report_command_failed(connection, message.run, RunState.PLANNING, error)

    async def extraction_failed(self, message: ExtractBatch, error: TransfuseError) -> None:
        """Count a failed attempt at a batch; what every batch would meet ends the run."""
        async with self._ledger.acquire() as connection:
            if isinstance(error, VersionDiffers):
                await reports.put_back(connection, message.batch, error)
            elif isinstance(error, BatchError):
                await reports.report_attempt_failed(connection, message.batch, error.code)
            else:
                await reports.fail_run(connection, message.batch.run, error)
