"""A copy of everything that the services of one installation publish: headers, properties and bodies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from shared.bus.port import Queue
from shared.bus.topology import Topology


class Firehose:
    """What was published so far."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.labels: list[str] = []

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Note one message."""
        self.bodies.append(message.body)
        self.labels.append(repr((message.routing_key, message.info(), message.headers)))


@asynccontextmanager
async def firehose(url: str, topology: Topology) -> AsyncIterator[Firehose]:
    """Listen beside the services; their exchanges must be there."""
    found = Firehose()
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True, auto_delete=True)
        for kind in Queue:
            await queue.bind(topology.work, routing_key=topology.queue(kind))
            await queue.bind(topology.work, routing_key=kind.value)
        await queue.bind(topology.events, routing_key="#")
        await queue.consume(found.take, no_ack=True)
        yield found
