"""Equal rows give equal hashes, whatever the physical order; anything else gives another one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from shared.core.errors import Refused
from shared.postgres.identifiers import TableName
from shared.postgres.table_hash import HashedTable, hash_tables
from tests.conftest import DatabaseFactory

PEOPLE = TableName(schema="public", name="people")
NOTES = TableName(schema="public", name='no"tes')
ROWS = "insert into people select g, 'name ' || g, null, date '2000-01-01' + g, g * 0.1 from generate_series({}) g"


@pytest.fixture
async def database(new_database: DatabaseFactory) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(await new_database("hash"))
    await connection.execute(
        """create table people (id integer primary key, name text, alias text, born date, share float8);
           create table "no""tes" (note text, seen timestamptz default '2020-01-01Z')"""
    )
    await connection.execute(ROWS.format("1, 50"))
    yield connection
    await connection.close()


async def people_hash(connection: asyncpg.Connection, *columns: str) -> str:
    return (await hash_tables(connection, [HashedTable(table=PEOPLE, columns=columns)])).sha256


async def test_the_order_in_which_rows_were_written_does_not_matter(database: asyncpg.Connection) -> None:
    before = await people_hash(database)
    await database.execute("truncate people;" + ROWS.format("50, 1, -1"))
    assert await people_hash(database) == before


async def test_the_settings_of_the_session_do_not_matter(database: asyncpg.Connection) -> None:
    before = await people_hash(database)
    await database.execute("set datestyle = 'German'; set extra_float_digits = 0; set timezone = 'Asia/Tokyo'")
    assert await people_hash(database) == before
    assert await database.fetchval("show datestyle") == "German, DMY"


@pytest.mark.parametrize(
    "change",
    (
        "update people set alias = '' where id = 7",
        "update people set share = share + 1e-15 where id = 7",
        "delete from people where id = 50",
        "update people set id = 51 where id = 50",
        "update people set name = 'name 2,', alias = '' where id = 2",
    ),
)
async def test_every_difference_shows(database: asyncpg.Connection, change: str) -> None:
    before = await people_hash(database)
    await database.execute(change)
    assert await people_hash(database) != before


async def test_columns_that_are_not_mapped_do_not_matter(database: asyncpg.Connection) -> None:
    before = await people_hash(database, "id", "name")
    everything = await people_hash(database)
    await database.execute("update people set alias = 'other'")
    assert await people_hash(database, "name", "id") == before
    assert await people_hash(database) != everything


async def test_a_table_named_twice_is_hashed_over_the_columns_of_both(database: asyncpg.Connection) -> None:
    twice = [HashedTable(table=PEOPLE, columns=(name,)) for name in ("id", "name")]
    found = await hash_tables(database, twice)
    assert [(one.table, one.columns, one.row_count) for one in found.tables] == [(PEOPLE, ("id", "name"), 50)]
    assert found.sha256 == await people_hash(database, "id", "name")
    assert (await hash_tables(database, [*twice, HashedTable(table=PEOPLE)])).tables[0].columns == (
        *("alias", "born", "id", "name", "share"),
    )


async def test_a_table_without_a_key_and_with_any_name_is_hashed(database: asyncpg.Connection) -> None:
    await database.execute("""insert into "no""tes" values ('b'), (null), ('a'), ('a')""")
    before = await hash_tables(database, [HashedTable(table=NOTES)])
    await database.execute("""truncate "no""tes"; insert into "no""tes" values ('a'), ('b'), ('a'), (null)""")
    assert await hash_tables(database, [HashedTable(table=NOTES)]) == before
    assert before.tables[0].row_count == 4


@pytest.mark.parametrize("gone", ("drop table people", "alter table people drop column name"))
async def test_what_is_not_there_is_refused_by_name(database: asyncpg.Connection, gone: str) -> None:
    await database.execute(gone)
    with pytest.raises(Refused, match=r"public\.people"):
        await people_hash(database, "name")
    assert not database.is_in_transaction()
