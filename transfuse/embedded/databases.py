"""The legacy and the target database of a workspace on the embedded server, and who may use them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import asyncpg
import msgspec

from shared.core.errors import EmbeddedPostgresFailed
from shared.ledger.init import service_roles
from shared.postgres.identifiers import Identifier
from transfuse.embedded.postgres import EmbeddedPostgres
from transfuse.embedded.postgres_files import IN_USE
from transfuse.workspace import DATABASES, EMBEDDED, Workspace

LEGACY = "legacy"
TARGET = "target"


class EmbeddedDatabases(msgspec.Struct, frozen=True, kw_only=True):
    """URLs of the server's superuser: secrets, never to be logged."""

    legacy: str
    target: str

    def environment(self) -> dict[str, str]:
        """The settings that `install` reads; bus and Redis are in the process, whatever else is set."""
        databases = {"LEGACY_DATABASE_URL": self.legacy, "TARGET_DATABASE_URL": self.target}
        return {**databases, EMBEDDED: "yes", "RABBITMQ_URL": "", "REDIS_URL": "memory://transfuse"}


@asynccontextmanager
async def embedded_databases(workspace: Workspace, *, anew: bool = False) -> AsyncIterator[EmbeddedDatabases]:
    """The server with both databases (`anew`: empty), stopped at the end. Raises EmbeddedPostgresFailed."""
    workspace.embedded.mkdir(parents=True, exist_ok=True)
    async with EmbeddedPostgres(workspace.embedded) as server:
        for name in (LEGACY, TARGET):
            await create_database(server.url(), name, anew=anew)
        workspace.move(server.port)
        yield EmbeddedDatabases(legacy=server.url(LEGACY), target=server.url(TARGET))


@asynccontextmanager
async def databases_running(workspace: Workspace, process: Mapping[str, str]) -> AsyncIterator[None]:
    """Keep the workspace's embedded server running for a command that needs its databases.

    Does nothing where the databases are elsewhere, or where another process of this workspace runs the server already.
    """
    if not workspace.is_embedded or any(process.get(name) for name in DATABASES):
        yield
        return
    started = embedded_databases(workspace)
    try:
        await started.__aenter__()
    except EmbeddedPostgresFailed as error:
        if error.code != IN_USE:
            raise
        yield
        return
    try:
        yield
    finally:
        await started.__aexit__(None, None, None)


async def admit_later_tables(target: str) -> None:
    """Let the loader write to tables of `public` that are made after `install`, by the superuser whose URL it is."""
    loader = next(role.group for role in service_roles() if role.service == "loader")
    grant = "alter default privileges in schema public grant"
    connection = await asyncpg.connect(target)
    try:
        await connection.execute(f"{grant} select, insert, update on tables to {Identifier(loader)}")
        await connection.execute(f"{grant} usage, select, update on sequences to {Identifier(loader)}")
    finally:
        await connection.close()


async def create_database(server_url: str, name: str, *, anew: bool = False) -> None:
    """Make an empty UTF8 database; one that is there stays, or is dropped first with `anew`."""
    connection = await asyncpg.connect(server_url)
    try:
        if anew:
            await connection.execute(f"drop database if exists {Identifier(name)} with (force)")
        if not await connection.fetchval("select true from pg_database where datname = $1", name):
            await connection.execute(f"create database {Identifier(name)} template template0 encoding 'utf8'")
    finally:
        await connection.close()
