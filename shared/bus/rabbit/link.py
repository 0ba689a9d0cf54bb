"""One connection to the broker, made when it is needed and again when it is lost."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelInvalidStateError,
    ChannelPreconditionFailed,
    ProbableAuthenticationError,
)
from pamqp.exceptions import PAMQPException
from yarl import URL

from shared.bus.port import Queue
from shared.bus.topology import Topology
from shared.core.errors import BusUnavailable, Refused
from shared.telemetry.metrics import RECONNECTS

CONNECT_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 2.0
HEARTBEAT_SECONDS: Final = 60

LOST: Final = (AMQPError, PAMQPException, ChannelInvalidStateError, OSError, TimeoutError)
"""What the client raises when the broker or the way to it is gone."""


@contextmanager
def unavailable(doing: str) -> Iterator[None]:
    """Turn a lost broker into BusUnavailable: "`doing` failed".

    The client cancels whoever waits for an answer on a connection that it gives up. That is a loss too, and is told
    apart from a cancellation of the task itself.
    """
    try:
        yield
    except LOST as error:
        raise BusUnavailable(f"{doing} failed: RabbitMQ does not answer as it should") from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BusUnavailable(f"{doing} failed: the connection to RabbitMQ was given up") from error


class BusClosed(BusUnavailable):
    """The bus was closed by this process; nothing more is taken or given."""

    code = "bus_closed"
    remedy = "The process is stopping; nothing is to be done."


class Link:
    """A connection for one purpose, `publish` or `consume`: on a shared one a memory alarm would block both."""

    def __init__(self, url: str, topology: Topology, *, purpose: str) -> None:
        self._url = URL(url)
        self._topology = topology
        self._purpose = purpose
        self._connection: AbstractConnection | None = None
        self._opening = asyncio.Lock()
        self._closed = False
        self._declared = False
        self._was_open = False

    async def channel(self, *, confirms: bool) -> AbstractChannel:
        """A new channel on the live connection, with the topology declared.

        Raises BusUnavailable when the broker does not answer; Refused when, at first, it does not let us in or has the
        queues with other arguments.
        """
        try:
            with unavailable(f"connecting to {self._purpose}"):
                async with asyncio.timeout(CONNECT_SECONDS):
                    connection = await self._live()
                    channel = connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
                    await channel.initialize()
                    await self.declare_once(channel)
                    self._was_open = True
                    return channel
        except BusUnavailable as error:
            await self.drop()
            if not self._was_open:
                _refuse(error.__cause__)
            raise

    async def declare_once(self, channel: AbstractChannel) -> None:
        """Declare exchanges and queues unless this connection has done so."""
        if not self._declared:
            await declare(channel, self._topology)
            self._declared = True

    def forget_topology(self) -> None:
        """Declare exchanges and queues again before the next use: one of them was seen missing."""
        self._declared = False

    async def drop(self) -> None:
        """Give the connection up; the next channel makes a new one."""
        connection, self._connection, self._declared = self._connection, None, False
        if connection is not None:
            with suppress(*LOST):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await connection.close()

    async def close(self) -> None:
        """Close the connection for good."""
        self._closed = True
        await self.drop()

    async def _live(self) -> AbstractConnection:
        async with self._opening:
            if self._closed:
                raise BusClosed("the bus is closed")
            if self._connection is None or self._connection.is_closed or not self._connection.connected.is_set():
                await self._open()
            assert self._connection is not None  # noqa: S101 - `_open` sets it or raises
            return self._connection

    async def _open(self) -> None:
        if self._connection is not None:
            RECONNECTS.labels(purpose=self._purpose).inc()
            await self.drop()
        self._declared = False
        # Kept before it is there, so that one that comes to nothing is dropped like any other: left to the garbage
        # collector it would want to close itself in whatever thread that runs.
        self._connection = aio_pika.Connection(
            self._url.update_query(heartbeat=HEARTBEAT_SECONDS),
            ssl_context=ssl.create_default_context(cafile=self._url.query.get("cafile"))
            if self._url.scheme == "amqps"
            else None,
            client_properties={"connection_name": f"transfuse {self._topology.prefix} {self._purpose}"},
        )
        await self._connection.connect(timeout=CONNECT_SECONDS)


async def close_quietly(channel: AbstractChannel) -> None:
    """Close a channel that may be gone already; what was unsettled on it returns to its queue."""
    if not channel.is_closed:
        with suppress(BusUnavailable), unavailable("closing a channel"):
            async with asyncio.timeout(CLOSE_SECONDS):
                await channel.close()


async def declare(channel: AbstractChannel, topology: Topology) -> None:
    """Make every exchange and queue of the topology; nothing happens to those that are there already."""
    work = await channel.declare_exchange(topology.work, "direct", durable=True)
    await channel.declare_exchange(topology.events, "topic", durable=True)
    await channel.declare_queue(topology.dead, durable=True, arguments={**topology.dead_arguments()})
    for queue in Queue:
        made = await channel.declare_queue(
            topology.queue(queue), durable=True, arguments={**topology.work_arguments(queue)}
        )
        await made.bind(work, topology.queue(queue))


def _refuse(cause: BaseException | None) -> None:
    """Tell what waiting does not mend."""
    if isinstance(cause, AuthenticationError | ProbableAuthenticationError):
        raise Refused("RabbitMQ does not accept the user of RABBITMQ_URL", code="bus_login") from cause
    if isinstance(cause, ChannelPreconditionFailed):
        raise Refused(
            "RabbitMQ has a queue or exchange of this prefix with other arguments",
            code="bus_topology",
            remedy="Delete the queues of another version of Transfuse (the ledger knows all that they hold), "
            "or use another BUS_PREFIX.",
        ) from cause
