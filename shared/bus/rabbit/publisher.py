"""Publishing with confirms: a message is out when the broker says so, and only then."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from aio_pika import DeliveryMode
from aio_pika import Message as AmqpMessage
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import DeliveryError, PublishError

from shared.bus.port import Queue
from shared.bus.rabbit.link import Link, close_quietly, unavailable
from shared.bus.topology import Topology, queue_of
from shared.core.backoff import Backoff
from shared.core.errors import BusUnavailable
from shared.messages import Message
from shared.messages.codec import CONTENT_TYPE, encode, tag_of
from shared.telemetry.metrics import PUBLISH_SECONDS, PUBLISHES

PROBE_SECONDS: Final = 5.0


class Publisher:
    """Publishes on a connection of its own. `publish_seconds` bounds each message, refusals and reconnects included."""

    def __init__(self, link: Link, topology: Topology, *, publish_seconds: float) -> None:
        self._link = link
        self._topology = topology
        self._publish_seconds = publish_seconds
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()

    async def publish(self, message: Message) -> None:
        """Return when the broker has confirmed the message; see `Bus.publish`."""
        amqp, queue = _amqp(message), queue_of(message)
        label = "events" if queue is None else queue.value
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._publish_seconds):
                await self._until_confirmed(message, amqp)
        except TimeoutError as error:
            PUBLISHES.labels(queue=label, outcome="failed").inc()
            raise BusUnavailable(
                f"RabbitMQ did not confirm a message for {label} within {self._publish_seconds:g} seconds"
            ) from error
        except BusUnavailable:
            PUBLISHES.labels(queue=label, outcome="failed").inc()
            raise
        PUBLISHES.labels(queue=label, outcome="confirmed").inc()
        PUBLISH_SECONDS.labels(queue=label).observe(time.monotonic() - started)

    async def probe(self) -> None:
        """Return when the broker answers on the publishing connection, raise BusUnavailable otherwise."""
        try:
            with unavailable("asking RabbitMQ"):
                async with asyncio.timeout(PROBE_SECONDS):
                    channel = await self._link.channel(confirms=False)
                    await channel.get_exchange(self._topology.work, ensure=True)
                    await channel.close()
        except BusUnavailable:
            await self._link.drop()
            raise

    async def depth(self, queue: Queue) -> int:
        """Messages that wait in a work queue. Raises BusUnavailable, also where the queue is missing."""
        with unavailable("asking RabbitMQ for a queue"):
            async with asyncio.timeout(PROBE_SECONDS):
                channel = await self._link.channel(confirms=False)
                found = await channel.declare_queue(self._topology.queue(queue), passive=True)
                await channel.close()
        return found.declaration_result.message_count or 0

    async def _until_confirmed(self, message: Message, amqp: AmqpMessage) -> None:
        """Try until confirmed: a full queue and a lost connection are waited for, a missing route is not."""
        backoff = Backoff(first_seconds=0.05, most_seconds=1.0)
        while True:
            try:
                with unavailable("publishing"):
                    await self._once(message, amqp)
            except BusUnavailable as error:
                await self._raise_unless_passing(message, error)
            else:
                return
            await asyncio.sleep(backoff.next_seconds())

    async def _once(self, message: Message, amqp: AmqpMessage) -> None:
        channel, queue = await self._open_channel(), queue_of(message)
        name = self._topology.events if queue is None else self._topology.work
        exchange = await channel.get_exchange(name, ensure=False)
        routing_key = tag_of(message) if queue is None else self._topology.queue(queue)
        await exchange.publish(amqp, routing_key, mandatory=queue is not None)

    async def _raise_unless_passing(self, message: Message, error: BusUnavailable) -> None:
        """Return where another attempt may succeed: a full queue, a lost connection."""
        cause = error.__cause__
        if isinstance(cause, PublishError):
            self._link.forget_topology()
            raise BusUnavailable("RabbitMQ has no route for a message: its queue was lost", code="no_route") from cause
        if isinstance(cause, DeliveryError):
            queue = queue_of(message)
            PUBLISHES.labels(queue=queue.value if queue else "events", outcome="full").inc()
        elif cause is None:
            raise error
        else:
            await self._forget_channel()

    async def _open_channel(self) -> AbstractChannel:
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                self._channel = await self._link.channel(confirms=True)
            await self._link.declare_once(self._channel)
            return self._channel

    async def _forget_channel(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            await close_quietly(channel)


def _amqp(message: Message) -> AmqpMessage:
    durable = queue_of(message) is not None
    return AmqpMessage(
        encode(message),
        content_type=CONTENT_TYPE,
        type=tag_of(message),
        delivery_mode=DeliveryMode.PERSISTENT if durable else DeliveryMode.NOT_PERSISTENT,
    )
