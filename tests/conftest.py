"""Real servers for the tests: PostgreSQL, RabbitMQ and Redis, as `make test` found or started them."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from tests.harness.databases import sweep

STANDARD_POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"

DatabaseFactory = Callable[[str], Awaitable[str]]


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """URL of a PostgreSQL superuser."""
    return os.environ.get("TRANSFUSE_TEST_POSTGRES", STANDARD_POSTGRES)


@pytest.fixture(scope="session")
def rabbitmq_url() -> str:
    """URL of a RabbitMQ virtual host; tests keep to a random prefix."""
    return os.environ.get("TRANSFUSE_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672/")


@pytest.fixture(scope="session")
def redis_url() -> str:
    """URL of a Redis server; tests keep to a random prefix."""
    return os.environ.get("TRANSFUSE_TEST_REDIS", "redis://127.0.0.1:6379/0")


@pytest.fixture
def open_path() -> Iterator[Path]:
    """An empty folder that every user can enter, as a server needs it that root starts under another user."""
    path = Path(tempfile.mkdtemp(prefix="transfuse-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def new_database(postgres_server: str) -> AsyncIterator[DatabaseFactory]:
    """Make empty databases with a given name's start; all are dropped at the end of the test."""
    made: list[str] = []
    server = await asyncpg.connect(postgres_server)

    async def create(prefix: str) -> str:
        name = f"{prefix}_{secrets.token_hex(6)}"
        await server.execute(f'create database "{name}" template template0 encoding utf8')
        made.append(name)
        return with_database(postgres_server, name)

    try:
        yield create
    finally:
        for name in made:
            await server.execute(f'drop database if exists "{name}" with (force)')
        await server.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests have to say of a success: the property `says`, which workers pass on."""
    said = [
        text
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, text in getattr(report, "user_properties", ())
        if name == "says" and getattr(report, "when", "") == "call"
    ]
    if said:
        terminalreporter.section("shown")
        for text in said:
            terminalreporter.write_line(str(text))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The process that started the workers drops what they have left on the servers."""
    if not hasattr(session.config, "workerinput"):
        server = os.environ.get("TRANSFUSE_TEST_POSTGRES", STANDARD_POSTGRES)
        with suppress(OSError):
            asyncio.run(sweep(server))
