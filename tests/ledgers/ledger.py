"""A real ledger in a database of its own, and what the other services would write into it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import msgspec

from shared.core.counts import Counts
from shared.core.ids import BatchRef
from shared.ledger.dispatch import Dispatch, DispatchOptions, Turn
from shared.ledger.migrate import migrate
from shared.ledger.progress import Progress
from shared.ledger.runs import NewRun, Runs
from shared.ledger.settling import Claim, Manifest, Settlement, claim_batch, settle_batch
from shared.messages import ExtractBatch
from shared.postgres.pools import Pool, Session, open_pool
from shared.settings.addresses import PostgresAddress
from shared.settings.secret import Secret

ROWS = 10


class PlannedMapping(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping as planning would write it: so many batches of ROWS rows."""

    name: str
    batches: int = 1
    depends_on: tuple[str, ...] = ()
    in_seq_order: bool = False
    cut_complete: bool = True
    pass_number: int = 1
    table: str = ""
    triggers_off: tuple[str, ...] = ()


class Ledger:
    """One ledger. `connection` may do everything; `pool` is what the code under test is given."""

    def __init__(self, address: PostgresAddress, pool: Pool, connection: asyncpg.Connection) -> None:
        self.address = address
        self.pool = pool
        self.connection = connection
        self.runs = Runs(pool)
        self.progress = Progress(pool)

    async def start(self, migration: str = "clinic", *, priority: int = 5) -> UUID:
        """A pending run of a migration, which is registered if it is new."""
        await self.runs.register_plan(name=migration, hash=f"hash of {migration}", files={"plan.yaml": "transfuse: 1"})
        await self.runs.register_migration(migration, plan_name=migration)
        return await self.runs.create(
            NewRun(
                migration=migration,
                plan_hash=f"hash of {migration}",
                actor="tester",
                transfuse_version=version("transfuse"),
                priority=priority,
            )
        )

    async def plan(self, run: UUID, *mappings: PlannedMapping) -> None:
        """What the extractor writes when it has planned a run."""
        async with self.connection.transaction():
            for position, mapping in enumerate(mappings):
                await self._plan_mapping(run, position, mapping)
            await self.connection.execute(
                """update transfuse.run
                      set state = 'running', snapshot = 'a snapshot', snapshot_holder = 'x', compiled = 'x',
                          snapshot_count = snapshot_count + 1
                    where id = $1""",
                run,
            )

    async def _plan_mapping(self, run: UUID, position: int, mapping: PlannedMapping) -> None:
        rows = mapping.batches * ROWS
        await self.connection.execute(
            """insert into transfuse.run_mapping
                   (run_id, mapping, pass, position, depends_on, in_seq_order, cut_complete, driving_rows,
                    from_rows, target_schema, target_table, triggers_off)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $8, 'public', $9, $10)""",
            *(run, mapping.name, mapping.pass_number, position, mapping.depends_on, mapping.in_seq_order),
            *(mapping.cut_complete, rows, mapping.table, mapping.triggers_off),
        )
        await self.connection.execute(
            """insert into transfuse.batch (run_id, mapping, pass, seq)
               select $1, $2, $3, generate_series(1, $4)""",
            *(run, mapping.name, mapping.pass_number, mapping.batches),
        )

    async def running(self, *mappings: PlannedMapping, migration: str = "clinic", priority: int = 5) -> UUID:
        """A run that is planned and running."""
        run = await self.start(migration, priority=priority)
        await self.plan(run, *mappings)
        return run

    def dispatch(self, **options: float) -> Dispatch:
        """A dispatcher's core."""
        return Dispatch(self.pool, msgspec.convert(options, DispatchOptions))

    async def settle(self, ref: BatchRef, *, rows: int = ROWS, quarantined: int = 0) -> Claim:
        """What the loader does with a batch of so many rows, in one transaction."""
        counts = Counts(read=rows, loaded=rows - quarantined, quarantined=quarantined)
        async with self.pool.acquire() as connection, connection.transaction():
            claim = await claim_batch(connection, ref)
            if claim is Claim.CLAIMED:
                nothing = Manifest(written=b"", unchanged=b"", filtered=b"", quarantined=b"")
                settlement = Settlement(batch=ref, counts=Counts(), warned=(), manifest=nothing, quarantined=())
                await settle_batch(connection, settlement)
                await self._count(connection, ref, counts)
            return claim

    @staticmethod
    async def _count(connection: asyncpg.Connection, ref: BatchRef, counts: Counts) -> None:
        """Counts of rows that were never made."""
        await connection.execute(
            """update transfuse.batch set read_count = $5, loaded = $6, quarantined = $7
                where run_id = $1 and mapping = $2 and pass = $3 and seq = $4""",
            *(ref.run, ref.mapping, ref.pass_number, ref.seq),
            *(counts.read, counts.loaded, counts.quarantined),
        )

    async def state(self, run: UUID) -> str:
        """The run's state."""
        found: str = await self.connection.fetchval("select state from transfuse.run where id = $1", run)
        return found

    async def mapping_states(self, run: UUID) -> dict[str, str]:
        """States of a run's mappings, by name."""
        rows = await self.connection.fetch("select mapping, state from transfuse.run_mapping where run_id = $1", run)
        return {row["mapping"]: row["state"] for row in rows}

    async def batch_states(self, run: UUID) -> dict[tuple[str, int], str]:
        """States of a run's batches, by mapping and seq."""
        rows = await self.connection.fetch("select mapping, seq, state from transfuse.batch where run_id = $1", run)
        return {(row["mapping"], row["seq"]): row["state"] for row in rows}


