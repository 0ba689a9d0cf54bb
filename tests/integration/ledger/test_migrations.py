"""Numbered migrations of the ledger."""

from __future__ import annotations

import asyncio

import asyncpg
import msgspec
import pytest

from shared.core.errors import Refused
from shared.ledger.migrate import Migration, known_migrations, migrate
from tests.conftest import DatabaseFactory


async def test_migrations_are_applied_once_by_many_at_once(new_database: DatabaseFactory) -> None:
    url = await new_database("migrations")
    connections = [await asyncpg.connect(url) for _ in range(4)]
    applied = await asyncio.gather(*(migrate(connection) for connection in connections))
    expected = tuple(migration.name for migration in known_migrations())
    assert sorted(applied, key=len) == [(), (), (), expected]
    assert await migrate(connections[0]) == ()
    noted = await connections[0].fetch("select number, name, checksum from transfuse.schema_migration order by number")
    assert [(row["number"], row["name"], row["checksum"]) for row in noted] == [
        (migration.number, migration.name, migration.checksum) for migration in known_migrations()
    ]
    for connection in connections:
        await connection.close()


async def test_a_ledger_of_another_version_is_refused(new_database: DatabaseFactory) -> None:
    connection = await asyncpg.connect(await new_database("migrations"))
    known = known_migrations()
    await migrate(connection)
    newest = known[-1].number

    async def refusal(migrations: tuple[Migration, ...]) -> str:
        with pytest.raises(Refused) as refused:
            await migrate(connection, migrations)
        return refused.value.code

    assert await refusal(known[:-1]) == "ledger_ahead"
    changed = msgspec.structs.replace(known[0], sql=known[0].sql + " ")
    assert await refusal((changed, *known[1:])) == "ledger_differs"
    later = Migration(number=newest + 2, name="later", sql="select 1")
    assert await migrate(connection, (*known, later)) == ("later",)
    between = Migration(number=newest + 1, name="between", sql="select 1")
    assert await refusal((*known, between, later)) == "ledger_differs"
    await connection.close()


async def test_a_migration_that_fails_leaves_nothing(new_database: DatabaseFactory) -> None:
    connection = await asyncpg.connect(await new_database("migrations"))
    broken = Migration(number=9999, name="broken", sql="create table transfuse.half (); select 1 / 0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(connection, (*known_migrations(), broken))
    assert await connection.fetchval("select to_regclass('transfuse.schema_migration') is null")
    await connection.close()
