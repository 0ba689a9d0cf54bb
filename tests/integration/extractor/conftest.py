"""Roles and addresses of throw-away legacy databases."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from urllib.parse import unquote, urlsplit

import asyncpg
import pytest

from services.extractor.snapshot import SnapshotHolder
from shared.core.states import Encoding
from shared.plan.compiled import (
    CompiledMapping,
    Cut,
    KeyPart,
    LoadProgram,
    SourceColumn,
    SourceProgram,
    TransformProgram,
)
from shared.postgres.identifiers import TableName
from shared.postgres.pools import Pool, Session, open_pool
from shared.settings import PostgresAddress, Secret
from tests.conftest import with_database
from tests.ledgers.ledger import Ledger, made_database, opened_ledger

RoleFactory = Callable[[str], Awaitable[str]]


def address_of(url: str, *, user: str | None = None, password: str | None = None) -> PostgresAddress:
    """A PostgreSQL URL as settings read it, for another role if one is named."""
    parts = urlsplit(url)
    known = unquote(parts.password) if parts.password else None
    text = password if user else known
    return PostgresAddress(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 5432,
        database=parts.path.removeprefix("/"),
        user=user or unquote(parts.username or "postgres"),
        password=Secret(text) if text else None,
    )


@pytest.fixture
async def new_role(postgres_server: str) -> AsyncIterator[RoleFactory]:
    """Make login roles whose password is `reader`; they are dropped after their databases."""
    made: list[str] = []
    server = await asyncpg.connect(postgres_server)

    async def create(prefix: str) -> str:
        name = f"{prefix}_{secrets.token_hex(6)}"
        await server.execute(f"create role \"{name}\" login password 'reader'")
        made.append(name)
        return name

    try:
        yield create
    finally:
        for name in made:
            await server.execute(f'drop role if exists "{name}"')
        await server.close()


EMPTY = """
do $$
declare name text;
begin
    for name in select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' loop
        execute format('drop schema %I cascade', name);
    end loop;
end $$;
create schema public;
grant usage on schema public to public;
"""


@pytest.fixture(scope="session")
def legacy_database(postgres_server: str) -> Iterator[str]:
    """One legacy database for all tests of a session."""
    name = f"legacy_{secrets.token_hex(6)}"

    async def run(statement: str) -> None:
        server = await asyncpg.connect(postgres_server)
        await server.execute(statement)
        await server.close()

    asyncio.run(run(f'create database "{name}" template template0 encoding utf8'))
    yield with_database(postgres_server, name)
    asyncio.run(run(f'drop database "{name}" with (force)'))


@pytest.fixture
async def legacy_url(legacy_database: str) -> str:
    """The legacy database, emptied."""
    connection = await asyncpg.connect(legacy_database)
    await connection.execute(EMPTY)
    await connection.close()
    return legacy_database


@pytest.fixture
async def legacy(legacy_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Its owner, to fill and change it."""
    connection = await asyncpg.connect(legacy_url)
    yield connection
    await connection.close()


@pytest.fixture
async def pool(legacy_url: str) -> AsyncIterator[Pool]:
    """Read-only sessions of the legacy database."""
    async with open_pool(address_of(legacy_url), "legacy", Session(read_only=True), most=4) as made:
        yield made


@pytest.fixture
async def holder(legacy_url: str) -> AsyncIterator[SnapshotHolder]:
    """A holder of snapshots of the legacy database."""
    made = SnapshotHolder(address_of(legacy_url))
    yield made
    made.close()


def mapping_of(  # noqa: PLR0913 - a mapping has that many sides
    from_sql: str,
    key: dict[str, str],
    columns: tuple[str, ...] = (),
    *,
    driving: str = "t",
    cut: Cut = Cut.RANGES,
    unique_proven: bool = False,
    driving_alias: str = "",
    excludes_expected: bool = False,
    cut_key: dict[str, str] | None = None,
    in_seq_order: bool = False,
) -> CompiledMapping:
    """A mapping whose source program is made by hand: `key` gives the SQL and the type of each part."""
    parts = tuple(
        KeyPart(name=f"k{place}", sql=sql, type_name=type_name, duck_type="VARCHAR")
        for place, (sql, type_name) in enumerate(key.items())
    )
    cut_parts = tuple(
        KeyPart(name=f"k{place}", sql=sql, type_name=type_name, duck_type="VARCHAR")
        for place, (sql, type_name) in enumerate((cut_key or {}).items())
    )
    return CompiledMapping(
        name="m",
        key_domain="m",
        wave=0,
        depends_on=(),
        source=SourceProgram(
            driving=TableName(schema="public", name=driving),
            schema="public",
            tables=(TableName(schema="public", name=driving),),
            clause_sql=from_sql,
            from_sql=from_sql,
            key=parts,
            cut_key=cut_parts or parts,
            content_key=cut_key is not None,
            unique_proven=unique_proven,
            driving_alias=driving_alias,
            columns=tuple(
                SourceColumn(name=f"c{n}", alias="t", column=sql, sql=sql, type_name="text", duck_type="VARCHAR")
                for n, sql in enumerate(columns)
            ),
            cut=cut,
            excludes_expected=excludes_expected,
            read_columns={},
        ),
        transform=TransformProgram(setup=(), statement="", hashed=(), target_columns=(), encoding=Encoding.BINARY),
        load=LoadProgram(
            table=TableName(schema="public", name="t"),
            columns=(),
            column_types=(),
            key_column="id",
            primary_key=("id",),
            in_seq_order=in_seq_order,
        ),
    )


@pytest.fixture(scope="session")
def ledger_database(postgres_server: str) -> Iterator[PostgresAddress]:
    """A database with a ledger."""
    with asyncio.Runner() as runner:
        making = made_database(postgres_server)
        yield runner.run(making.__aenter__())
        runner.run(making.__aexit__(None, None, None))


@pytest.fixture
async def ledger(ledger_database: PostgresAddress) -> AsyncIterator[Ledger]:
    """An empty ledger."""
    async with opened_ledger(ledger_database) as opened:
        yield opened
