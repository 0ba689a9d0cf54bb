"""Databases of one test session: filled once, shared by its workers or copied, and swept away at its end."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import asyncpg
import msgspec

from shared.settings.addresses import PostgresAddress, postgres_url
from shared.settings.environ import Environ
from shared.settings.secret import Secret

SESSION = os.environ.setdefault("TRANSFUSE_TEST_SESSION", secrets.token_hex(4))
"""Workers of one session inherit it from the process that starts them."""

PREFIX = f"tf_{SESSION}_"
READER = f"{PREFIX}reader"
READER_PASSWORD = "reader"
FILLED = "filled"

Fill = Callable[[str], Awaitable[None]]


def address_of(url: str, *, database: str | None = None, user: str | None = None) -> PostgresAddress:
    """A URL as settings read it, for another database of the server or for the reader where they are named."""
    address = postgres_url(url, Environ({}))
    if database is not None:
        address = msgspec.structs.replace(address, database=database)
    if user is not None:
        address = msgspec.structs.replace(address, user=user, password=Secret(READER_PASSWORD))
    return address


def url_of(url: str, *, database: str | None = None, user: str | None = None) -> str:
    """The same as a URL."""
    return address_of(url, database=database, user=user).url.reveal()


def with_place(url: str, host: str, port: int) -> str:
    """The same database and role, reached by another way."""
    return msgspec.structs.replace(postgres_url(url, Environ({})), host=host, port=port).url.reveal()


async def filled(server: str, name: str, fill: Fill) -> str:
    """URL of the database `name`, made and filled by the first who asks; the others wait for it."""
    connection = await asyncpg.connect(server)
    try:
        await connection.execute("select pg_advisory_lock(hashtext($1))", name)
        url = url_of(server, database=name)
        state = await connection.fetchval(
            "select coalesce(shobj_description(oid, 'pg_database'), '') from pg_database where datname = $1", name
        )
        if state != FILLED:
            await connection.execute(f'drop database if exists "{name}" with (force)')
            await connection.execute(f'create database "{name}" template template0 encoding utf8')
            await fill(url)
            await connection.execute(f"comment on database \"{name}\" is '{FILLED}'")
        return url
    finally:
        await connection.close()


@asynccontextmanager
async def copied(server: str, template: str | None = None) -> AsyncIterator[str]:
    """URL of a new database, empty or a copy of the session's database `template`; dropped at the end."""
    name = f"{PREFIX}{secrets.token_hex(5)}"
    connection = await asyncpg.connect(server)
    try:
        if template is not None:
            await connection.execute("select pg_advisory_lock(hashtext($1))", template)
        source = "template0 encoding utf8" if template is None else f'"{template}"'
        await connection.execute(f'create database "{name}" template {source}')
        await connection.execute("select pg_advisory_unlock_all()")
        try:
            yield url_of(server, database=name)
        finally:
            await connection.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await connection.close()


async def allow_reading(url: str, *tables: str) -> str:
    """Let the session's reader select from tables (`schema.name`), nothing else; the URL it connects with."""
    connection = await asyncpg.connect(url)
    try:
        with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            await connection.execute(f"create role \"{READER}\" login password '{READER_PASSWORD}'")
        async with connection.transaction():
            # Two workers that grant on one table at once meet in the server's catalogue, which refuses the second.
            await connection.execute("select pg_advisory_xact_lock(hashtext('allow_reading'))")
            for schema in {table.split(".")[0] for table in tables}:
                await connection.execute(f'grant usage on schema "{schema}" to "{READER}"')
            for table in tables:
                await connection.execute(f'grant select on {table} to "{READER}"')
    finally:
        await connection.close()
    return url_of(url, user=READER)


async def sweep(server: str) -> None:
    """Drop every database and role that this session made and has left behind."""
    connection = await asyncpg.connect(server)
    try:
        like = PREFIX.replace("_", "\\_") + "%"
        for row in await connection.fetch("select datname from pg_database where datname like $1", like):
            await connection.execute(f'drop database if exists "{row["datname"]}" with (force)')
        for row in await connection.fetch("select rolname from pg_roles where rolname like $1", like):
            await connection.execute(f'drop role if exists "{row["rolname"]}"')
    finally:
        await connection.close()
