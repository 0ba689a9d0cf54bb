"""The status of runs: from the snapshot that the notifier keeps, else from the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from shared.ledger.progress import Progress
from shared.ledger.register import Register
from shared.redis.snapshots import KeptSnapshots
from shared.status.board import HealthBoard
from shared.status.document import RunStatus
from shared.status.status import never_ran_status, run_status


class Statuses:
    """Says of runs what is to be said of them. Raises Refused `unknown_run`, `unknown_migration`."""

    def __init__(
        self,
        progress: Progress,
        register: Register,
        kept: KeptSnapshots,
        board: HealthBoard,
        clock: Callable[[], datetime],
    ) -> None:
        self._progress = progress
        self._register = register
        self._kept = kept
        self._board = board
        self._clock = clock

    async def of_run(self, run: UUID) -> RunStatus:
        """One run."""
        snapshot = await self._kept.find(run) or await self._progress.read(run)
        return run_status(snapshot, stages=self._board.stages(), away=self._board.away())

    async def of_migration(self, migration: UUID) -> RunStatus:
        """The run that a migration is at: its active one, else its youngest; pending where it never ran."""
        found = await self._register.get(migration)
        if found.last_run is not None:
            return await self.of_run(found.last_run.id)
        return never_ran_status(
            found.id, migration=found.name, plan=found.plan, plan_version=found.plan_version, now=self._clock()
        )

    async def changed(self, run: UUID) -> None:
        """A verb changed the run: what was kept of it is not shown any more."""
        await self._kept.forget(run)
