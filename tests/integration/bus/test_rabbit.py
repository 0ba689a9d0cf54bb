"""What the RabbitMQ bus promises when the broker, the way to it or a queue is lost."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity
from prometheus_client import REGISTRY

from shared.bus.port import Delivery, Queue
from shared.bus.rabbit import RabbitBus
from shared.bus.rabbit.subscription import ConsumerStuck, Subscription
from shared.bus.topology import Topology
from shared.core.errors import BusUnavailable, Refused
from shared.core.states import RunState
from shared.messages import Event, RunChanged
from tests.contract.bus.worlds import RUN, command, delete_topology
from tests.servers.proxy import Proxy

PATIENCE = 20.0
MakeBus = Callable[..., RabbitBus]


@pytest.fixture
async def proxy(rabbitmq_url: str) -> AsyncIterator[Proxy]:
    parts = urlsplit(rabbitmq_url)
    async with Proxy(parts.hostname or "127.0.0.1", parts.port or 5672) as running:
        yield running


@pytest.fixture
async def topology(rabbitmq_url: str) -> AsyncIterator[Topology]:
    made = Topology(prefix=f"test-{secrets.token_hex(6)}", delivery_limit=5)
    yield made
    await delete_topology(rabbitmq_url, made)


@pytest.fixture
async def make_bus(rabbitmq_url: str, proxy: Proxy, topology: Topology) -> AsyncIterator[MakeBus]:
    """Buses that reach the broker through the proxy."""
    parts = urlsplit(rabbitmq_url)
    user = f"{parts.username or 'guest'}:{parts.password or 'guest'}"
    made: list[RabbitBus] = []

    def make(*, publish_seconds: float = 10.0, watch_seconds: float = 30.0, login: str = user) -> RabbitBus:
        url = parts._replace(netloc=f"{login}@127.0.0.1:{proxy.port}").geturl()
        made.append(RabbitBus(url, topology=topology, publish_seconds=publish_seconds, watch_seconds=watch_seconds))
        return made[-1]

    yield make
    for bus in made:
        await bus.close()


async def take(deliveries: AsyncIterator[Delivery]) -> Delivery:
    async with asyncio.timeout(PATIENCE):
        return await anext(deliveries)


async def until_waiting(deliveries: Subscription, count: int) -> None:
    """Return when so many deliveries have arrived that nobody has taken."""

    async def there() -> bool:
        return deliveries._arrived.qsize() == count

    await until(there)


async def test_a_consumer_comes_back_after_its_connection_was_cut(make_bus: MakeBus, proxy: Proxy) -> None:
    bus = make_bus()
    async with bus.consume(Queue.EXTRACT, prefetch=2) as deliveries:
        await bus.publish(command(1))
        in_hand = await take(deliveries)
        proxy.cut()
        again = await take(deliveries)
        assert again.message == command(1)
        assert again.redelivered
        await in_hand.ack()
        await again.ack()
        await bus.publish(command(2))
        assert (await take(deliveries)).message == command(2)


async def test_what_waits_for_its_taker_when_the_connection_is_cut_comes_again(make_bus: MakeBus, proxy: Proxy) -> None:
    bus = make_bus()
    numbers = (1, 2, 3)
    for number in numbers:
        await bus.publish(command(number))
    async with bus.consume(Queue.EXTRACT, prefetch=3) as deliveries:
        assert isinstance(deliveries, Subscription)
        await until_waiting(deliveries, 3)
        proxy.cut()
        await until_waiting(deliveries, 6)
        for number in numbers:
            again = await take(deliveries)
            assert (again.message, again.redelivered) == (command(number), True)
            await again.ack()


async def test_an_event_that_was_heard_before_the_connection_was_cut_is_not_lost(
    make_bus: MakeBus, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, lost = asyncio.Event(), asyncio.Event()
    receive, lose = Subscription._receive, Subscription._lose

    async def hear(self: Subscription, incoming: AbstractIncomingMessage) -> None:
        await receive(self, incoming)
        heard.set()

    def notice(self: Subscription) -> None:
        lose(self)
        lost.set()

    monkeypatch.setattr(Subscription, "_receive", hear)
    monkeypatch.setattr(Subscription, "_lose", notice)
    bus = make_bus()
    event = RunChanged(run=RUN, state=RunState.RUNNING)
    async with bus.subscribe() as events, asyncio.timeout(PATIENCE):
        await bus.publish(event)
        await heard.wait()
        proxy.cut()
        await lost.wait()
        assert await anext(events) == event


async def test_a_publisher_gets_through_a_broker_that_is_gone_for_a_moment(make_bus: MakeBus, proxy: Proxy) -> None:
    bus = make_bus()
    await bus.publish(command(1))
    proxy.refuse(refuse=True)
    async with asyncio.TaskGroup() as tasks:
        publishing = tasks.create_task(bus.publish(command(2)), name="publish")
        done, _ = await asyncio.wait([publishing], timeout=0.2)
        assert not done
        proxy.refuse(refuse=False)
    async with bus.consume(Queue.EXTRACT, prefetch=2) as deliveries:
        assert (await take(deliveries)).message == command(1)
        assert (await take(deliveries)).message == command(2)


async def test_a_publish_into_a_black_hole_ends_with_its_timeout(make_bus: MakeBus, proxy: Proxy) -> None:
    bus = make_bus(publish_seconds=0.5)
    await bus.publish(command(1))
    proxy.swallow(swallow=True)
    with pytest.raises(BusUnavailable, match=r"within 0\.5 seconds"):
        await bus.publish(command(2))
    proxy.swallow(swallow=False)
    await bus.probe()


async def test_a_broker_that_is_gone_is_unavailable(make_bus: MakeBus, proxy: Proxy) -> None:
    proxy.refuse(refuse=True)
    bus = make_bus(publish_seconds=0.3)
    with pytest.raises(BusUnavailable):
        await bus.probe()
    with pytest.raises(BusUnavailable):
        await bus.publish(command(1))


async def test_a_consumer_waits_for_a_broker_that_is_not_there_yet(make_bus: MakeBus, proxy: Proxy) -> None:
    proxy.refuse(refuse=True)
    bus = make_bus()

    async def first_message() -> object:
        async with bus.consume(Queue.EXTRACT, prefetch=1) as deliveries:
            return (await take(deliveries)).message

    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(first_message(), name="read")
        done, _ = await asyncio.wait([reading], timeout=0.2)
        assert not done
        proxy.refuse(refuse=False)
        await bus.publish(command(1))
    assert reading.result() == command(1)


async def test_a_consumer_notices_that_its_queue_was_deleted_and_makes_it_again(
    make_bus: MakeBus, topology: Topology, rabbitmq_url: str
) -> None:
    bus = make_bus()
    async with bus.consume(Queue.EXTRACT, prefetch=1) as deliveries:
        await delete_queue(rabbitmq_url, topology.queue(Queue.EXTRACT))
        await until(lambda: exists(rabbitmq_url, topology.queue(Queue.EXTRACT)))
        await bus.publish(command(1))
        assert (await take(deliveries)).message == command(1)


async def test_a_consumer_that_the_broker_forgot_without_a_word_subscribes_anew(
    make_bus: MakeBus, topology: Topology, rabbitmq_url: str
) -> None:
    bus = make_bus(watch_seconds=0.25)
    async with bus.consume(Queue.EXTRACT, prefetch=1) as deliveries:
        await delete_queue(rabbitmq_url, topology.queue(Queue.EXTRACT))
        await bus.publish(command(1))
        assert (await take(deliveries)).message == command(1)


async def test_a_message_without_a_route_is_refused_and_the_queue_made_again(
    make_bus: MakeBus, topology: Topology, rabbitmq_url: str
) -> None:
    bus = make_bus()
    await bus.publish(command(1))
    await delete_queue(rabbitmq_url, topology.queue(Queue.EXTRACT))
    with pytest.raises(BusUnavailable) as caught:
        await bus.publish(command(2))
    assert caught.value.code == "no_route"
    await bus.publish(command(3))
    async with bus.consume(Queue.EXTRACT, prefetch=1) as deliveries:
        assert (await take(deliveries)).message == command(3)


async def test_a_subscriber_hears_events_again_after_its_connection_was_cut(make_bus: MakeBus, proxy: Proxy) -> None:
    bus = make_bus()
    event = RunChanged(run=RUN, state=RunState.RUNNING)
    async with bus.subscribe() as events, asyncio.TaskGroup() as tasks:
        proxy.cut()

        async def hear() -> Event:
            return await anext(events)

        hearing = tasks.create_task(hear(), name="hear")
        async with asyncio.timeout(PATIENCE):
            while not hearing.done():
                await bus.publish(event)
                await asyncio.wait([hearing], timeout=0.02)
    assert hearing.result() == event


async def test_a_message_that_does_not_decode_is_put_aside_and_counted(
    make_bus: MakeBus, topology: Topology, rabbitmq_url: str
) -> None:
    bus = make_bus()
    before = unreadable("extract"), unreadable("dead")

    async def dropped() -> bool:
        return unreadable("dead") > before[1]

    async with bus.consume(Queue.EXTRACT, prefetch=1) as deliveries:
        connection = await aio_pika.connect(rabbitmq_url)
        async with connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange(topology.work)
            await exchange.publish(aio_pika.Message(b"?", type="unheard-of.v9"), topology.queue(Queue.EXTRACT))
        await bus.publish(command(1))
        assert (await take(deliveries)).message == command(1)
    async with bus.dead_letters():
        await until(dropped)
    assert unreadable("extract") == before[0] + 1


async def test_a_wrong_password_is_refused_at_once(make_bus: MakeBus) -> None:
    bus = make_bus(login="nobody:Xq7Canary")
    with pytest.raises(Refused) as caught:
        await bus.publish(command(1))
    assert caught.value.code == "bus_login"
    with pytest.raises(Refused):
        async with bus.consume(Queue.EXTRACT, prefetch=1) as deliveries:
            await take(deliveries)


async def test_queues_of_another_making_are_refused(make_bus: MakeBus, topology: Topology, rabbitmq_url: str) -> None:
    connection = await aio_pika.connect(rabbitmq_url)
    async with connection:
        channel = await connection.channel()
        await channel.declare_queue(topology.dead, durable=True, arguments={"x-queue-type": "quorum"})
        await channel.declare_exchange(topology.work, "direct", durable=True)
        await channel.declare_exchange(topology.events, "topic", durable=True)
    with pytest.raises(Refused) as caught:
        await make_bus().publish(command(1))
    assert caught.value.code == "bus_topology"


async def test_the_watchdog_leaves_alone_who_works_on_a_message_for_long(make_bus: MakeBus, proxy: Proxy) -> None:
    watch_seconds = 0.25
    bus = make_bus(watch_seconds=watch_seconds)
    async with bus.consume(Queue.EXTRACT, prefetch=1) as deliveries:
        await bus.publish(command(1))
        held = await take(deliveries)
        await bus.publish(command(2))
        connection_count = proxy.connection_count
        await asyncio.sleep(6 * watch_seconds)
        await held.ack()
        following = await take(deliveries)
        assert following.message == command(2)
        assert proxy.connection_count == connection_count


async def test_the_watchdog_ends_a_consumer_that_gets_nothing_although_messages_wait(
    make_bus: MakeBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose_everything(*_args: object) -> None:
        return

    bus = make_bus(watch_seconds=0.05)
    monkeypatch.setattr(Subscription, "_consume", lose_everything)
    await bus.publish(command(1))
    with pytest.raises(ConsumerStuck):
        async with bus.consume(Queue.EXTRACT, prefetch=1) as deliveries:
            await take(deliveries)


def unreadable(queue: str) -> float:
    return REGISTRY.get_sample_value("transfuse_unreadable_messages_total", {"queue": queue}) or 0


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask a server until it says yes: it has no other way to tell."""
    async with asyncio.timeout(PATIENCE):
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def exists(url: str, name: str) -> bool:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        try:
            await channel.declare_queue(name, passive=True)
        except ChannelNotFoundEntity:
            return False
    return True


async def delete_queue(url: str, name: str) -> None:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        await channel.queue_delete(name)
