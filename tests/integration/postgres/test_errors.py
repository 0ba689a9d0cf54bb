"""The table of SQLSTATEs, each line provoked on a real server where that is possible."""

from __future__ import annotations

import asyncio
import io
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import asyncpg
import pytest

from shared.core.errors import RunError, WorldError
from shared.postgres.errors import DRIVER_ERRORS, FAULTS, Fault, classify, fault_of, translate
from tests.conftest import with_database

TABLES = """
create table numbers (id integer primary key, small smallint not null check (small < 100), at tsrange,
                      exclude using gist (at with &&), label varchar(3));
create table children (parent integer references numbers (id));
create view few as select * from numbers where id < 10 with check option;
create function raising() returns trigger language plpgsql as $$
declare found_id integer;
begin
    case new.label
        when 'a' then raise exception 'value %', new.label;
        when 'b' then raise exception using errcode = 'PT409';
        when 'c' then select 1 into strict found_id from numbers where false;
        when 'd' then select g into strict found_id from generate_series(1, 2) g;
        when 'e' then assert false;
        when 'f' then new.small := (select g from generate_series(1, 2) g);
        else null;
    end case;
    return new;
end $$;
create trigger raising before insert on numbers for each row execute function raising();
"""


@pytest.fixture(scope="module")
def url(postgres_server: str) -> Iterator[str]:
    """A database with the tables above."""
    name = f"faults_{secrets.token_hex(6)}"

    async def run(url: str, statement: str) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run(postgres_server, f'create database "{name}" template template0 encoding utf8'))
    asyncio.run(run(with_database(postgres_server, name), TABLES))
    yield with_database(postgres_server, name)
    asyncio.run(run(postgres_server, f'drop database "{name}" with (force)'))


