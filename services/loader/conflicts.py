"""Rows that a merge would update although somebody else changed them since a run of the migration wrote them.

A row is as it was left when the transaction that wrote it last is one of the migration's own. Where a table was
rewritten that cannot be told, and every row that differs counts as changed; one that is equal is never asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.loader.runs import LoadRun
from services.loader.shape import TargetShape
from services.loader.statements import identity_columns
from services.loader.verdicts import Verdicts
from shared.core.states import LoadMode
from shared.messages.data import Reason
from shared.plan.compiled import LoadProgram
from shared.plan.model import Changed
from shared.postgres.identifiers import Identifier
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.loader", "conflicts.sql")
CHANGED_IN_TARGET = "changed_in_target"


async def judge_changed(
    connection: asyncpg.Connection, run: LoadRun, program: LoadProgram, shape: TargetShape, verdicts: Verdicts
) -> None:
    """Do with rows of `verdicts.updated` that somebody changed as the plan says, and warn of those that it decides."""
    identity = identity_columns(program)
    if run.ending is not LoadMode.MERGE or not verdicts.updated or not identity:
        return
    fill = {
        "table": shape.table.sql,
        "identity": " and ".join(
            SQL["identity"].format(column=Identifier(name), staged=shape.column(name).staged) for name in identity
        ),
    }
    ordinals = sorted(verdicts.updated)
    if program.changed is not Changed.SOURCE_WINS and run.mode is LoadMode.MERGE:  # a dry run locks nothing
        await connection.execute(SQL["lock"].format(**fill), ordinals)
    found = [row["ordinal"] for row in await connection.fetch(SQL["changed"].format(**fill), run.run, ordinals)]
    reason = Reason(code=CHANGED_IN_TARGET)
    for ordinal in found:
        if program.changed is Changed.QUARANTINE:
            verdicts.refuse(ordinal, reason)
        elif program.changed is Changed.TARGET_WINS:
            verdicts.keep(ordinal)
    warned = [one for one in found if program.changed is Changed.TARGET_WINS or one not in verdicts.judged]
    if warned:
        verdicts.warned[reason] += len(warned)


async def changed_by_others(
    connection: asyncpg.Connection, run: UUID, program: LoadProgram, shape: TargetShape, ordinals: Sequence[int]
) -> list[int]:
    """Those of some staged rows whose row in the target was written last by no run of the migration."""
    rows = await connection.fetch(SQL["changed"].format(**_fill(program, shape)), run, ordinals)
    return [row["ordinal"] for row in rows]


def _fill(program: LoadProgram, shape: TargetShape) -> dict[str, str]:
    conditions = [
        SQL["identity"].format(column=Identifier(name), staged=shape.column(name).staged)
        for name in identity_columns(program)
    ]
    return {"table": shape.table.sql, "identity": " and ".join(conditions)}
