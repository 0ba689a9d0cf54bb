"""Rows of the target that no row of the source explains, looked for when everything else was compared.

What explains a row is in the manifests of the comparison: keys that its batches account for. They go into a temporary
table, and the tables that the plan writes are joined against it. Rows that the run before wrote from rows which the
source has not any more were deleted there since, and those that it left where they were although they were gone then,
as an insert and `gone` in the plan have it, are no others': they are counted beside the extra ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID, uuid4

import asyncpg

from services.loader.key_copy import copy_keys
from services.loader.runs import LoadRun, LoadRuns
from services.loader.shape import UUID_OID, read_shape
from services.loader.transaction import told, transaction
from shared.core.errors import TransfuseError
from shared.core.findings import FindingKind
from shared.core.ids import BatchRef
from shared.core.passes import COMPARISON, FIRST, REMOVAL
from shared.core.states import LoadMode
from shared.crypto.aad import manifest_aad
from shared.ledger.findings import (
    Finding,
    explained_keys,
    forget_extra,
    loaded_by,
    loaded_keys,
    read_compared,
    write_deleted,
    write_extra,
)
from shared.ledger.finishing import finishing_plan
from shared.ledger.removing import key_lists
from shared.ledger.reports import report_run_step
from shared.plan.compiled import CompiledMapping
from shared.plan.model import Gone
from shared.postgres.identifiers import Identifier, TableName
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.loader", "extras.sql")
DOING = "looking for extra rows"
REPORT_SECONDS = 10.0
MOST_KEPT = 1000
"""Extra rows of a table that are kept one by one; the others are counted."""


class Extras:
    """Looks for extra rows of runs that compared all there is."""

    def __init__(self, pool: Pool, runs: LoadRuns) -> None:
        self._pool = pool
        self._runs = runs

    async def look(self, run: UUID) -> None:
        """Look for them and keep what is found, where the run is finishing and has compared its whole plan.

        Repeatable. Raises WorldError or RunError.
        """
        async with self._pool.acquire() as connection:
            with told(DOING):
                if await finishing_plan(connection, run) is None:
                    return
                compared = await read_compared(connection, run)
                if compared.sampled or compared.partial or not (compared.own or compared.is_verify):
                    return
                found = await self._runs.get(connection, run)
                loader = await self._runs.get(connection, await loaded_by(connection, run))
            if found is None or loader is None:
                return
            async with self._telling(run), transaction(connection, DOING):
                with told(DOING):
                    await forget_extra(connection, run)
                    for table, mappings in by_table(found.plan.mappings).items():
                        await _look(connection, found, loader, table, mappings)

    @asynccontextmanager
    async def _telling(self, run: UUID) -> AsyncIterator[None]:
        """Tells the ledger that the run goes on, as long as it does."""

        async def tell() -> None:
            while True:
                await asyncio.sleep(REPORT_SECONDS)
                with suppress(TransfuseError):  # whoever looks for the rows meets it too
                    async with self._pool.acquire() as other:
                        with told(DOING):
                            await report_run_step(other, run)

        telling = asyncio.create_task(tell(), name="telling of extra rows")
        try:
            yield
        finally:
            telling.cancel()
            await asyncio.wait({telling})


def by_table(mappings: Iterable[CompiledMapping]) -> dict[TableName, list[CompiledMapping]]:
    """The mappings of each table, in the order of the plan."""
    found: dict[TableName, list[CompiledMapping]] = {}
    for mapping in mappings:
        found.setdefault(mapping.load.table, []).append(mapping)
    return found


async def _look(
    connection: asyncpg.Connection,
    run: LoadRun,
    loader: LoadRun,
    table: TableName,
    mappings: list[CompiledMapping],
) -> None:
    first = mappings[0].load
    if any(mapping.load.key_column != first.key_column for mapping in mappings):
        return  # no column of the table tells its rows apart: they stay unchecked, and the result says so
    number = FIRST if run.mode is LoadMode.COMPARE else COMPARISON
    place = BatchRef(run=run.run, mapping=mappings[0].name, pass_number=number, seq=0, generation=0)
    key = (await read_shape(connection, table, (first.key_column,))).columns[0]
    statement = SQL["extra" if first.key_is_unique else "extra_or_repeated"].format(
        key=Identifier(key.name), table=table.sql, cast="" if key.oid == UUID_OID else "::text"
    )
    await connection.execute(SQL["create"])
    await _fill(connection, _explained(connection, run, mappings, number))
    await connection.execute(statement)
    await connection.execute(SQL["forget"])
    await _fill(connection, _left(connection, loader, mappings))
    if loader.run != run.run:
        await _fill(connection, _loaded(connection, loader, mappings))
    deleted = await connection.fetchval(SQL["deleted"])
    if first.key_is_unique and not _removes(loader, mappings):
        left = SQL["left"].format(key=Identifier(key.name), table=table.sql)
        deleted += await connection.fetchval(left, loader.run)
    count = await connection.fetchval(SQL["count"])
    keys = [row["key"] for row in await connection.fetch(SQL["first"], MOST_KEPT)]
    await write_extra(connection, place, list(_findings(keys)), count)
    if deleted:
        await write_deleted(connection, place, deleted)
    await connection.execute(SQL["drop"])


async def _fill(connection: asyncpg.Connection, lists: AsyncIterator[bytes]) -> None:
    """COPY packed keys into the temporary table, list by list."""
    async for keys in lists:
        if keys:
            await copy_keys(connection, "transfuse_explained", keys, 0)
    await connection.execute(SQL["gather"])


async def _explained(
    connection: asyncpg.Connection, run: LoadRun, mappings: list[CompiledMapping], number: int
) -> AsyncIterator[bytes]:
    """Keys that the comparison accounts for: of the table's mappings, and of placeholders, whoever refers to them."""
    names = {mapping.name for mapping in mappings}
    for mapping in run.plan.mappings:
        async for ref, accounted, placeholders in explained_keys(connection, run.run, mapping.name, number):
            aad = manifest_aad(ref)
            if mapping.name in names:
                yield run.key.open_(accounted, aad)
            if mapping.load.placeholders:
                yield run.key.open_(placeholders, aad)


async def _loaded(
    connection: asyncpg.Connection, loader: LoadRun, mappings: list[CompiledMapping]
) -> AsyncIterator[bytes]:
    """Keys of the rows that the run before wrote, or found as they were."""
    for mapping in mappings:
        async for ref, lists in loaded_keys(connection, loader.run, mapping.name):
            aad = manifest_aad(ref)
            yield b"".join(loader.key.open_(keys, aad) for keys in lists)


async def _left(
    connection: asyncpg.Connection, loader: LoadRun, mappings: list[CompiledMapping]
) -> AsyncIterator[bytes]:
    """Keys of rows that were gone when the run before looked for such, and that it marked or left."""
    for mapping in mappings:
        async for lists in key_lists(connection, loader.key, loader.run, mapping.name, (REMOVAL,)):
            yield lists.there + lists.marked


def _removes(loader: LoadRun, mappings: list[CompiledMapping]) -> bool:
    """Whether the run before removed all that was gone then: nothing but what it says itself was left."""
    return loader.mode is LoadMode.MERGE and any(mapping.load.gone is Gone.REMOVE for mapping in mappings)


def _findings(keys: Iterable[str]) -> Iterator[Finding]:
    for text in keys:
        yield Finding(id=uuid4(), kind=FindingKind.EXTRA, target_key=_key(text))


def _key(text: str) -> bytes:
    """The key's 16 bytes; none of what is no UUID: key() never made it."""
    try:
        return UUID(text).bytes
    except ValueError:
        return b""
