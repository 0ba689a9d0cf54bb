"""What a service tells the ledger about its work: steps, failed attempts, and runs that cannot go on."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import msgspec

from shared.core.errors import TransfuseError, VersionDiffers
from shared.core.ids import BatchRef
from shared.core.states import BatchState, RunState, Stage
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "reports.sql")
ATTEMPTS_ALLOWED = 3
BACKOFF_SECONDS = 2.0
PUT_BACK_SECONDS = 5.0
"""How long work waits that came to a service of other versions: one of its own may take it the next time."""


async def report_attempt_failed(
    connection: asyncpg.Connection, ref: BatchRef, code: str, *, backoff_seconds: float = BACKOFF_SECONDS
) -> BatchState | None:
    """Count a failed attempt: the batch is `planned` again, not before 2, 4 seconds; at the third it is `failed`.

    `code` is an error code of ours. None when the report is late: the batch is settled, open or of another generation.
    """
    state = await connection.fetchval(
        SQL["attempt_failed"], *_key(ref), ref.generation, code, ATTEMPTS_ALLOWED, backoff_seconds
    )
    return None if state is None else BatchState(state)


async def report_step(connection: asyncpg.Connection, ref: BatchRef, stage: Stage) -> None:
    """A batch left `stage`: its run makes steps, its messages are not lost. Late reports change nothing."""
    await connection.execute(SQL["step"], *_key(ref), ref.generation, stage)


async def report_run_step(connection: asyncpg.Connection, run: UUID) -> None:
    """Planning or finishing goes on; to be called at least every 60 seconds, else the command is issued again."""
    await connection.execute(SQL["run_step"], run)


async def report_command_failed(
    connection: asyncpg.Connection, run: UUID, state: RunState, error: TransfuseError
) -> RunState | None:
    """Count a failed attempt at planning or finishing (`state` says which); the third fails the run with that error.

    None when the report is late: the run has left that state or the attempt is counted already.
    """
    found = await connection.fetchval(
        SQL["command_failed"], run, state, error.code, str(error), error.remedy, ATTEMPTS_ALLOWED, BACKOFF_SECONDS
    )
    return None if found is None else RunState(found)


async def put_back(
    connection: asyncpg.Connection, ref: BatchRef, error: VersionDiffers, *, wait_seconds: float = PUT_BACK_SECONDS
) -> bool:
    """Leave a batch to a service of its run's versions: `planned` again, no attempt counted; told once in the history.

    False when it is late: the batch is settled, open or of another generation.
    """
    found: bool = await connection.fetchval(SQL["put_back"], *_key(ref), ref.generation, _versions(error), wait_seconds)
    return found


async def put_back_command(
    connection: asyncpg.Connection,
    run: UUID,
    state: RunState,
    error: VersionDiffers,
    *,
    wait_seconds: float = PUT_BACK_SECONDS,
) -> bool:
    """The same for planning and finishing (`state` says which)."""
    found: bool = await connection.fetchval(SQL["put_back_command"], run, state, _versions(error), wait_seconds)
    return found


async def pause_run(
    connection: asyncpg.Connection, run: UUID, error: TransfuseError, *, lost_snapshot: str | None = None
) -> bool:
    """Pause a run for a reason of the world; batches in flight settle. False where it is not in a state to be paused.

    With `lost_snapshot` only if that snapshot is still the run's own. Must not be called inside a transaction that
    holds the run's lock: it waits for all who hold it.
    """
    paused: bool = await connection.fetchval(
        SQL["stop_run"], run, RunState.PAUSED, error.code, str(error), error.remedy, lost_snapshot
    )
    return paused


async def fail_run(connection: asyncpg.Connection, run: UUID, error: TransfuseError) -> bool:
    """End a run that every batch would contradict; nothing commits after it. False where it has ended already.

    Must not be called inside a transaction that holds the run's lock: it waits for all who hold it.
    """
    failed: bool = await connection.fetchval(
        SQL["stop_run"], run, RunState.FAILED, error.code, str(error), error.remedy, None
    )
    return failed


async def append_event(connection: asyncpg.Connection, run: UUID, kind: str, detail: dict[str, str | int]) -> int:
    """Write a run event of names, counts and codes; gives its number within the run."""
    number: int = await connection.fetchval(SQL["event"], run, kind, msgspec.json.encode(detail).decode())
    return number


def _versions(error: VersionDiffers) -> str:
    detail = {"service": error.service, "pinned": error.pinned, "own": error.own}
    return msgspec.json.encode(detail).decode()


def _key(ref: BatchRef) -> tuple[UUID, str, int, int]:
    return ref.run, ref.mapping, ref.pass_number, ref.seq
