"""Servers that belong to one test alone, which may kill them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.servers.errors import ServersMissingError
from tests.servers.own import OwnPostgres, OwnRabbitMQ, OwnRedis
from tests.servers.packages import install, installed
from transfuse.embedded.postgres import free_port


@asynccontextmanager
async def own_postgres(folder: Path) -> AsyncIterator[OwnPostgres]:
    """A PostgreSQL that runs, at one port for all of its life; stopped at the end if it still does."""
    server = OwnPostgres(folder, port=free_port())
    try:
        await server.start()
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def own_rabbitmq(folder: Path) -> AsyncIterator[OwnRabbitMQ]:
    """A broker that runs; stopped at the end if it still does."""
    _here("rabbitmq")
    server = OwnRabbitMQ(folder)
    try:
        await server.start()
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def own_redis(folder: Path) -> AsyncIterator[OwnRedis]:
    """A Redis that runs and keeps nothing on disk; stopped at the end if it still does."""
    _here("redis")
    server = OwnRedis(folder)
    try:
        await server.start()
        yield server
    finally:
        await server.stop()


def _here(kind: str) -> None:
    """Skip the test where only a server elsewhere is to be had, which nobody can kill; never in CI."""
    if installed(kind) is not None:
        return
    try:
        install([kind])
    except ServersMissingError as missing:
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            raise
        pytest.skip(str(missing))
