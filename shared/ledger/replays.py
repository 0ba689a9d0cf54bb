"""Starting replays, and giving rows up that nobody is to replay."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from shared.core.errors import Refused
from shared.core.run_options import ReplayChoice, RunOptions
from shared.core.states import LoadMode, RunKind
from shared.ledger.register import read_migration
from shared.ledger.runs import DEFAULT_PRIORITY, NewRun, Run, create_run, read_runs
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "replays.sql")
REPLAYABLE = frozenset({LoadMode.INSERT, LoadMode.MERGE})
OF_ROWS = frozenset({RunKind.MIGRATE, RunKind.DIFFERENTIAL, RunKind.REPLAY})


class Discarded(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows of a mapping were given up."""

    mapping: str
    row_count: int


async def start_replay(
    connection: asyncpg.Connection,
    about: UUID,
    choice: ReplayChoice,
    *,
    actor: str,
    transfuse_version: str,
    priority: int = DEFAULT_PRIORITY,
) -> UUID:
    """Start a run that replays rows of `about`, by the newest version of its migration's plan; gives its id.

    Raises Refused: `unknown_run`, `not_replayable` for a run that writes no whole rows, `undone`, `nothing_waits` where
    none of the rows waits, `already_active`.
    """
    run = await _replayable(connection, about)
    if not await connection.fetchval(SQL["chosen_count"], about, *choice.filters):
        raise nothing_waits()
    migration = await read_migration(connection, run.migration_id)
    new = NewRun(
        migration=run.migration_id,
        plan_hash=migration.plan_hash,
        actor=actor,
        transfuse_version=transfuse_version,
        kind=RunKind.REPLAY,
        mode=run.mode,
        priority=priority,
        options=RunOptions(replay=choice),
        about=about,
    )
    async with connection.transaction():
        return await create_run(connection, new)


async def discard_rows(connection: asyncpg.Connection, run: UUID, choice: ReplayChoice) -> Sequence[Discarded]:
    """Give rows of a run, and of the replays of it, up for good; how many, by mapping. Who and why is the audit's.

    Raises Refused: `unknown_run`, `nothing_waits`, `replay_active` while a replay of the migration goes on.
    """
    await _known(connection, run)
    try:
        rows = await connection.fetch(SQL["discard"], run, *choice.filters)
    except asyncpg.ObjectNotInPrerequisiteStateError as error:
        raise Refused(
            "A replay of this migration is going on.",
            remedy="Wait for it to end, or cancel it; then say which rows are to be given up.",
            code="replay_active",
        ) from error
    if not rows:
        raise nothing_waits()
    return tuple(Discarded(mapping=row["discarded_mapping"], row_count=row["row_count"]) for row in rows)


async def follower(connection: asyncpg.Connection, run: UUID) -> UUID | None:
    """The replay that the end of a run has started by itself, None where it started none."""
    found: UUID | None = await connection.fetchval(SQL["follower"], run)
    return found


def nothing_waits() -> Refused:
    """None of the rows that are meant waits."""
    return Refused(
        "None of these rows waits: they were replayed, given up, or refused again by a later run.",
        remedy="See what waits, and in which run, with `transfuse quarantine`.",
        code="nothing_waits",
    )


async def _replayable(connection: asyncpg.Connection, about: UUID) -> Run:
    run = await _known(connection, about)
    if run.kind not in OF_ROWS or run.mode not in REPLAYABLE:
        raise Refused(
            f"Rows of a run of kind {run.kind} and mode {run.mode} are not replayed.",
            remedy="Name a run that moves whole rows; of columns that are filled in late, start another such run.",
            code="not_replayable",
        )
    if await connection.fetchval(SQL["is_undone"], about):
        raise Refused(
            f"The run {about} was undone: its rows wait for nothing.",
            remedy="Run the migration again.",
            code="undone",
        )
    return run


async def _known(connection: asyncpg.Connection, run: UUID) -> Run:
    found = await read_runs(connection, [run])
    if not found:
        raise Refused(f"There is no run {run}.", remedy="List the runs to see those there are.", code="unknown_run")
    return found[0]
