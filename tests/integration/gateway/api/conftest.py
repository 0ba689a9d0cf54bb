"""A gateway that listens, for every test of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness.api import Api, gateway_on


@pytest.fixture
async def api(postgres_server: str) -> AsyncIterator[Api]:
    """A gateway on a ledger of its own, over the in-process bus."""
    async with gateway_on(postgres_server) as found:
        yield found
