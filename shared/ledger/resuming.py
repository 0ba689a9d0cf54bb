"""How a run goes on that was paused, failed or interrupted: as a whole, or some of its mappings."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import msgspec

from shared.core.errors import Refused
from shared.core.states import MappingState, RunState
from shared.core.transitions import RESUMABLE
from shared.ledger.mapping_events import tell_limited
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "resuming.sql")
GOING_ON = frozenset({RunState.PLANNING, RunState.RUNNING, RunState.FINISHING})
STOPPED = frozenset({MappingState.PAUSED, MappingState.FAILED})


class Resumption(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for: see `Runs.resume`."""

    snapshot_lost: bool = False
    only_stopped: bool = False
    mappings: tuple[str, ...] = ()


class Resumed(msgspec.Struct, frozen=True, kw_only=True):
    """Where the run is now, and whether this made a difference."""

    state: RunState
    changed: bool


async def resume_run(connection: asyncpg.Connection, run: UUID, asked: Resumption) -> Resumed | None:
    """What `Runs.resume` does, by somebody who holds the run's lock. None where there is no such run."""
    found = await connection.fetchrow(SQL["run_for_resume"], run)
    if found is None:
        return None
    state = RunState(found["state"])
    going_on = state in GOING_ON
    if not asked.mappings and (state is RunState.PENDING or (asked.only_stopped and going_on)):
        return Resumed(state=state, changed=False)
    if state not in RESUMABLE:
        raise not_allowed("resumed", state, RESUMABLE)
    if found["without_details"]:
        raise _without_details()
    if found["taken_back"]:
        raise _taken_back()
    await tell_limited(connection, run)
    if asked.mappings:
        await _check_stopped(connection, run, asked.mappings)
        await connection.execute(SQL["reopen_batches_of"], run, asked.mappings)
        await connection.execute(SQL["reopen_mappings_of"], run, asked.mappings)
        if asked.only_stopped and going_on:
            return Resumed(state=state, changed=True)
    following = _following(state, found, snapshot_lost=asked.snapshot_lost)
    if asked.mappings:
        await connection.execute(SQL["take_up"], run)
    else:
        await connection.execute(SQL["reopen_batches"], run)
        await connection.execute(SQL["reopen_mappings"], run)
    await connection.execute(SQL["hurry_batches"], run)
    try:
        await connection.fetchval(SQL["resumed"], run, following)
    except asyncpg.UniqueViolationError as error:
        raise already_active("of this run") from error
    return Resumed(state=following, changed=True)


async def _check_stopped(connection: asyncpg.Connection, run: UUID, mappings: tuple[str, ...]) -> None:
    """Raise Refused for a name that the run has not, and for a mapping that nothing has stopped."""
    states: dict[str, set[MappingState]] = {}
    for row in await connection.fetch(SQL["mapping_states"], run):
        states.setdefault(row["mapping"], set()).add(MappingState(row["state"]))
    stopped = sorted(name for name, found in states.items() if found & STOPPED)
    remedy = f"Only these can be resumed: {', '.join(stopped)}." if stopped else "None of its mappings is stopped."
    for name in mappings:
        if name not in states:
            raise Refused(f"The run has no mapping {name}.", remedy=remedy, code="unknown_mapping")
        if name not in stopped:
            raise Refused(f"The mapping {name} is neither paused nor failed.", remedy=remedy, code="not_stopped")


def _following(state: RunState, found: asyncpg.Record, *, snapshot_lost: bool) -> RunState:
    """Where a resumed run goes on."""
    if state is RunState.FINISHING:
        return state
    if found["unplanned"]:
        return RunState.PLANNING
    needs_snapshot = (
        snapshot_lost
        or found["without_snapshot"]
        or found["reason"] == "snapshot_lost"
        # The snapshot of a failed run was given back, and one that planning was about to take never came to be.
        or state in {RunState.FAILED, RunState.PLANNING}
    )
    return RunState.PLANNING if found["has_open"] and needs_snapshot else RunState.RUNNING


def _taken_back() -> Refused:
    return Refused(
        "This run was undone, or an undo of it has begun: rows that it wrote are not there any more.",
        remedy="Bring the undo to its end, then start another run of its migration.",
        code="not_allowed",
    )


def _without_details() -> Refused:
    return Refused(
        "The details of this run are gone: it is older than those that retention keeps whole.",
        remedy="Start another run of its migration.",
        code="not_allowed",
    )


def already_active(migration: str) -> Refused:
    """The error for a migration that has a run already."""
    return Refused(
        f"The migration {migration} has an active run.",
        remedy="Wait for that run to end, or cancel it.",
        code="already_active",
    )


def not_allowed(verb: str, state: RunState, allowed: frozenset[RunState]) -> Refused:
    """The error for a verb that a run's state does not allow."""
    *others, last = sorted(allowed)
    return Refused(
        f"A run that is {state} cannot be {verb}.",
        remedy=f"Only a run that is {', '.join(others)} or {last} can be.",
        code="not_allowed",
    )
