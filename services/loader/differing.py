"""What a run's own comparison has to say at its end: rows that are not as the plan makes them fail the run."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from shared.core.errors import RunError
from shared.ledger.findings import read_compared

VERIFY_DIFFERENT = "verify_different"


async def different(connection: asyncpg.Connection, run: UUID) -> RunError | None:
    """Why a run that compared its own rows fails; None where they are equal, or it compared none of its own.

    A run of more than one snapshot does not: rows were loaded from one and compared with another, and it owes a
    differential pass anyway.
    """
    compared = await read_compared(connection, run)
    if not compared.own or not compared.different or compared.snapshot_count > 1:
        return None
    return RunError(
        f"The target is not what the plan makes of the source: {compared.different} findings.",
        code=VERIFY_DIFFERENT,
        remedy="Look at them with `transfuse verify`, which repairs them by key with --repair.",
    )
