"""Looks into an installation's ledger, and waits for what is to be seen there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from shared.core.states import FINAL, RunState
from shared.ledger.progress import Progress
from shared.ledger.runs import Runs
from shared.ledger.snapshots import RunSnapshot
from shared.postgres.pools import Pool, Session, open_pool
from tests.harness.databases import address_of
from tests.harness.installation import Installation

LOOK_SECONDS = 0.02
STILL = FINAL | {RunState.PAUSED}


class LedgerView:
    """The ledger under its owner's eyes."""

    def __init__(self, connection: asyncpg.Connection, pool: Pool) -> None:
        self.connection = connection
        self.pool = pool
        self.progress = Progress(pool)
        self.runs = Runs(pool)

    async def youngest(self, *, after: UUID | None = None) -> UUID:
        """The youngest run, once there is one that is not `after`."""

        async def there() -> bool:
            return await self.progress.latest() not in {None, after}

        await until(there)
        found = await self.progress.latest()
        assert found is not None
        return found

    async def middle(self, run: UUID, *, settled: int = 3) -> None:
        """Return when so many batches are settled and at least as many are not; fails when that moment was missed."""

        async def there() -> bool:
            counts = await self.connection.fetchrow(
                """select count(*) filter (where b.state = 'settled') as settled,
                          count(*) filter (where b.state in ('planned', 'dispatched')) as open,
                          (select state from transfuse.run where id = $1) as state
                     from transfuse.batch b where b.run_id = $1""",
                run,
            )
            assert counts["state"] not in STILL, f"the run is {counts['state']} already"
            return bool(counts["settled"] >= settled and counts["open"] >= settled)

        await until(there)

    async def still(self, run: UUID, seconds: float = 100) -> RunSnapshot:
        """The run when it is final or paused."""

        async def there() -> bool:
            return await self.connection.fetchval("select state from transfuse.run where id = $1", run) in STILL

        await until(there, seconds)
        return await self.progress.read(run)

    async def text(self) -> str:
        """Every row of every table of the ledger as text, bytes in hexadecimal."""
        tables = await self.connection.fetch(
            "select relname from pg_class where relnamespace = 'transfuse'::regnamespace and relkind = 'r'"
        )
        lines = []
        for table in tables:
            rows = await self.connection.fetch(f'select t::text as line from transfuse."{table["relname"]}" t')  # noqa: S608 - the ledger's own names
            lines += [row["line"] for row in rows]
        return "\n".join(lines)


@asynccontextmanager
async def ledger_of(installation: Installation) -> AsyncIterator[LedgerView]:
    """The ledger of an installation."""
    connection = await asyncpg.connect(installation.target)
    try:
        async with open_pool(address_of(installation.target), "ledger", Session(), most=2) as pool:
            yield LedgerView(connection, pool)
    finally:
        await connection.close()


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Return as soon as the condition holds; TimeoutError when it does not within `seconds`."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - what is looked at is in another process
            await asyncio.sleep(LOOK_SECONDS)
