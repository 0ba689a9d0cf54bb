"""Roles and addresses of throw-away legacy databases."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import unquote, urlsplit

import asyncpg
import pytest

from shared.settings import PostgresAddress, Secret

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
