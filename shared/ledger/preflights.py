"""Preflights: the checks before a run, asked for by people as runs of kind `validate`, kept with every run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from shared.core.checks import Check, CheckState
from shared.core.errors import Refused
from shared.core.states import RunKind, RunState
from shared.ledger.register import unknown_migration
from shared.ledger.runs import NewRun, Runs
from shared.plan.position import Problem
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "preflights.sql")


class PlanFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong at one place of a plan's files. `suggestion` is the nearest known name, if one is near."""

    file: str
    line: int
    column: int
    message: str
    suggestion: str = ""


class Preflight(msgspec.Struct, frozen=True, kw_only=True):
    """One preflight and what it found so far. `reason`, `message` and `remedy` tell why it could not be done."""

    run: UUID
    migration: UUID
    state: RunState
    actor: str
    plan: str
    plan_version: int
    reason: str
    message: str
    remedy: str
    requested_at: datetime
    checked_at: datetime | None
    checks: tuple[Check, ...]
    findings: tuple[PlanFinding, ...]


class Preflights:
    """Preflights as the gateway asks for and reads them. Raises Refused `unknown_migration`, DatabaseUnreachable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._runs = Runs(pool)

    async def start(self, migration: UUID, *, actor: str, transfuse_version: str, priority: int) -> Preflight:
        """Ask for the checks of the newest version of the migration's plan; one that is under way is joined.

        Raises Refused `unknown_plan` where the plan has no version.
        """
        async with self._pool.acquire() as connection:
            found = await connection.fetchrow(SQL["newest_plan"], migration)
        if found is None:
            raise unknown_migration()
        if found["hash"] is None:
            raise Refused("The plan of the migration has no version.", remedy="Upload the plan.", code="unknown_plan")
        wanted = NewRun(
            migration=migration,
            plan_hash=found["hash"],
            actor=actor,
            transfuse_version=transfuse_version,
            kind=RunKind.VALIDATE,
            priority=priority,
        )
        try:
            await self._runs.create(wanted)
        except Refused as error:
            if error.code != "already_active":
                raise
        started = await self.latest(migration)
        if started is None:
            raise unknown_migration()
        return started

    async def latest(self, migration: UUID) -> Preflight | None:
        """The youngest preflight of a migration, None where nobody asked for one."""
        async with self._pool.acquire() as connection:
            if not await connection.fetchval(SQL["has_migration"], migration):
                raise unknown_migration()
            row = await connection.fetchrow(SQL["latest"], migration)
        return None if row is None else _preflight(row)


async def write_preflight(
    connection: asyncpg.Connection, run: UUID, checks: Sequence[Check], problems: Sequence[Problem] = ()
) -> None:
    """Keep what the checks of a run found; of two writings the later stays."""
    findings = [
        PlanFinding(
            file=problem.position.file,
            line=problem.position.line,
            column=problem.position.column,
            message=problem.message,
            suggestion=problem.suggestion,
        )
        for problem in problems
    ]
    await connection.execute(SQL["write"], run, _json(checks), _json(findings))


async def complete_preflight(connection: asyncpg.Connection, run: UUID, checks: Sequence[Check]) -> bool:
    """End a `validate` run well; False where it is not being planned any more."""
    ended = await connection.fetchval(SQL["complete"], run, _json(warnings_of(checks)))
    return ended is not None


def warnings_of(checks: Sequence[Check]) -> list[dict[str, str]]:
    """Checks that warn, as the warnings of a run."""
    return [{"code": check.name, "message": check.message} for check in checks if check.state is CheckState.WARNING]


def _preflight(row: asyncpg.Record) -> Preflight:
    texts = {name: msgspec.json.decode(row[name]) for name in ("checks", "findings")}
    return msgspec.convert({**row, **texts}, Preflight)


def _json(value: Any) -> str:  # noqa: ANN401 - anything that has a JSON form
    return msgspec.json.encode(value).decode()
