"""An empty ledger for each test that asks for one, in one database for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from shared.settings.addresses import PostgresAddress
from tests.ledgers.ledger import Ledger, made_database, opened_ledger


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
