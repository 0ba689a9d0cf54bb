"""How runs are, read from the ledger, and kept for others to whom a few seconds ago is good enough."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from shared.ledger.progress import Progress
from shared.ledger.register import Register
from shared.redis.snapshots import KeptSnapshots
from shared.status.board import HealthBoard
from shared.status.document import RunStatus
from shared.status.status import never_ran_status, run_status


class Statuses:
    """Reads statuses. Raises Refused `unknown_run`, `unknown_migration`, and WorldError."""

    def __init__(self, progress: Progress, register: Register, kept: KeptSnapshots, board: HealthBoard) -> None:
        self._progress = progress
        self._register = register
        self._kept = kept
        self._board = board

    async def of_run(self, run: UUID) -> RunStatus:
        """One run, never from what is kept."""
        snapshot = await self._progress.read(run)
        await self._kept.keep(snapshot)
        return run_status(snapshot, stages=self._board.stages(), away=self._board.away())

    async def of_none(self, migration: UUID) -> RunStatus:
        """A migration that never ran."""
        found = await self._register.get(migration)
        return never_ran_status(
            found.id, migration=found.name, plan=found.plan, plan_version=found.plan_version, now=datetime.now(UTC)
        )
