"""Whether a server that runs already lets us do what the tests do."""

import getpass
from collections.abc import Awaitable, Callable

import aio_pika
import asyncpg
from aio_pika.exceptions import AMQPError
from redis.asyncio import Redis
from redis.exceptions import RedisError

PROBE_SECONDS = 5
OLDEST_POSTGRES = 130000

Probe = Callable[[str], Awaitable[str | None]]


async def postgres_accepts(url: str) -> str | None:
    """None if databases and roles can be made there, else why not, without the server's own words."""
    try:
        connection = await asyncpg.connect(url, timeout=PROBE_SECONDS, command_timeout=PROBE_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        return f"no connection ({type(error).__name__})"
    try:
        version = connection.get_server_version()
        role = await connection.fetchrow(
            "select rolsuper or (rolcreatedb and rolcreaterole) as creates from pg_roles where rolname = current_user"
        )
    finally:
        connection.terminate()
    if version.major * 10000 < OLDEST_POSTGRES:
        return f"version {version.major} is too old, 13 is needed"
    return None if role and role["creates"] else "the role may not create databases and roles"


async def rabbitmq_accepts(url: str) -> str | None:
    try:
        connection = await aio_pika.connect(url, timeout=PROBE_SECONDS)
    except (OSError, TimeoutError, AMQPError, ValueError) as error:
        return f"no connection ({type(error).__name__})"
    try:
        channel = await connection.channel()
        await channel.declare_queue(exclusive=True, timeout=PROBE_SECONDS)
    except (OSError, TimeoutError, AMQPError) as error:
        return f"no queue can be declared ({type(error).__name__})"
    finally:
        await connection.close()
    return None


async def redis_accepts(url: str) -> str | None:
    client = Redis.from_url(url, socket_connect_timeout=PROBE_SECONDS, socket_timeout=PROBE_SECONDS)
    try:
        await client.ping()
    except (OSError, TimeoutError, RedisError) as error:
        return f"no connection ({type(error).__name__})"
    finally:
        await client.aclose()
    return None


def standard_addresses(kind: str) -> list[str]:
    """Where a server of this kind usually listens on a developer's machine."""
    return {
        "postgres": [
            "postgresql://postgres@127.0.0.1:5432/postgres",
            f"postgresql://{getpass.getuser()}@/postgres?host=/var/run/postgresql",
        ],
        "rabbitmq": ["amqp://guest:guest@127.0.0.1:5672/"],
        "redis": ["redis://127.0.0.1:6379/0"],
    }[kind]
