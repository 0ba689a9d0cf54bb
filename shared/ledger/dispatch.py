"""Turns the ledger's state into commands: the only place that decides what is worked on next.

Everything is committed before it is published, so a dispatcher that dies in between leaves batches that count as lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import asyncpg
import msgspec

from shared.core.ids import BatchRef
from shared.core.passes import REMOVAL
from shared.core.states import RunKind, RunState
from shared.ledger.mapping_events import tell_ended, tell_limited
from shared.ledger.runs import Runs
from shared.ledger.suspending import Suspension, ended_runs, suspend_constraints
from shared.messages import (
    Command,
    ExtractBatch,
    FinishRun,
    PlanRun,
    PlanUndo,
    RemoveBatch,
    RunChanged,
    UndoBatch,
)
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "dispatch.sql")


REMEDIES = {"removal_limit": "See whether the source is whole; resuming the run accepts the removals and goes on."}
"""What to do where a limit paused a mapping that is not about refused rows."""


class DispatchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How much is in flight, and when it counts as lost.

    `window` batches per run and `total_window` over all runs. A batch is lost when its run made no step for
    max(`lost_seconds`, `lost_factor` times the 95th percentile of a batch), doubled each time it is lost again, or when
    `overtaken_windows` windows of younger batches settled before it. `command_lost_seconds` is the same for planning
    and finishing, which report that they go on.
    """

    window: int = 8
    total_window: int = 32
    lost_seconds: float = 30
    lost_factor: float = 5
    overtaken_windows: int = 3
    command_lost_seconds: float = 120


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at the ledger asks to be published, in this order; all of it committed.

    `places` is how many batches of them were not in flight before.
    """

    changes: tuple[RunChanged, ...] = ()
    commands: tuple[Command, ...] = ()
    places: int = 0

    def __add__(self, other: Turn) -> Turn:
        return Turn(
            changes=self.changes + other.changes,
            commands=self.commands + other.commands,
            places=self.places + other.places,
        )


class Dispatch:
    """Looks at all active runs, by priority and then whose turn is longest ago.

    Idempotent: two dispatchers at once, or one that starts anew, find in the ledger all there is to know.
    """

    def __init__(self, pool: Pool, options: DispatchOptions | None = None) -> None:
        self._pool = pool
        self._options = DispatchOptions() if options is None else options
        self._runs = Runs(pool)

    async def tick(self) -> Turn:
        """One look at every active run. Raises DatabaseUnreachable."""
        async with self._pool.acquire() as connection:
            runs = [row["id"] for row in await connection.fetch(SQL["runs_at_work"])]
            cancelling = [row["id"] for row in await connection.fetch(SQL["runs_cancelling"])]
            ended = [row["run_id"] for row in await connection.fetch(SQL["runs_with_suspended_triggers"])]
            budget = self._options.total_window - await connection.fetchval(SQL["in_flight"])
            for run in ended:
                await _restore_triggers(connection, run)
            for row in await connection.fetch(SQL["runs_with_shadows"]):
                await _drop_shadow(connection, row["id"])
            bare = await ended_runs(connection)  # whose constraints are off: a loader puts them back
        turn = Turn(commands=tuple(FinishRun(run=run) for run in bare))
        for run in cancelling:
            if await self._runs.complete_cancel(run):
                turn += Turn(changes=(RunChanged(run=run, state=RunState.CANCELLED),))
        for run in runs:
            taken = await self._look_at(run, budget)
            budget -= taken.places
            turn += taken
        return turn

    async def give_back(self, commands: Iterable[Command]) -> None:
        """Open again what could not be published; what arrived all the same is done twice and settles once."""
        async with self._pool.acquire() as connection, connection.transaction():
            for command in commands:
                match command:
                    case ExtractBatch(batch=ref) | UndoBatch(batch=ref) | RemoveBatch(batch=ref):
                        await connection.execute(SQL["give_back"], *batch_key(ref), ref.generation)
                    case PlanRun(run=run) | PlanUndo(run=run) | FinishRun(run=run):
                        states = [RunState.PLANNING, RunState.FINISHING]
                        await connection.execute(SQL["forget_command"], run, states)

    async def _look_at(self, run: UUID, budget: int) -> Turn:
        async with self._pool.acquire() as connection, connection.transaction():
            held = await connection.fetchrow(SQL["hold_run"], run)
            if held is None:
                return Turn()  # another dispatcher holds it, or it has just been paused or ended
            kind = RunKind(held["kind"])
            match RunState(held["state"]):
                case RunState.PENDING:
                    await connection.execute(SQL["start_planning"], run)
                    changed = RunChanged(run=run, state=RunState.PLANNING)
                    return Turn(changes=(changed,), commands=(planning_of(run, kind),))
                case RunState.PLANNING:
                    return await self._command(connection, planning_of(run, kind))
                case RunState.FINISHING:
                    return await self._command(connection, FinishRun(run=run))
                case _:
                    return await self._advance(connection, run, kind, budget)

    async def _command(self, connection: asyncpg.Connection, command: PlanRun | PlanUndo | FinishRun) -> Turn:
        """Issue a command that was not issued yet, or whose work gives no sign of life."""
        issued = await connection.fetchval(SQL["issue_command"], command.run, self._options.command_lost_seconds)
        return Turn() if issued is None else Turn(commands=(command,))

    async def _advance(self, connection: asyncpg.Connection, run: UUID, kind: RunKind, budget: int) -> Turn:
        match await suspend_constraints(connection, run):
            case Suspension.DEFERRED:
                return Turn()
            case Suspension.NOT_OWNED | Suspension.PARTITIONED as refused:
                return await _end_for_constraints(connection, run, refused)
        deferred = await _settle_and_open(connection, run, kind)
        if isinstance(deferred, Turn):
            return deferred
        outlook = await connection.fetchrow(SQL["outlook"], run)
        if outlook["paused"]:
            await tell_limited(connection, run)
        if not outlook["incomplete"]:
            await connection.execute(SQL["finish_run"], run)
            changed = Turn(changes=(RunChanged(run=run, state=RunState.FINISHING),))
            return changed + await self._command(connection, FinishRun(run=run))
        if not outlook["going_on"] and not outlook["in_flight"] and not deferred:
            return await _end(connection, run, outlook)
        options = self._options
        lost = await connection.fetch(
            SQL["reissue_lost"],
            run,
            options.lost_seconds,
            options.lost_factor,
            options.overtaken_windows * options.window,
        )
        room = min(options.window - outlook["in_flight"], budget)
        fresh = await connection.fetch(SQL["dispatch_batches"], run, room) if room > 0 else []
        if fresh:
            await connection.execute(SQL["take_turn"], run)
        refs = [*_refs(run, lost), *_refs(run, fresh)]
        return Turn(commands=tuple(batch_command(ref, kind) for ref in refs), places=len(fresh))


def planning_of(run: UUID, kind: RunKind) -> PlanRun | PlanUndo:
    """What plans a run: the extractor, which reads the source, or for an undo the loader."""
    return PlanUndo(run=run) if kind is RunKind.UNDO else PlanRun(run=run)


def batch_command(ref: BatchRef, kind: RunKind) -> ExtractBatch | UndoBatch | RemoveBatch:
    """The command that a batch begins with: only those that read the source go through all stages."""
    if kind is RunKind.UNDO:
        return UndoBatch(batch=ref)
    return RemoveBatch(batch=ref) if ref.pass_number == REMOVAL else ExtractBatch(batch=ref)


def batch_key(ref: BatchRef) -> tuple[UUID, str, int, int]:
    """The primary key of a batch's row."""
    return ref.run, ref.mapping, ref.pass_number, ref.seq


