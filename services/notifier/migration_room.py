"""One room: who is in it, what it was told last, and when it may be read again."""

from __future__ import annotations

import asyncio
from uuid import UUID

from shared.core.states import FINAL
from shared.status.document import RunStatus


class MigrationRoom:
    """Marked when its run moved; read at once, or when its rest after the last reading is over.

    `run` is the run that the migration is at, `told` what the room was told of it last, at
    `read_at`; `looked_at` is when that was last found to be too long ago.
    """

    def __init__(self, migration: UUID) -> None:
        self.migration = migration
        self.name = f"migration:{migration}"
        self.members: set[str] = set()
        self.run: UUID | None = None
        self.is_there = False
        self.told: RunStatus | None = None
        self.read_at = float("-inf")
        self.looked_at = float("-inf")
        self.lock = asyncio.Lock()
        self.joining = 0
        self.is_touched = False
        self._is_queued = False
        self._is_resting = False

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in it or about to be."""
        return not self.members and not self.joining

    @property
    def is_active(self) -> bool:
        """Whether what was told last may change by itself."""
        return self.told is not None and self.run is not None and self.told.phase not in FINAL

    def mark(self) -> bool:
        """Note that there is something to read; whether it is to be queued now."""
        self.is_touched = True
        if self._is_queued or self._is_resting:
            return False
        self._is_queued = True
        return True

    def begin_reading(self) -> None:
        """It was taken from the queue: what happens from now on is read the next time."""
        self._is_queued, self._is_resting, self.is_touched = False, True, False

    def end_rest(self) -> bool:
        """It may be read again; whether there is something to read."""
        self._is_resting = False
        return self.is_touched
