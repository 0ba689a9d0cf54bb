"""What a patch passes over: it changes columns of rows that are there, and leaves alone what is not.

A row that the first pass of the run quarantined or filtered has its outcome from there, also where the target has a
row of that key: it is somebody else's. Any other that is not there was deleted meanwhile, or no run has loaded it. The
patch counts both as `filtered`, whatever else would be wrong with them.
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


async def pass_over(
    connection: asyncpg.Connection,
    opened: OpenedBatch,
    statements: Statements,
    verdicts: Verdicts,
    told: frozenset[bytes],
) -> None:
    """Note which of the staged and refused rows are not to be patched, before anything else is said of them.

    `told` are the keys of rows of which a first pass has told that it did not load them, whoever else may have done so.
    Of any other row that is not in the target is warned.
    """
    refused = [row.target_key for row in opened.body.refused]
    not_staged = sorted(verdicts.refused)
    absent: set[int] = set()
    if opened.body.row_count:
        await connection.execute(statements.lock)
        absent = {row["ordinal"] for row in await connection.fetch(statements.absent)}
    keys = [opened.target_key(ordinal) for ordinal in not_staged]
    absent |= {not_staged[place] for place in await _absent(connection, statements, keys)}
    absent_refused = set(await _absent(connection, statements, refused))

    known = {ordinal for ordinal in range(1, opened.body.row_count + 1) if opened.target_key(ordinal) in told}
    known_refused = {place for place, key in enumerate(refused) if key in told}
    for ordinal in sorted(absent | known):
        verdicts.pass_over(ordinal)
    verdicts.passed_over.update(absent_refused | known_refused)
    if count := len(absent - known) + len(absent_refused - known_refused):
        verdicts.warned[Reason(code=NOT_IN_TARGET)] += count


async def _absent(connection: asyncpg.Connection, statements: Statements, keys: Sequence[bytes]) -> list[int]:
    """Places, from 0, of the keys that are not in the target."""
    if not keys:
        return []
    rows = await connection.fetch(statements.absent_keys, [str(UUID(bytes=key)) for key in keys])
    return [row["place"] - 1 for row in rows]
