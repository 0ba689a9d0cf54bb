"""What every bus promises; see `shared/bus/port.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.bus.port import Bus, Delivery, Queue
from shared.core.errors import WorldError
from shared.core.states import RunState
from shared.messages import FinishRun, Message, PlanRun, RunChanged
from shared.messages.codec import tag_of
from tests.contract.bus.worlds import DELIVERY_LIMIT, RUN, World, command, rows

PATIENCE = 15.0


async def take(deliveries: AsyncIterator[Delivery]) -> Delivery:
    """The next delivery; a bus that delivers nothing fails the test."""
    async with asyncio.timeout(PATIENCE):
        return await anext(deliveries)


async def test_a_published_message_arrives_as_it_was(bus: Bus) -> None:
    async with bus.consume(Queue.TRANSFORM, prefetch=1) as deliveries:
        await bus.publish(rows(1))
        delivery = await take(deliveries)
        assert delivery.message == rows(1)
        assert not delivery.redelivered
        await delivery.ack()


@pytest.mark.parametrize(
    ("message", "queue"),
    (
        (PlanRun(run=RUN), Queue.PLAN),
        (command(1), Queue.EXTRACT),
        (rows(1), Queue.TRANSFORM),
        (FinishRun(run=RUN), Queue.FINISH),
    ),
    ids=lambda value: tag_of(value) if not isinstance(value, Queue) else "",
)
async def test_each_type_of_message_has_its_queue(bus: Bus, message: Message, queue: Queue) -> None:
    await bus.publish(message)
    async with bus.consume(queue, prefetch=1) as deliveries:
        assert (await take(deliveries)).message == message


async def test_one_consumer_gets_messages_in_their_order(bus: Bus) -> None:
    for seq in range(50):
        await bus.publish(command(seq))
    async with bus.consume(Queue.EXTRACT, prefetch=10) as deliveries:
        for seq in range(50):
            delivery = await take(deliveries)
            assert delivery.message == command(seq)
            await delivery.ack()


async def test_an_acknowledged_message_never_comes_again(bus: Bus) -> None:
    await bus.publish(command(1))
    await bus.publish(command(2))
    async with bus.consume(Queue.EXTRACT, prefetch=1) as deliveries:
        await (await take(deliveries)).ack()
    async with bus.consume(Queue.EXTRACT, prefetch=1) as deliveries:
        assert (await take(deliveries)).message == command(2)


async def test_a_message_put_back_comes_again_marked_as_such(bus: Bus) -> None:
    await bus.publish(command(1))
    async with bus.consume(Queue.EXTRACT, prefetch=1) as deliveries:
        await (await take(deliveries)).retry()
        again = await take(deliveries)
        assert again.message == command(1)
        assert again.redelivered
        await again.ack()


async def test_what_a_consumer_leaves_unsettled_is_delivered_again(world: World) -> None:
    first, second = world.bus(), world.bus()
    for seq in range(3):
        await first.publish(command(seq))
    async with first.consume(Queue.EXTRACT, prefetch=3) as deliveries:
        for _ in range(3):
            await take(deliveries)
    async with second.consume(Queue.EXTRACT, prefetch=3) as deliveries:
        seen = [await take(deliveries) for _ in range(3)]
        assert {str(d.message) for d in seen} == {str(command(seq)) for seq in range(3)}
        assert all(d.redelivered for d in seen)


async def test_a_message_is_a_dead_letter_once_it_came_back_more_often_than_the_limit(bus: Bus) -> None:
    await bus.publish(command(1))
    async with bus.consume(Queue.EXTRACT, prefetch=1) as deliveries:
        for _ in range(DELIVERY_LIMIT + 1):
            await (await take(deliveries)).retry()
        async with bus.dead_letters() as dead:
            letter = await take(dead)
            assert letter.message == command(1)
            await letter.ack()
        await bus.publish(command(2))
        assert (await take(deliveries)).message == command(2)


async def test_no_more_than_prefetch_messages_are_unsettled(bus: Bus) -> None:
    for seq in range(3):
        await bus.publish(command(seq))
    async with bus.consume(Queue.EXTRACT, prefetch=2) as deliveries:
        first = await take(deliveries)
        await take(deliveries)
        third = asyncio.ensure_future(anext(deliveries))
        done, _ = await asyncio.wait([third], timeout=0.1)
        assert not done
        await first.ack()
        async with asyncio.timeout(PATIENCE):
            assert (await third).message == command(2)


async def test_a_delivery_is_settled_once(bus: Bus) -> None:
    await bus.publish(command(1))
    async with bus.consume(Queue.EXTRACT, prefetch=1) as deliveries:
        delivery = await take(deliveries)
        await delivery.ack()
        with pytest.raises(RuntimeError):
            await delivery.retry()


async def test_settling_after_leaving_changes_nothing(bus: Bus) -> None:
    await bus.publish(command(1))
    async with bus.consume(Queue.EXTRACT, prefetch=1) as deliveries:
        late = await take(deliveries)
    await late.ack()
    async with bus.consume(Queue.EXTRACT, prefetch=1) as deliveries:
        assert (await take(deliveries)).message == command(1)


async def test_a_full_queue_refuses_after_the_publish_timeout(bus: Bus) -> None:
    async def fill() -> None:
        for seq in range(100):
            await bus.publish(rows(seq))

    with pytest.raises(WorldError):
        await fill()


async def test_a_publisher_waits_for_room_and_goes_on(world: World) -> None:
    producer, consumer = world.bus(), world.bus()

    async def produce() -> None:
        for seq in range(20):
            await producer.publish(rows(seq))

    seen: list[Message] = []
    async with consumer.consume(Queue.TRANSFORM, prefetch=1) as deliveries, asyncio.TaskGroup() as tasks:
        tasks.create_task(produce(), name="produce")
        while len(seen) < 20:
            delivery = await take(deliveries)
            seen.append(delivery.message)
            await delivery.ack()
    assert seen == [rows(seq) for seq in range(20)]


async def test_every_subscriber_gets_every_event_from_now_on(world: World) -> None:
    publisher, one, other = world.bus(), world.bus(), world.bus()
    states = [RunState.PLANNING, RunState.RUNNING, RunState.COMPLETED]
    await publisher.publish(RunChanged(run=RUN, state=RunState.PENDING))
    async with one.subscribe() as first, other.subscribe() as second:
        for state in states:
            await publisher.publish(RunChanged(run=RUN, state=state))
        for events in (first, second):
            async with asyncio.timeout(PATIENCE):
                seen = [await anext(events) for _ in states]
            assert seen == [RunChanged(run=RUN, state=state) for state in states]


async def test_an_event_without_subscribers_is_no_failure(bus: Bus) -> None:
    await bus.publish(RunChanged(run=RUN, state=RunState.RUNNING))


async def test_consumers_of_one_queue_share_its_messages(world: World) -> None:
    one, other = world.bus(), world.bus()
    async with one.consume(Queue.EXTRACT, prefetch=1) as first, other.consume(Queue.EXTRACT, prefetch=1) as second:
        await one.publish(command(1))
        await one.publish(command(2))
        seen = [(await take(first)).message, (await take(second)).message]
    assert sorted(map(str, seen)) == sorted(map(str, [command(1), command(2)]))


async def test_a_closed_bus_ends_its_readers_and_refuses_its_writers(bus: Bus) -> None:
    async with bus.consume(Queue.EXTRACT, prefetch=1) as deliveries:
        reading = asyncio.ensure_future(anext(deliveries, None))
        await asyncio.sleep(0)
        await bus.close()
        async with asyncio.timeout(PATIENCE):
            assert await reading is None
    with pytest.raises(WorldError):
        await bus.publish(command(1))
    with pytest.raises(WorldError):
        await bus.probe()


async def test_the_depth_of_a_queue_is_what_waits_in_it(bus: Bus) -> None:
    assert await bus.depth(Queue.EXTRACT) == 0
    for seq in range(3):
        await bus.publish(command(seq))
    assert await bus.depth(Queue.EXTRACT) == 3
    assert await bus.depth(Queue.LOAD) == 0


async def test_an_open_bus_answers(bus: Bus) -> None:
    await bus.probe()
