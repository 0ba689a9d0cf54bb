"""Which staged rows the target refuses, found on the server in one call."""

from __future__ import annotations

import asyncpg

from services.loader.body import OpenedBatch
from services.loader.reasons import reason_for
from services.loader.shape import TargetShape
from services.loader.statements import SQL, Statements, identity_columns
from services.loader.verdicts import Verdicts
from shared.core.errors import RunError
from shared.messages.data import Reason
from shared.plan.compiled import LoadProgram
from shared.postgres.errors import Fault, classify

SYSTEMATIC_ROWS = 100
"""From this many rows on, a batch of which all are refused for one reason shows a bug, not bad rows."""


async def isolate(
    connection: asyncpg.Connection,
    opened: OpenedBatch,
    program: LoadProgram,
    shape: TargetShape,
    statements: Statements,
    verdicts: Verdicts,
) -> set[int]:
    """Refuse in `verdicts` every staged row that the target refuses; gives their ordinals.

    Raises RunError where a refusal is our bug, or concerns a unique key that the plan declares free of duplicates.
    """
    await connection.execute(SQL["index"])
    refused: set[int] = set()
    for row in await connection.fetch(SQL["refused"], statements.trial, opened.body.row_count):
        sqlstate, constraint = row["refused_state"], row["refused_constraint"]
        if classify(sqlstate) is not Fault.ROW:
            raise _refused(opened, f"SQLSTATE {sqlstate}")
        if sqlstate == "23505":
            _check_declared(opened, program, shape, constraint)
        reason = reason_for(sqlstate, row["refused_column"], constraint, shape, identity_columns(program))
        verdicts.refuse(row["refused_ordinal"], reason)
        refused.add(row["refused_ordinal"])
    return refused


def check_systematic(opened: OpenedBatch, verdicts: Verdicts) -> None:
    """Raise RunError where the target itself refused all rows of a batch of 100 or more for one reason.

    Duplicates, taken keys and missing parents are about other rows, however many: the quarantine limit sees to them.
    """
    if opened.body.row_count < SYSTEMATIC_ROWS or len(verdicts.refused) != opened.body.row_count:
        return
    reasons: set[tuple[Reason, ...]] = {tuple(reasons) for reasons in verdicts.refused.values()}
    if len(reasons) > 1:
        return
    (reason, *more) = next(iter(reasons))
    if not more and reason.sqlstate and reason.sqlstate != "23505":
        raise _refused(opened, f"all {opened.body.row_count} rows, {reason.code} {reason.column} {reason.sqlstate}")


def _check_declared(opened: OpenedBatch, program: LoadProgram, shape: TargetShape, constraint: str) -> None:
    columns = shape.constraints.get(constraint, ())
    if columns and set(columns) <= set(program.unique_checked):
        raise RunError(
            f"Rows of {opened.batch.mapping} repeat {', '.join(columns)}, which the plan declares free of duplicates.",
            code="not_unique",
            remedy="Take the column out of `unique` in the plan, or mend the source.",
        )


def _refused(opened: OpenedBatch, what: str) -> RunError:
    return RunError(
        f"The target refuses a batch of {opened.batch.mapping}: {what}.",
        code="target_refused",
        remedy="Check the mapping against the target's table, its constraints and triggers; nothing was quarantined.",
    )
