"""The bus inside one process: what the embedded mode runs on. Bounded by bytes, promises as on RabbitMQ."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self, cast

from shared.bus.port import Delivery, Queue
from shared.bus.topology import Topology, queue_of
from shared.core.errors import BusUnavailable
from shared.messages import Event, Message
from shared.messages.codec import size_of
from shared.telemetry.metrics import EVENTS_DROPPED, PUBLISHES, REDELIVERIES


class _Letter:
    """A message in a queue, and how often it came back."""

    __slots__ = ("message", "returned_count", "size")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.size = size_of(message)
        self.returned_count = 0


class _Box:
    """One queue. Unsettled letters count towards its size, so that the bytes in memory are bounded.

    All services share one event loop: what happens between two awaits needs no lock.
    """

    def __init__(self, label: str, most_bytes: int) -> None:
        self.label = label
        self.letters: deque[_Letter] = deque()
        self._most_bytes = most_bytes
        self._held_bytes = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def has_room(self, size: int) -> bool:
        """Whether a letter fits; one always fits into an empty queue."""
        return self._held_bytes == 0 or self._held_bytes + size <= self._most_bytes

    def add(self, letter: _Letter) -> None:
        """Put a letter at the end."""
        self._held_bytes += letter.size
        self.letters.append(letter)
        self.notify()

    def put_back(self, letter: _Letter) -> None:
        """Put a letter that was taken at the front again."""
        self.letters.appendleft(letter)
        self.notify()

    def release(self, letter: _Letter) -> None:
        """Make room for as much as the letter took."""
        self._held_bytes -= letter.size
        self.notify()

    async def wait_until(self, holds: Callable[[], bool]) -> None:
        """Return as soon as `holds()`, looking whenever something changed; nothing runs in between."""
        while not holds():
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.add(waiting)
            try:
                await waiting
            finally:
                self._waiting.discard(waiting)

    def notify(self) -> None:
        """Let everyone who waits look again."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)


class _MemoryDelivery:
    """See `shared.bus.port.Delivery`."""

    def __init__(self, consumer: _Consumer, letter: _Letter) -> None:
        self._consumer = consumer
        self._letter = letter
        self._settled = False
        self.message = letter.message
        self.redelivered = letter.returned_count > 0

    async def ack(self) -> None:
        self._settle()
        self._consumer.done_with(self)

    async def retry(self) -> None:
        self._settle()
        self._consumer.give_back(self)

    @property
    def letter(self) -> _Letter:
        return self._letter

    def _settle(self) -> None:
        if self._settled:
            raise RuntimeError("a delivery is settled once")
        self._settled = True


class _Consumer:
    """An iterator over the deliveries of one queue, with a bounded number of unsettled ones.

    A delivery that is settled after its consumer has left was returned already: it comes again, as on a lost channel.
    """

    def __init__(self, bus: MemoryBus, box: _Box, prefetch: int) -> None:
        self._bus = bus
        self._box = box
        self._prefetch = prefetch
        self._unsettled: dict[_MemoryDelivery, None] = {}

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> _MemoryDelivery:
        await self._box.wait_until(self._may_go_on)
        if self._bus.is_closed:
            raise StopAsyncIteration
        delivery = _MemoryDelivery(self, self._box.letters.popleft())
        self._unsettled[delivery] = None
        if delivery.redelivered:
            REDELIVERIES.labels(queue=self._box.label).inc()
        return delivery

    def done_with(self, delivery: _MemoryDelivery) -> None:
        """Drop a letter."""
        if delivery in self._unsettled:
            del self._unsettled[delivery]
            self._box.release(delivery.letter)

    def give_back(self, delivery: _MemoryDelivery) -> None:
        """Return a letter to its queue, or to the dead ones."""
        if delivery in self._unsettled:
            del self._unsettled[delivery]
            self._bus.take_back(self._box, delivery.letter)

    def leave(self) -> None:
        """Return everything unsettled, in the order in which it came."""
        for delivery in reversed(list(self._unsettled)):
            self.give_back(delivery)

    def _may_go_on(self) -> bool:
        return self._bus.is_closed or (bool(self._box.letters) and len(self._unsettled) < self._prefetch)


