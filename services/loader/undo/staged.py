"""Keys and former values of one batch in the temporary table, from which rows are looked up, removed and put back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

import asyncpg
import msgspec

from services.loader.undo.table import SQL, UndoTable
from shared.core.errors import RunError
from shared.ledger.former import FormerAction, FormerRow, FormerRows
from shared.postgres.errors import Fault, classify
from shared.postgres.identifiers import Identifier


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A staged row that the target has: who wrote it (32 bits), and whether that was the run or an undo of it."""

    written_by: int
    ours: bool


class Staged:
    """Some rows of one target table, numbered from 1. Make it with `stage`; it lives until the transaction ends."""

    def __init__(self, connection: asyncpg.Connection, table: UndoTable, row_count: int) -> None:
        self._connection = connection
        self._table = table
        self._row_count = row_count
        self._fill = {"table": table.table.sql, "identity": table.identity, "key": Identifier(table.key)}

    async def lock(self) -> None:
        """Hold the rows: nobody changes them and nobody begins to refer to them."""
        await self._connection.execute(SQL["lock"].format(**self._fill))

    async def found(self, writers: Sequence[UUID]) -> dict[int, Found]:
        """Those that are in the target, by number; `writers` are the undone run and undos of it."""
        rows = await self._connection.fetch(SQL["found"].format(**self._fill), writers)
        return {row["ordinal"]: Found(written_by=row["written_by"], ours=row["ours"]) for row in rows}

    async def referred(self) -> set[int]:
        """Those to which rows refer that are not staged too."""
        found: set[int] = set()
        for referrer in self._table.referrers:
            apart = SQL["anyone"]
            if referrer.table == self._table.table:
                apart = SQL["apart"].format(key=Identifier(self._table.key), type_name=self._table.key_type)
            statement = SQL["referred"].format(
                **self._fill, referring=referrer.table.sql, refers=referrer.match, apart=apart
            )
            found |= {row["ordinal"] for row in await self._connection.fetch(statement)}
        return found

    async def take_out(self, ordinals: Collection[int]) -> None:
        """Leave these alone."""
        if ordinals:
            await self._connection.execute(SQL["remove"], list(ordinals))

    async def delete(self, *, expected: int, careful: bool) -> set[int]:
        """Remove the rows from the target; gives those that it refuses to let go."""
        return await self._write(SQL["delete"], {}, expected=expected, careful=careful)

    async def put_back(self, former: FormerRows, *, expected: int, careful: bool) -> set[int]:
        """Give the rows their former values, or insert them again; gives those that the target refuses."""
        names = [(name, f"v{place}", self._table.type_of(name)) for place, name in enumerate(former.columns)]
        if former.action is FormerAction.UPDATED:
            assignments = ", ".join(
                SQL["assignment"].format(column=Identifier(name), name=staged, type_name=type_name)
                for name, staged, type_name in names
            )
            return await self._write(SQL["update"], {"assignments": assignments}, expected=expected, careful=careful)
        fill = {
            "columns": ", ".join(Identifier(name) for name, _, _ in names),
            "values": ", ".join(
                SQL["value"].format(name=staged, type_name=type_name) for _, staged, type_name in names
            ),
        }
        return await self._write(SQL["insert"], fill, expected=expected, careful=careful)

    async def _write(self, text: str, fill: dict[str, str], *, expected: int, careful: bool) -> set[int]:
        """All at once; if that was refused, one by one, in order, without what is refused by itself."""
        if not careful:
            status = await self._connection.execute(text.format(**self._fill, **fill, among=""))
            self._check(int(status.split()[-1]), expected)
            return set()
        statement = text.format(**self._fill, **fill, among=SQL["among"])
        await self._connection.execute(SQL["index"])
        refused: set[int] = set()
        for row in await self._connection.fetch(SQL["refused"], statement, self._row_count):
            if classify(row["refused_state"]) is not Fault.ROW:
                raise RunError(
                    f"The target refuses to take back rows of {self._table.table} (SQLSTATE {row['refused_state']}).",
                    code="target_refused",
                    remedy="Compare the table, its constraints and triggers with what they were when the run wrote.",
                )
            refused.add(row["refused_ordinal"])
        await self.take_out(refused)
        written = 0
        for ordinal in range(1, self._row_count + 1):
            status = await self._connection.execute(statement, ordinal, ordinal)
            written += int(status.split()[-1])
        self._check(written, expected - len(refused))
        return refused

    def _check(self, written: int, expected: int) -> None:
        if written != expected:
            raise RunError(
                f"The target took back {written} rows of {self._table.table} where {expected} were to be.",
                code="rows_miscounted",
                remedy="A rule or trigger of the target swallows rows: switch it off while the undo goes on.",
            )


async def stage_keys(
    connection: asyncpg.Connection, table: UndoTable, keys: Sequence[bytes], writers: Sequence[UUID]
) -> Staged:
    """Rows that are to be removed, by their 16-byte keys."""
    return await stage(connection, table, (), [FormerRow(key=key, written_by=0, texts=()) for key in keys], writers)


async def stage(
    connection: asyncpg.Connection,
    table: UndoTable,
    columns: Sequence[str],
    rows: Sequence[FormerRow],
    writers: Sequence[UUID],
) -> Staged:
    """Rows that are to be put back, in this order, with a text for each column."""
    names = [f"v{place}" for place in range(len(columns))]
    definitions = "".join(SQL["column"].format(name=name) for name in names)
    await connection.execute(SQL["stage"].format(columns=definitions))
    records = [(place, str(UUID(bytes=row.key)), *row.texts) for place, row in enumerate(rows, start=1)]
    await connection.copy_records_to_table(
        "transfuse_former", schema_name="pg_temp", columns=("ordinal", "key", *names), records=records
    )
    if not table.unique:
        await connection.execute(SQL["find_own"].format(table=table.table.sql, known=table.known), writers)
    return Staged(connection, table, len(rows))
