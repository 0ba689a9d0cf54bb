"""Rows that were written in the source since their run read it: told by the transaction that wrote each (`xmin`).

A row that was deleted there has none: where a joined table lost one, what differs is not told as a change.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from uuid import UUID

import asyncpg
import msgspec

from services.extractor.snapshot import Snapshot, reading
from shared.core.errors import Refused
from shared.core.keys import canonical_text, legacy_key
from shared.ledger.bounds import BatchBounds
from shared.plan.compiled import CompiledMapping, SourceProgram
from shared.plan.source_sql import where
from shared.postgres.identifiers import Identifier, TableName
from shared.postgres.pools import Pool
from shared.postgres.sql_files import filled, load_sql

SQL = load_sql("services.extractor", "changes.sql")
ROUND = 2**32
FARTHEST = 2**31
"""Transactions between two snapshots from which on an id may stand for an older one."""
KEPT = 256


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot sees of transactions: all below `newest` but those that were `running`."""

    newest: int
    running: tuple[int, ...]

    @classmethod
    def from_text(cls, text: str) -> Seen:
        """What `txid_current_snapshot()` wrote: `oldest:newest:running,…`."""
        _, newest, running = text.split(":")
        return cls(newest=int(newest), running=tuple(int(one) for one in running.split(",") if one))


class Changes:
    """Asks for the keys of changed rows. Which tables were written at all is asked once per snapshot and table."""

    def __init__(self, legacy: Pool) -> None:
        self._legacy = legacy
        self._written: OrderedDict[tuple[UUID, str, TableName], bool] = OrderedDict()
        self._asking = asyncio.Lock()

    async def keys(
        self, run: UUID, snapshot: Snapshot, mapping: CompiledMapping, bounds: BatchBounds, since: str
    ) -> tuple[str, ...] | None:
        """Legacy keys of the range's rows that were written since; None where the source does not tell.

        Raises SnapshotLost, or an error of the legacy server.
        """
        source = mapping.source
        if not source.row_tables or not all(part.form for part in source.key):
            return None
        doing = f"looking for changed rows of mapping {mapping.name}"
        try:
            async with reading(self._legacy, snapshot, source.schema, doing) as connection:
                window = await _window(connection, since)
                if window is None:
                    return None
                written = await self._tables(connection, run, snapshot, source, since, window)
                if not written:
                    return ()
                rows = await connection.fetch(changed_keys_sql(source, bounds, since, window, written))
        except Refused as error:
            if error.code == "legacy_denied":
                return None  # a right on columns alone does not go for xmin
            raise
        return tuple([canonical(source, tuple(row)) for row in rows])

    async def _tables(
        self,
        connection: asyncpg.Connection,
        run: UUID,
        snapshot: Snapshot,
        source: SourceProgram,
        since: str,
        window: int,
    ) -> tuple[str, ...]:
        """The aliases of those tables that have a row which was written since."""
        found = []
        async with self._asking:
            for alias, table in source.row_tables.items():
                name = (run, snapshot.text, table)
                if name not in self._written:
                    condition = written_sql("t", since, window)
                    statement = filled(SQL["any"], table=table.sql, written=condition)
                    self._written[name] = await connection.fetchval(statement)
                    while len(self._written) > KEPT:
                        self._written.popitem(last=False)
                if self._written[name]:
                    found.append(alias)
        return tuple(found)


def canonical(source: SourceProgram, texts: tuple[str, ...]) -> str:
    """The legacy key of some texts of the server."""
    return legacy_key(canonical_text(part.form, text) for part, text in zip(source.key, texts, strict=True))


def changed_keys_sql(
    source: SourceProgram, bounds: BatchBounds, since: str, window: int, aliases: tuple[str, ...]
) -> str:
    """The keys of a range whose rows one of the tables was written for since."""
    conditions = " or ".join(written_sql(alias, since, window) for alias in aliases)
    within = where(source, bounds)
    return filled(
        SQL["keys"],
        texts=", ".join(f"({part.sql})::text" for part in source.key),
        tables=source.from_sql,
        within=f"{within} and ({conditions})" if within else f"\nwhere {conditions}",
    )


def written_sql(alias: str, since: str, window: int) -> str:
    """The condition that a table's row was written after a snapshot."""
    seen = Seen.from_text(since)
    return filled(
        SQL["written"],
        alias=str(Identifier(alias)),
        newest=str(seen.newest % ROUND),
        window=str(window),
        running=", ".join(str(one % ROUND) for one in seen.running) or "null",
    )


async def _window(connection: asyncpg.Connection, since: str) -> int | None:
    """Transactions between that snapshot and this one; None where ids cannot tell: another server, or too many."""
    now = Seen.from_text(await connection.fetchval(SQL["now"]))
    window = now.newest - Seen.from_text(since).newest
    return window if 0 <= window < FARTHEST else None