class _Subscriber:
    """An iterator over events for one reader; beyond the backlog they are dropped."""

    def __init__(self, backlog: int) -> None:
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._backlog = backlog

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        event = await self._events.get()
        if event is None:
            self.close()
            raise StopAsyncIteration
        return event

    def offer(self, event: Event) -> None:
        """Hand an event over, or drop it."""
        if self._events.qsize() < self._backlog:
            self._events.put_nowait(event)
        else:
            EVENTS_DROPPED.inc()

    def close(self) -> None:
        """Let the reader end."""
        self._events.put_nowait(None)


class MemoryBus:
    """A bus for the services of one process. Use as an async context manager, or call `close`.

    A full queue makes the publisher wait, at most `publish_seconds`. Messages are handed over as they are: they are
    frozen. Nothing survives the process; the dispatcher issues again what the ledger shows open.
    """

    def __init__(self, *, topology: Topology | None = None, publish_seconds: float = 30.0) -> None:
        self._topology = topology or Topology(body_bytes=64 * 1024 * 1024)
        self._publish_seconds = publish_seconds
        self._boxes = {queue: _Box(queue.value, self._topology.most_bytes(queue)) for queue in Queue}
        self._dead = _Box("dead", self._topology.dead_bytes)
        self._subscribers: list[_Subscriber] = []
        self.is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def publish(self, message: Message) -> None:
        """See `Bus.publish`."""
        await self.probe()
        queue = queue_of(message)
        if queue is None:
            for subscriber in self._subscribers:
                subscriber.offer(cast("Event", message))
        else:
            await self._put(self._boxes[queue], _Letter(message))
        PUBLISHES.labels(queue="events" if queue is None else queue.value, outcome="confirmed").inc()

    @asynccontextmanager
    async def consume(self, queue: Queue, *, prefetch: int) -> AsyncIterator[AsyncIterator[Delivery]]:
        """See `Bus.consume`."""
        consumer = _Consumer(self, self._boxes[queue], prefetch)
        try:
            yield consumer
        finally:
            consumer.leave()

    @asynccontextmanager
    async def dead_letters(self) -> AsyncIterator[AsyncIterator[Delivery]]:
        """See `Bus.dead_letters`."""
        consumer = _Consumer(self, self._dead, 1)
        try:
            yield consumer
        finally:
            consumer.leave()

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[Event]]:
        """See `Bus.subscribe`."""
        subscriber = _Subscriber(self._topology.event_backlog)
        self._subscribers.append(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.remove(subscriber)

    async def depth(self, queue: Queue) -> int:
        """See `Bus.depth`."""
        await self.probe()
        return len(self._boxes[queue].letters)

    async def probe(self) -> None:
        """See `Bus.probe`."""
        if self.is_closed:
            raise BusUnavailable("the bus of this process is closed", code="bus_closed")

    async def close(self) -> None:
        """See `Bus.close`: readers end, writers are refused."""
        self.is_closed = True
        for subscriber in self._subscribers:
            subscriber.close()
        for box in (*self._boxes.values(), self._dead):
            box.notify()

    def take_back(self, box: _Box, letter: _Letter) -> None:
        """Put a letter back, or beyond the delivery limit among the dead."""
        letter.returned_count += 1
        if box is self._dead or letter.returned_count <= self._topology.delivery_limit:
            box.put_back(letter)
            return
        box.release(letter)
        letter.returned_count = 0
        self._dead.add(letter)

    async def _put(self, box: _Box, letter: _Letter) -> None:
        try:
            async with asyncio.timeout(self._publish_seconds):
                if not box.has_room(letter.size):
                    PUBLISHES.labels(queue=box.label, outcome="full").inc()
                await box.wait_until(lambda: self.is_closed or box.has_room(letter.size))
        except TimeoutError as error:
            PUBLISHES.labels(queue=box.label, outcome="failed").inc()
            raise BusUnavailable(
                f"the queue {box.label} had no room within {self._publish_seconds:g} seconds"
            ) from error
        await self.probe()
        box.add(letter)
