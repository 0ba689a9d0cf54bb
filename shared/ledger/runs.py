"""Plans, migrations and the life of runs: started, paused, resumed, cancelled."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg
import msgspec

from shared.core.errors import Refused, WorldError
from shared.core.states import LoadMode, RunKind, RunState
from shared.core.transitions import CANCELLABLE, PAUSABLE
from shared.ledger.plans import Plans
from shared.ledger.resuming import GOING_ON, Resumption, already_active, not_allowed, resume_run
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "runs.sql")
DEFAULT_PRIORITY = 5


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run as the ledger has it. `reason` is an error code; of two runs the one of higher `priority` comes first."""

    id: UUID
    migration_id: UUID
    migration: str
    kind: RunKind
    mode: LoadMode
    state: RunState
    priority: int
    actor: str
    about: UUID | None = None
    plan_hash: str
    plan_name: str
    plan_version: int
    reason: str
    message: str
    remedy: str
    warnings: tuple[RunWarning, ...] = ()
    snapshot_count: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    undone_at: datetime | None = None


class RunWarning(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be looked at of a run as a whole: a code, and our words or the table it is about."""

    code: str
    message: str = ""
    table: str = ""


class NewRun(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is started with. `migration` is an id, or the name of one.

    `options` is any Struct or mapping of JSON values, names and numbers only. `about` is the run that this one undoes,
    verifies or replays rows of.
    """

    migration: str | UUID
    plan_hash: str
    actor: str
    transfuse_version: str
    kind: RunKind = RunKind.MIGRATE
    mode: LoadMode = LoadMode.INSERT
    priority: int = DEFAULT_PRIORITY
    options: object = {}
    about: UUID | None = None


class Runs:
    """Runs in the ledger. Every state change is a transaction of its own and leaves a run event.

    Verbs are idempotent: pausing a paused run, cancelling a cancelled one changes nothing. All raise Refused with code
    `unknown_run`, or `not_allowed` where the state does not allow it, and DatabaseUnreachable; pausing and resuming
    also WorldError `busy` while a batch takes long to commit.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def register_plan(self, *, name: str, hash: str, files: dict[str, str]) -> int:  # noqa: A002 - the plan's own word
        """Keep a plan's text under its hash; gives its version, the same one for the same hash."""
        return (await Plans(self._pool).put(name=name, hash=hash, files=files)).version

    async def register_migration(
        self, name: str, *, plan_name: str, source: str = "default", target: str = "default", actor: str = ""
    ) -> UUID:
        """Bind a plan to connections (aliases, never credentials) under a name; gives the id, the same one again.

        Raises Refused with code `other_migration` when the name is bound otherwise.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(SQL["insert_migration"], uuid4(), name, plan_name, source, target, actor)
            row = await connection.fetchrow(SQL["migration"], name)
            if (row["plan_name"], row["source"], row["target"]) != (plan_name, source, target):
                raise Refused(
                    f"The migration {name} is bound to another plan or other connections.",
                    remedy="Give this migration another name.",
                    code="other_migration",
                )
            found: UUID = row["id"]
            return found

    async def create(self, new: NewRun) -> UUID:
        """Write a `pending` run of a registered migration and plan; the dispatcher does the rest.

        Raises Refused with code `already_active` while the migration has another active run, `unknown_migration`,
        `unknown_plan`.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            return await create_run(connection, new)

    async def get(self, run: UUID) -> Run:
        """One run."""
        async with self._pool.acquire() as connection:
            return await _get(connection, run)

    async def list(
        self, *, migration: str | None = None, states: Iterable[RunState] | None = None, limit: int = 50
    ) -> tuple[Run, ...]:
        """Runs, youngest first, of one migration or all, in any of `states`."""
        wanted = None if states is None else [state.value for state in states]
        async with self._pool.acquire() as connection:
            return tuple(_run(row) for row in await connection.fetch(SQL["runs"], migration, wanted, limit))

    async def pause(self, run: UUID, *, actor: str, reason: str = "asked") -> RunState:
        """Stop dispatching; batches in flight settle. A run that is being planned forgets its planning."""
        async with self._pool.acquire() as connection, connection.transaction():
            with _unless_loading():
                stopped = await connection.fetchval(
                    SQL["stop_run"], run, RunState.PAUSED, reason, "", "Resume the run to go on.", None
                )
            state = (await _get(connection, run)).state
            if stopped:
                await _note(connection, run, "pause", actor)
            elif state is not RunState.PAUSED:
                raise not_allowed("paused", state, PAUSABLE)
            return state

    async def cancel(self, run: UUID, *, actor: str) -> RunState:
        """End a run for good: no batch commits after the state is `cancelled`.

        The run is marked `cancelling` first, so that a batch that takes long is waited for without dispatching more.
        Where the wait is cut short, by the session's lock timeout say, it stays so and the dispatcher completes it.
        """
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                marked = await connection.fetchval(SQL["mark_cancelling"], run, [state.value for state in CANCELLABLE])
                state = (await _get(connection, run)).state
                if marked:
                    await _note(connection, run, "cancel", actor)
                elif state not in {RunState.CANCELLING, RunState.CANCELLED}:
                    raise not_allowed("cancelled", state, CANCELLABLE)
            try:
                async with connection.transaction():
                    await connection.execute(SQL["lock_run"], run)
                    await connection.fetchval(SQL["cancelled"], run)
            except asyncpg.LockNotAvailableError:
                return RunState.CANCELLING
        return RunState.CANCELLED

    async def complete_cancel(self, run: UUID) -> bool:
        """`cancelling` to `cancelled` if no load transaction is under way; else False, to be asked again."""
        async with self._pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval(SQL["try_lock_run"], run):
                return False
            return await connection.fetchval(SQL["cancelled"], run) is not None

    async def resume(
        self,
        run: UUID,
        *,
        actor: str,
        snapshot_lost: bool = False,
        only_stopped: bool = False,
        mappings: Collection[str] = (),
    ) -> RunState:
        """Go on with a run that is paused, failed or was interrupted; gives `planning` or `running`.

        With `only_stopped` one that is going on is left alone, without waiting for its batches. Of `mappings` that are
        named those alone are opened again, whether the run is going on or not; each must be paused or failed.

        Open batches go back to `planned` (attempts of failed ones start anew), paused and failed mappings are opened
        again; what is in quarantine by then is accepted by their limits. Goes through planning for a new snapshot when
        the old one is lost, or by `snapshot_lost` known to be. Raises Refused `already_active` when the migration has
        another active run by now, `unknown_mapping`, `not_stopped`.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            if only_stopped and not mappings and (now := (await _get(connection, run)).state) in GOING_ON:
                return now
            with _unless_loading():
                await connection.execute(SQL["lock_run"], run)
            asked = Resumption(snapshot_lost=snapshot_lost, only_stopped=only_stopped, mappings=tuple(mappings))
            resumed = await resume_run(connection, run, asked)
            if resumed is None:
                raise _unknown(run)
            if resumed.changed:
                await _note(connection, run, "resume", actor, mappings)
            return resumed.state


@contextmanager
def _unless_loading() -> Iterator[None]:
    """Tell in our words that a batch took longer to commit than the session waits for a lock."""
    try:
        yield
    except asyncpg.LockNotAvailableError as error:
        raise WorldError(
            "A batch of the run is being written and takes long.", code="busy", remedy="Ask again in a moment."
        ) from error


async def create_run(connection: asyncpg.Connection, new: NewRun) -> UUID:
    """What `Runs.create` does, within the caller's transaction, which ends where this raises."""
    run = uuid4()
    by_id = new.migration if isinstance(new.migration, UUID) else None
    by_name = new.migration if isinstance(new.migration, str) else None
    migration = await connection.fetchrow(SQL["migration_to_start"], by_id, by_name)
    if migration is None:
        remedy = "List the migrations there are."
        raise Refused(f"There is no migration {new.migration}.", remedy=remedy, code="unknown_migration")
    if await connection.fetchval(SQL["has_active"], migration["id"], new.kind, new.mode):
        raise already_active(migration["name"])
    values = (new.kind, new.mode, new.priority, msgspec.json.encode(new.options).decode(), new.actor)
    try:
        await connection.execute(
            SQL["insert_run"], run, migration["id"], *values, new.plan_hash, new.transfuse_version, new.about
        )
    except asyncpg.UniqueViolationError as error:
        raise already_active(migration["name"]) from error
    except asyncpg.ForeignKeyViolationError as error:
        raise Refused("The plan of the run is not registered.", code="unknown_plan") from error
    return run


async def read_runs(connection: asyncpg.Connection, runs: Sequence[UUID]) -> tuple[Run, ...]:
    """Those of the runs that there are, in no order."""
    return tuple(_run(row) for row in await connection.fetch(SQL["run"], runs))


async def _get(connection: asyncpg.Connection, run: UUID) -> Run:
    found = await read_runs(connection, [run])
    if not found:
        raise _unknown(run)
    return found[0]


def _run(row: asyncpg.Record) -> Run:
    return msgspec.convert({**row, "warnings": msgspec.json.decode(row["warnings"])}, Run)


async def _note(connection: asyncpg.Connection, run: UUID, verb: str, actor: str, mappings: Iterable[str] = ()) -> None:
    detail = {"verb": verb, "actor": actor, **({"mappings": ", ".join(mappings)} if mappings else {})}
    await connection.execute(SQL["append_event"], run, "asked", msgspec.json.encode(detail).decode())


def _unknown(run: UUID) -> Refused:
    return Refused(f"There is no run {run}.", remedy="List the runs to see those there are.", code="unknown_run")
