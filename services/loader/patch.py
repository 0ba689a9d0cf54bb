"""What a patch passes over: it changes columns of rows that are there, and leaves alone what is not.

A row is not there because the first pass quarantined or filtered it, or because no run has loaded it. It has its
outcome from there, so that the patch counts it as `filtered`, whatever else would be wrong with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.loader.body import OpenedBatch
from services.loader.statements import Statements
from services.loader.verdicts import Verdicts
from shared.messages.data import Reason

NOT_IN_TARGET = "not_in_target"


async def pass_over_absent(
    connection: asyncpg.Connection, opened: OpenedBatch, statements: Statements, verdicts: Verdicts
) -> None:
    """Note which of the staged and refused rows are not in the target, before anything else is said of them.

    Only a back-fill warns of them: in a second pass the first has told what became of them.
    """
    if opened.body.row_count:
        for row in await connection.fetch(statements.absent):
            verdicts.leave_out(row["ordinal"])
    not_staged = sorted(verdicts.refused)
    keys = [opened.target_key(ordinal) for ordinal in not_staged]
    for place in await _absent(connection, statements, keys):
        verdicts.pass_over(not_staged[place])
    keys = [row.target_key for row in opened.body.refused]
    verdicts.passed_over.update(await _absent(connection, statements, keys))
    count = len(verdicts.filtered) + len(verdicts.passed_over)
    if count and opened.batch.pass_number == 1:
        verdicts.warned[Reason(code=NOT_IN_TARGET)] += count


async def _absent(connection: asyncpg.Connection, statements: Statements, keys: Sequence[bytes]) -> list[int]:
    """Places, from 0, of the keys that are not in the target."""
    if not keys:
        return []
    rows = await connection.fetch(statements.absent_keys, [str(UUID(bytes=key)) for key in keys])
    return [row["place"] - 1 for row in rows]
