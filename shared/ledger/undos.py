"""Undos in the ledger: which run may be undone, and the run that does it."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import msgspec

from shared.core.errors import Refused
from shared.core.priority import Priority
from shared.core.run_options import BuiltOn, RunOptions
from shared.core.states import FINAL, LoadMode, RunKind, RunState
from shared.ledger.runs import NewRun, create_run
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "undos.sql")
WRITING_KINDS = frozenset({RunKind.MIGRATE, RunKind.DIFFERENTIAL, RunKind.REPLAY})
WRITING_MODES = frozenset({LoadMode.INSERT, LoadMode.MERGE, LoadMode.PATCH})


class NewUndo(msgspec.Struct, frozen=True, kw_only=True):
    """What an undo is started with: the run that it takes back, and what is to become of rows that others built on."""

    run: UUID
    actor: str
    transfuse_version: str
    built_on: BuiltOn = BuiltOn.REFUSE
    priority: Priority = Priority.NORMAL


class Undos:
    """Starts undos. Raises what `create_undo` raises, and DatabaseUnreachable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def start(self, new: NewUndo) -> UUID:
        """A pending undo; the dispatcher does the rest."""
        async with self._pool.acquire() as connection, connection.transaction():
            return await create_undo(connection, new)

    async def youngest(self) -> UUID:
        """The youngest run that wrote rows which are still there. Raises Refused `nothing_to_undo`."""
        async with self._pool.acquire() as connection:
            found: UUID | None = await connection.fetchval(
                SQL["youngest"], sorted(WRITING_KINDS), sorted(WRITING_MODES), sorted(FINAL)
            )
        if found is None:
            raise nothing_to_undo()
        return found


class RunToUndo(msgspec.Struct, frozen=True, kw_only=True):
    """A run as far as it matters whether it can be undone."""

    id: UUID
    migration_id: UUID
    kind: RunKind
    mode: LoadMode
    state: RunState
    plan_hash: str
    undone: bool
    without_details: bool
    planned: bool


async def create_undo(connection: asyncpg.Connection, new: NewUndo) -> UUID:
    """Write a `pending` undo of a run, within the caller's transaction, which ends where this raises.

    Raises Refused: `unknown_run`, `not_allowed`, `undone`, `details_removed`, `nothing_to_undo`, and
    `already_active` while the migration has an active run.
    """
    found = await run_to_undo(connection, new.run)
    return await create_run(
        connection,
        NewRun(
            migration=found.migration_id,
            plan_hash=found.plan_hash,
            actor=new.actor,
            transfuse_version=new.transfuse_version,
            kind=RunKind.UNDO,
            mode=found.mode,
            priority=new.priority.rank,
            options=RunOptions(built_on=new.built_on),
            about=found.id,
        ),
    )


async def run_to_undo(connection: asyncpg.Connection, run: UUID) -> RunToUndo:
    """A run that can be undone as it stands in the ledger. Raises Refused where it cannot be."""
    row = await connection.fetchrow(SQL["run_to_undo"], run)
    if row is None:
        raise Refused(f"There is no run {run}.", remedy="List the runs to see those there are.", code="unknown_run")
    found = msgspec.convert(dict(row), RunToUndo)
    if found.kind not in WRITING_KINDS or found.mode not in WRITING_MODES:
        raise Refused(
            f"A run of kind {found.kind} and mode {found.mode} writes no rows that could be taken back.",
            remedy="Name a run that migrated rows.",
            code="not_allowed",
        )
    if found.state not in FINAL:
        raise Refused(
            f"A run that is {found.state} cannot be undone.",
            remedy="Wait for its end, or cancel it.",
            code="not_allowed",
        )
    if found.undone:
        raise Refused("This run was undone already.", remedy="Its rows are gone; start another run.", code="undone")
    if found.without_details:
        raise Refused(
            "The manifests of this run are gone: it is older than the runs that retention keeps whole.",
            remedy="Restore a backup of the target, or undo its rows by hand.",
            code="details_removed",
        )
    if not found.planned:
        raise Refused("This run was never planned: it wrote nothing.", remedy="Nothing to do.", code="nothing_to_undo")
    return found


def nothing_to_undo() -> Refused:
    """The refusal where no run has anything that could be taken back."""
    return Refused(
        "No run has written rows that are still there.",
        remedy="List the runs to see those there are.",
        code="nothing_to_undo",
    )
