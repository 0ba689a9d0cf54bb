"""The worlds in which the buses are tried, and messages for them."""

from __future__ import annotations

import secrets
from typing import Protocol
from uuid import UUID

import aio_pika
from aio_pika.exceptions import AMQPError

from shared.bus.memory import MemoryBus
from shared.bus.port import Bus, Queue
from shared.bus.rabbit import RabbitBus
from shared.bus.topology import Topology
from shared.core.ids import BatchRef
from shared.core.states import LoadMode
from shared.messages import ExtractBatch, Message, TransformBatch

RUN = UUID("6f1fca6b-9f4a-4a6e-8a53-0d8d9f6c2a11")
DELIVERY_LIMIT = 2
BODY_BYTES = 100_000


class World(Protocol):
    """A broker on which any number of processes may meet."""

    publish_seconds: float

    def bus(self) -> Bus:
        """The bus as one process sees it."""
        ...


class MemoryWorld:
    publish_seconds = 0.5

    def __init__(self) -> None:
        topology = Topology(delivery_limit=DELIVERY_LIMIT, body_bytes=3 * BODY_BYTES)
        self._bus = MemoryBus(topology=topology, publish_seconds=self.publish_seconds)

    def bus(self) -> Bus:
        return self._bus

    async def close(self) -> None:
        await self._bus.close()


class RabbitWorld:
    publish_seconds = 1.0

    def __init__(self, url: str) -> None:
        self._url = url
        self.topology = Topology(
            prefix=f"test-{secrets.token_hex(6)}", delivery_limit=DELIVERY_LIMIT, body_bytes=3 * BODY_BYTES
        )
        self._buses: list[RabbitBus] = []

    def bus(self) -> Bus:
        bus = RabbitBus(self._url, topology=self.topology, publish_seconds=self.publish_seconds)
        self._buses.append(bus)
        return bus

    async def close(self) -> None:
        for bus in self._buses:
            await bus.close()
        await delete_topology(self._url, self.topology)


async def delete_topology(url: str, topology: Topology) -> None:
    """Remove what a test made. `if_unused` must be off: quorum queues refuse it by closing the connection."""
    connection = await aio_pika.connect(url)
    async with connection:
        for name in (*(topology.queue(queue) for queue in Queue), topology.dead):
            channel = await connection.channel()
            try:
                await channel.queue_delete(name)
            except AMQPError:
                continue
        channel = await connection.channel()
        await channel.exchange_delete(topology.work)
        await channel.exchange_delete(topology.events)


def command(seq: int) -> Message:
    """A small message."""
    return ExtractBatch(batch=BatchRef(run=RUN, mapping="patients", seq=seq, generation=0))


def rows(seq: int) -> Message:
    """A message with a body, three of which fill a queue."""
    batch = BatchRef(run=RUN, mapping="patients", seq=seq, generation=0)
    return TransformBatch(batch=batch, mode=LoadMode.INSERT, row_count=1, body=bytes(BODY_BYTES))
