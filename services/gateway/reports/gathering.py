"""Reads whatever a report needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from services.gateway.inspection import Inspection
from services.gateway.reports.beside import Beside
from shared.ledger.met import read_met
from shared.ledger.plan_texts import plan_files
from shared.ledger.verification import Verifications
from shared.postgres.pools import Pool

Inspect = Callable[[Mapping[str, str]], Awaitable[Inspection]]


async def gather(ledger: Pool, run: UUID, plan_hash: str, inspect: Inspect) -> Beside:
    """The plan as it was written, the codes that were met, what a verify found. Raises Refused `unknown_plan`."""
    async with ledger.acquire() as connection:
        files = await plan_files(connection, plan_hash)
        books = await read_met(connection, run)
    found = await inspect(files)
    return Beside(plan=found.plan, books=books, verification=await Verifications(ledger).read(run))
