"""RabbitMQ, Redis and the ledger go away in the middle of runs: every client ends with the ledger's final state."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import pytest

from shared.bus.port import Bus
from shared.bus.rabbit import RabbitBus
from shared.bus.topology import Topology
from shared.core.counts import Counts
from shared.core.states import RunState
from shared.messages import BatchSettled, RunChanged
from shared.settings.secret import Secret
from tests.harness.services import delete_queues
from tests.harness.sockets import Client, Notifier, notifier_on, own_ledger
from tests.ledgers.ledger import Ledger, PlannedMapping, batches, ledger_on
from tests.servers.proxy import Proxy

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]
ROOMS, PER_ROOM = 5, 4


class Side:
    """Two notifiers behind proxies, their clients, and the bus of those who work, which is not disturbed."""

    def __init__(self, notifiers: list[Notifier], ledger: Ledger, bus: Bus, proxies: dict[str, Proxy]) -> None:
        self.notifiers = notifiers
        self.ledger = ledger
        self.bus = bus
        self.proxies = proxies
        self.runs: dict[UUID, UUID] = {}

    async def start(self) -> None:
        """A run of four batches in every migration."""
        for number in range(ROOMS):
            run = await self.ledger.running(PlannedMapping(name="patients", batches=4), migration=f"clinic {number}")
            found = await self.ledger.connection.fetchval("select migration_id from transfuse.run where id = $1", run)
            self.runs[found] = run

    async def settle(self, count: int) -> None:
        """Some batches, and what the loader says of each."""
        for _ in range(count):
            for ref in batches(await self.ledger.dispatch(window=1).tick()):
                await self.ledger.settle(ref)
                await self.bus.publish(BatchSettled(batch=ref, counts=Counts()))

    async def end(self) -> None:
        """All runs are over."""
        await self.ledger.dispatch().tick()
        for run in self.runs.values():
            await self.ledger.connection.execute("update transfuse.run set state = 'completed' where id = $1", run)
            await self.bus.publish(RunChanged(run=run, state=RunState.COMPLETED))


@asynccontextmanager
async def two_notifiers(postgres: str, rabbitmq: str, redis: str) -> AsyncIterator[Side]:
    topology = Topology(prefix=f"test-{secrets.token_hex(4)}")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(delete_queues, rabbitmq, topology)
        proxies, urls = {}, {}
        for name, url in (("rabbitmq", rabbitmq), ("redis", redis)):
            parts = urlsplit(url)
            proxy = await stack.enter_async_context(Proxy(parts.hostname or "", parts.port or 0))
            login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
            proxies[name], urls[name] = proxy, parts._replace(netloc=f"{login}127.0.0.1:{proxy.port}").geturl()
        database, login_ledger = await stack.enter_async_context(own_ledger(postgres))
        proxies["ledger"] = await stack.enter_async_context(Proxy(login_ledger.host, login_ledger.port))
        through = msgspec.structs.replace(login_ledger, host="127.0.0.1", port=proxies["ledger"].port)
        notifiers = []
        for _ in range(2):
            bus = await stack.enter_async_context(RabbitBus(urls["rabbitmq"], topology=topology))
            settings: dict[str, Any] = {"redis": Secret(urls["redis"]), "bus_prefix": topology.prefix}
            notifiers.append(await stack.enter_async_context(notifier_on(through, bus, **settings)))
        ledger = await stack.enter_async_context(ledger_on(database))
        working = await stack.enter_async_context(RabbitBus(rabbitmq, topology=topology))
        yield Side(notifiers, ledger, working, proxies)


@asynccontextmanager
async def watching(side: Side) -> AsyncIterator[list[tuple[Client, UUID]]]:
    """Some clients in the room of each migration, half of them at either notifier."""
    async with AsyncExitStack() as stack:
        found = []
        for migration in side.runs:
            for number in range(PER_ROOM):
                client = await stack.enter_async_context(side.notifiers[number % 2].client())
                assert await client.ask("migration:subscribe", str(migration)) == {"ok": True}
                found.append((client, migration))
        yield found


def has_read(client: Client, rows: int) -> bool:
    return bool(client.last("migration:progress")["current"] == rows)


async def all_at(clients: list[tuple[Client, UUID]], rows: int) -> None:
    await asyncio.gather(*(client.until(partial(has_read, client, rows), 60) for client, _ in clients))


async def test_two_notifiers_tell_all_of_their_clients(postgres_server: str, rabbitmq_url: str, redis_url: str) -> None:
    async with two_notifiers(postgres_server, rabbitmq_url, redis_url) as side:
        await side.start()
        async with watching(side) as clients:
            for done in range(1, 5):
                await side.settle(1)
                await all_at(clients, 10 * done)
            await side.end()
            for client, migration in clients:
                await client.until(partial(lambda one: one.count("migration:completed") == 1, client))
                assert {event["migrationId"] for event in client.heard["migration:progress"]} == {str(migration)}


@pytest.mark.parametrize("away", (("rabbitmq",), ("redis",), ("ledger",), ("rabbitmq", "redis", "ledger")))
async def test_whatever_goes_away_every_client_ends_with_the_final_state_of_the_ledger(
    postgres_server: str, rabbitmq_url: str, redis_url: str, away: tuple[str, ...]
) -> None:
    async with two_notifiers(postgres_server, rabbitmq_url, redis_url) as side:
        await side.start()
        async with watching(side) as clients:
            await side.settle(1)
            await all_at(clients, 10)
            for name in away:
                side.proxies[name].refuse(refuse=True)
            await side.settle(3)
            await side.end()
            for name in away:
                side.proxies[name].refuse(refuse=False)
            await all_at(clients, 40)
            for client, migration in clients:
                await client.until(partial(lambda one, room: one.state_of(room) == "completed", client, migration), 60)
                assert not client.gone.is_set()
                told = client.last("migration:progress")
                final = await side.ledger.progress.read(side.runs[migration])
                assert (told["seq"], told["runId"]) == (final.seq, str(final.run))
                assert (told["progress"], told["status"]["counts"]["read"]) == (100, final.counts.read)
                seqs = [event["seq"] for event in client.heard["migration:progress"]]
                assert seqs == sorted(seqs)


async def test_a_client_that_was_cut_off_comes_back_to_another_notifier_and_has_missed_nothing(
    postgres_server: str, rabbitmq_url: str, redis_url: str
) -> None:
    async with two_notifiers(postgres_server, rabbitmq_url, redis_url) as side:
        await side.start()
        (migration, *_) = side.runs
        async with side.notifiers[0].client() as client:
            await client.ask("migration:subscribe", str(migration))
            await side.settle(2)
            await side.notifiers[0].drain()
            await client.gone.wait()
            await side.settle(2)
            await side.end()
            async with side.notifiers[1].client() as back:
                assert await back.ask("migration:subscribe", str(migration)) == {"ok": True}
                await back.until(lambda: back.count("migration:completed") == 1)
                assert has_read(back, 40)
