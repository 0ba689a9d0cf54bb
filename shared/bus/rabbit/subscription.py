"""Taking from one queue, over as many connections as it needs.

A session is one channel with one consumer. It ends when the channel or the consumer is lost, and another begins.
Between messages a watchdog asks the broker whether it still knows the consumer, and whether messages wait though none
came. A consumer that hears nothing for long subscribes anew: when a quorum queue is deleted and made again at once,
RabbitMQ 3.10 still counts its consumer but delivers nothing to it, and no question shows that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Self

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import ChannelInvalidStateError

from shared.bus.rabbit.link import BusClosed, Link, close_quietly, unavailable
from shared.core.backoff import Backoff
from shared.core.errors import BusUnavailable, MessageUnreadable
from shared.messages import Message
from shared.messages.codec import decode
from shared.runtime.cancelling import cancel_until_done
from shared.telemetry.logging import get_logger
from shared.telemetry.metrics import EVENTS_DROPPED, REDELIVERIES, UNREADABLE

log = get_logger(__name__)

SETTLE_SECONDS: Final = 10.0
_SUSPICIONS: Final = 2
_IDLE_WATCHES: Final = 4


class ConsumerStuck(BusUnavailable):
    """The consumer is registered, messages wait, and none arrives, even after subscribing anew: the process ends."""

    code = "consumer_stuck"
    remedy = "The process ends, to be started again; if that does not help, restart the RabbitMQ node."


class RabbitDelivery:
    """A delivery on one channel; see `shared.bus.port.Delivery`."""

    def __init__(self, subscription: Subscription, incoming: AbstractIncomingMessage, message: Message) -> None:
        self._subscription = subscription
        self._incoming = incoming
        self._settled = False
        self.message = message

    @property
    def redelivered(self) -> bool:
        """Whether the broker may have handed it out before."""
        return bool(self._incoming.redelivered) or bool(self._incoming.headers.get("x-delivery-count"))

    @property
    def is_lost(self) -> bool:
        """Whether its channel is gone, so that it comes again whatever is done."""
        try:
            return bool(self._incoming.channel.is_closed)
        except ChannelInvalidStateError:  # the client's way to say of a channel that it is closed
            return True

    async def ack(self) -> None:
        """Settle as done. Nothing happens if the channel is gone: it comes again and finds its batch settled."""
        self._settle()
        await self._tell(self._incoming.ack())

    async def retry(self) -> None:
        """Put back at once."""
        self._settle()
        await self._tell(self._incoming.nack(requeue=True))

    def _settle(self) -> None:
        if self._settled:
            raise RuntimeError("a delivery is settled once")
        self._settled = True
        self._subscription.settled(self)

    async def _tell(self, telling: Awaitable[None]) -> None:
        try:
            with unavailable("settling a delivery"):
                async with asyncio.timeout(SETTLE_SECONDS):
                    await telling
        except BusUnavailable as error:
            log.warning("a delivery was lost before it was settled; it comes again", error=error)


class Subscription:
    """An endless iterator over the deliveries of one queue.

    Raises ConsumerStuck or Refused when going on is of no use. Without acknowledgements (`no_ack`) it keeps at most
    `backlog` deliveries for a slow reader and drops the rest.
    """

    def __init__(
        self,
        link: Link,
        open_queue: Callable[[AbstractChannel], Awaitable[AbstractQueue]],
        *,
        label: str,
        prefetch: int,
        watch_seconds: float,
        no_ack: bool = False,
        backlog: int = 0,
    ) -> None:
        self._link = link
        self._open_queue = open_queue
        self._label = label
        self._prefetch = prefetch
        self._watch_seconds = watch_seconds
        self._no_ack = no_ack
        self._backlog = backlog
        self._arrived: asyncio.Queue[RabbitDelivery | BaseException] = asyncio.Queue()
        self._unsettled: set[RabbitDelivery] = set()
        self._began = asyncio.Event()
        self._lost = asyncio.Event()
        self._heard = False
        self._suspicions = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        # Not a TaskGroup: it would wrap whatever the body of the `async with` raises. The task is awaited in
        # `__aexit__`, and its own failure reaches the reader through `_arrived`.
        self._task = asyncio.create_task(self._run(), name=f"consume {self._label}")
        try:
            await self._began.wait()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._task is not None:
            await cancel_until_done(self._task)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> RabbitDelivery:
        while True:
            arrived = await self._arrived.get()
            if isinstance(arrived, BaseException):
                self._arrived.put_nowait(arrived)
                if isinstance(arrived, BusClosed):
                    raise StopAsyncIteration
                raise arrived
            if self._no_ack or not arrived.is_lost:
                return arrived

    def settled(self, delivery: RabbitDelivery) -> None:
        """Forget a delivery that its taker has settled."""
        self._unsettled.discard(delivery)

    async def _run(self) -> None:
        """Session after session, until cancelled or of no use."""
        backoff = Backoff(first_seconds=0.1, most_seconds=10.0)
        try:
            while True:
                try:
                    with unavailable(f"consuming {self._label}"):
                        await self._session()
                    backoff.reset()
                except (BusClosed, ConsumerStuck):
                    raise
                except BusUnavailable as error:
                    log.warning("a consumer was lost; subscribing anew", queue=self._label, error=error)
                await asyncio.sleep(backoff.next_seconds())
        except Exception as error:  # noqa: BLE001 - whatever it is, the reader must hear of it
            self._arrived.put_nowait(error)
            self._began.set()

    async def _session(self) -> None:
        """Consume on one channel until it is lost."""
        channel = await self._link.channel(confirms=False)
        try:
            self._lost.clear()
            underlay = await channel.get_underlay_channel()
            underlay.on_consumer_cancel_callbacks.add(lambda _frame: self._lose())
            channel.close_callbacks.add(lambda *_: self._lose())
            await channel.set_qos(prefetch_count=self._prefetch)
            queue = await self._open_queue(channel)
            await self._consume(queue)
            self._began.set()
            await self._watch(channel, queue.name)
        finally:
            await close_quietly(channel)
            self._unsettled.clear()

    async def _consume(self, queue: AbstractQueue) -> None:
        await queue.consume(self._receive, no_ack=self._no_ack)

    def _lose(self) -> None:
        self._link.forget_topology()
        self._lost.set()

    async def _receive(self, incoming: AbstractIncomingMessage) -> None:
        """Take one message from the client. No await before `put`: the order of arrival is kept."""
        self._heard, self._suspicions = True, 0
        try:
            message = decode(incoming.type, incoming.body)
        except MessageUnreadable as error:
            await self._put_aside(incoming, error)
            return
        delivery = RabbitDelivery(self, incoming, message)
        if delivery.is_lost and not self._no_ack:
            return
        if delivery.redelivered:
            REDELIVERIES.labels(queue=self._label).inc()
        if not self._no_ack:
            self._unsettled.add(delivery)
        elif self._arrived.qsize() >= self._backlog:
            EVENTS_DROPPED.inc()
            return
        self._arrived.put_nowait(delivery)

    async def _put_aside(self, incoming: AbstractIncomingMessage, error: MessageUnreadable) -> None:
        """Make a dead letter of what does not decode; in the queue of dead letters, drop it."""
        UNREADABLE.labels(queue=self._label).inc()
        log.error("a message does not decode", queue=self._label, error=error, body_bytes=len(incoming.body))
        if not self._no_ack:
            with suppress(BusUnavailable), unavailable("putting a message aside"):
                await incoming.reject(requeue=False)

    async def _watch(self, channel: AbstractChannel, name: str) -> None:
        """Return when the consumer is lost or has to subscribe anew; raise ConsumerStuck if that did not help."""
        idle_count = 0
        while not await self._lost_within_watch():
            idle_count = 0 if self._heard or self._unsettled or self._no_ack else idle_count + 1
            if await self._is_consuming(channel, name):
                self._suspicions = 0
                if idle_count < _IDLE_WATCHES:
                    continue
                return
            self._suspicions += 1
            if self._suspicions >= _SUSPICIONS:
                raise ConsumerStuck(f"the consumer of {self._label} gets nothing although messages wait")
            return

    async def _lost_within_watch(self) -> bool:
        """Wait for the loss of the consumer, as long as the watchdog sleeps."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._watch_seconds):
                await self._lost.wait()
        return self._lost.is_set()

    async def _is_consuming(self, channel: AbstractChannel, name: str) -> bool:
        """Whether the broker knows a consumer and, if messages wait, has room or has given some since last asked."""
        async with asyncio.timeout(SETTLE_SECONDS):
            underlay = await channel.get_underlay_channel()
            queue = await underlay.queue_declare(name, passive=True)
        heard, self._heard = self._heard, False
        waiting = bool(queue.message_count) and not self._unsettled and self._arrived.empty()
        return bool(queue.consumer_count) and (heard or not waiting)
