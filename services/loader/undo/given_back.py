"""Rows that another undo put back: whatever their `xmin` says, they are as the run before it had left them."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from services.loader.runs import LoadRuns
from shared.core.passes import FIRST, REMOVAL, SECOND
from shared.ledger.undo_plans import putting_back, writers_of, written_batches

Place = tuple[UUID, str]
"""A run that was undone, and one of its mappings."""


class GivenBack:
    """Tells of rows that were put back who had written them; made by `read`. Former values are read when needed."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        runs: LoadRuns,
        writers: frozenset[int],
        undone: dict[int, Place],
    ) -> None:
        self._connection = connection
        self._runs = runs
        self._writers = writers
        self._undone = undone
        self._known: dict[Place, dict[bytes, int]] = {}

    @classmethod
    async def read(cls, connection: asyncpg.Connection, runs: LoadRuns, run: UUID) -> GivenBack:
        """What there is to know for the undo of `run`."""
        return cls(connection, runs, await writers_of(connection, run), await putting_back(connection, run))

    @property
    def transactions(self) -> list[int]:
        """The transactions (32 bits) in which other undos put rows back."""
        return list(self._undone)

    async def as_left(self, key: bytes, written_by: int) -> bool:
        """Whether a row that such a transaction wrote is as the run had left it."""
        seen: set[int] = set()
        while written_by in self._undone and written_by not in seen:
            seen.add(written_by)
            before = (await self._former(self._undone[written_by])).get(key)
            if before is None:
                return False
            written_by = before
        return written_by in self._writers

    async def _former(self, place: Place) -> dict[bytes, int]:
        """Who wrote each row before a run changed it: its first change counts. Nothing where the run's key is gone."""
        known = self._known.get(place)
        if known is None:
            run, mapping = place
            known = self._known[place] = {}
            undone = await self._runs.get(self._connection, run)
            if undone is None:
                return known
            for number in (FIRST, SECOND, REMOVAL):
                async for batch in written_batches(self._connection, run, undone.key, mapping, number):
                    for former in batch.former:
                        for row in former.rows:
                            known.setdefault(row.key, row.written_by)
        return known