def _refs(run: UUID, rows: Iterable[asyncpg.Record]) -> list[BatchRef]:
    return sorted(
        BatchRef(run=run, mapping=row["mapping"], pass_number=row["pass"], seq=row["seq"], generation=row["generation"])
        for row in rows
    )


async def _settle_and_open(connection: asyncpg.Connection, run: UUID, kind: RunKind) -> bool | Turn:
    """Complete, fail and open mappings until nothing changes; gives whether one waits for its triggers, or the end."""
    while True:
        settled = await connection.fetch(SQL["settle_mappings"], run)
        for row in settled:
            await tell_ended(connection, run, row["mapping"], row["pass"])
        opened, deferred = 0, False
        for row in await connection.fetch(SQL["mappings_to_open"], run, kind):
            if row["has_triggers"]:
                try:
                    suspended = await _suspend_triggers(connection, run, row["mapping"])
                except asyncpg.InsufficientPrivilegeError:
                    return await _end_for_triggers(connection, run, row["mapping"])
                if not suspended:
                    deferred = True
                    continue
            await connection.execute(SQL["open_mapping"], run, row["mapping"], row["pass"])
            opened += 1
        if not settled and not opened:
            return deferred


async def _suspend_triggers(connection: asyncpg.Connection, run: UUID, mapping: str) -> bool:
    """Switch off what the plan wants off; False where somebody uses the table just now."""
    try:
        async with connection.transaction():
            await connection.execute(SQL["suspend_triggers"], run, mapping)
    except asyncpg.LockNotAvailableError:
        return False
    return True


