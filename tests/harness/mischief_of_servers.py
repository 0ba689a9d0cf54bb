"""What is done to the servers themselves, and to what they hold."""

from __future__ import annotations

import os
import shutil
from uuid import UUID

import aio_pika
import asyncpg
from aio_pika.abc import AbstractIncomingMessage

from shared.bus.port import Queue
from shared.core.states import FINAL
from tests.harness.mischief import Mischief, a_while
from tests.harness.rig import Rig

WORK = (Queue.EXTRACT, Queue.TRANSFORM, Queue.LOAD)
COPIES = 8
BACKWARDS = """
update transfuse.batch set moved_at = moved_at - interval '1 hour', dispatched_at = dispatched_at - interval '1 hour'
 where run_id = $1
"""


async def the_broker_is_killed(rig: Rig, _run: UUID) -> None:
    """`kill -9`; it comes back with what it had written."""
    await rig.rabbitmq.kill()
    await rig.rabbitmq.start_again()


async def the_broker_loses_everything(rig: Rig, _run: UUID) -> None:
    """`kill -9`; it comes back without a queue."""
    await rig.rabbitmq.kill()
    await rig.rabbitmq.start()


async def queues_are_deleted(rig: Rig, _run: UUID) -> None:
    """Somebody deletes one of the work queues and all that is in it."""
    async with await aio_pika.connect(rig.rabbitmq.url) as broker:
        channel = await broker.channel()
        await channel.queue_delete(rig.topology.queue(rig.dice.choice(WORK)))


async def queues_are_purged(rig: Rig, _run: UUID) -> None:
    """Somebody empties all of them."""
    async with await aio_pika.connect(rig.rabbitmq.url) as broker:
        channel = await broker.channel()
        for queue in Queue:
            found = await channel.declare_queue(rig.topology.queue(queue), passive=True)
            await found.purge()


async def messages_come_again_in_any_order(rig: Rig, run: UUID) -> None:
    """Copies of what is on its way come twice more, shuffled."""
    taken: list[AbstractIncomingMessage] = []

    async def take(message: AbstractIncomingMessage) -> None:
        taken.append(message)

    async def enough() -> bool:
        await rig.trials.resume_expected(run)
        return len(taken) >= COPIES or await rig.trials.state(run) in FINAL

    async with await aio_pika.connect(rig.rabbitmq.url) as broker:
        channel = await broker.channel()
        exchange = await channel.get_exchange(rig.topology.work)
        queue = await channel.declare_queue(exclusive=True, auto_delete=True)
        for kind in WORK:
            await queue.bind(exchange, routing_key=rig.topology.queue(kind))
            await queue.bind(exchange, routing_key=kind.value)
        await queue.consume(take, no_ack=True)
        await rig.trials.until(enough)
        again = taken[:COPIES] * 2
        rig.dice.shuffle(again)
        for message in again:
            copy = aio_pika.Message(
                message.body, type=message.type, content_type=message.content_type, headers=message.headers
            )
            await exchange.publish(copy, routing_key=message.routing_key or "")


async def poison_is_in_the_queues(rig: Rig, _run: UUID) -> None:
    """Messages that are none of ours: an unknown type, a body that does not decode, no type at all."""
    async with await aio_pika.connect(rig.rabbitmq.url) as broker:
        channel = await broker.channel()
        for kind in WORK:
            for tag in ("unheard-of.v9", f"{kind.value}-batch.v1", None):
                body = rig.dice.randbytes(rig.dice.randint(0, 200))
                message = aio_pika.Message(body, type=tag)
                await channel.default_exchange.publish(message, routing_key=rig.topology.queue(kind))


async def postgresql_stops_at_once(rig: Rig, _run: UUID) -> None:
    """An immediate stop of the target's server, which recovers at its start."""
    await rig.postgres.kill()
    await rig.postgres.start()


async def redis_is_killed(rig: Rig, _run: UUID) -> None:
    """`kill -9`; it comes back empty."""
    await rig.redis.kill()
    await rig.redis.start()


async def the_disk_is_full(rig: Rig, _run: UUID) -> None:
    """The file system of the target's tables has no room, and has it again."""
    assert rig.disk is not None
    filler = rig.disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(rig.disk).free)
    try:
        await a_while(rig)
    finally:
        filler.unlink()


async def the_clock_jumps(rig: Rig, run: UUID) -> None:
    """The ledger's server finds itself an hour later: every step looks long ago."""
    connection = await asyncpg.connect(rig.target)
    try:
        await connection.execute(BACKWARDS, run)
    finally:
        await connection.close()


KINDS: tuple[Mischief, ...] = (
    the_broker_is_killed,
    the_broker_loses_everything,
    queues_are_deleted,
    queues_are_purged,
    messages_come_again_in_any_order,
    poison_is_in_the_queues,
    postgresql_stops_at_once,
    redis_is_killed,
    the_disk_is_full,
    the_clock_jumps,
)
