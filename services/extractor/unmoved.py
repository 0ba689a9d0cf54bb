"""Whether the tables of a mapping are still what the run's snapshot shows, asked after each batch of it was read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from services.extractor.fingerprint import Fingerprint, check_places, read_places
from services.extractor.source_errors import STATEMENT_ERRORS, Unknown, source_error
from shared.core.errors import SchemaDrifted, SnapshotLost, TransfuseError, WorldError
from shared.ledger import planning
from shared.plan.compiled import CompiledMapping
from shared.postgres.pools import Pool

KEPT = 8


class Unmoved:
    """Compares the catalogue of now with the run's fingerprint; the last few fingerprints are kept, by snapshot.

    A snapshot keeps rows and not the catalogue: statements under it meet the tables as they are now.
    """

    def __init__(self, *, ledger: Pool, legacy: Pool) -> None:
        self._ledger = ledger
        self._legacy = legacy
        self._kept: OrderedDict[tuple[UUID, str], Fingerprint] = OrderedDict()

    @asynccontextmanager
    async def watched(self, run: UUID, snapshot: str, mapping: CompiledMapping) -> AsyncIterator[None]:
        """Check when the rows are read; where reading failed, a change is told before what it led to."""
        try:
            yield
        except (WorldError, SnapshotLost):
            raise
        except TransfuseError as error:
            await self.check(run, snapshot, mapping)
            if isinstance(error, Unknown):
                gone = f"a table of mapping {mapping.name} was changed while it was read, and is what it was again"
                raise SchemaDrifted(gone) from error
            raise
        await self.check(run, snapshot, mapping)

    async def check(self, run: UUID, snapshot: str, mapping: CompiledMapping) -> None:
        """Raise SchemaDrifted with the difference, SnapshotLost for a table that was rewritten, or WorldError."""
        fingerprint = await self._fingerprint(run, snapshot)
        doing = f"looking whether tables of mapping {mapping.name} changed"
        async with self._legacy.acquire() as connection:
            try:
                found = await read_places(connection, mapping.source.tables)
            except STATEMENT_ERRORS as error:
                raise source_error(error, doing) from error
        check_places(mapping.source, fingerprint.places, found)

    async def _fingerprint(self, run: UUID, snapshot: str) -> Fingerprint:
        known = self._kept.get((run, snapshot))
        if known is None:
            async with self._ledger.acquire() as connection:
                text = await planning.read_fingerprint(connection, run, snapshot)
            if text is None:
                raise SnapshotLost("the run has another snapshot by now")
            known = self._kept[run, snapshot] = Fingerprint.from_text(text)
        self._kept.move_to_end((run, snapshot))
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return known
