"""The end of a run: triggers, sequences, statistics, row security, balance, final state. Repeatable at any point."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable
from uuid import UUID

import asyncpg

from services.loader.arrivals import Arrivals
from services.loader.differing import different
from services.loader.proof import failure_of, prove_sums
from services.loader.rebuilding import LEFT_OFF, rebuild_constraints
from services.loader.runs import LoadRuns
from services.loader.shadow import drop_shadow
from services.loader.transaction import told, transaction
from shared.core.errors import RunError
from shared.core.states import RunState
from shared.core.sums import ProvenSum
from shared.ledger.bodies import drop_bodies
from shared.ledger.findings import read_compared
from shared.ledger.finishing import (
    FinalBalance,
    TableWarning,
    analyze_target,
    end_run,
    final_balances,
    finishing_plan,
    restore_triggers,
)
from shared.ledger.orphans import start_by_itself
from shared.ledger.reports import report_run_step
from shared.ledger.undo_plans import read_undo
from shared.messages.events import RunChanged
from shared.plan.compiled import CompiledPlan
from shared.postgres.identifiers import Identifier, TableName
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql
from shared.runtime.failpoints import failpoint

SQL = load_sql("services.loader", "finish.sql")
ROW_SECURITY_OFF = "row_security_off"
RETIRED_FILLED = "retired_column_filled"


async def finish_run(pool: Pool, run: UUID, runs: LoadRuns | None = None) -> RunChanged | None:
    """Finish a run whose batches are all settled; None where it is not `finishing` (any more).

    Raises WorldError, or RunError where the target refuses a step.
    """
    async with pool.acquire() as connection:
        with told("finishing a run"):
            plan = await finishing_plan(connection, run)
            if plan is None:
                return None
            await failpoint("loader.finish_begun")
            await restore_triggers(connection, run)
            await failpoint("loader.finish_triggers_restored")
            held = await rebuild_constraints(pool, run)
            is_dry = await drop_shadow(connection, run)  # which left nothing of the target to be put in order
            is_verify = (await read_compared(connection, run)).is_verify  # which wrote nothing there
            for table in () if is_dry or is_verify else mapped_tables(plan):
                await report_run_step(connection, run)
                await advance_sequences(connection, table)
            await failpoint("loader.finish_sequences_advanced")
            for mapping in () if is_dry or is_verify else plan.mappings:
                await report_run_step(connection, run)
                await analyze_target(connection, run, mapping.name)
            await drop_bodies(connection, run)
            await failpoint("loader.finish_before_balance")
            is_undo = await read_undo(connection, run) is not None
        sums = {} if is_verify or is_undo else await _prove(connection, run, plan, runs)
        arrived = await Arrivals(runs).found(connection, run) if runs is not None else ()
        return await _end(connection, run, plan, failure_of(sums), arrived, held)


async def _prove(
    connection: asyncpg.Connection, run: UUID, plan: CompiledPlan, runs: LoadRuns | None
) -> dict[str, tuple[ProvenSum, ...]]:
    """The sums of the mappings that want a proof; `runs` has the key that they are sealed under."""
    if not any(mapping.load.proof_sums for mapping in plan.mappings):
        return {}
    if runs is None:
        raise RunError("The key that the sums of this run are sealed under is not at hand.", code="run_key_gone")
    with told("reading the key of a run"):
        key = await runs.key(connection, run)
    return await prove_sums(connection, run, plan, key)


async def advance_sequences(connection: asyncpg.Connection, table: TableName) -> None:
    """Move the sequences and identities of a table past the values it holds, never back."""
    for row in await connection.fetch(SQL["sequences"], table.schema, table.name):
        sequence = TableName(schema=row["schema"], name=row["name"]).sql
        statement = SQL["advance"].format(
            extreme="max" if row["ascending"] else "min",
            beyond=">" if row["ascending"] else "<",
            column=Identifier(row["column"]),
            table=table.sql,
            sequence=sequence,
        )
        await connection.execute(statement, sequence)


def mapped_tables(plan: CompiledPlan) -> tuple[TableName, ...]:
    """The tables that the plan writes, each once."""
    return tuple(dict.fromkeys(mapping.load.table for mapping in plan.mappings))


async def _end(
    connection: asyncpg.Connection,
    run: UUID,
    plan: CompiledPlan,
    differs: RunError | None,
    arrived: Collection[UUID],
    held: Collection[str],
) -> RunChanged | None:
    async with transaction(connection, "ending a run"):
        with told("ending a run"):
            failure = (
                _failure(plan, await final_balances(connection, run)) or differs or await different(connection, run)
            )
            warnings = [
                *await _unguarded(connection, mapped_tables(plan)),
                *[warning async for warning in _still_filled(connection, plan)],
                *(TableWarning(code=LEFT_OFF, table=words) for words in held),
            ]
            ended = await end_run(connection, run, failure, warnings)
            if ended and failure is None:
                await start_by_itself(connection, run, arrived)
        await failpoint("loader.finish_before_commit")
    await failpoint("loader.finish_after_commit")
    if not ended:
        return None
    if failure is not None:
        return RunChanged(run=run, state=RunState.FAILED, reason=failure.code)
    return RunChanged(run=run, state=RunState.COMPLETED)


async def _unguarded(connection: asyncpg.Connection, tables: tuple[TableName, ...]) -> list[TableWarning]:
    """A warning for each mapped table that row security does not guard: Supabase serves it to everybody with a key."""
    schemas, names = [table.schema for table in tables], [table.name for table in tables]
    return [
        TableWarning(code=ROW_SECURITY_OFF, table=str(TableName(schema=row["schema"], name=row["name"])))
        for row in await connection.fetch(SQL["unguarded"], schemas, names)
    ]


async def _still_filled(connection: asyncpg.Connection, plan: CompiledPlan) -> AsyncIterator[TableWarning]:
    """A warning for each retired column that holds values: whoever drops it loses them, or somebody still fills it."""
    for retired in plan.retired:
        table = retired.table
        if await connection.fetchval(SQL["has_column"], table.schema, table.name, retired.column):
            holds = SQL["holds_values"].format(table=table.sql, column=Identifier(retired.column))
            if await connection.fetchval(holds):
                yield TableWarning(code=RETIRED_FILLED, table=f"{table}.{retired.column}")


def _failure(plan: CompiledPlan, balances: Iterable[FinalBalance]) -> RunError | None:
    expected = {mapping.name: mapping.source.excludes_expected for mapping in plan.mappings}
    wrong = [found for found in balances if not _holds(found, excludes_expected=expected.get(found.mapping, False))]
    if not wrong:
        return None
    return RunError(
        "The run does not balance: " + "; ".join(map(_told, wrong)) + ".",
        code="unbalanced",
        remedy="Nothing is lost in silence: compare the named counts, and report this if the source did not change.",
    )


def _holds(found: FinalBalance, *, excludes_expected: bool) -> bool:
    if found.balance is None or found.open_batches:
        return False
    return found.balance.balances and (found.balance.excluded == 0 or excludes_expected)


def _told(found: FinalBalance) -> str:
    if found.balance is None:
        return f"{found.mapping} was never counted"
    balance = found.balance
    return (
        f"{found.mapping} has {balance.driving_rows} driving rows, {balance.from_rows} from its FROM, "
        f"{balance.counts.read} read, {balance.counts.settled} settled, {found.open_batches} open batches"
    )
