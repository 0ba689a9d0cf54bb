"""A target with an empty ledger for each test, in one database for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from shared.postgres.pools import Session, open_pool
from shared.settings.addresses import PostgresAddress
from tests.ledgers.ledger import Ledger, made_database
from tests.loading.target import Target

# Deleting is much quicker than TRUNCATE, which writes and syncs new files. What belongs to runs, in any order.
EMPTY = """
do $$
declare
    emptied regclass;
    copied name;
begin
    set local session_replication_role = replica;
    for emptied in
        select c.oid from pg_class c
         where c.relnamespace = 'transfuse'::regnamespace and c.relkind = 'r'
           and (c.relname in ('run', 'migration', 'plan', 'target_schema')
                or exists (select from pg_attribute a
                            where a.attrelid = c.oid and a.attname in ('run_id', 'migration_id')))
    loop
        execute 'delete from ' || emptied;
    end loop;
    for copied in select nspname from pg_namespace where nspname ~ '^transfuse_check_' loop
        execute format('drop schema %I cascade', copied);
    end loop;
end $$
"""


@pytest.fixture(scope="session")
def target_database(postgres_server: str) -> Iterator[PostgresAddress]:
    """A database with a ledger, which need not survive a crash."""
    with asyncio.Runner() as runner:
        making = made_database(postgres_server)
        address = runner.run(making.__aenter__())
        runner.run(_relax(postgres_server, address.database))
        yield address
        runner.run(making.__aexit__(None, None, None))


async def _relax(server_url: str, database: str) -> None:
    server = await asyncpg.connect(server_url)
    await server.execute(f'alter database "{database}" set synchronous_commit = off')
    await server.close()


@pytest.fixture
async def target(target_database: PostgresAddress) -> AsyncIterator[Target]:
    """A target without tables and its empty ledger."""
    connection = await asyncpg.connect(target_database.url.reveal())
    try:
        await connection.execute(f"{EMPTY}; drop schema public cascade; create schema public")
        async with open_pool(target_database, "target", Session(lock_seconds=20), most=8) as pool:
            yield Target(Ledger(target_database, pool, connection))
    finally:
        connection.terminate()
