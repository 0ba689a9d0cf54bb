"""The register of migrations: which there are, what became of each last, and how one leaves it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

import asyncpg
import msgspec

from shared.core.errors import Refused
from shared.core.states import RunState
from shared.ledger.runs import Run, read_runs
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "register.sql")


class ShownState(StrEnum):
    """A run's state, and so its migration's, in the words that the portal knows; one without a run is pending."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Overall(StrEnum):
    """All migrations in one word: the first of these that is true of any."""

    RUNNING = "running"
    FAILED = "failed"
    COMPLETED = "completed"
    IDLE = "idle"


class Order(StrEnum):
    """By what migrations are listed."""

    NAME = "name"
    CREATED = "createdAt"
    LAST_RUN = "lastRun"


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One migration: a plan bound to connections, by aliases. `plan_version` and `plan_hash` are the newest ones.

    `last_run` is the active run, else the youngest; preflights and retention are no runs of a migration.
    """

    id: UUID
    name: str
    plan: str
    plan_version: int
    plan_hash: str
    source: str
    target: str
    created_at: datetime
    created_by: str
    status: ShownState
    last_run: Run | None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a list goes on: behind the migration `id`, whose place in the order is `key`."""

    key: str
    id: UUID


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the register. `search` is looked for in names of migrations and plans, whatever the case."""

    status: ShownState | None = None
    search: str | None = None
    order: Order = Order.NAME
    descending: bool = False
    after: Place | None = None
    limit: int = 50


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the register. `total` counts all that fit the question, `overall` sums up every migration there is."""

    migrations: tuple[Migration, ...]
    total: int
    overall: Overall
    following: Place | None


class Deletion(msgspec.Struct, frozen=True, kw_only=True):
    """What a deleted migration leaves in quarantine."""

    unresolved_rows: int


class Register:
    """Migrations in the ledger. All raise DatabaseUnreachable, and Refused `unknown_migration` for one not there."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(self, name: str, *, plan: str, source: str, target: str, actor: str) -> Migration:
        """Bind a plan to connections under a new name. Raises Refused `name_taken`, `unknown_plan`."""
        async with self._pool.acquire() as connection, connection.transaction():
            made = await connection.fetchval(SQL["insert_migration"], uuid4(), name, plan, source, target, actor)
            if made is None and await connection.fetchval(SQL["has_plan"], plan):
                raise Refused(
                    "There is a migration of that name already.", remedy="Choose another name.", code="name_taken"
                )
            if made is None:
                raise Refused(
                    "There is no plan of that name.",
                    remedy="Upload the plan first, then try again.",
                    code="unknown_plan",
                )
            return await read_migration(connection, made)

    async def get(self, migration: UUID) -> Migration:
        """One migration."""
        async with self._pool.acquire() as connection:
            return await read_migration(connection, migration)

    async def list(self, asked: Listing) -> Page:
        """A part of the register, and how all migrations are; both of one moment."""
        after = asked.after
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            overview = await connection.fetchrow(SQL["overview"], asked.status, asked.search)
            rows = await connection.fetch(
                SQL["page"], asked.status, asked.search, asked.order, asked.descending,
                after and after.key, after and after.id, asked.limit + 1,
            )  # fmt: skip
            shown = rows[: asked.limit]
            migrations = await _with_runs(connection, shown)
        last = shown[-1] if len(rows) > len(shown) else None
        return Page(
            migrations=migrations,
            total=overview["total"],
            overall=next((word for word in Overall if word != Overall.IDLE and overview[word.value]), Overall.IDLE),
            following=None if last is None else Place(key=last["place"], id=last["id"]),
        )

    async def delete(self, migration: UUID, *, actor: str, force: bool) -> Deletion:
        """Take a migration from the register; its name is free again.

        What its runs came to stays: balance, audit, unresolved rows, undo records. Raises Refused `active_run`, and
        `unresolved_rows` without `force`.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            # A run that is being created holds the row too: it is seen here, or does not find the migration any more.
            if await connection.fetchval(SQL["lock_migration"], migration) is None:
                raise unknown_migration()
            if await connection.fetchval(SQL["has_active"], migration):
                raise Refused(
                    "The migration has an active run.",
                    remedy="Wait for that run to end, or cancel it first.",
                    code="active_run",
                )
            unresolved: int = await connection.fetchval(SQL["unresolved_rows"], migration)
            if unresolved and not force:
                raise Refused(
                    f"{unresolved} rows of this migration wait in quarantine.",
                    remedy="Replay or discard them first; an administrator may delete the migration and keep the rows.",
                    code="unresolved_rows",
                )
            await connection.execute(SQL["delete_migration"], migration, actor)
            return Deletion(unresolved_rows=unresolved)


def unknown_migration() -> Refused:
    """No such migration, or not any more."""
    return Refused("There is no such migration.", remedy="List the migrations there are.", code="unknown_migration")


def shown_state(state: RunState | None) -> ShownState:
    """The word for a run's state; None: no run yet. The ledger has a function of the same name and answers."""
    if state is None or state is RunState.PENDING:
        return ShownState.PENDING
    return ShownState(state) if state in {*ShownState} else ShownState.RUNNING


async def read_migration(connection: asyncpg.Connection, migration: UUID) -> Migration:
    """What `Register.get` does, on the caller's connection."""
    row = await connection.fetchrow(SQL["migration"], migration)
    if row is None:
        raise unknown_migration()
    return (await _with_runs(connection, [row]))[0]


async def _with_runs(connection: asyncpg.Connection, rows: Sequence[asyncpg.Record]) -> tuple[Migration, ...]:
    wanted = [row["last_run"] for row in rows if row["last_run"] is not None]
    found = {run.id: run for run in await read_runs(connection, wanted)} if wanted else {}
    return tuple(
        msgspec.convert(
            {
                **{name: row[name] for name in _FIELDS},
                "plan": row["plan_name"],
                "status": row["status"],
                "last_run": found.get(row["last_run"]),
            },
            Migration,
            from_attributes=True,
        )
        for row in rows
    )


_FIELDS = ("id", "name", "plan_version", "plan_hash", "source", "target", "created_at", "created_by")