def batches(turn: Turn) -> list[BatchRef]:
    """The batches that a turn issues."""
    return [command.batch for command in turn.commands if isinstance(command, ExtractBatch)]


def address_of(url: str) -> PostgresAddress:
    """A test server's address."""
    parts = urlsplit(url)
    return PostgresAddress(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 5432,
        database=parts.path[1:],
        user=parts.username or "postgres",
        password=None if parts.password is None else Secret(parts.password),
    )


@asynccontextmanager
async def made_database(server_url: str) -> AsyncIterator[PostgresAddress]:
    """A new database with an empty ledger, dropped at the end."""
    name = f"ledger_{secrets.token_hex(6)}"
    server = await asyncpg.connect(server_url)
    try:
        await server.execute(f'create database "{name}" template template0 encoding utf8')
        address = msgspec.structs.replace(address_of(server_url), database=name)
        connection = await asyncpg.connect(address.url.reveal())
        await migrate(connection)
        await connection.close()
        yield address
    finally:
        await server.execute(f'drop database if exists "{name}" with (force)')
        await server.close()


@asynccontextmanager
async def opened_ledger(address: PostgresAddress) -> AsyncIterator[Ledger]:
    """The ledger of that database, emptied, and an empty schema `public`."""
    connection = await asyncpg.connect(address.url.reveal())
    try:
        await connection.execute(
            """truncate transfuse.plan, transfuse.migration, transfuse.run, transfuse.suspended_trigger cascade;
               truncate transfuse.target_schema, transfuse.service_role;
               drop schema public cascade; create schema public"""
        )
        async with open_pool(address, "ledger", Session(lock_seconds=20), most=24) as pool:
            yield Ledger(address, pool, connection)
    finally:
        connection.terminate()


@asynccontextmanager
async def ledger_on(url: str) -> AsyncIterator[Ledger]:
    """The ledger of a database as it is, beside whoever else works on it."""
    address = address_of(url)
    connection = await asyncpg.connect(url)
    try:
        async with open_pool(address, "ledger", Session(lock_seconds=20), most=4) as pool:
            yield Ledger(address, pool, connection)
    finally:
        connection.terminate()
