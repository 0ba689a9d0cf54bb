"""Some rows that are gone from the source, in one transaction: locked, judged by policy, removed or marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import asyncpg

from services.loader.conflicts import CHANGED_IN_TARGET
from services.loader.isolation import SYSTEMATIC_ROWS
from services.loader.key_copy import KEY_BYTES, copy_keys
from services.loader.reasons import reason_for
from services.loader.referrers import SQL as REFERRERS
from services.loader.referrers import referrers_of
from services.loader.runs import LoadRun
from services.loader.shape import TargetShape
from shared.core.errors import RunError
from shared.ledger.former import FormerAction, FormerRow, FormerRows
from shared.messages.data import Reason
from shared.plan.compiled import LoadProgram, Mark
from shared.plan.model import Changed
from shared.postgres.errors import Fault, fault_of
from shared.postgres.identifiers import Identifier, literal
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.loader", "removal.sql")
STILL_REFERRED = "still_referred"
ALREADY_GONE = "already_gone"


class Goodbye:
    """Takes leave of rows. Afterwards `gone` and `stays` are their 16-byte keys, `former` what undoes it."""

    def __init__(
        self,
        *,
        connection: asyncpg.Connection,
        run: LoadRun,
        program: LoadProgram,
        shape: TargetShape,
        moment: datetime,
    ) -> None:
        self._connection = connection
        self._run = run
        self._shape = shape
        self._moment = moment
        self._key = shape.column(program.key_column)
        identity = SQL["identity"].format(key=Identifier(self._key.name), type_name=self._key.type_name)
        self._fill = {"table": program.table.sql, "identity": identity}
        self.program = program
        self.gone: list[bytes] = []
        self.stays: list[bytes] = []
        self.former: list[FormerRows] = []
        self.warned: Counter[Reason] = Counter()

    async def say(self, keys: bytes, *, isolated: bool) -> None:
        """Remove or mark the rows of some keys, children before their parents, as far as the policies let them go.

        `isolated` looks for the rows that the target does not let go. Raises RunError where it lets go of none.
        """
        connection, row_count = self._connection, len(keys) // KEY_BYTES
        await connection.execute(SQL["create"])
        await copy_keys(connection, "transfuse_gone", keys, 0)
        await connection.execute(self._text("lock"))
        self._warn(ALREADY_GONE, await self._count(self._text("missing")))
        stays = self.program.changed is not Changed.SOURCE_WINS
        self._warn(CHANGED_IN_TARGET, await self._count(self._text("changed"), self._run.run, stays))
        if self.program.marks:
            await connection.execute(self._text("marked", same=" and ".join(self._marks("same"))))
        else:
            await self._keep_referred()
        if isolated:
            await self._isolate(row_count)
        await self._keep_former()
        left = sum(len(part.rows) for part in self.former)
        if left and await self._count(self._write, 1, row_count) != left:
            raise RunError(
                f"The target let go of fewer rows of {self.program.table} than were to be removed.",
                code="rows_miscounted",
                remedy="A rule or trigger of the target keeps rows: decide it under `triggers`, or remove it.",
            )
        for row in await connection.fetch(SQL["results"]):
            (self.stays if row["stays"] else self.gone).append(row["key"].bytes)

    async def _keep_referred(self) -> None:
        """Rows to which others refer stay, and so does what they refer to themselves; cascades never fire."""
        referrers = await referrers_of(self._connection, self._run.plan, self.program.table)
        own = self.program.table
        other = REFERRERS["other"].format(type_name=self._key.type_name, key=Identifier(self._key.name))
        while True:
            kept = 0
            for one in referrers:
                counts_all = SQL["anything"] if one.table != own else other
                statement = self._text("referred", referring=one.table.sql, match=one.match, other=counts_all)
                found = await self._count(statement)
                self._warn(STILL_REFERRED, found, one.name)
                kept += found
            if not kept or all(one.table != own for one in referrers):
                return

    async def _keep_former(self) -> None:
        """Note the rows that go, as they are."""
        if self.program.marks:
            action, names = FormerAction.UPDATED, [mark.column for mark in self.program.marks]
        else:
            table = self.program.table
            rows = await self._connection.fetch(SQL["columns"], table.schema, table.name)
            action, names = FormerAction.DELETED, [row["name"] for row in rows]
        texts = ", ".join(SQL["text"].format(column=Identifier(name)) for name in names)
        found = await self._connection.fetch(self._text("former", texts=texts))
        former = tuple(
            FormerRow(key=row["key"].bytes, written_by=row["written_by"], texts=tuple(row["texts"])) for row in found
        )
        self.former = [FormerRows(action=action, columns=tuple(names), rows=former)] if former else []

    async def _isolate(self, row_count: int) -> None:
        """Let stay what the target does not let go: whole ranges are tried, and halves of those that it refuses."""
        refused: dict[int, Reason] = {}
        await self._connection.execute(SQL["trials"])
        slices = [(1, row_count)]
        while slices:
            first, last = slices.pop()
            reason = await self._try(first, last)
            if reason is not None and first < last:
                middle = (first + last) // 2
                slices += [(middle + 1, last), (first, middle)]
            elif reason is not None:
                refused[first] = reason
        await self._connection.execute(SQL["forget_trials"])
        if len(refused) == row_count >= SYSTEMATIC_ROWS and len(set(refused.values())) == 1:
            raise RunError(
                f"The target lets go of no row of {self.program.table}, for one reason: {refused[1].sqlstate}.",
                code="target_refused",
                remedy="Look at its triggers and constraints, or write gone: ignore, or a mark.",
            )
        for reason in refused.values():
            self.warned[reason] += 1
        await self._connection.execute(SQL["stay"], list(refused))
        if refused and not self.program.marks:
            await self._keep_referred()

    async def _try(self, first: int, last: int) -> Reason | None:
        """Write some rows on trial, on top of those that were taken before; the reason where they are refused."""
        await self._connection.execute(SQL["trial"])
        try:
            await self._connection.execute(self._write, first, last)
        except asyncpg.PostgresError as error:
            if fault_of(error, in_copy=False) is not Fault.ROW:
                raise
            await self._connection.execute(SQL["refused"])
            return reason_for(error.sqlstate or "", "", "", self._shape, ())
        await self._connection.execute(SQL["taken"])
        return None

    @property
    def _write(self) -> str:
        if not self.program.marks:
            return self._text("delete")
        return self._text("mark", marks=", ".join(self._marks("set")))

    def _marks(self, block: str) -> Iterator[str]:
        for mark in self.program.marks:
            yield SQL[block].format(column=Identifier(mark.column), value=self._value(mark))

    def _value(self, mark: Mark) -> str:
        """What a mark sets, as SQL."""
        type_name = self._shape.column(mark.column).type_name
        if mark.value is not None:
            return SQL["constant"].format(value=literal(mark.value), type_name=type_name)
        moment = literal(self._moment.isoformat())
        return SQL["moment"].format(column=Identifier(mark.column), value=moment, type_name=type_name)

    def _text(self, block: str, **more: str) -> str:
        return SQL[block].format(**self._fill, **more)

    async def _count(self, statement: str, *values: object) -> int:
        return int((await self._connection.execute(statement, *values)).split()[-1])

    def _warn(self, code: str, count: int, column: str = "") -> None:
        if count:
            self.warned[Reason(code=code, column=column)] += count
