from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest

from shared.core.errors import Refused, TransfuseError, WorldError
from shared.postgres.pools import Session, connect, open_pool
from shared.settings import PostgresAddress
from tests.integration.extractor.conftest import RoleFactory, address_of

HOSTILE = """
alter role "{role}" set "DateStyle" = 'German, DMY';
alter role "{role}" set "TimeZone" = 'Asia/Kathmandu';
alter role "{role}" set "IntervalStyle" = 'sql_standard';
alter role "{role}" set extra_float_digits = -15;
alter role "{role}" set bytea_output = 'escape';
alter role "{role}" set lc_monetary = 'C';
alter role "{role}" set search_path = 'nowhere';
alter role "{role}" set statement_timeout = 1;
alter role "{role}" set standard_conforming_strings = off;
alter role "{role}" set default_transaction_read_only = off;
"""
VALUES = """select timestamptz '2024-02-03 04:05:06+00' || ' ' || interval '1 day -02:00' || ' ' || 0.1::float8 || ' '
|| '\\xff'::bytea || ' ' || date '2024-02-03' || ' ' || current_setting('search_path')"""
EXPECTED = "2024-02-03 04:05:06+00 1 day -02:00:00 0.1 \\xff 2024-02-03 pg_catalog"


async def test_a_role_cannot_change_the_text_of_values_by_its_defaults(new_role: RoleFactory, legacy_url: str) -> None:
    role = await new_role("hostile")
    server = await asyncpg.connect(legacy_url)
    await server.execute(HOSTILE.format(role=role))
    await server.close()
    connection = await connect(address_of(legacy_url, user=role, password="reader"), "legacy", Session(read_only=True))
    try:
        assert await connection.fetchval(VALUES) == EXPECTED
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("create table public.t (i int)")
    finally:
        await connection.close()


async def test_a_connection_that_was_given_back_keeps_its_settings(new_role: RoleFactory, legacy_url: str) -> None:
    role = await new_role("hostile")
    server = await asyncpg.connect(legacy_url)
    await server.execute(HOSTILE.format(role=role))
    await server.close()
    async with open_pool(address_of(legacy_url, user=role, password="reader"), "legacy", Session(), most=1) as pool:
        backends = []
        for _ in range(2):
            async with pool.acquire() as connection:
                assert await connection.fetchval(VALUES) == EXPECTED
                backends.append(await connection.fetchval("select pg_backend_pid()"))
        assert backends[0] == backends[1]


async def test_a_session_ends_a_statement_that_takes_too_long(legacy_url: str) -> None:
    address = address_of(legacy_url)
    connection = await connect(address, "legacy", Session(statement_seconds=0.05))
    try:
        with pytest.raises(asyncpg.QueryCanceledError):
            await connection.execute("select pg_sleep(10)")
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("change", "kind", "code"),
    (
        ({"port": 1}, WorldError, "legacy_unreachable"),
        ({"host": "/nonexistent"}, WorldError, "legacy_unreachable"),
        ({"database": "no such database"}, Refused, "no_database"),
        ({"user": "no such role"}, Refused, "role_refused"),
        ({"sslmode": "verify-full"}, Refused, "tls_refused"),
    ),
)
async def test_a_refused_connection_says_what_to_mend_and_no_more(
    legacy_url: str, change: dict[str, object], kind: type[TransfuseError], code: str
) -> None:
    known = address_of(legacy_url)
    fields = {name: getattr(known, name) for name in known.__struct_fields__}
    with pytest.raises(kind) as caught:
        await connect(PostgresAddress(**(fields | change)), "legacy", Session())
    assert caught.value.code == code
    assert caught.value.remedy != kind.remedy
    assert "no such" not in str(caught.value)


@asynccontextmanager
async def scripted_server(*, answer: bytes | None) -> AsyncIterator[PostgresAddress]:
    """A server that answers every start-up packet with the same bytes, or never."""
    served = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        packet = await start_packet(reader)
        if packet[:4] == (80877103).to_bytes(4, "big"):  # SSLRequest
            writer.write(b"N")
            await start_packet(reader)
        if answer is not None:
            writer.write(answer)
            await writer.drain()
        await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        served.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield PostgresAddress(host="127.0.0.1", port=port, database="d", user="u")
        await served.wait()


async def start_packet(reader: asyncio.StreamReader) -> bytes:
    """The body of a packet without a type."""
    length = int.from_bytes(await reader.readexactly(4), "big")
    return await reader.readexactly(length - 4)


def refusal(sqlstate: str, text: str) -> bytes:
    """An ErrorResponse of the protocol."""
    fields = b"SFATAL\0VFATAL\0C" + sqlstate.encode() + b"\0M" + text.encode() + b"\0\0"
    return b"E" + (len(fields) + 4).to_bytes(4, "big") + fields


async def test_a_wrong_password_is_named_without_the_servers_text() -> None:
    async with scripted_server(answer=refusal("28P01", 'password authentication failed for user "jane"')) as address:
        with pytest.raises(Refused) as caught:
            await connect(address, "legacy", Session())
    assert caught.value.code == "wrong_password"
    assert "jane" not in str(caught.value) + caught.value.remedy


async def test_a_server_without_room_is_waited_for() -> None:
    async with scripted_server(answer=refusal("53300", "sorry, too many clients already")) as address:
        with pytest.raises(WorldError, match="53300"):
            await connect(address, "legacy", Session())


async def test_a_black_hole_is_given_up_after_the_connect_timeout() -> None:
    async with scripted_server(answer=None) as address:
        with pytest.raises(WorldError):
            await connect(address, "legacy", Session(connect_seconds=0.2))


async def test_a_pool_gives_the_same_errors() -> None:
    address = PostgresAddress(host="127.0.0.1", port=1, database="d", user="u")
    async with open_pool(address, "ledger", Session()) as pool:
        with pytest.raises(WorldError) as caught:
            await pool.probe()
    assert caught.value.code == "ledger_unreachable"
