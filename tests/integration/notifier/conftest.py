"""One notifier that listens, and its ledger under its owner's eyes, for every test of the sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness.sockets import Notifier, Sockets, sockets_on
from tests.ledgers.ledger import Ledger, ledger_on


@pytest.fixture
async def sockets(postgres_server: str) -> AsyncIterator[Sockets]:
    """A notifier on a ledger of its own, over the in-process bus."""
    async with sockets_on(postgres_server) as found:
        yield found


@pytest.fixture
def notifier(sockets: Sockets) -> Notifier:
    """That notifier."""
    return sockets.notifiers[0]


@pytest.fixture
async def ledger(sockets: Sockets) -> AsyncIterator[Ledger]:
    """The ledger, as other services would write to it."""
    async with ledger_on(sockets.database) as found:
        yield found
