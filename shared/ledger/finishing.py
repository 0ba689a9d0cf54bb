"""The end of a run in the ledger: its balance and its final state."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import asyncpg
import msgspec

from shared.core.counts import Counts, MappingBalance
from shared.core.errors import RunError
from shared.core.states import RunState
from shared.plan.compiled import CompiledPlan, decode_compiled
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "finishing.sql")


class FinalBalance(msgspec.Struct, frozen=True, kw_only=True):
    """The balance of one mapping and how many of its batches are open; None where its rows were never counted."""

    mapping: str
    pass_number: int
    balance: MappingBalance | None
    open_batches: int


class TableWarning(msgspec.Struct, frozen=True, kw_only=True):
    """A warning of the run about one table of the target."""

    code: str
    table: str


async def finishing_plan(connection: asyncpg.Connection, run: UUID) -> CompiledPlan | None:
    """The plan of a run that is `finishing`, None for any other: it is finished already, or cancelled."""
    row = await connection.fetchrow(SQL["run"], run)
    if row is None or row["state"] != RunState.FINISHING or row["compiled"] is None:
        return None
    return decode_compiled(row["compiled"])


async def suspend_triggers(connection: asyncpg.Connection, run: UUID, mapping: str, expected: int) -> None:
    """Switch off the triggers that the plan wants off while the mapping loads; repeatable.

    Raises RunError where the target does not have as many of them as the plan names.
    """
    suspended = await connection.fetchval(SQL["suspend_triggers"], run, mapping)
    if suspended != expected:
        raise RunError(
            f"{expected} triggers are to be off while {mapping} loads, {suspended} can be.",
            code="triggers_differ",
            remedy="Check the names under `triggers` and run `transfuse init` for the target's schema.",
        )


async def restore_triggers(connection: asyncpg.Connection, run: UUID) -> None:
    """Put the triggers back that the run switched off; repeatable."""
    await connection.execute(SQL["restore_triggers"], run)


async def analyze_target(connection: asyncpg.Connection, run: UUID, mapping: str) -> None:
    """Gather statistics of a mapped table."""
    await connection.execute(SQL["analyze"], run, mapping)


async def final_balances(connection: asyncpg.Connection, run: UUID) -> tuple[FinalBalance, ...]:
    """The balance of every mapping and pass, summed over its batches."""
    return tuple(_balance(row) for row in await connection.fetch(SQL["balances"], run))


async def end_run(
    connection: asyncpg.Connection, run: UUID, failure: RunError | None, warnings: Collection[TableWarning]
) -> bool:
    """`finishing` to `completed`, or to `failed` with the failure; False where the run has left that state.

    Earlier warnings of the same codes are replaced, so that a repeated finish leaves each once.
    """
    state = RunState.COMPLETED if failure is None else RunState.FAILED
    told = ("", "", "") if failure is None else (failure.code, str(failure), failure.remedy)
    codes = sorted({warning.code for warning in warnings})
    ended = await connection.fetchval(
        SQL["end"], run, state, *told, msgspec.json.encode(list(warnings)).decode(), codes
    )
    return ended is not None


def _balance(row: asyncpg.Record) -> FinalBalance:
    counted = row["driving_rows"] is not None and row["from_rows"] is not None
    balance = None
    if counted:
        balance = MappingBalance(
            mapping=row["mapping"],
            driving_rows=row["driving_rows"],
            from_rows=row["from_rows"],
            counts=Counts(**{name: row[name] for name in Counts.__struct_fields__}),
        )
    return FinalBalance(
        mapping=row["mapping"], pass_number=row["pass"], balance=balance, open_batches=row["open_batches"]
    )
