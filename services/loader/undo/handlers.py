"""The commands that begin at the loader: plan an undo, take a batch back, remove rows that the source has no more."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from services.loader.handlers import Handlers, told_of
from services.loader.undo.planner import UndoPlanner
from services.loader.undo.taking_back import UndoLoader
from shared.core.errors import TransfuseError, VersionDiffers
from shared.core.states import RunState
from shared.ledger.reports import put_back_command, report_command_failed
from shared.messages import Message, PlanUndo, RemoveBatch, UndoBatch
from shared.postgres.pools import Pool
from shared.runtime.failpoints import failpoint

UndoCommand = PlanUndo | UndoBatch | RemoveBatch


class UndoHandlers:
    """Handlers of one queue. A command that comes twice finds in the ledger what was done."""

    def __init__(self, pool: Pool, handlers: Handlers, planner: UndoPlanner, loader: UndoLoader) -> None:
        self._pool = pool
        self._handlers = handlers
        self._planner = planner
        self._loader = loader

    async def handle(self, message: UndoCommand) -> AsyncGenerator[Message, None]:
        """Do what the command says."""
        match message:
            case PlanUndo():
                await failpoint("loader.undo_before_plan")
                changed = await self._planner.plan(message.run)
                await failpoint("loader.undo_after_plan")
                if changed is not None:
                    yield changed
            case UndoBatch():
                for told in told_of(message.batch, await self._loader.undo(message.batch)):
                    yield told
            case RemoveBatch():
                async for outgoing in self._handlers.remove_batch(message):
                    yield outgoing

    async def failed(self, message: UndoCommand, error: TransfuseError) -> None:
        """Of a batch what a load would tell; of planning a failed attempt, whose third fails the undo."""
        if not isinstance(message, PlanUndo):
            await self._handlers.load_failed(message, error)
            return
        async with self._pool.acquire() as connection:
            if isinstance(error, VersionDiffers):
                await put_back_command(connection, message.run, RunState.PLANNING, error)
            else:
                await report_command_failed(connection, message.run, RunState.PLANNING, error)