async def _restore_triggers(connection: asyncpg.Connection, run: UUID) -> None:
    """Put back what an ended run left off; at the next tick where somebody uses the table just now."""
    try:
        await connection.execute(SQL["restore_triggers"], run)
    except asyncpg.LockNotAvailableError:
        return


async def _drop_shadow(connection: asyncpg.Connection, run: UUID) -> None:
    """Drop what a dry run that has ended left; at the next tick where somebody looks at it just now."""
    try:
        await connection.execute(SQL["drop_shadow"], run)
    except asyncpg.LockNotAvailableError:
        return


async def _end(connection: asyncpg.Connection, run: UUID, outlook: asyncpg.Record) -> Turn:
    """Nothing can go on any more: the run fails for a failed batch, or waits for a person because of a limit."""
    if outlook["failed"]:
        names = ", ".join(outlook["failed"])
        message = f"A batch failed three times ({outlook['failure']}) in: {names}."
        remedy = "Mend what the reason names, then resume the run."
        return await _stop(connection, run, RunState.FAILED, "batch_failed", message, remedy)
    if outlook["paused"]:
        names = ", ".join(outlook["paused"])
        code = outlook["pause"] or "quarantine_limit"
        remedy = REMEDIES.get(code, "Look at the reasons; resuming the run accepts what is in quarantine and goes on.")
        return await _stop(connection, run, RunState.PAUSED, code, f"Paused: {names}.", remedy)
    message = "No mapping is ready and none is being worked on: the mappings wait for each other."
    return await _stop(connection, run, RunState.FAILED, "mappings_stuck", message, "Report this with the plan.")


async def _end_for_triggers(connection: asyncpg.Connection, run: UUID, mapping: str) -> Turn:
    message = f"The triggers of mapping {mapping} cannot be switched off: the ledger's owner does not own its table."
    remedy = "Run `transfuse init` as the owner of the target's tables, or keep the triggers on in the plan."
    return await _stop(connection, run, RunState.FAILED, "table_not_owned", message, remedy)


async def _end_for_constraints(connection: asyncpg.Connection, run: UUID, refused: Suspension) -> Turn:
    message = {
        Suspension.NOT_OWNED: "The ledger's owner does not own every mapped table: their constraints stay.",
        Suspension.PARTITIONED: "The constraints of a partitioned table cannot be taken off and put back as they were.",
    }[refused]
    remedy = (
        "Start a run that leaves constraints in force, or run `transfuse init` as the owner of the target's tables."
    )
    return await _stop(connection, run, RunState.FAILED, "constraints_not_suspended", message, remedy)


async def _stop(
    connection: asyncpg.Connection, run: UUID, state: RunState, code: str, message: str, remedy: str
) -> Turn:
    await connection.execute(SQL["end_run"], run, state, code, message, remedy)
    return Turn(changes=(RunChanged(run=run, state=state, reason=code),))
