"""The portal's two databases beside each other: what is there in the legacy one, and what a run has made of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec

from tests.harness.outcomes import read_outcomes
from tests.harness.portal import SEED
from tests.harness.servers import Finished, Servers


class BothSides(msgspec.Struct, frozen=True, kw_only=True):
    """Open sessions on both databases of a run that has ended.

    The legacy session has the functions and views of the `setup` of outcomes.yml: `pg_temp.is_doctor`, `person`, ….
    """

    legacy: asyncpg.Connection
    target: asyncpg.Connection
    finished: Finished
    manifest: dict[str, Any]

    async def alike(self, legacy: str, target: str) -> int:
        """Assert that both queries give the same rows in the same order. How many there are, never none."""
        there = [tuple(row) for row in await self.legacy.fetch(legacy)]
        here = [tuple(row) for row in await self.target.fetch(target)]
        assert there, "nothing there to compare"
        different = [pair for pair in zip(there, here, strict=False) if pair[0] != pair[1]]
        assert (len(here), different[:5]) == (len(there), [])
        return len(there)

    def warned(self, mapping: str, column: str) -> int:
        """How many warnings the run counted for a column, or a rule, of a mapping."""
        return sum(
            found.row_count
            for found in self.finished.snapshot.warnings
            if (found.mapping, found.column) == (mapping, column)
        )

    def quarantined(self, mapping: str, column: str) -> int:
        """How many rows of a mapping wait for a reason on a column, or a rule."""
        return sum(
            found.row_count
            for found in self.finished.snapshot.quarantine
            if (found.mapping, found.column) == (mapping, column)
        )


@asynccontextmanager
async def both_sides(servers: Servers, scale: float, seed: int = SEED) -> AsyncIterator[BothSides]:
    """The undisturbed run of the portal at a scale, and what it read."""
    portal = await servers.portal(scale, seed)
    finished = await servers.undisturbed_portal(scale, seed)
    legacy = await asyncpg.connect(portal.owner)
    try:
        await legacy.execute(read_outcomes()["setup"])
        target = await asyncpg.connect(finished.target)
        try:
            yield BothSides(legacy=legacy, target=target, finished=finished, manifest=portal.manifest)
        finally:
            await target.close()
    finally:
        await legacy.close()