@pytest.fixture
async def database(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection; tables are empty, since what refuses a statement undoes all that came with it."""
    connection = await asyncpg.connect(url)
    await connection.execute("truncate numbers cascade")
    yield connection
    connection.terminate()


async def refusal(doing: Awaitable[object]) -> asyncpg.PostgresError:
    with pytest.raises(asyncpg.PostgresError) as told:
        await doing
    return told.value


ROW_STATEMENTS = {
    "22003": "insert into numbers values (1, 40000)",
    "22P02": "insert into numbers (id) values ('x')",
    "22001": "insert into numbers values (1, 1, null, 'long')",
    "22012": "insert into numbers values (1, 1 / (select 0))",
    "22008": "select timestamp '294276-12-31' + interval '1 year'",
    "22007": "select 'x'::date",
    "22021": "select convert_from('\\xff'::bytea, 'UTF8')",
    "22P05": 'select (\'{"a":"\\u0000"}\'::jsonb)',
    "23502": "insert into numbers (id) values (1)",
    "23503": "insert into children values (5)",
    "23505": "insert into numbers values (1, 1); insert into numbers values (1, 1)",
    "23514": "insert into numbers values (1, 100)",
    "23P01": "insert into numbers values (1, 1, '[2020-01-01,2021-01-01)'), (2, 1, '[2020-05-01,2022-01-01)')",
    "44000": "insert into few values (11, 1)",
    "54000": "create table wide (t text primary key); insert into wide select string_agg(md5(g::text), '') "
    "from generate_series(1, 2000) g",
    "54001": "select repeat('[', 100000)::jsonb",
    "P0001": "insert into numbers values (1, 1, null, 'a')",
    "PT409": "insert into numbers values (1, 1, null, 'b')",
    "P0002": "insert into numbers values (1, 1, null, 'c')",
    "P0003": "insert into numbers values (1, 1, null, 'd')",
    "P0004": "insert into numbers values (1, 1, null, 'e')",
}


@pytest.mark.parametrize("sqlstate", ROW_STATEMENTS)
async def test_a_row_is_to_blame(database: asyncpg.Connection, sqlstate: str) -> None:
    error = await refusal(database.execute(ROW_STATEMENTS[sqlstate]))
    assert (error.sqlstate, fault_of(error, in_copy=True)) == (sqlstate, Fault.ROW)


HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
BUG_COPIES = {
    # A field of 3 bytes for an integer; a stream that is none; a row that ends in the middle.
    "22P03": HEADER + b"\0\1" + b"\0\0\0\5" + b"abcde",
    "22P04": b"not a copy stream at all",
    "08P01": HEADER + b"\0\1" + b"\0\0\0\2" + b"ab" + b"\xff\xff",
}


@pytest.mark.parametrize("sqlstate", BUG_COPIES)
async def test_bytes_of_ours_are_to_blame(database: asyncpg.Connection, sqlstate: str) -> None:
    source = io.BytesIO(BUG_COPIES[sqlstate])
    error = await refusal(database.copy_to_table("children", source=source, format="binary"))
    assert (error.sqlstate, fault_of(error, in_copy=True)) == (sqlstate, Fault.OUR_BUG)


BUG_STATEMENTS = {
    "21000": "insert into numbers values (1, 1, null, 'f')",
    "42P01": "select * from nowhere",
    "42703": "select nothing from numbers",
    "42601": "selct",
    "42501": "set role pg_monitor; insert into numbers values (1, 1)",
    "0A000": "create table a (b integer, check ((select true)))",
    "3D000": "set local role none; alter database no_such_database set work_mem = '1MB'",
    "55000": "create view grouped as select count(*) from numbers; insert into grouped values (1)",
}


@pytest.mark.parametrize("sqlstate", BUG_STATEMENTS)
async def test_a_statement_of_ours_or_the_target_is_to_blame(database: asyncpg.Connection, sqlstate: str) -> None:
    error = await refusal(database.execute(BUG_STATEMENTS[sqlstate]))
    assert (error.sqlstate, fault_of(error, in_copy=True)) == (sqlstate, Fault.OUR_BUG)


async def until(connection: asyncpg.Connection, statement: str, pid: int) -> None:
    while not await connection.fetchval(statement, pid):
        continue


async def read_only(first: asyncpg.Connection, second: asyncpg.Connection) -> None:
    await first.execute("begin read only; insert into children values (null)")


async def deadlock(first: asyncpg.Connection, second: asyncpg.Connection) -> None:
    await first.execute("insert into numbers values (1, 1), (2, 1)")
    await first.execute("begin; update numbers set small = 2 where id = 1")
    await second.execute("begin; set deadlock_timeout = '20ms'; update numbers set small = 2 where id = 2")
    await asyncio.gather(
        first.execute("set deadlock_timeout = '20ms'; update numbers set small = 3 where id = 2"),
        second.execute("update numbers set small = 3 where id = 1"),
    )


async def serialisation(first: asyncpg.Connection, second: asyncpg.Connection) -> None:
    await first.execute("insert into numbers values (1, 1)")
    await first.execute("begin isolation level repeatable read")
    await first.execute("table numbers")
    await second.execute("update numbers set small = 2")
    await first.execute("update numbers set small = 3")


async def lock_timeout(first: asyncpg.Connection, second: asyncpg.Connection) -> None:
    await first.execute("begin; lock table numbers")
    await second.execute("set lock_timeout = '20ms'; table numbers")


async def statement_timeout(first: asyncpg.Connection, second: asyncpg.Connection) -> None:
    await first.execute("set statement_timeout = '20ms'; select pg_sleep(10)")


async def terminated(first: asyncpg.Connection, second: asyncpg.Connection) -> None:
    pid = first.get_server_pid()
    doing = asyncio.create_task(first.execute("select pg_sleep(10)"))
    await until(second, "select wait_event = 'PgSleep' from pg_stat_activity where pid = $1", pid)
    await second.execute("select pg_terminate_backend($1)", pid)
    await doing


async def idle_in_transaction(first: asyncpg.Connection, second: asyncpg.Connection) -> None:
    pid = first.get_server_pid()
    await first.execute("begin; set local idle_in_transaction_session_timeout = '10ms'")
    await until(second, "select not exists (select from pg_stat_activity where pid = $1)", pid)
    await first.execute("select 1")


async def disk_full(first: asyncpg.Connection, second: asyncpg.Connection) -> None:
    await first.execute("set temp_file_limit = '64kB'; set work_mem = '64kB'")
    await first.execute("select md5(g::text) from generate_series(1, 100000) g order by 1")


async def no_file(first: asyncpg.Connection, second: asyncpg.Connection) -> None:
    await first.execute("copy numbers from '/nonexistent/file'")


WORLD: dict[str, Callable[[asyncpg.Connection, asyncpg.Connection], Awaitable[None]]] = {
    "25006": read_only,
    "40P01": deadlock,
    "40001": serialisation,
    "53400": disk_full,
    "55P03": lock_timeout,
    "57014": statement_timeout,
    "57P01": terminated,
    "25P03": idle_in_transaction,
    "58P01": no_file,
}


CUT = {"57P01": "08003", "25P03": None}
"""What the driver makes of a connection that is gone before it could read why."""


@pytest.mark.parametrize("sqlstate", WORLD)
async def test_the_world_is_to_blame(database: asyncpg.Connection, url: str, sqlstate: str) -> None:
    other = await asyncpg.connect(url)
    try:
        with pytest.raises(DRIVER_ERRORS) as told:
            await WORLD[sqlstate](database, other)
        assert fault_of(told.value, in_copy=True) is Fault.WORLD
        assert getattr(told.value, "sqlstate", None) in {sqlstate, CUT.get(sqlstate)}
    finally:
        other.terminate()


@pytest.mark.parametrize(
    ("sqlstate", "fault"),
    (
        ("08006", "world"),
        ("08P01", "world"),
        ("53300", "world"),
        ("53100", "world"),
        ("58030", "world"),
        ("72000", "world"),
        ("25P04", "world"),
    ),
)
def test_what_only_a_broken_disk_network_or_a_newer_server_says(sqlstate: str, fault: str) -> None:
    assert classify(sqlstate) == fault


@pytest.mark.parametrize("sqlstate", ("XX000", "XX001", "F0000", "2F003", "25001", "54011", "28000"))
def test_what_only_a_bug_of_the_server_or_of_ours_says(sqlstate: str) -> None:
    assert classify(sqlstate) is Fault.OUR_BUG


def test_every_line_of_the_table_is_decided_as_it_says() -> None:
    for entry, fault in FAULTS.items():
        if not any(longer != entry and (entry + "000").startswith(longer) for longer in FAULTS):
            assert classify(entry.ljust(5, "0")) is fault
    assert {classify(state) for state in ("T0000", "PT404", "ZZZZZ")} == {Fault.ROW}


async def test_a_cut_connection_is_the_worlds_and_a_wrong_argument_is_ours(database: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.DataError, match="integer") as wrong:
        await database.fetch("select $1::integer", "text")
    assert fault_of(wrong.value) is Fault.OUR_BUG
    await database.close()
    with pytest.raises(asyncpg.InterfaceError) as cut:
        await database.fetch("select 1")
    assert fault_of(cut.value) is Fault.WORLD


async def test_a_translated_error_tells_the_state_and_never_the_servers_words(database: asyncpg.Connection) -> None:
    error = await refusal(database.execute("insert into numbers (id) values ('secret')"))
    assert "secret" in str(error)
    ours = translate(error, "target", "settling a batch of numbers")
    assert isinstance(ours, RunError)
    assert (
        str(ours)
        == "The target database refused a statement of ours while settling a batch of numbers (SQLSTATE 22P02)."
    )
    assert isinstance(translate(TimeoutError(), "target", "loading"), WorldError)


@pytest.mark.parametrize(
    ("error", "words"),
    (
        (asyncpg.DiskFullError("canary"), "no room left on its disk"),
        (asyncpg.TooManyConnectionsError("canary"), "no memory or connections"),
        (asyncpg.LockNotAvailableError("canary"), "did not give a lock in time"),
        (asyncpg.DeadlockDetectedError("canary"), "another transaction in the way"),
        (ConnectionResetError("canary"), "was lost"),
    ),
)
def test_what_is_the_worlds_is_told_by_what_happened(error: Exception, words: str) -> None:
    ours = translate(error, "ledger", "it was in use")
    assert isinstance(ours, WorldError)
    assert words in str(ours)
    assert "canary" not in f"{ours} {ours.remedy}"
    assert "{" not in ours.remedy
