"""Starts verifies of runs, and repairs of what they found."""

from __future__ import annotations

from importlib.metadata import version
from uuid import UUID

import asyncpg
import msgspec

from shared.core.errors import Refused
from shared.core.findings import VerifyOutcome
from shared.core.run_options import RunOptions
from shared.core.states import FINAL, LoadMode, RunKind, RunState
from shared.ledger.runs import NewRun, create_run
from shared.ledger.verification import SQL, read_verification
from shared.postgres.pools import Pool

LOADED = frozenset({RunKind.MIGRATE, RunKind.DIFFERENTIAL})
WROTE = frozenset({LoadMode.INSERT, LoadMode.MERGE})
VERIFY_DIFFERENT = "verify_different"


class Verifying:
    """Starts them. Raises Refused, DatabaseUnreachable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def verify(self, run: UUID | None, *, actor: str, sample: float | None = None) -> UUID:
        """Start a verify of a run that loaded rows, by default of the youngest; of a verify, of the same run again.

        Raises Refused `unknown_run`, `nothing_to_verify` where it loaded none or has not ended well, `bad_sample`,
        `already_active`.
        """
        if sample is not None and not 0 < sample < 1:
            raise Refused(
                "A sample is a share of the rows between 0 and 100 %.",
                code="bad_sample",
                remedy="Ask for 1%, or for 100% by leaving the sample out.",
            )
        async with self._pool.acquire() as connection, connection.transaction():
            found = await _loaded(connection, run)
            options = msgspec.json.decode(found["options"], type=RunOptions)
            wanted = RunOptions(
                batch_rows=options.batch_rows,
                batch_bytes=options.batch_bytes,
                skip_validation=options.skip_validation,
                only=options.only,
                sample=sample,
            )
            return await create_run(
                connection, _new(found, actor, RunKind.VERIFY, LoadMode.COMPARE, found["id"], wanted)
            )

    async def repair(self, verify: UUID, *, actor: str, with_changed: bool = False) -> UUID:
        """Start a merge of the rows that a verify found different or missing, read anew by their keys.

        `with_changed` takes those along whose source changed since they were loaded. Raises Refused `unknown_run`,
        `nothing_to_repair`, `not_allowed` while the verify goes on, `already_active`.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            by = await connection.fetchval(SQL["verified_by"], verify)
            if by is None:
                await _loaded(connection, verify)
                raise _nothing_to_repair(verify)
            found = await connection.fetchrow(SQL["to_verify"], by)
            if RunState(found["state"]) not in FINAL:
                raise Refused("The verify still goes on.", code="not_allowed", remedy="Wait for its end, or cancel it.")
            known = await read_verification(connection, by)
            if known.outcome is VerifyOutcome.EQUAL and not with_changed:
                raise _nothing_to_repair(verify)
            if not await connection.fetchval(SQL["repairs"], by, with_changed):
                raise _nothing_to_repair(verify)
            options = msgspec.json.decode(found["options"], type=RunOptions)
            wanted = RunOptions(
                batch_rows=options.batch_rows, skip_validation=options.skip_validation, repairs_changed=with_changed
            )
            return await create_run(connection, _new(found, actor, RunKind.REPLAY, LoadMode.MERGE, by, wanted))


def is_over(state: str, reason: str) -> bool:
    """Whether a run loaded all its rows: also where only its own comparison failed it."""
    return state == RunState.COMPLETED or (state == RunState.FAILED and reason == VERIFY_DIFFERENT)


def _new(found: asyncpg.Record, actor: str, kind: RunKind, mode: LoadMode, about: UUID, options: RunOptions) -> NewRun:
    return NewRun(
        migration=found["migration_id"],
        plan_hash=found["plan_hash"],
        actor=actor,
        transfuse_version=version("transfuse"),
        kind=kind,
        mode=mode,
        priority=found["priority"],
        options=options,
        about=about,
    )


async def _loaded(connection: asyncpg.Connection, run: UUID | None) -> asyncpg.Record:
    """The run whose rows are to be looked at. Raises Refused."""
    wanted = await connection.fetchval(
        SQL["latest"] if run is None else SQL["subject"], *(() if run is None else (run,))
    )
    if wanted is None and run is None:
        raise Refused(
            "No run has loaded anything yet.", code="nothing_to_verify", remedy="Start one with `transfuse run PLAN`."
        )
    if wanted is None:
        raise Refused(f"There is no run {run}.", remedy="List the runs to see those there are.", code="unknown_run")
    found = await connection.fetchrow(SQL["to_verify"], wanted)
    if (
        not is_over(found["state"], found["reason"])
        or found["undone"]
        or RunKind(found["kind"]) not in LOADED
        or LoadMode(found["mode"]) not in WROTE
    ):
        raise Refused(
            f"The run {wanted} is none that can be verified: it has not loaded rows to its end, or was undone.",
            code="nothing_to_verify",
            remedy="Name a completed run that migrated rows; `transfuse runs` lists them.",
        )
    return found


def _nothing_to_repair(run: UUID) -> Refused:
    return Refused(
        f"There is no row that a repair of {run} could set right.",
        code="nothing_to_repair",
        remedy="Verify it first; rows that are unexpected or extra are for you to delete.",
    )
