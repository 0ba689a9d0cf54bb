"""What a run switched off comes back: indexes and foreign keys, several at a time, each in a transaction of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

import asyncpg

from services.loader.transaction import told
from shared.core.errors import RunError, WorldError
from shared.ledger.reports import report_run_step
from shared.ledger.suspending import (
    SuspendedConstraint,
    SuspendedKind,
    forget_constraints,
    holds,
    is_over,
    note_left_off,
    release_constraints,
    restore_foreign_key,
    restore_index,
    to_restore,
    validate_foreign_key,
)
from shared.postgres.errors import DRIVER_ERRORS, Fault, fault_of, translate
from shared.postgres.pools import Pool
from shared.runtime.failpoints import failpoint

REBUILDERS = 3
STEP_SECONDS = 10.0
LEFT_OFF = "constraint_left_off"
Restore = Callable[[asyncpg.Connection, SuspendedConstraint], Awaitable[bool]]


async def rebuild_constraints(pool: Pool, run: UUID) -> tuple[str, ...]:
    """Put back all that the run switched off, but what another run needs off, which it gives; repeatable.

    Raises WorldError, and RunError `constraints_left_off` with what cannot come back: its definition stays kept.
    """
    async with pool.acquire() as connection:
        with told("asking what a run switched off"):
            if not await holds(connection, run):
                return ()
            opened = await release_constraints(connection, run)
    if opened:
        raise RunError(
            f"Row security was switched off meanwhile on: {', '.join(opened)}.",
            code="row_security_changed",
            remedy="Enable row level security on these tables again, then resume the run.",
        )
    await failpoint("loader.constraints_released")
    left, held = await _rebuilt(pool, run)
    async with pool.acquire() as connection:
        with told("closing what a run switched off"):
            whole = await forget_constraints(connection, run)
    if not left and not whole:
        raise WorldError("another loader puts the constraints back just now", code="constraints_in_work")
    if left:
        raise RunError(
            f"Not all constraints of the target are back: {'; '.join(left)}.",
            code="constraints_left_off",
            remedy="Mend what is named, or make these by hand; the rest is tried again by itself.",
        )
    return held


async def rebuild_after_end(pool: Pool, run: UUID) -> bool:
    """The same for a run that has ended, whether it is one; what cannot come back is kept with it as a warning.

    Raises WorldError.
    """
    async with pool.acquire() as connection:
        with told("asking what an ended run left off"):
            if not await is_over(connection, run):
                return False
            if not await holds(connection, run):
                return True
    left: list[str] = []
    try:
        left += await rebuild_constraints(pool, run)
    except RunError as error:
        left.append(str(error))
    async with pool.acquire() as connection:
        with told("telling what an ended run left off"):
            await note_left_off(connection, run, left)
    return True


async def _rebuilt(pool: Pool, run: UUID) -> tuple[list[str], tuple[str, ...]]:
    """What could not be put back, with why, and what another run still needs off."""
    async with pool.acquire() as connection:
        with told("listing what a run switched off"):
            listed = await to_restore(connection, run)
    found, held = [one for one in listed if not one.held], tuple(str(one) for one in listed if one.held)
    indexes = [one for one in found if one.kind is SuspendedKind.INDEX]
    keys = [one for one in found if one.kind is SuspendedKind.FOREIGN_KEY]
    left: list[str] = []
    stopping = asyncio.Event()
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_report(pool, run, stopping), name="constraints go on")
            try:
                left += await _each(pool, indexes, restore_index, "another index has its name", "loader.index_rebuilt")
                # One after the other: each locks two tables.
                added = "loader.foreign_key_added"
                left += await _each(pool, keys, restore_foreign_key, "another constraint has its name", added, most=1)
                kept = [one for one in keys if not any(words.startswith(f"{one}:") for words in left)]
                why = "rows of the table have no parent"
                left += await _each(pool, kept, validate_foreign_key, why, "loader.foreign_key_validated", apart=True)
            finally:
                stopping.set()
    except BaseExceptionGroup as group:
        first = group.exceptions[0]
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from first.__cause__
    return left, held


async def _report(pool: Pool, run: UUID, stopping: asyncio.Event) -> None:
    """Tells the ledger that finishing goes on, as long as it does."""
    while not stopping.is_set():
        async with pool.acquire() as connection:
            with told("reporting a step"):
                await report_run_step(connection, run)
        try:
            await asyncio.wait_for(stopping.wait(), STEP_SECONDS)
        except TimeoutError:
            continue


async def _each(
    pool: Pool,
    found: Iterable[SuspendedConstraint],
    restore: Restore,
    why: str,
    step: str,
    *,
    most: int = REBUILDERS,
    apart: bool = False,
) -> list[str]:
    """Restore all, `most` at a time, those of one table one after the other where they must be kept `apart`."""
    turns = asyncio.Semaphore(most)
    rows: dict[tuple[str, ...], list[SuspendedConstraint]] = {}
    for one in found:
        rows.setdefault((one.target_schema, one.target_table) if apart else (*one.place, one.kind), []).append(one)

    async def in_turn(row: list[SuspendedConstraint]) -> list[str]:
        async with turns:
            return [words for one in row if (words := await _restored(pool, one, restore, why, step))]

    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(in_turn(row), name="constraints come back") for row in rows.values()]
    return [words for task in started for words in task.result()]


async def _restored(pool: Pool, one: SuspendedConstraint, restore: Restore, why: str, step: str) -> str:
    """Why one could not be restored, empty where it was. Raises WorldError."""
    try:
        async with pool.acquire() as connection:
            done = await restore(connection, one)
    except DRIVER_ERRORS as error:
        if fault_of(error) is Fault.WORLD:
            raise translate(error, "target", f"putting back {one}") from error
        return f"{one}: SQLSTATE {getattr(error, 'sqlstate', '')}"
    await failpoint(step)
    return "" if done else f"{one}: {why}"
