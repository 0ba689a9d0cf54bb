"""The claim of a batch, first thing in the transaction that settles it."""

from __future__ import annotations

import asyncpg

from services.loader.transaction import told
from shared.core.errors import WorldError
from shared.core.ids import BatchRef
from shared.ledger.settling import Claim, claim_batch


async def claim(connection: asyncpg.Connection, batch: BatchRef, doing: str) -> Claim:
    """Claim a batch until the end of the transaction; anything but CLAIMED says that there is nothing to do.

    Raises WorldError while the run's state is being changed.
    """
    with told(doing):
        found = await claim_batch(connection, batch)
    if found is Claim.HELD:
        raise WorldError(
            f"The state of the run is being changed; batch {batch.seq} waits.",
            code="run_locked",
            remedy="Nothing to do: the batch is taken up again at once.",
        )
    return found
