"""Connections to the three databases, every session with the same pinned settings whatever the role's defaults say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType

import asyncpg
import msgspec

from shared.postgres.connect_errors import connect_error
from shared.postgres.errors import DRIVER_ERRORS, Fault, fault_of, translate
from shared.postgres.sql_files import load_sql
from shared.settings.addresses import PostgresAddress

SQL = load_sql("shared.postgres", "pools.sql")

PINNED: Mapping[str, str] = MappingProxyType(
    {
        "TimeZone": "UTC",
        "DateStyle": "ISO, MDY",
        "IntervalStyle": "postgres",
        "extra_float_digits": "3",
        "bytea_output": "hex",
        "xmloption": "content",
        "lc_monetary": "C",
        "standard_conforming_strings": "on",
        "escape_string_warning": "on",
        "transform_null_equals": "off",
        "array_nulls": "on",
        "quote_all_identifiers": "off",
        "check_function_bodies": "on",
        "jit": "off",
        "tcp_keepalives_idle": "30",
        "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "3",
        "idle_session_timeout": "0",
        "transaction_timeout": "0",
    }
)
"""What every session pins: the text form of values and what ends sessions. A server skips what it does not know."""

CONNECT_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What the driver raises when it cannot connect."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """How long a session may take: `statement_seconds` and `lock_seconds` on the server, `command_seconds` at our end.

    `idle_in_transaction_seconds` 0 switches that timeout off (the snapshot's holder); `search_path` is a list of quoted
    names; `read_only` makes every transaction read only, and a policy that hides rows an error, not a silence.
    """

    statement_seconds: float = 600
    lock_seconds: float = 30
    idle_in_transaction_seconds: float = 300
    command_seconds: float = 630
    connect_seconds: float = 10
    search_path: str = "pg_catalog"
    read_only: bool = False

    def settings(self) -> dict[str, str]:
        """Every setting of the session by name."""
        return {
            **PINNED,
            "statement_timeout": _milliseconds(self.statement_seconds),
            "lock_timeout": _milliseconds(self.lock_seconds),
            "idle_in_transaction_session_timeout": _milliseconds(self.idle_in_transaction_seconds),
            "search_path": self.search_path,
            "default_transaction_read_only": "on" if self.read_only else "off",
            "row_security": "off" if self.read_only else "on",
            "default_transaction_isolation": "read committed",
            "default_transaction_deferrable": "off",
        }


async def connect(address: PostgresAddress, name: str, session: Session) -> asyncpg.Connection:
    """One connection to the database called `name` in messages (legacy, target, ledger), its session pinned.

    Raises DatabaseUnreachable (a WorldError) or ConnectionRefused (a Refused). The caller closes it.
    """
    try:
        connection = await asyncpg.connect(**connect_arguments(address, session))
    except CONNECT_ERRORS as error:
        raise connect_error(name, error) from error
    try:
        await pin(connection, session)
    except CONNECT_ERRORS as error:
        connection.terminate()
        raise connect_error(name, error) from error
    return connection


class Pool:
    """Up to `most` pinned connections to one database, opened when first used. Make it with `open_pool`."""

    def __init__(self, name: str, pool: asyncpg.Pool) -> None:
        self.name = name
        self._pool = pool

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        """One connection, given back at the end; a transaction left open is rolled back.

        Raises DatabaseUnreachable or ConnectionRefused when none can be opened, and WorldError when the block ends by
        an error of the driver that waiting may mend; other errors of statements pass as they are.
        """
        try:
            connection = await self._pool.acquire()
        except CONNECT_ERRORS as error:
            raise connect_error(self.name, error) from error
        try:
            yield connection
        except DRIVER_ERRORS as error:
            if fault_of(error) is Fault.WORLD:
                raise translate(error, self.name, "it was in use") from error
            raise
        finally:
            await self._release(connection)

    async def probe(self) -> None:
        """Return when the database answers. Raises WorldError or ConnectionRefused."""
        async with self.acquire() as connection:
            await connection.execute(SQL["probe"])

    async def _release(self, connection: asyncpg.Connection) -> None:
        try:
            await self._pool.release(connection)
        except CONNECT_ERRORS:
            # It broke while in use: whoever used it has met the error already.
            end(connection)


@asynccontextmanager
async def open_pool(address: PostgresAddress, name: str, session: Session, *, most: int = 4) -> AsyncIterator[Pool]:
    """A pool of the database called `name` in messages (legacy, target, ledger), terminated at the end.

    Sessions are not reset between uses: users work in transactions and set nothing beyond them.
    """

    async def prepare(connection: asyncpg.Connection) -> None:
        await pin(connection, session)

    async def keep(_connection: asyncpg.Connection) -> None:
        """Replace the driver's RESET ALL, which would bring the role's defaults back."""

    arguments = connect_arguments(address, session)
    pool = asyncpg.create_pool(**arguments, min_size=0, max_size=most, init=prepare, reset=keep)
    await pool
    try:
        yield Pool(name, pool)
    finally:
        pool.terminate()


def end(connection: asyncpg.Connection) -> None:
    """Drop a connection at once, whatever it is at; nothing happens to one that is gone already."""
    with suppress(asyncpg.InterfaceError):
        connection.terminate()


async def pin(connection: asyncpg.Connection, session: Session) -> None:
    """Set the session's settings, each if this server knows it."""
    settings = session.settings()
    await connection.execute(SQL["take_time"])
    await connection.execute(SQL["pin"], list(settings), list(settings.values()))


def connect_arguments(address: PostgresAddress, session: Session) -> dict[str, object]:
    """Arguments of `asyncpg.connect`: an SSLContext wherever TLS is demanded, `command_timeout` always."""
    context = address.ssl_context()
    return {
        "host": address.host,
        "port": address.port,
        "database": address.database,
        "user": address.user,
        "password": address.password.reveal() if address.password is not None else None,
        "ssl": context if context is not None else ("prefer" if address.sslmode != "disable" else False),
        "timeout": session.connect_seconds,
        "command_timeout": session.command_seconds,
        "server_settings": {"application_name": "transfuse"},
    }


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
