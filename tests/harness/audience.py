"""Browsers that watch one migration through several notifiers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from uuid import UUID

from shared.ledger.snapshots import RunSnapshot
from tests.harness.sockets import Client
from tests.harness.tokens import token

END_SECONDS = 60


class Audience:
    """The browsers, all of them in the migration's room."""

    def __init__(self, migration: UUID, clients: Sequence[Client]) -> None:
        self._migration = migration
        self._clients = clients

    async def told(self, final: RunSnapshot) -> None:
        """Return when all were told the final state of a run; fails if anybody was told something older afterwards."""
        waiting = (client.until(partial(_knows, client, final), END_SECONDS) for client in self._clients)
        await asyncio.gather(*waiting)
        for client in self._clients:
            assert not client.gone.is_set()
            heard = [event for event in client.heard["migration:progress"] if event["runId"] == str(final.run)]
            assert {event["migrationId"] for event in heard} == {str(self._migration)}
            assert [event["seq"] for event in heard] == sorted(event["seq"] for event in heard)
            assert (heard[-1]["progress"], heard[-1]["status"]["counts"]["read"]) == (100, final.counts.read)


@asynccontextmanager
async def audience(migration: UUID, urls: Sequence[str], *, each: int) -> AsyncIterator[Audience]:
    """So many browsers at each notifier."""
    async with AsyncExitStack() as stack:
        clients = []
        for url in urls:
            for _ in range(each):
                client = Client()
                stack.push_async_callback(client.close)
                assert await client.connect(url, token("viewer")), client.refused
                assert await client.ask("migration:subscribe", str(migration)) == {"ok": True}
                clients.append(client)
        yield Audience(migration, clients)


def _knows(client: Client, final: RunSnapshot) -> bool:
    told = client.last("migration:progress")
    return bool((told["runId"], told["seq"], told["phase"]) == (str(final.run), final.seq, final.state.value))
