"""The gateway's loop of retention, with the rights that the gateway has."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import msgspec
import pytest

from services.gateway.retention import Cleaner
from shared.core.errors import RunError, WorldError
from shared.ledger.init import initialise, uninstall
from shared.ledger.retention import Retention, RunDetails
from shared.postgres.pools import Pool, Session, open_pool
from tests.harness.databases import PREFIX, address_of, copied
from tests.harness.installation import end_sessions
from tests.ledgers.history import ELEVEN_RUNS


@pytest.fixture
async def database(postgres_server: str) -> AsyncIterator[str]:
    """URL of a ledger's owner; the ledger has one run beyond retention."""
    async with copied(postgres_server) as made:
        yield made
        await end_sessions(made)
        await uninstall(address_of(made))


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    """The ledger under the gateway's role."""
    prefix = f"{PREFIX}{secrets.token_hex(4)}"
    passwords = await initialise(address_of(database), role_prefix=prefix)
    owner = await asyncpg.connect(database)
    await owner.execute(ELEVEN_RUNS)
    await owner.close()
    login = msgspec.structs.replace(address_of(database), user=f"{prefix}_gateway", password=passwords["gateway"])
    async with open_pool(login, "ledger", Session()) as made:
        yield made


async def eldest(pool: Pool) -> UUID:
    async with pool.acquire() as connection:
        found: UUID = await connection.fetchval(
            "select id from transfuse.run where kind = 'migrate' order by created_at limit 1"
        )
        return found


async def test_the_gateways_role_cleans_by_the_ledgers_functions_and_may_delete_nothing_itself(pool: Pool) -> None:
    old = await eldest(pool)
    (removed,) = await Retention(pool).clean(actor="tester", transfuse_version="0")
    assert (removed.run, removed.details.batches) == (old, 2500)
    async with pool.acquire() as connection:
        for table in ("batch", "manifest", "quarantine", "run_event", "run_key", "body"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"delete from transfuse.{table}")  # noqa: S608 - names of this test
        total = await connection.fetchrow("select settled, loaded from transfuse.batch_total where run_id = $1", old)
    assert tuple(total) == (2500, 25_000)


async def test_two_passes_at_once_remove_everything_once(pool: Pool) -> None:
    passes = await asyncio.gather(
        *(Retention(pool).clean(actor="tester", transfuse_version="0") for _ in range(3)),
    )
    assert sum(item.details.batches for removed in passes for item in removed) == 2500
    async with pool.acquire() as connection:
        assert await connection.fetchval("select count(*) from transfuse.run where kind = 'cleanup'") == 1
        assert await connection.fetchval("select settled from transfuse.batch_total") == 2500


async def test_the_loop_makes_a_pass_at_its_start_and_at_every_tick_until_it_is_drained(pool: Pool) -> None:
    ticks: asyncio.Queue[None] = asyncio.Queue()
    waiting = asyncio.Queue[None]()

    async def tick() -> None:
        waiting.put_nowait(None)
        await ticks.get()

    draining = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Cleaner(Retention(pool), tick=tick).run(draining))
        await waiting.get()
        assert await Retention(pool).outlook() == ()
        ticks.put_nowait(None)
        await waiting.get()
        draining.set()


async def test_a_ledger_that_is_away_or_refuses_does_not_end_the_loop(pool: Pool) -> None:
    class Failing(Retention):
        """Fails twice, then works."""

        errors = [WorldError("the ledger is away"), RunError("the ledger refused")]  # noqa: RUF012 - used once

        async def clean(self, *, actor: str, transfuse_version: str) -> tuple[RunDetails, ...]:
            if self.errors:
                raise self.errors.pop(0)
            return await super().clean(actor=actor, transfuse_version=transfuse_version)

    ticked = asyncio.Queue[None]()

    async def tick() -> None:
        ticked.put_nowait(None)

    draining = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Cleaner(Failing(pool), tick=tick).run(draining))
        await ticked.get()
        await ticked.get()
        draining.set()
    assert await Retention(pool).outlook() == ()
