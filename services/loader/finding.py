"""Finds the rows that earlier runs wrote and the source has no more, by the manifests: no time of change is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg

from services.loader.key_copy import copy_keys
from services.loader.referrers import Referrer
from services.loader.runs import LoadRuns
from shared.core.ids import BatchRef
from shared.core.passes import FIRST, REMOVAL
from shared.ledger.removing import earlier_runs, key_lists
from shared.postgres.identifiers import Identifier, TableName
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.loader", "finding.sql")
MOST_DEPTH = 10_000
"""Of a tree whose rows are all gone; what lies deeper, or in a circle, comes last and in no order."""


class Finding:
    """The search for one table, within one transaction."""

    def __init__(self, connection: asyncpg.Connection, table: TableName, key: str, key_type: str) -> None:
        self._connection = connection
        self._fill = {"table": table.sql, "key": Identifier(key), "type_name": key_type}

    async def known(self, runs: LoadRuns, batch: BatchRef) -> int:
        """Collect the rows of earlier runs and what this one says of them; gives how many there were.

        Raises RunError where the key of an earlier run is gone, SealBroken.
        """
        connection, mapping = self._connection, batch.mapping
        await connection.execute(SQL["create"])
        earlier = await earlier_runs(connection, batch.run, mapping)
        for place, run in enumerate(earlier):
            key = await runs.key(connection, run.run)
            async for lists in key_lists(connection, key, run.run, mapping, (FIRST, REMOVAL)):
                await self._copy(lists.there + lists.filtered, 2 * place)
                await self._copy(lists.marked, 2 * place + 1)
        if earlier:
            key = await runs.key(connection, batch.run)
            async for lists in key_lists(connection, key, batch.run, mapping, (FIRST,)):
                await self._copy(lists.there, 2 * len(earlier) + 1)
        await connection.execute(SQL["latest"])
        count: int = await connection.fetchval(SQL["known"])
        return count

    async def gone(self, referrers: tuple[Referrer, ...]) -> int:
        """Keep those that are gone and in the target, children before their parents; gives how many."""
        connection = self._connection
        await connection.execute(SQL["keep_gone"].format(**self._fill))
        await connection.execute(SQL["analyze"])
        own = [one for one in referrers if one.table.sql == self._fill["table"]]
        if own:
            statement = SQL["leaves"].format(matches=" or ".join(f"({one.match})" for one in own), **self._fill)
            for depth in range(MOST_DEPTH):
                status = await connection.execute(statement, depth)
                if int(status.split()[-1]) == 0:
                    break
        count: int = await connection.fetchval(SQL["known"])
        return count

    async def lists(self, most: int) -> AsyncIterator[bytes]:
        """The keys that are gone, in order, so many at once, packed."""
        packed: list[bytes] = []
        async for row in self._connection.cursor(SQL["found"], prefetch=most):
            packed.append(row["key"].bytes)
            if len(packed) == most:
                yield b"".join(packed)
                packed = []
        if packed:
            yield b"".join(packed)

    async def _copy(self, keys: bytes, place: int) -> None:
        if keys:
            await copy_keys(self._connection, "transfuse_keys", keys, place)
