"""Migrations in a gateway's ledger, and what is asked of them over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg

from tests.harness.api import Api

Answered = tuple[int, dict[str, Any]]


@asynccontextmanager
async def owner(api: Api) -> AsyncIterator[asyncpg.Connection]:
    """The ledger under its owner's eyes."""
    connection = await asyncpg.connect(api.ledger)
    try:
        yield connection
    finally:
        await connection.close()


async def plan_in(api: Api, name: str = "clinic", *, versions: int = 1) -> None:
    """Versions of a plan, as if they had been uploaded; their hashes are `clinic 1`, `clinic 2` and so on."""
    async with owner(api) as connection:
        for version in range(1, versions + 1):
            await connection.execute(
                'insert into transfuse.plan (hash, name, version, files) values ($1, $2, $3, \'{"plan.yml": "x"}\')',
                f"{name} {version}",
                name,
                version,
            )


async def asked(client: aiohttp.ClientSession, method: str, path: str, **more: Any) -> Answered:  # noqa: ANN401 - as aiohttp has it
    """Status and JSON of one request; an empty document where there is no body."""
    async with client.request(method, path, **more) as response:
        return response.status, await response.json() if response.status != 204 else {}


async def registered(client: aiohttp.ClientSession, name: str = "clinic", plan: str = "clinic") -> UUID:
    """A new migration."""
    status, document = await asked(client, "POST", "/api/migrations", json={"name": name, "plan": plan})
    assert status == 201, document
    return UUID(document["id"])


async def start(client: aiohttp.ClientSession, migration: UUID, *, key: str = "", **options: Any) -> Answered:  # noqa: ANN401 - any option
    """Ask for a run."""
    headers = {"Idempotency-Key": key} if key else {}
    body = {"migrationId": str(migration), "options": options}
    return await asked(client, "POST", "/api/migrations/start", json=body, headers=headers)


async def ended(api: Api, migration: UUID, state: str, *, kind: str = "migrate", age_seconds: int = 0) -> UUID:
    """A run that ended in some state so long ago, without anything having worked on it."""
    async with owner(api) as connection, connection.transaction():
        found: UUID = await connection.fetchval(
            """insert into transfuse.run (id, migration_id, kind, mode, state, actor, plan_hash, transfuse_version,
                                          created_at, finished_at)
               select gen_random_uuid(), m.id, $2, 'insert', $3, 'tester', p.hash, '0',
                      now() - make_interval(secs => $4), now()
                 from transfuse.migration m join transfuse.plan p on p.name = m.plan_name
                where m.id = $1 order by p.version desc limit 1
               returning id""",
            *(migration, kind, state, age_seconds),
        )
    return found


async def quarantined(api: Api, run: UUID, rows: int) -> None:
    """So many refused rows of a run."""
    async with owner(api) as connection, connection.transaction():
        await connection.execute(
            "insert into transfuse.run_mapping (run_id, mapping, position) values ($1, 'people', 0)", run
        )
        await connection.execute("insert into transfuse.batch (run_id, mapping, seq) values ($1, 'people', 1)", run)
        await connection.execute(
            """insert into transfuse.quarantine
                   (id, run_id, mapping, pass, seq, generation, stage, reasons, sealed_key, sealed_row)
               select gen_random_uuid(), $1, 'people', 1, 1, 1, 'load', '[]', '', '' from generate_series(1, $2)""",
            *(run, rows),
        )
