"""`shared.bus.port.Bus` on RabbitMQ."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Self, cast

from aio_pika.abc import AbstractChannel, AbstractQueue

from shared.bus.port import Delivery, Queue
from shared.bus.rabbit.link import Link
from shared.bus.rabbit.publisher import Publisher
from shared.bus.rabbit.subscription import Subscription
from shared.bus.topology import Topology, queue_of
from shared.messages import Event, Message

WATCH_SECONDS: Final = 30.0


class RabbitBus:
    """A bus over two connections, one to publish and one to consume; made lazily and made again when lost.

    `url` may hold a password and is never shown. Use as an async context manager, or call `close`.
    """

    def __init__(
        self,
        url: str,
        *,
        topology: Topology | None = None,
        publish_seconds: float = 30.0,
        watch_seconds: float = WATCH_SECONDS,
    ) -> None:
        self._topology = topology or Topology()
        self._watch_seconds = watch_seconds
        self._consuming = Link(url, self._topology, purpose="consume")
        self._publishing = Link(url, self._topology, purpose="publish")
        self._publisher = Publisher(self._publishing, self._topology, publish_seconds=publish_seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def publish(self, message: Message) -> None:
        """See `Bus.publish`."""
        await self._publisher.publish(message)

    @asynccontextmanager
    async def consume(self, queue: Queue, *, prefetch: int) -> AsyncIterator[AsyncIterator[Delivery]]:
        """See `Bus.consume`. Waits for the broker when it is not there yet."""
        name = self._topology.queue(queue)
        async with self._subscription(name, label=queue.value, prefetch=prefetch) as deliveries:
            yield deliveries

    @asynccontextmanager
    async def dead_letters(self) -> AsyncIterator[AsyncIterator[Delivery]]:
        """See `Bus.dead_letters`."""
        async with self._subscription(self._topology.dead, label="dead", prefetch=1) as deliveries:
            yield deliveries

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[Event]]:
        """See `Bus.subscribe`. Events published while the connection is being made again are lost."""
        subscription = Subscription(
            self._consuming,
            self._own_queue,
            label="events",
            prefetch=0,
            watch_seconds=self._watch_seconds,
            no_ack=True,
            backlog=self._topology.event_backlog,
        )
        async with subscription as deliveries:
            yield _Events(deliveries)

    async def depth(self, queue: Queue) -> int:
        """See `Bus.depth`."""
        return await self._publisher.depth(queue)

    async def probe(self) -> None:
        """See `Bus.probe`."""
        await self._publisher.probe()

    async def close(self) -> None:
        """See `Bus.close`."""
        await self._consuming.close()
        await self._publishing.close()

    def _subscription(self, name: str, *, label: str, prefetch: int) -> Subscription:
        async def open_queue(channel: AbstractChannel) -> AbstractQueue:
            return await channel.get_queue(name, ensure=False)

        return Subscription(
            self._consuming, open_queue, label=label, prefetch=prefetch, watch_seconds=self._watch_seconds
        )

    async def _own_queue(self, channel: AbstractChannel) -> AbstractQueue:
        """A queue for this subscriber alone. Exclusive: 4.3 refuses other transient queues."""
        queue = await channel.declare_queue(
            f"{self._topology.events}.{uuid.uuid4().hex}",
            exclusive=True,
            auto_delete=True,
            arguments={**self._topology.event_arguments()},
        )
        await queue.bind(self._topology.events, "#")
        return queue


class _Events:
    """The events among what a subscriber's queue delivers."""

    def __init__(self, deliveries: Subscription) -> None:
        self._deliveries = deliveries

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while True:
            delivery = await anext(self._deliveries)
            if queue_of(delivery.message) is None:
                return cast("Event", delivery.message)
