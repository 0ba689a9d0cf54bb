"""What the services need of a bus."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

from shared.messages import Event, Message


class Queue(StrEnum):
    """The work queues, by the last part of their name."""

    PLAN = "plan"
    EXTRACT = "extract"
    TRANSFORM = "transform"
    LOAD = "load"
    FINISH = "finish"
    UNDO = "undo"


class Delivery(Protocol):
    """One message handed to one consumer.

    Settled exactly once, by `ack` or `retry`; unsettled when its consumer ends, it is delivered again.
    """

    @property
    def message(self) -> Message:
        """The decoded message."""
        ...

    @property
    def redelivered(self) -> bool:
        """Whether the bus may have handed it out before."""
        ...

    async def ack(self) -> None:
        """The work is done and durable; never delivered again."""
        ...

    async def retry(self) -> None:
        """Put it back at once; after the topology's delivery limit it goes to the dead letters instead."""
        ...


class Bus(Protocol):
    """Publish with confirmation, consume with a bounded number of unsettled deliveries.

    Delivery is at least once. Order is kept for one consumer of one queue as long as nothing is put back. Not a store:
    every queue may be lost at any moment, and the dispatcher issues again what the ledger shows open.
    """

    async def publish(self, message: Message) -> None:
        """Route by the message's type and return when the bus has taken responsibility for it.

        Raises WorldError when it cannot be confirmed within the publish timeout (no broker, no route, queue full).
        """
        ...

    def consume(self, queue: Queue, *, prefetch: int) -> AbstractAsyncContextManager[AsyncIterator[Delivery]]:
        """Deliveries of one work queue, at most `prefetch` unsettled ones at a time.

        Survives reconnects; leaving the context returns the unsettled. The iterator ends when the bus is closed.
        """
        ...

    def dead_letters(self) -> AbstractAsyncContextManager[AsyncIterator[Delivery]]:
        """What exceeded the delivery limit, one at a time."""
        ...

    def subscribe(self) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """Every event published from now on, for this subscriber alone; events are dropped when it is slow."""
        ...

    async def depth(self, queue: Queue) -> int:
        """How many messages wait in a work queue, without those that are handed out. Raises WorldError."""
        ...

    async def probe(self) -> None:
        """Return when the bus answers, raise WorldError otherwise."""
        ...

    async def close(self) -> None:
        """Give everything back; unsettled deliveries return to their queues."""
        ...
