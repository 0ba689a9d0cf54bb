"""Undoes runs of a target as the dispatcher and a loader do it together, command by command."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from services.loader.handlers import Handlers
from services.loader.undo.handlers import UndoHandlers
from services.loader.undo.planner import UndoPlanner
from services.loader.undo.taking_back import UndoLoader
from shared.core.errors import TransfuseError
from shared.core.run_options import BuiltOn
from shared.core.states import FINAL, RunState
from shared.core.versions import own_versions
from shared.ledger.undos import NewUndo, create_undo
from shared.messages import Command, FinishRun, PlanUndo, RemoveBatch, UndoBatch
from shared.postgres.identifiers import TableName
from shared.postgres.table_hash import HashedTable, hash_tables
from tests.loading.target import Target


class Undoer:
    """Undoes runs of one target."""

    def __init__(self, target: Target) -> None:
        self.target = target
        pool, runs = target.ledger.pool, target.loader.runs
        self.planner = UndoPlanner(pool, target.keyring, runs)
        self.loader = UndoLoader(pool, runs)
        self._handlers = Handlers(target.loader, pool)
        self._undos = UndoHandlers(pool, self._handlers, self.planner, self.loader)

    async def start(self, run: UUID, built_on: BuiltOn = BuiltOn.REFUSE) -> UUID:
        """A pending undo of a run, which has ended by then."""
        connection = self.target.connection
        await connection.execute("update transfuse.run set state = 'finishing' where state = 'running'")
        await connection.execute("update transfuse.run set state = 'completed' where state = 'finishing'")
        new = NewUndo(run=run, actor="tester", transfuse_version=own_versions().transfuse, built_on=built_on)
        async with self.target.ledger.pool.acquire() as other, other.transaction():
            return await create_undo(other, new)

    async def commands(self) -> tuple[Command, ...]:
        """What the dispatcher asks for now."""
        return (await self.target.ledger.dispatch().tick()).commands

    async def do(self, command: Command) -> None:
        """Handle a command as the stage would, and tell its failure to the ledger."""
        try:
            match command:
                case FinishRun():
                    async for _ in self._handlers.finish_run(command):
                        pass
                case PlanUndo() | UndoBatch() | RemoveBatch():
                    async for _ in self._undos.handle(command):
                        pass
        except TransfuseError as error:
            assert isinstance(command, PlanUndo | UndoBatch)
            await self._undos.failed(command, error)

    async def until(self, undo: UUID, states: Collection[RunState] = FINAL) -> RunState:
        """Let it go on to one of the states."""
        while (state := RunState(await self.target.ledger.state(undo))) not in states:
            for command in await self.commands():
                await self.do(command)
        return state

    async def undo(self, run: UUID, built_on: BuiltOn = BuiltOn.REFUSE) -> UUID:
        """Undo a run to the end; gives the undo."""
        undo = await self.start(run, built_on)
        await self.until(undo)
        return undo

    async def reason(self, undo: UUID) -> str:
        """The code and the text with which it ended; empty where it ended well."""
        row = await self.target.connection.fetchrow("select reason, message from transfuse.run where id = $1", undo)
        return " ".join(row).strip()

    async def counts(self, undo: UUID) -> dict[str, int]:
        """Rows by outcome over all its batches, without those of which there are none."""
        row = await self.target.connection.fetchrow(
            """select sum(read_count)::int as read, sum(deleted)::int as deleted, sum(updated)::int as updated,
                      sum(unchanged)::int as unchanged from transfuse.batch where run_id = $1""",
            undo,
        )
        return {name: count for name, count in row.items() if count}

    async def warnings(self, undo: UUID) -> dict[str, int]:
        """What it warned of, by code."""
        rows = await self.target.connection.fetch(
            """select w ->> 'code', sum((w ->> 'count')::int)::int
                 from transfuse.batch, jsonb_array_elements(warnings) w where run_id = $1 group by 1""",
            undo,
        )
        return {row[0]: row[1] for row in rows}

    async def hash(self, *tables: str) -> str:
        """The tables of `public`, all their columns, as one figure."""
        named = [HashedTable(table=TableName(schema="public", name=name)) for name in tables]
        return (await hash_tables(self.target.connection, named)).sha256
