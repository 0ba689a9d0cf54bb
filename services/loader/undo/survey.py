"""Looks at everything that an undo would take back before any of it is: who built on these rows since.

Nothing is written but temporary tables, all in one snapshot of the target.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from uuid import UUID

import asyncpg
import msgspec

from services.loader.body import keys_of
from services.loader.key_copy import copy_keys
from services.loader.referrers import Referrer
from services.loader.undo.given_back import GivenBack
from services.loader.undo.table import UndoTable
from shared.core.run_options import BuiltOn
from shared.ledger.former import FormerAction
from shared.ledger.undo_plans import WrittenBatch
from shared.postgres.identifiers import Identifier
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.loader.undo", "survey.sql")
PLACEHOLDERS = 0
"""In place of a batch's number: placeholder rows, whichever batches made them."""


class Stays(StrEnum):
    """Why a row stays: somebody changed it since, a later run found it as it is to be, or somebody refers to it."""

    CHANGED = "changed_since"
    FOUND = "found_since"
    REFERRED = "referred_to"


class Part(msgspec.Struct, kw_only=True):
    """One pass of a mapping on its way to be undone.

    `row_counts` by batch of the undone run; `released` are columns that get their former values back; `placeholders`
    the packed keys of placeholder rows.
    """

    number: int
    mapping: str
    pass_number: int
    table: UndoTable
    row_counts: dict[int, int] = {}
    released: set[str] = set()
    placeholders: bytes = b""


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What stays, by part and batch, as packed keys by reason; how many rows by mapping and reason."""

    stays: dict[tuple[int, int], dict[str, bytes]]
    given_back: dict[tuple[int, int], dict[bytes, int]]
    counts: dict[str, dict[str, int]]


class Survey:
    """One look at the target. Parts are added one by one, batch by batch, then `findings` closes it."""

    def __init__(self, connection: asyncpg.Connection, built_on: BuiltOn, given_back: GivenBack) -> None:
        self._connection = connection
        self._built_on = built_on
        self._given_back = given_back
        self._parts: list[Part] = []

    def part(self, mapping: str, pass_number: int, table: UndoTable) -> Part:
        """A new part, still without rows."""
        part = Part(number=len(self._parts), mapping=mapping, pass_number=pass_number, table=table)
        self._parts.append(part)
        return part

    async def add(self, part: Part, batch: WrittenBatch) -> None:
        """The rows of one batch of a part."""
        rows = [(batch.seq, UUID(bytes=key), "written") for key in keys_of(batch.written)]
        for former in batch.former:
            rows += [(batch.seq, UUID(bytes=row.key), former.action.value) for row in former.rows]
            if former.action is FormerAction.UPDATED:
                part.released |= set(former.columns)
        await self._take(part, batch.seq, rows)

    async def add_placeholders(self, part: Part, keys: Iterable[bytes]) -> None:
        """The placeholder rows of a mapping."""
        await self._take(part, PLACEHOLDERS, [(PLACEHOLDERS, UUID(bytes=key), "written") for key in keys])

    async def locate(self, part: Part) -> None:
        """Find the rows of a part, once all are added."""
        table = part.table
        statement = SQL["locate"].format(
            table=table.table.sql,
            key=Identifier(table.key),
            type_name=table.key_type,
            own="" if table.unique else SQL["own"],
        )
        await self._connection.execute(SQL["analyze"])
        await self._connection.execute(statement, part.number, Stays.CHANGED)
        await self._connection.execute(SQL["forget_keys"])

    async def found_since(self, part: Part, keys: bytes) -> None:
        """The packed keys of rows that a later run found as they are to be: as much its rows as the undone run's."""
        await copy_keys(self._connection, "transfuse_found", keys, 0)
        await self._connection.execute(SQL["found_since"], part.number, Stays.FOUND)
        await self._connection.execute(SQL["forget_found"])

    async def findings(self) -> Findings:
        """What stays, with all that has to stay for it."""
        connection = self._connection
        await connection.execute(SQL["index"])
        given_back = await self._forgive()
        if self._built_on is BuiltOn.DISCARD:
            await connection.execute(SQL["let_go"], [Stays.CHANGED, Stays.FOUND])
        await connection.execute(SQL["together"])
        while await self._hold():
            pass
        stays: dict[tuple[int, int], dict[str, bytes]] = defaultdict(dict)
        for row in await connection.fetch(SQL["staying"]):
            stays[row["part"], row["seq"]][row["reason"]] = row["keys"]
        counts: dict[str, dict[str, int]] = defaultdict(dict)
        names = [part.mapping for part in self._parts]
        for row in await connection.fetch(SQL["counted"], list(range(len(names))), names):
            counts[row["mapping"]][row["reason"]] = row["row_count"]
        return Findings(stays=dict(stays), given_back=given_back, counts=dict(counts))

    async def _take(self, part: Part, seq: int, rows: Sequence[tuple[int, UUID, str]]) -> None:
        if rows:
            part.row_counts[seq] = len(rows)
            await self._connection.copy_records_to_table("transfuse_keys", schema_name="pg_temp", records=rows)

    async def _forgive(self) -> dict[tuple[int, int], dict[bytes, int]]:
        """Rows that another undo put back as the undone run had left them are not changed."""
        found: dict[tuple[int, int], dict[bytes, int]] = defaultdict(dict)
        rows = await self._connection.fetch(SQL["changed"], Stays.CHANGED, self._given_back.transactions)
        for row in rows:
            if await self._given_back.as_left(row["key"].bytes, row["written_by"]):
                found[row["part"], row["seq"]][row["key"].bytes] = row["written_by"]
        parts, keys = [], []
        for (part, _), forgiven in found.items():
            parts += [part] * len(forgiven)
            keys += [UUID(bytes=key) for key in forgiven]
        await self._connection.execute(SQL["given_back"], parts, keys, Stays.CHANGED)
        return dict(found)

    async def _hold(self) -> bool:
        """One round over all that may refer to rows that go; whether it held any."""
        held = 0
        for table, referrer in self._referrers():
            released = [
                part.number
                for part in self._parts
                if part.table.table == referrer.table and part.released & set(referrer.columns)
            ]
            statement = SQL["hold"].format(referring=referrer.table.sql, table=table.table.sql, refers=referrer.match)
            status = await self._connection.execute(statement, released, Stays.REFERRED)
            held += int(status.split()[-1])
        return held > 0

    def _referrers(self) -> list[tuple[UndoTable, Referrer]]:
        found = {part.table.table: part.table for part in self._parts}
        return [(table, referrer) for table in found.values() for referrer in table.referrers]


@asynccontextmanager
async def surveying(
    connection: asyncpg.Connection, run: UUID, built_on: BuiltOn, given_back: GivenBack
) -> AsyncIterator[Survey]:
    """A survey of what the undo of `run` would find; nothing of it stays."""
    await connection.execute(SQL["begin"])
    try:
        await connection.execute(SQL["writers"], run)
        yield Survey(connection, built_on, given_back)
    finally:
        if not connection.is_closed():
            await connection.execute(SQL["end"])
